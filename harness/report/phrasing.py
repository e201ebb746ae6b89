"""How outcomes are put in words, the same in the terminal, in Markdown and in the HTML report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.relations import Decision, MeasuredContrast, Verdict
from harness.report import findings, numerals
from harness.report.numerals import duration, figure
from harness.report.parts import Part, comparisons, deciding
from harness.verdicts import Agreement, Arm, Row

MARKS: Mapping[Verdict, str] = {
    Verdict.SUPPORTED: "✓",
    Verdict.REFUTED: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_RUN: "–",
    Verdict.ERROR: "!",
}
"""A sign for each verdict, so that colour is never the only difference."""

MEANINGS: Mapping[Verdict, str] = {
    Verdict.SUPPORTED: "the claim was shown to hold for these arms, at this scale, on this evidence",
    Verdict.REFUTED: "the claim was shown not to hold for these arms, at this scale, on this evidence",
    Verdict.INCONCLUSIVE: "neither was shown with these seeds; the claim may hold or not",
    Verdict.NOT_RUN: "nothing was trained for it; the reason stands with it",
    Verdict.ERROR: "a run failed or its values cannot be compared; this says nothing about the claim",
}

EVIDENCE: Mapping[str, str] = {
    "real": "the paper's own data sets",
    "substituted": "real data, but another data set in place of one of the paper's",
    "phantom": "generated images; says whether the harness sees such an effect, not whether medicine does",
}

SCALE: Mapping[str, str] = {
    "paper": "the published networks with the published budget",
    "reduced": "the published networks with a part of the published budget",
    "desk": "small networks on small images, trained on a CPU for a minute or more each; not the paper's networks",
    "smoke": "tiny networks and images on a CPU; tests the path from data to verdict, not the paper's networks",
}

BRIEFLY: Mapping[str, str] = {
    "phantom": " (generated images)",
    "desk": " (small networks)",
    "smoke": " (tiny networks)",
}
"""What a reader must not overlook, for a line that has no room for more."""

INTERVAL = "two one-sided bounds, each at its own level; not symmetric"
"""What stands in brackets behind an effect."""


def metric_base(metric: str) -> str:
    """The name of the curve behind a metric: ``time:Dice.fluid>=0.4`` and ``trend:mIoU`` lose what is around it."""
    return metric.rpartition(":")[2].partition(">")[0]


def threshold(metric: str) -> float | None:
    """The value that a ``time:`` metric waits for."""
    if not metric.startswith("time:") or ">" not in metric:
        return None
    return float(metric.partition(">")[2].removeprefix("="))


def metric_title(metric: str) -> str:
    """A metric in words.

    >>> metric_title("time:Dice.fluid>=0.4"), metric_title("trend:mIoU"), metric_title("IoU.fluid")
    ('epochs to Dice.fluid ≥ 0.4', 'trend of mIoU', 'IoU.fluid')
    >>> metric_title("gap:kappa")
    'kappa of training minus validation'
    """
    kind, _, rest = metric.rpartition(":")
    if kind == "time":
        name, _, bound = rest.partition(">")
        return f"epochs to {name} ≥ {bound[1:]}" if bound.startswith("=") else f"epochs to {name} > {bound}"
    if kind == "gap":
        return f"{rest} of training minus validation"
    return f"trend of {rest}" if kind == "trend" else metric


def counts_epochs(metric: str) -> bool:
    """Whether a metric is a number of epochs."""
    return metric.startswith("time:")


def relation_text(row: Row) -> str:
    """The relation with its metrics in words: ``a > b and a > b [trend of mIoU]``."""
    text = row.relation
    for part in text.split("[")[1:]:
        name = part.partition("]")[0]
        text = text.replace(f"[{name}]", f"[{metric_title(name)}]")
    return text


def arm_value(arm: Arm) -> str:
    """``0.412 ± 0.031``; for times the mean of the runs that arrived."""
    whole = counts_epochs(arm.metric)
    if arm.mean is None:
        return "never" if math.inf in arm.values else "–"
    return figure(arm.mean, whole=whole) + ("" if arm.sd is None else f" ± {figure(arm.sd, whole=whole)}")


def arm_marks(arm: Arm) -> tuple[str, ...]:
    """What must not be overlooked: runs that collapsed, failed or never reached the threshold."""
    never, failed = arm.values.count(math.inf), arm.values.count(None)  # the reasons are kept once each
    missing = "failed" if arm.failed else "without a value"
    counts = ((arm.collapsed, "collapsed"), (failed, missing), (never, "never reached it"))
    return tuple(f"{count} of {arm.n} {word}" for count, word in counts if count)


def collapse_text(arm: Arm) -> str:
    """``0 of 5 collapsed, at most 45% do``: the bound that so many runs allow, with 95% confidence."""
    if arm.collapse_bound is None:
        return ""
    return f"{arm.collapsed} of {arm.n} collapsed, at most {arm.collapse_bound:.0%} do (95%)"


def arm_text(arm: Arm) -> str:
    """``pretrained 0.412 ± 0.031 (4; 1 of 4 collapsed)``."""
    return f"{arm.name} {arm_value(arm)} ({'; '.join([f'n = {arm.n}', *arm_marks(arm)])})"


def others_text(arm: Arm) -> str:
    """``mDice 0.599, mAcc 0.659``: the means of the further metrics that stand beside an arm."""
    return ", ".join(
        f"{metric_title(name)} {figure(value, whole=counts_epochs(name))}" for name, value in arm.others.items()
    )


def effect_text(row: Row) -> str:
    """The effect alone."""
    kind = row.effect_kind
    text = numerals.effect(row.effect, kind, whole=_whole(row))
    return f"τ {text}" if kind == "correlation" and row.effect is not None else text


def interval_text(row: Row) -> str:
    """``[+0.061, +0.189]``; an open end is infinite; empty without an interval."""
    if row.interval is None:
        return ""
    return numerals.interval(*row.interval, row.effect_kind, whole=_whole(row))


def decided_by(row: Row) -> str:
    """The comparison whose effect the row shows, where it is one of several or of another metric; else empty."""
    part, parts = deciding(row), comparisons(row)
    if part is None or part.decision.effect is None or row.decision is None:
        return ""
    text = part_text(row, part)
    named = len(parts) > 1 and part.decision.label != row.decision.label
    return text if named or text != part.brief else ""


def part_text(row: Row, part: Part) -> str:
    """A comparison in words, with its metric where that is not the row's or tells it from another comparison."""
    alike = sum(other.decision.label == part.decision.label for other in comparisons(row)) > 1
    metric = f" [{metric_title(part.metric)}]" if alike or part.metric != row.metric else ""
    return f"{part.brief}{metric}"


def detectable_text(row: Row) -> str:
    """What the seeds could have shown, as a clause; empty where that is not known."""
    if row.decision is None or row.decision.detectable is None:
        return ""
    size, unit = row.decision.detectable, row.decision.detectable_unit
    seeds = f"{row.seeds} seed{'' if row.seeds == 1 else 's'}"
    if unit == "margin":
        return f"{seeds} would show equal arms equivalent within ± {figure(abs(size))} in 80% of cases"
    if unit == "probability":
        return f"{seeds} would show it in 80% of cases if a pair is faster with probability {size:.2f}"
    return f"{seeds} would show an effect of {figure(size, sign=True, whole=_whole(row))} in 80% of cases"


def reason_text(row: Row) -> str:
    """Why a row is not decided and what would decide it, with its p-values and what its seeds could have shown."""
    if row.verdict is not Verdict.INCONCLUSIVE:
        return row.reason
    part = deciding(row)
    kind = findings.undecided(row, part.decision if part else None)
    said = f"{kind[:1].upper()}{kind[1:]}." if kind else ""
    tested = "; ".join(filter(None, [findings.chances(row), detectable_text(row)])) if row.reason else ""
    return " ".join(filter(None, [said, row.reason, f"{tested}." if tested else ""]))


def findings_texts(row: Row) -> list[str]:
    """What stands with the effect of the comparison that decided, one clause each, the most important first."""
    part = deciding(row)
    if part is None or row.decision is None:
        return []
    grade = findings.second_grade(row.decision)
    return [*part_findings(part.decision), *([grade] if grade else [])]


def part_findings(decision: Decision) -> list[str]:
    """What stands with the effect of one comparison, one clause each."""
    likely = findings.direction(decision)
    clauses = [
        findings.less_than_gain(decision),
        findings.converged(decision),
        findings.wins(decision),
        f"{likely} ({findings.NOT_CORRECTED})" if likely else "",
    ]
    return [clause for clause in clauses if clause]


def brief_findings(row: Row) -> list[str]:
    """The same for a table's cell: wins, a gain below the smallest one of interest, and collapsed runs."""
    part = deciding(row)
    if part is None:
        return []
    decision = part.decision
    clauses = [findings.wins(decision), findings.less_than_gain(decision), findings.collapsed(decision)]
    return [clause for clause in clauses if clause]


def expected_text(row: Row) -> str:
    """Whether the verdict is the expected one: ``as recorded``, ``as the paper says``, ``paper says SUPPORTED``."""
    if row.stamp:
        return row.stamp
    if not row.expected:
        return ""
    if row.expected == str(row.verdict):
        if row.problems:
            return "verdict as recorded, a mean is not"
        return {"golden": "as recorded", "planted": "as planted"}.get(row.expected_from, "as the paper says")
    source = {"golden": "recorded", "planted": "planted"}.get(row.expected_from, "paper says")
    return f"{source} {row.expected}"


def adjusted_text(row: Row) -> str:
    """The verdict after Holm where it differs."""
    adjusted = row.adjusted_verdict
    return f"after Holm {adjusted}" if adjusted and adjusted != str(row.verdict) else ""


def family_text(row: Row) -> str:
    """The verdict after Holm, also where it is the same; empty for a claim that belongs to no family."""
    return adjusted_text(row) or ("after Holm the same" if row.adjusted_verdict else "")


def evidence_text(row: Row) -> str:
    """``substituted: DME, DRIVE (DRIVE for STARE)``."""
    text = f"{row.evidence}: {', '.join(row.datasets)}" if row.datasets else row.evidence
    return f"{text} ({'; '.join(others)})" if (others := stand_ins(row)) else text


def place_text(row: Row) -> str:
    """``substituted, smoke scale (DRIVE for STARE)``: what a verdict rests on, without the data sets' names."""
    others = f" ({'; '.join(swaps)})" if (swaps := stand_ins(row)) else ""
    return f"{row.evidence}, {row.scale} scale{others}"


def shared_place(rows: Sequence[Row]) -> str:
    """What all rows rest on: ``smoke scale (tiny networks) · phantom (generated images): DME, DRIVE · 5 seeds``.

    Empty where scales differ, and where some rows rest on phantoms and others do not.
    """
    kinds = dict.fromkeys(row.evidence for row in rows)
    if len({row.scale for row in rows}) != 1 or (len(kinds) > 1 and "phantom" in kinds):
        return ""
    evidence = next(iter(kinds)) if len(kinds) == 1 else "real, some substituted"
    names = ", ".join(dict.fromkeys(name for row in rows for name in row.datasets))
    swaps = "; ".join(dict.fromkeys(note for row in rows for note in stand_ins(row)))
    seeds = sorted({row.seeds for row in rows if row.seeds})
    scale = f"{rows[0].scale} scale{BRIEFLY.get(rows[0].scale, '')}"
    data = f"{evidence}{BRIEFLY.get(evidence, '')}: {names}" + (f" ({swaps})" if swaps else "")
    counted = f"{'–'.join(dict.fromkeys(map(str, (seeds[0], seeds[-1]))))} seeds" if seeds else ""
    return " · ".join(filter(None, [scale, data, counted]))


def agreement_text(agreement: Agreement) -> str:
    """How far annotators agree, in one sentence that says what it means for a network."""
    count = {2: "two", 3: "three", 4: "four"}.get(len(agreement.annotators), str(len(agreement.annotators)))
    images = f"{agreement.images} test image{'' if agreement.images == 1 else 's'}"
    text = (
        f"{count} annotators of {agreement.data} ({', '.join(agreement.annotators)}) agree to "
        f"{metric_title(agreement.metric)} {figure(agreement.value)} on the {images}: about what can be asked of a "
        "network that is tested against one of them"
    )
    if agreement.labels in agreement.annotators:
        return text
    alone = " and ".join(f"{name} has {figure(value)}" for name, value in agreement.against_labels.items())
    return f"{text}; against the labels {agreement.labels!r}, on which the arms are tested, {alone}"


def contrast_text(contrast: MeasuredContrast) -> str:
    """``leak: random split less by subject +0.050 [+0.010, +0.090] mDice``, with what must be read with it."""
    bounds = numerals.interval(*contrast.interval, "difference") if contrast.interval else ""
    figures = numerals.effect(contrast.effect, "difference") if contrast.effect is not None else "not known"
    said = " ".join(
        filter(None, [f"{contrast.name}: {contrast.words}", figures, bounds, metric_title(contrast.metric)])
    )
    arms = zip((contrast.a, contrast.b), contrast.collapsed, strict=True)
    lost = ", ".join(f"{count} of {arm}" for arm, count in arms if count)
    converged = f"{findings.CONVERGED} ({lost} collapsed)" if lost else ""
    return "; ".join(filter(None, [said, contrast.reason, converged]))


def stand_ins(row: Row) -> tuple[str, ...]:
    """Which data set stands for which, and which arms were left out; not why there are phantoms, which takes longer."""
    return () if row.evidence == "phantom" else row.evidence_notes


def seeds_text(row: Row) -> str:
    """``4 of 10 seeds, decided: 6 seeds not needed``."""
    if not row.plan or not row.seeds:
        return ""
    seeds = f"{row.seeds} seed{'' if row.seeds == 1 else 's'}"
    if row.seeds == row.plan[-1]:
        return seeds
    rest = f"{row.plan[-1] - row.seeds} seed{'' if row.plan[-1] - row.seeds == 1 else 's'}"
    stopped = {"decided": f"decided: {rest} not needed", "futile": f"given up as futile: {rest} not trained"}
    return ", ".join(filter(None, [f"{row.seeds} of {row.plan[-1]} seeds", stopped.get(row.stopped, row.stopped)]))


def time_text(row: Row) -> str:
    """``trained 12 min, saved 1.5 h``."""
    parts = (("trained", row.seconds_trained), ("saved", row.seconds_saved))
    return ", ".join(f"{word} {duration(seconds)}" for word, seconds in parts if seconds) or "nothing trained"


def subjects_texts(row: Row) -> list[str]:
    """What each difference looks like when the test subjects count as a sample too; one sentence where all say it."""
    sentences = dict.fromkeys(each.sentence for each in row.over_subjects)
    if len(sentences) == 1:
        return list(sentences)
    return [f"{each.label} [{each.metric}]: {each.sentence}" for each in row.over_subjects]


def notes(row: Row) -> list[str]:
    """The row's notes, each once, without those that repeat :func:`subjects_texts` and :func:`findings_texts`."""
    repeated = [f"{each.label}: {each.sentence}" for each in row.over_subjects]
    if any(each.estimate.limited_by == "too few subjects" for each in row.over_subjects):
        repeated.append("too few subjects")
    return [
        note
        for note in dict.fromkeys(row.notes)
        if not note.startswith(tuple(repeated)) and findings.CONVERGED not in note
    ]


def cautions(rows: Sequence[Row]) -> list[str]:
    """What a reader must know before the first verdict: that a control failed, what is of smoke scale or phantoms."""
    smoke, desk = (sum(row.scale == scale for row in rows) for scale in ("smoke", "desk"))
    phantom = sum(row.evidence == "phantom" for row in rows)
    kinds = (
        (smoke, "Smoke scale", SCALE["smoke"]),
        (desk, "Desk scale", SCALE["desk"]),
        (phantom, "Phantoms", EVIDENCE["phantom"]),
    )
    stamps = [f"Every verdict here is {text}." for text in dict.fromkeys(row.stamp for row in rows) if text]
    return stamps + [f"{name} ({count} of {len(rows)} claims): {meaning}." for count, name, meaning in kinds if count]


def pairs(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values as text, nested mappings and lists in one line, without what is empty."""

    def text(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Mapping):
            return ", ".join(f"{name} {text(item)}" for name, item in value.items())
        return ", ".join(map(text, value)) if isinstance(value, (list, tuple)) else str(value)

    return [(name.replace("_", " "), text(value)) for name, value in content.items() if value not in (None, "", [], {})]


def tally(rows: Sequence[Row]) -> list[tuple[Verdict, int]]:
    """Number of rows by verdict, without the verdicts that do not occur."""
    return [(verdict, count) for verdict in MARKS if (count := sum(row.verdict == verdict for row in rows))]


def _whole(row: Row) -> bool:
    part = deciding(row)
    return counts_epochs(part.metric if part else row.metric) and row.effect_kind == "difference"
