"""Relations of one paired difference: greater, not greater, not worse, reaches."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from harness.relations.decision import Decision, Verdict, verdict_of
from harness.relations.paired_t import (
    LEAST_SEEDS,
    Array,
    bounds,
    detectable,
    joint_power,
    one_sided,
    paired_differences,
    sign_flip,
    skewness_note,
    varies,
)
from harness.relations.relation import Arrays, Relation, TwoArms, check_arm, check_margin


class OneDifference(Relation):
    """A statement on the mean of one difference, decided by one-sided paired t tests."""

    detectable_unit: ClassVar[str] = "difference"

    @property
    @abstractmethod
    def boundaries(self) -> tuple[float, ...]:
        """The margins, as values of the difference; empty where it is compared with 0."""

    @property
    def target(self) -> float | None:
        """The value to reach, where the difference is one from a value."""
        return None

    @abstractmethod
    def difference(self, samples: Arrays) -> tuple[Array, Array]:
        """Differences ``(..., n)`` and their scale ``(...)``: the largest absolute value that entered."""

    @abstractmethod
    def tested(self, decision: Decision, differences: Array, alpha: float, comparisons: float) -> Decision:
        """Add interval, detectable effect, reason and exact p to a decision whose p-values have given the verdict."""

    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        differences, scale = self.difference(samples)
        n = differences.size
        decision = Decision(
            Verdict.INCONCLUSIVE,
            effect=float(differences.mean()) if n else None,
            effect_kind=self.effect_kind,
            pvalue=1.0,
            pvalue_against=1.0,
            n=n,
            alpha=alpha,
            reason=no_test_reason(n),
            label=self.describe(),
            detectable_unit=self.detectable_unit,
            measure=self.printed_measure,
            compares=self.arms,
            seed_effects=tuple(differences.tolist()),
            boundaries=self.boundaries,
            alpha_against=alpha / comparisons,
            target=self.target,
        )
        if not varies(differences, scale):
            return decision
        pvalue, raw_against = (float(p) for p in self.pvalues(samples))
        against = min(1.0, raw_against * comparisons)
        notes = tuple(filter(None, [skewness_note(differences, float(scale))]))
        decision = replace(
            decision,
            verdict=verdict_of(pvalue, against, alpha),
            pvalue=pvalue,
            pvalue_against=against,
            notes=notes,
        )
        return self.tested(decision, differences, alpha, comparisons)


class BeyondBoundary(OneDifference):
    """The mean of a difference lies beyond one boundary."""

    above: ClassVar[bool] = True
    """Whether the claim is that the mean lies above the boundary; else below."""

    @property
    @abstractmethod
    def boundary(self) -> float:
        """The value that the mean difference is compared with, in the units of the measure."""

    @property
    def boundaries(self) -> tuple[float, ...]:
        return (self.boundary,) if self.boundary else ()

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        differences, scale = self.difference(samples)
        above, below = one_sided(differences, self.boundary, scale)
        return (above, below) if self.above else (below, above)

    def tested(self, decision: Decision, differences: Array, alpha: float, comparisons: float) -> Decision:
        side = 1 if self.above else -1
        low, high = bounds(side * differences, alpha, alpha / comparisons)
        distance = detectable(differences, alpha, joint_power(comparisons))
        assert distance is not None  # `varies` wants 3 seeds
        reason = f"The interval holds {'the margin' if self.boundary else '0'}."
        return replace(
            decision,
            interval=(low, high) if self.above else (-high, -low),
            detectable=self.boundary + side * distance,
            reason="" if decision.verdict.decided else reason,
            exact_pvalue=sign_flip(side * differences, side * self.boundary),
        )


def no_test_reason(n: int) -> str:
    """Why no t test applies: too few seeds, or no spread."""
    if n < LEAST_SEEDS:
        return f"{n} seed{'' if n == 1 else 's'} cannot decide: at least {LEAST_SEEDS} are needed."
    return f"The differences of the {n} seeds have no spread, so no test applies."


@dataclass(frozen=True)
class TwoArmDifference(TwoArms, OneDifference):
    """A statement on the mean of a − b."""

    def difference(self, samples: Arrays) -> tuple[Array, Array]:
        return paired_differences(self._values(samples, self.a), self._values(samples, self.b))


@dataclass(frozen=True)
class _Gain(TwoArmDifference, BeyondBoundary):
    """A statement on the gain of `a` over `b`, whose boundary is a margin of at least 0."""

    margin: float = 0.0
    fractions = ("margin",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.margin, positive=False)

    @property
    def boundary(self) -> float:
        return self.margin


@dataclass(frozen=True)
class Greater(_Gain):
    """`a` is greater than `b` by more than `margin`: SUPPORTED if L > margin, REFUTED if U < margin.

    L and U are the one-sided paired-t bounds of the mean of a − b.

    Args:
        a: Name of an arm.
        b: Name of another arm.
        margin: The gain that would matter, at least 0, in the units of the measure.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: The arms are the same, or the margin is negative (for that there is `NotWorse`).

    >>> seeds = {"pretrained": [0.6, 0.7, 0.65], "scratch": [0.4, 0.45, 0.5]}
    >>> decision = Greater("pretrained", "scratch").decide(seeds)
    >>> decision.verdict, round(decision.effect, 3), round(decision.pvalue, 3)
    (<Verdict.SUPPORTED: 'SUPPORTED'>, 0.2, 0.01)
    """

    def describe(self) -> str:
        return f"{self.a} > {self.b}" + (f" + {self.margin:g}" if self.margin else "")


@dataclass(frozen=True)
class NotGreater(_Gain):
    """`a` brings no gain of `margin` or more over `b`: SUPPORTED if U < margin, REFUTED if L > margin.

    With ``margin=0`` support needs `a` to be shown *below* `b`: name the gain that would matter instead.

    Args:
        a: Name of an arm.
        b: Name of another arm.
        margin: The gain that would matter, at least 0, in the units of the measure.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: The arms are the same, or the margin is negative.
    """

    above = False

    def describe(self) -> str:
        return f"{self.a} ≤ {self.b}" + (f" + {self.margin:g}" if self.margin else "")


@dataclass(frozen=True)
class NotWorse(TwoArmDifference, BeyondBoundary):
    """`a` is not worse than `b` by `margin` or more: SUPPORTED if L > −margin, REFUTED if U < −margin.

    Args:
        a: Name of an arm.
        b: Name of another arm.
        margin: The loss that would matter, above 0, in the units of the measure.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: The arms are the same, or the margin is not above 0.
    """

    margin: float
    fractions = ("margin",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.margin, positive=True)

    @property
    def boundary(self) -> float:
        return -self.margin

    def describe(self) -> str:
        return f"{self.a} ≥ {self.b} − {self.margin:g}"


@dataclass(frozen=True)
class Reaches(BeyondBoundary):
    """`arm` reaches `value` within `tolerance`: SUPPORTED if L > value − tolerance, REFUTED if U < value − tolerance.

    L and U are one-sided one-sample t bounds of the arm's mean; the effect is that mean less `value`.

    Args:
        arm: Name of an arm.
        value: A published figure, in the units of the measure.
        tolerance: How much less still counts as reaching it, at least 0.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: The value is not finite, or the tolerance is negative.

    >>> Reaches("psp", 0.62, tolerance=0.03).decide({"psp": [0.63, 0.61, 0.62, 0.64]}).verdict
    <Verdict.SUPPORTED: 'SUPPORTED'>
    """

    arm: str
    value: float
    tolerance: float
    effect_kind = "shortfall"
    fractions = ("value", "tolerance")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arm("arm", self.arm)
        check_margin(self.tolerance, positive=False, name="tolerance")
        if not np.isfinite(self.value):
            raise ValueError(f"Expected argument `value` to be a finite number, but got {self.value!r}.")

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.arm,)

    @property
    def boundary(self) -> float:
        return -self.tolerance

    @property
    def target(self) -> float:
        return self.value

    def difference(self, samples: Arrays) -> tuple[Array, Array]:
        values = self._values(samples, self.arm)
        return paired_differences(values, np.full(values.shape, self.value))

    def describe(self) -> str:
        return f"{self.arm} reaches {self.value:g}" + (f" − {self.tolerance:g}" if self.tolerance else "")
