"""The rows of the claim-verdict table. :mod:`harness.converter` writes them to ``verdicts.json`` and reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from harness.relations import Decision, EffectKind, MeasuredContrast, SequentialDecision, Verdict
from harness.verdicts.agreement import Agreement
from harness.verdicts.digests import QuestionDigest
from harness.verdicts.subjects import SubjectDifference

Undecided = Literal["", "too few seeds", "no verdict likely"]
"""Which kind of INCONCLUSIVE: more seeds would decide, or none that anybody trains would."""


SEEDS_APART = 1000
"""Between the first seeds of two registrations of a claim."""


def first_seed(registration: int) -> int:
    """The number of the first seed of a registration: 0, 1000, 2000 … for 1, 2, 3 …"""
    return SEEDS_APART * (registration - 1)


@dataclass(frozen=True)
class Arm:
    """One arm as measured.

    Attributes:
        metric: What ``values`` holds.
        values: One for each seed: ``None`` where the run failed, infinite for a time that was never reached.
        mean, sd: Over the seeds with a finite value; ``None`` where there are too few.
        collapsed: Number of runs that predict (nearly) one class only.
        collapse_bound: The 95% upper bound on the rate at which runs collapse; ``None`` without runs.
        failed: Reasons of the runs that failed, each once.
        keys: The runs in the store.
        others: Mean of every further metric that the relation reads, or that the claim shows beside the arms.
        published: The paper's own value for this arm, if it gives one.
        weights: What its networks and their sources took from other weights, one sentence for each.
    """

    name: str
    metric: str
    values: tuple[float | None, ...]
    mean: float | None
    sd: float | None
    n: int
    collapsed: int
    failed: tuple[str, ...]
    keys: tuple[str, ...]
    others: dict[str, float | None] = field(default_factory=dict)
    published: float | None = None
    weights: tuple[str, ...] = ()
    collapse_bound: float | None = None


@dataclass(frozen=True)
class Row:
    """One claim of the table; ``docs/verdicts-schema.md`` describes each field.

    Attributes:
        question: What was asked, as digests: two rows with the same ones answer the same question.
        verdict: The decision's, unless a run failed.
        registration: How often the claim's rule has been registered; its seeds begin at `first_seed`.
        reason: One sentence where the claim is not decided.
        standing: The decision with the looks that led to it; ``None`` where nothing ran.
        undecided: Which kind of INCONCLUSIVE; empty for another verdict, and where nothing could be compared.
        agreements: How far the annotators of the test images agree, by each metric that the claim compares at the end.
        stamp: Why no verdict of the run is to be trusted: a control failed (:mod:`harness.verdicts.controls`).
        contrasts: Differences between two arms that decide nothing.
    """

    id: str
    variant: str
    statement: str
    place: str
    relation: str
    metric: str
    scale: str
    evidence: str
    datasets: tuple[str, ...]
    evidence_notes: tuple[str, ...]
    plan: tuple[int, ...]
    verdict: Verdict
    reason: str
    question: QuestionDigest = field(default_factory=QuestionDigest)
    arms: tuple[Arm, ...] = ()
    standing: SequentialDecision | None = None
    published_effect: float | None = None
    seconds_trained: float = 0.0
    seconds_saved: float = 0.0
    expected: str = ""
    expected_from: str = ""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    adjusted_verdict: str = ""
    over_subjects: tuple[SubjectDifference, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    undecided: Undecided = ""
    agreements: tuple[Agreement, ...] = ()
    registration: int = 1
    stamp: str = ""
    contrasts: tuple[MeasuredContrast, ...] = ()

    @property
    def name(self) -> str:
        """Id with the variant in brackets."""
        return f"{self.id}[{self.variant}]" if self.variant else self.id

    @property
    def first_seed(self) -> int:
        """The number of the first seed."""
        return first_seed(self.registration)

    @property
    def key(self) -> str:
        """Name and scale: what tells two rows of one report apart."""
        return f"{self.name}@{self.scale}"

    @property
    def decision(self) -> Decision | None:
        """The decision at the last look."""
        return self.standing.decision if self.standing else None

    @property
    def effect(self) -> float | None:
        """The effect of the comparison that decided."""
        return self.decision.effect if self.decision else None

    @property
    def effect_kind(self) -> EffectKind:
        """What the effect is."""
        return self.decision.effect_kind if self.decision else "difference"

    @property
    def interval(self) -> tuple[float, float] | None:
        """The bounds of the effect; infinite where it is open."""
        return self.decision.interval if self.decision else None

    @property
    def pvalue(self) -> float | None:
        """For the claim over the whole plan of looks, to compare with .05."""
        return self.standing.pvalue if self.standing else None

    @property
    def pvalue_against(self) -> float | None:
        """Against the claim, likewise."""
        return self.standing.pvalue_against if self.standing else None

    @property
    def seeds(self) -> int:
        """Number of seeds that the decision used."""
        return self.decision.n if self.decision else 0

    @property
    def stopped(self) -> str:
        """Why no more seeds were taken; empty where nothing ran."""
        return (self.standing.stopped or "") if self.standing else ""
