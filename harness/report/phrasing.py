"""How numbers and outcomes are put in words, the same in the terminal, in Markdown and in the HTML report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.relations import EffectKind, Verdict
from harness.verdicts import Arm, Row, published_effect

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


def as_float(value: object) -> float | None:
    """A number as rows and decisions hold it: ``None`` and NaN are no number, ``"inf"`` is infinite."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def figure(value: object, *, sign: bool = False, whole: bool = False) -> str:
    """A number with as many decimals as it deserves.

    Args:
        value: A number, ``"inf"``, or ``None``.
        sign: Whether a plus is written.
        whole: Whether it counts epochs.

    >>> figure(0.41234), figure(-0.0571, sign=True), figure(1280.0, whole=True), figure(0.00031), figure(None)
    ('0.412', '−0.057', '1280', '0.00031', '–')
    """
    number = as_float(value)
    if number is None:
        return "–"
    size = abs(number)
    if math.isinf(size):
        text = "∞"
    elif (whole and size < 1e6) or 100 <= size < 1e6:
        text = f"{size:.0f}"
    elif size >= 1e6 or 0 < size < 1e-4:
        text = f"{size:.1e}"
    elif size >= 10:
        text = f"{size:.1f}"
    elif size and size < 5e-4:
        text = f"{size:.5f}"
    else:
        text = f"{size:.3f}"
    zero = not text.strip("0.")
    return ("−" if number < 0 and not zero else "+" if sign and not zero else "") + text


def duration(seconds: float) -> str:
    """Wall time, to two figures.

    >>> duration(0), duration(8.2), duration(754), duration(5400), duration(200_000)
    ('0 s', '8 s', '13 min', '1.5 h', '56 h')
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36_000 else f"{seconds / 3600:.0f} h"


def metric_base(metric: str) -> str:
    """The name of the curve behind a metric: ``reach:Dice.fluid>=0.4`` and ``trend:mIoU`` lose what is around it."""
    return metric.rpartition(":")[2].partition(">")[0]


def threshold(metric: str) -> float | None:
    """The value that a ``reach:`` metric waits for."""
    if not metric.startswith("reach:") or ">" not in metric:
        return None
    return as_float(metric.partition(">")[2].removeprefix("="))


def metric_title(metric: str) -> str:
    """A metric in words.

    >>> metric_title("reach:Dice.fluid>=0.4"), metric_title("trend:mIoU"), metric_title("IoU.fluid")
    ('epochs to Dice.fluid ≥ 0.4', 'trend of mIoU', 'IoU.fluid')
    """
    kind, _, rest = metric.rpartition(":")
    if kind == "reach":
        name, _, bound = rest.partition(">")
        return f"epochs to {name} ≥ {bound[1:]}" if bound.startswith("=") else f"epochs to {name} > {bound}"
    return f"trend of {rest}" if kind == "trend" else metric


def counts_epochs(metric: str) -> bool:
    """Whether a metric is a number of epochs."""
    return metric.startswith("reach:")


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
        return "never" if any(as_float(value) == math.inf for value in arm.values) else "–"
    return figure(arm.mean, whole=whole) + ("" if arm.sd is None else f" ± {figure(arm.sd, whole=whole)}")


def arm_marks(arm: Arm) -> tuple[str, ...]:
    """What must not be overlooked: runs that collapsed, failed or never reached the threshold."""
    never = sum(as_float(value) == math.inf for value in arm.values)
    counts = ((arm.collapsed, "collapsed"), (len(arm.failed), "failed"), (never, "never reached it"))
    return tuple(f"{count} of {arm.n} {word}" for count, word in counts if count)


def arm_text(arm: Arm) -> str:
    """``pretrained 0.412 ± 0.031 (4; 1 of 4 collapsed)``."""
    return f"{arm.name} {arm_value(arm)} ({'; '.join([f'n = {arm.n}', *arm_marks(arm)])})"


@dataclass(frozen=True)
class Part:
    """One of the comparisons that a relation consists of.

    Attributes:
        label: The comparison in words.
        kind: What its effect is.
        metric: What it compares.
        effect: What was observed; ``None`` without values.
        interval: Bounds of the effect, infinite where it is open.
        seeds: The effect of each seed, infinite where one arm never arrived.
        boundaries: Margins, as values of the effect.
        target: The value to reach.
        published: The paper's own effect, where it gives figures for both arms.
        verdict, pvalue, pvalue_against: Its own.
    """

    label: str
    kind: EffectKind
    metric: str
    effect: float | None
    interval: tuple[float, float]
    seeds: tuple[float, ...]
    boundaries: tuple[float, ...]
    target: float | None
    published: float | None
    verdict: str
    pvalue: float | None
    pvalue_against: float | None


def comparisons(row: Row) -> list[Part]:
    """The single comparisons of a row's decision, the nested ones too, and a rank correlation before its pairs."""
    return list(_parts(row, row.decision.get("decision") or {}))


def _parts(row: Row, decision: Mapping[str, Any]) -> Iterator[Part]:
    parts, kind = decision.get("parts") or (), decision.get("effect_kind", "difference")
    if decision and (not parts or kind == "correlation"):
        metric, target = decision.get("metric") or row.metric, as_float(decision.get("target"))
        compares = decision.get("compares", ()) if metric == row.metric else ()
        low, high = (as_float(bound) for bound in decision.get("interval") or (None, None))
        yield Part(
            label=str(decision.get("label", "")),
            kind=kind,
            metric=metric,
            effect=as_float(decision.get("effect")),
            interval=_opened(low, high),
            seeds=tuple(seed for value in decision.get("seed_effects", ()) if (seed := as_float(value)) is not None),
            boundaries=tuple(decision.get("boundaries", ())),
            target=target,
            published=published_effect(row.arms, compares, kind, target) if compares else None,
            verdict=str(decision.get("verdict", "")),
            pvalue=as_float(decision.get("pvalue")),
            pvalue_against=as_float(decision.get("pvalue_against")),
        )
    for part in parts:
        yield from _parts(row, part)


def deciding(row: Row) -> Part | None:
    """The comparison whose effect the row shows; ``None`` where it cannot be told."""
    found = (part for part in comparisons(row) if part.effect is not None and part.effect == row.effect)
    return next(found, None)


def effect_figure(value: object, kind: EffectKind, *, whole: bool = False) -> str:
    """An effect in its kind's form: ``+0.057``, ``2.1×`` or ``0.80``."""
    number = as_float(value)
    if number is None:
        return "–"
    if kind == "ratio":
        return "∞" if math.isinf(number) else f"{number:.1f}×" if number < 100 else f"{number:.0f}×"
    if kind == "correlation":
        return f"{number:.2f}".replace("-", "−")
    return figure(number, sign=True, whole=whole)


def effect_text(row: Row) -> str:
    """The effect alone."""
    kind = row.effect_kind
    text = effect_figure(row.effect, kind, whole=_whole(row))
    return f"τ {text}" if kind == "correlation" and row.effect is not None else text


def interval_text(row: Row) -> str:
    """``[+0.061, +0.189]``; an open end is infinite; empty without an interval."""
    if row.interval is None:
        return ""
    kind, whole = row.effect_kind, _whole(row)
    low, high = (as_float(bound) for bound in row.interval)
    if low is None and high is None:
        return ""
    return "[" + ", ".join(effect_figure(b, kind, whole=whole) for b in _opened(low, high)) + "]"


def detectable_text(row: Row) -> str:
    """What the seeds could have shown, as a clause; empty where that is not known."""
    size = as_float(row.detectable)
    if size is None:
        return ""
    unit = (row.decision.get("decision") or {}).get("detectable_unit", "difference")
    seeds = f"{row.seeds} seed{'' if row.seeds == 1 else 's'}"
    if unit == "margin":
        return f"{seeds} would show equal arms equivalent within ± {figure(abs(size))} in 80% of cases"
    if unit == "probability":
        return f"{seeds} would show it in 80% of cases if a pair is faster with probability {size:.2f}"
    return f"{seeds} would show an effect of {figure(size, sign=True, whole=_whole(row))} in 80% of cases"


def reason_text(row: Row) -> str:
    """Why a row is not decided, with its p-values and what its seeds could have shown; empty where there is no reason.

    The p-values are those of the whole plan of looks: below .05 would decide.
    """
    if not row.reason or row.verdict is not Verdict.INCONCLUSIVE or row.pvalue is None or row.pvalue_against is None:
        return row.reason
    chances = f"p = {row.pvalue:.2g} for and {row.pvalue_against:.2g} against (below 0.05 decides)"
    return f"{row.reason} {'; '.join(filter(None, [chances, detectable_text(row)]))}."


def expected_text(row: Row) -> str:
    """Whether the verdict is the expected one: ``as recorded``, ``as the paper says``, ``expected SUPPORTED``."""
    if not row.expected:
        return ""
    if row.expected == str(row.verdict):
        return "as recorded" if row.expected_from == "golden" else "as the paper says"
    return f"{'recorded' if row.expected_from == 'golden' else 'paper says'} {row.expected}"


def adjusted_text(row: Row) -> str:
    """The verdict after Holm where it differs."""
    adjusted = row.adjusted_verdict
    return f"after Holm {adjusted}" if adjusted and adjusted != str(row.verdict) else ""


def evidence_text(row: Row) -> str:
    """``real: DME, DRIVE``."""
    return f"{row.evidence}: {', '.join(row.datasets)}" if row.datasets else row.evidence


def seeds_text(row: Row) -> str:
    """``4 of 10 seeds, decided``."""
    if not row.plan or not row.seeds:
        return ""
    if row.seeds == row.plan[-1]:
        return f"{row.seeds} seeds"
    stopped = "given up as futile" if row.stopped == "futile" else row.stopped
    return ", ".join(filter(None, [f"{row.seeds} of {row.plan[-1]} seeds", stopped]))


def time_text(row: Row) -> str:
    """``trained 12 min, saved 1.5 h``."""
    parts = (("trained", row.seconds_trained), ("saved", row.seconds_saved))
    return ", ".join(f"{word} {duration(seconds)}" for word, seconds in parts if seconds) or "nothing trained"


def subjects_texts(row: Row) -> list[str]:
    """What each difference looks like when the test subjects count as a sample too; one sentence where all say it."""
    sentences = dict.fromkeys(str(found["sentence"]) for found in row.over_subjects)
    if len(sentences) == 1:
        return list(sentences)
    return [f"{found['label']} [{found['metric']}]: {found['sentence']}" for found in row.over_subjects]


def tally(rows: Sequence[Row]) -> list[tuple[Verdict, int]]:
    """Number of rows by verdict, without the verdicts that do not occur."""
    return [(verdict, count) for verdict in MARKS if (count := sum(row.verdict == verdict for row in rows))]


def _opened(low: float | None, high: float | None) -> tuple[float, float]:
    """Bounds where ``None`` is what JSON made of an infinite one."""
    return (-math.inf if low is None else low, math.inf if high is None else high)


def _whole(row: Row) -> bool:
    part = deciding(row)
    return counts_epochs(part.metric if part else row.metric) and row.effect_kind == "difference"
