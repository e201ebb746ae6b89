"""The single comparisons that a row's decision consists of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.relations import Decision, Verdict
from harness.verdicts import Row, published_effect


@dataclass(frozen=True)
class Part:
    """One of the comparisons that a relation consists of.

    Attributes:
        decision: The comparison's own.
        metric: What it compares.
        published: The paper's own effect, where it gives figures for both arms.
    """

    decision: Decision
    metric: str
    published: float | None

    @property
    def brief(self) -> str:
        """The label without what times were seen on and without the references of a ranking."""
        label = self.decision.label
        return label.partition(" (")[0] if self.decision.effect_kind in ("ratio", "correlation") else label


def comparisons(row: Row) -> list[Part]:
    """The single comparisons of a row's decision, the nested ones too, and a rank correlation before its pairs."""
    return [_part(row, decision) for decision in _flat(row.decision)] if row.decision else []


def deciding(row: Row) -> Part | None:
    """The comparison whose effect the row shows: the one most clearly against where the claim is refuted, else the
    weakest, as :func:`harness.relations.conjunction.combine` has it; ``None`` without a decision."""
    decision = row.decision
    if decision is None:
        return None
    while not _single(decision):
        if decision.verdict is Verdict.REFUTED:
            decision = min(decision.parts, key=lambda part: _or_one(part.pvalue_against))
        else:
            decision = max(decision.parts, key=lambda part: _or_one(part.pvalue))
    return _part(row, decision)


def _flat(decision: Decision) -> Iterator[Decision]:
    if _single(decision):
        yield decision
    for part in decision.parts:
        yield from _flat(part)


def _single(decision: Decision) -> bool:
    """Whether it is a comparison of its own: one without parts, or a rank correlation, whose parts are pairs."""
    ranking = decision.effect_kind == "correlation"
    return not decision.parts or (ranking and all(part.effect_kind != "correlation" for part in decision.parts))


def _part(row: Row, decision: Decision) -> Part:
    metric = decision.measure or row.metric
    published = None
    if decision.compares and metric == row.metric:
        published = published_effect(row.arms, decision.compares, decision.effect_kind, decision.target)
    return Part(decision, metric, published)


def _or_one(pvalue: float | None) -> float:
    return 1.0 if pvalue is None else pvalue
