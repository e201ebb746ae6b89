"""What one comparison came to, in words: wins, direction, p-values, collapsed runs, and what an open one would take."""

from __future__ import annotations

import math

from harness.relations import Decision, Verdict
from harness.report import numerals
from harness.report.numerals import figure, pvalue
from harness.verdicts import Row

NO_VERDICT = "no verdict is likely with this spread"

CONVERGED = "among the runs that converged"

NOT_CORRECTED = "flat prior, normal noise, not corrected"


def wins(decision: Decision, *, brief: bool = False) -> str:
    """``4 of 5 seeds``, of unpaired arms ``18 of 25 pairs of runs``; empty where that was not counted.

    Args:
        decision: The comparison.
        brief: ``4 of 5`` and ``18 of 25 pairs``, for a column.
    """
    if decision.wins is None:
        return ""
    won, of = decision.wins
    paired = decision.paired and decision.effect_kind != "ratio"
    if brief:
        return f"{won} of {of}{'' if paired else ' pairs'}"
    noun = ("seed" if of == 1 else "seeds") if paired else ("pair of runs" if of == 1 else "pairs of runs")
    return f"{won} of {of} {noun}"


def interval(decision: Decision) -> str:
    """``[+0.061, +0.189]``; empty where nothing could be tested."""
    return numerals.interval(*decision.interval, decision.effect_kind) if decision.interval else ""


def direction(decision: Decision) -> str:
    """``98% likely above 0``; empty where there is no spread to tell it from."""
    if decision.direction is None or decision.effect is None:
        return ""
    share = decision.direction
    percent = ">99%" if share > 0.995 else "<1%" if share < 0.005 else f"{share:.0%}"
    bounds = decision.boundaries
    if len(bounds) == 2 and not decision.gain:
        return f"{percent} likely between {_signed(bounds[0])} and {_signed(bounds[1])}"
    bound = bounds[0] if bounds else 0.0
    above = (decision.effect > bound) == (share > 0.5)
    return f"{percent} likely {'above' if above else 'below'} {_signed(bound)}"


def less_than_gain(decision: Decision) -> str:
    """``by less than 0.05``, where a gain was shown and also that it is below the smallest one of interest."""
    return f"by less than {decision.gain:g}" if decision.gain and decision.by_less_than_gain else ""


def collapsed(decision: Decision) -> str:
    """``2 of 5 of plain collapsed``; empty where none did."""
    seen = dict(zip(decision.compares, decision.collapsed, strict=False))
    counts = [f"{count} of {decision.n} of {arm}" for arm, count in seen.items() if count]
    return f"{', '.join(counts)} collapsed" if counts else ""


def converged(decision: Decision) -> str:
    """``among the runs that converged (2 of 5 of plain collapsed)``; empty where none collapsed."""
    return f"{CONVERGED} ({seen})" if (seen := collapsed(decision)) else ""


def second_grade(decision: Decision) -> str:
    """Whether the verdict would survive a collapsed run that nobody saw; empty where that does not apply."""
    if decision.survives_collapse is None or not decision.verdict.decided:
        return ""
    holds = "holds" if decision.survives_collapse else "would not hold"
    return f"{holds} with one more run of the favoured arm, unseen and collapsed"


def chances(row: Row) -> str:
    """The p-values of the look, then those of the whole plan where they are others; empty where nothing was tested."""
    if row.decision is None or row.pvalue is None or row.pvalue_against is None:
        return ""
    text = look_chances(row.decision)
    if (row.decision.pvalue, row.decision.pvalue_against) == (row.pvalue, row.pvalue_against):
        return text
    return f"{text}; over the plan {pvalue(row.pvalue)} and {pvalue(row.pvalue_against)} (below 0.05)"


def look_chances(decision: Decision) -> str:
    """``p = 0.21 for and 0.79 against (below 0.038 decides)``, of this look and not corrected for the others."""
    if decision.pvalue is None or decision.pvalue_against is None:
        return ""
    level = f"below {pvalue(decision.alpha)} decides"
    return f"p = {pvalue(decision.pvalue)} for and {pvalue(decision.pvalue_against)} against ({level})"


def undecided(row: Row, decision: Decision | None = None, *, brief: bool = False) -> str:
    """Which kind of INCONCLUSIVE a row is, and what it would take to decide it.

    Args:
        row: The claim.
        decision: The comparison whose effect stands with it; ``None``: the row's.
        brief: Without the effect, for a line that shows it already.

    Returns:
        ``leaning for, too few seeds: +0.040 ± 0.130 against a gain of 0.05; about 12 seeds would decide``, or that no
        verdict is likely; empty for any other verdict, and where nothing could be compared.
    """
    if row.verdict is not Verdict.INCONCLUSIVE or not row.undecided or row.decision is None:
        return ""
    decision = decision or row.decision
    shown = "" if brief else _width(decision)
    if row.undecided == "no verdict likely":
        return ": ".join(filter(None, [NO_VERDICT, shown]))
    lean = leaning(row.decision)
    needed = row.decision.seeds_needed
    kind = f"{lean}, too few seeds" if lean else "too few seeds"
    would = f"about {needed} seeds would decide" if needed else ""
    rest = "; ".join(filter(None, [shown, would]))
    return ": ".join(filter(None, [kind, rest]))


def leaning(decision: Decision) -> str:
    """``leaning for`` or ``leaning against``, by the smaller p-value; empty where neither is below .5."""
    sides = ((decision.pvalue, "leaning for"), (decision.pvalue_against, "leaning against"))
    known = [(p, side) for p, side in sides if p is not None]
    smallest = min(known, default=(1.0, ""))
    return smallest[1] if smallest[0] < 0.5 and len({p for p, _ in known}) > 1 else ""


def _width(decision: Decision) -> str:
    """``+0.040 ± 0.130 against a gain of 0.05``: the effect, half of its interval, and what it is held against."""
    if decision.effect is None:
        return ""
    text = numerals.effect(decision.effect, decision.effect_kind)
    low, high = decision.interval or (-math.inf, math.inf)
    if decision.effect_kind in ("difference", "shortfall") and math.isfinite(high - low):
        text += f" ± {figure((high - low) / 2)}"
    elif decision.interval:
        text += f" {numerals.interval(low, high, decision.effect_kind)}"
    if decision.gain:
        return f"{text} against a gain of {decision.gain:g}"
    if decision.boundaries:
        return f"{text} against a margin of {abs(decision.boundaries[0]):g}"
    return text


def _signed(bound: float) -> str:
    return f"{bound:+g}".replace("-", "−") if bound else "0"
