"""The single comparisons that a row's decision consists of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.relations import EffectKind, Verdict
from harness.report.numerals import as_float, opened
from harness.verdicts import Row, published_effect


@dataclass(frozen=True)
class Part:
    """One of the comparisons that a relation consists of.

    Attributes:
        label: The comparison in words.
        kind: What its effect is.
        metric: What it compares.
        compares: The arms of a difference or a ratio, the one arm that is to reach a value; empty for a ranking.
        effect: What was observed; ``None`` without values.
        interval: Bounds of the effect, infinite where it is open; ``None`` where nothing could be tested.
        seeds: The effect of each seed, infinite where one arm never arrived.
        boundaries: Margins, as values of the effect.
        target: The value to reach.
        published: The paper's own effect, where it gives figures for both arms.
        verdict, pvalue, pvalue_against, exact_pvalue: Its own.
    """

    label: str
    kind: EffectKind
    metric: str
    compares: tuple[str, ...]
    effect: float | None
    interval: tuple[float, float] | None
    seeds: tuple[float, ...]
    boundaries: tuple[float, ...]
    target: float | None
    published: float | None
    verdict: str
    pvalue: float | None
    pvalue_against: float | None
    exact_pvalue: float | None

    @property
    def brief(self) -> str:
        """The label without what times were seen on and without the references of a ranking."""
        return self.label.partition(" (")[0] if self.kind in ("ratio", "correlation") else self.label


def comparisons(row: Row) -> list[Part]:
    """The single comparisons of a row's decision, the nested ones too, and a rank correlation before its pairs."""
    return list(_parts(row, row.decision.get("decision") or {}))


def deciding(row: Row) -> Part | None:
    """The comparison whose effect the row shows: the one most clearly against where the claim is refuted, else the
    weakest, as :func:`harness.relations.conjunction.combine` has it; ``None`` without a decision."""
    decision: Mapping[str, Any] = row.decision.get("decision") or {}
    while parts := () if _single(decision) else decision.get("parts"):
        if decision.get("verdict") == Verdict.REFUTED:
            decision = min(parts, key=lambda part: _pvalue(part, "pvalue_against"))
        else:
            decision = max(parts, key=lambda part: _pvalue(part, "pvalue"))
    return _part(row, decision) if decision else None


def _parts(row: Row, decision: Mapping[str, Any]) -> Iterator[Part]:
    if decision and _single(decision):
        yield _part(row, decision)
    for part in decision.get("parts") or ():
        yield from _parts(row, part)


def _single(decision: Mapping[str, Any]) -> bool:
    """Whether it is a comparison of its own: one without parts, or a rank correlation, whose parts are pairs."""
    parts = decision.get("parts") or ()
    ranking = decision.get("effect_kind") == "correlation"
    return not parts or (ranking and all(part.get("effect_kind") != "correlation" for part in parts))


def _part(row: Row, decision: Mapping[str, Any]) -> Part:
    kind = decision.get("effect_kind", "difference")
    metric, target = decision.get("measure") or row.metric, as_float(decision.get("target"))
    compares, bounds = tuple(decision.get("compares", ())), decision.get("interval")
    known = compares and metric == row.metric
    return Part(
        label=str(decision.get("label", "")),
        kind=kind,
        metric=metric,
        compares=compares,
        effect=as_float(decision.get("effect")),
        interval=None if bounds is None else opened(*(as_float(bound) for bound in bounds)),
        seeds=tuple(seed for value in decision.get("seed_effects", ()) if (seed := as_float(value)) is not None),
        boundaries=tuple(decision.get("boundaries", ())),
        target=target,
        published=published_effect(row.arms, compares, kind, target) if known else None,
        verdict=str(decision.get("verdict", "")),
        pvalue=as_float(decision.get("pvalue")),
        pvalue_against=as_float(decision.get("pvalue_against")),
        exact_pvalue=as_float(decision.get("exact_pvalue")),
    )


def _pvalue(decision: Mapping[str, Any], name: str) -> float:
    value = as_float(decision.get(name))
    return 1.0 if value is None else value
