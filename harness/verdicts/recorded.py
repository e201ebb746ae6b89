"""What is recorded of a claim: its verdict, its arms with their tolerances, and what was asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from harness.relations import Verdict
from harness.verdicts.digests import QuestionDigest
from harness.verdicts.rows import Row

SCHEMA = 1

TOLERANCE = 4.0
"""k of the tolerance k·sd·√(2/n): what two repetitions of an arm's mean may differ by."""

LEAST_TOLERANCE = 0.01
"""Another machine rounds differently, so that even an arm without spread moves a little."""


@dataclass(frozen=True)
class RecordedArm:
    """What is recorded of an arm; see :class:`harness.verdicts.rows.Arm`.

    Attributes:
        tolerance: How far the mean may be from the recorded one.
    """

    mean: float | None
    tolerance: float
    sd: float | None = None
    n: int = 0
    collapsed: int = 0
    values: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        if not math.isfinite(self.tolerance + (self.mean or 0.0)):
            raise ValueError(f"Expected a finite mean and tolerance, but got {self.mean} and {self.tolerance}.")


@dataclass(frozen=True)
class Entry:
    """What is recorded of a claim: what is compared, then what a reader of the file wants to know of it."""

    verdict: Verdict
    arms: dict[str, RecordedArm]
    question: QuestionDigest = field(default_factory=QuestionDigest)
    seeds: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    relation: str = ""
    metric: str = ""
    datasets: tuple[str, ...] = ()
    evidence_notes: tuple[str, ...] = ()
    plan: tuple[int, ...] = ()
    effect: float | None = None
    interval: tuple[float, float] | None = None
    pvalue: float | None = None
    pvalue_against: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Recording:
    """The content of a golden file."""

    claims: dict[str, Entry] = field(default_factory=dict)
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"Expected schema {SCHEMA}, but got {self.schema}.")


def entry_of(row: Row) -> Entry:
    """What is recorded of a row."""
    # An arm's own spread of 3 seeds is often far too small: |t| with 2 degrees of freedom is above 4 in 6% of cases.
    spreads = [arm.sd for arm in row.arms if arm.sd is not None]
    pooled = math.sqrt(sum(sd**2 for sd in spreads) / len(spreads)) if spreads else 0.0
    return Entry(
        verdict=row.verdict,
        arms={
            arm.name: RecordedArm(
                mean=arm.mean,
                tolerance=tolerance(max(arm.sd or 0.0, pooled), arm.n, arm.mean),
                sd=arm.sd,
                n=arm.n,
                collapsed=arm.collapsed,
                values=arm.values,
            )
            for arm in row.arms
        },
        question=row.question,
        seeds=row.seeds,
        provenance=row.provenance,
        reason=row.reason,
        relation=row.relation,
        metric=row.metric,
        datasets=row.datasets,
        evidence_notes=row.evidence_notes,
        plan=row.plan,
        effect=row.effect,
        interval=row.interval,
        pvalue=row.pvalue,
        pvalue_against=row.pvalue_against,
        seconds=row.seconds_trained + row.seconds_saved,
    )


def tolerance(sd: float | None, n: int, mean: float | None = None) -> float:
    """How far an arm's mean may be from the recorded one: k·sd·√(2/n), at least 0.01 (1% of values above 1)."""
    floor = LEAST_TOLERANCE * max(1.0, abs(mean or 0.0))
    return max(floor, TOLERANCE * (sd or 0.0) * math.sqrt(2 / max(1, n)))
