"""Relations of one difference: greater, not greater, not worse, reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.relations.comparison import BeyondBoundary, TwoArmDifference
from harness.relations.decision import Decision
from harness.relations.relation import Arrays, check_arm, check_margin, gain_text
from harness.relations.t_test import Array

LEAST_TO_REACH = 5
"""Fewer seeds than this never show that a value is reached or missed: the t test of one sample, unlike that of a
difference, has no second arm whose skew cancels (errors up to .36 with skewed values at 3 to 5 seeds)."""


@dataclass(frozen=True)
class _Gain(TwoArmDifference, BeyondBoundary):
    """A statement on the gain of `a` over `b`, decided against 0 and against the smallest gain of interest."""

    gain: float = 0.0
    fractions = ("gain",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.gain, positive=False, name="gain")

    @property
    def smallest_gain(self) -> float:
        return self.gain


@dataclass(frozen=True)
class Greater(_Gain):
    """`a` is greater than `b`: SUPPORTED if L > 0, REFUTED if U < gain.

    L and U are the one-sided t bounds of the mean of a − b. Where the truth lies between 0 and the smallest gain of
    interest neither verdict is an error; where both are shown the verdict is SUPPORTED, by less than the gain
    (`Decision.by_less_than_gain`). With ``gain=0`` a tie is never decided.

    Args:
        a: Name of an arm.
        b: Name of another arm.
        gain: The smallest gain of interest, at least 0, in the units of the measure.
        paired: Whether the arms' seeds are pairs; else Welch's test of two samples.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: The arms are the same, or the gain is negative (for that there is `NotWorse`).

    >>> seeds = {"pretrained": [0.6, 0.7, 0.65], "scratch": [0.4, 0.45, 0.5]}
    >>> decision = Greater("pretrained", "scratch").decide(seeds)
    >>> decision.verdict, round(decision.effect, 3), round(decision.pvalue, 3)
    (<Verdict.SUPPORTED: 'SUPPORTED'>, 0.2, 0.01)
    """

    @property
    def boundary(self) -> float:
        return 0.0

    @property
    def boundary_against(self) -> float:
        return self.gain

    def describe(self) -> str:
        return f"{self.a} > {self.b}{gain_text(self.gain)}"


@dataclass(frozen=True)
class NotGreater(_Gain):
    """`a` brings no gain over `b` that would matter: SUPPORTED if U < gain, REFUTED if L > 0.

    Where both are shown the verdict is SUPPORTED: there is a gain, but it is smaller. With ``gain=0`` support needs `a`
    to be shown *below* `b`.

    Args:
        a: Name of an arm.
        b: Name of another arm.
        gain: The smallest gain of interest, at least 0, in the units of the measure.
        paired: Whether the arms' seeds are pairs; else Welch's test of two samples.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: The arms are the same, or the gain is negative.
    """

    above = False

    @property
    def boundary(self) -> float:
        return self.gain

    @property
    def boundary_against(self) -> float:
        return 0.0

    def describe(self) -> str:
        return f"{self.a} ≤ {self.b}" + (f" + {self.gain:g}" if self.gain else "")


@dataclass(frozen=True)
class NotWorse(TwoArmDifference, BeyondBoundary):
    """`a` is not worse than `b` by `margin` or more: SUPPORTED if L > −margin, REFUTED if U < −margin.

    Args:
        a: Name of an arm.
        b: Name of another arm.
        margin: The loss that would matter, above 0, in the units of the measure.
        paired: Whether the arms' seeds are pairs; else Welch's test of two samples.
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

    L and U are one-sided one-sample t bounds of the arm's mean; the effect is that mean less `value`. Fewer than 5
    seeds decide nothing. Where runs collapsed the claim is not supported, whatever the others reach, and can be refuted
    by the mean of the runs that converged.

    Args:
        arm: Name of an arm.
        value: A published figure, in the units of the measure.
        tolerance: How much less still counts as reaching it, at least 0.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: The value is not finite, or the tolerance is negative.

    >>> Reaches("psp", 0.62, tolerance=0.03).decide({"psp": [0.63, 0.61, 0.62, 0.64, 0.62]}).verdict
    <Verdict.SUPPORTED: 'SUPPORTED'>
    """

    arm: str
    value: float
    tolerance: float
    effect_kind = "shortfall"
    fractions = ("value", "tolerance")
    least = LEAST_TO_REACH

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

    def compared(self, samples: Arrays) -> tuple[Array, Array]:
        values = self.converged(samples, self.arm)
        return values, np.full(values.shape, self.value)

    def t_level(self, decision: Decision, level: float) -> float:
        return level  # no second arm, whose collapsed runs could be compared

    def _collapsed_too_often(self, decision: Decision, favoured: int) -> str:
        return f"{self.arm} reaches it where it converged, but {decision.collapsed[0]} of {decision.n} runs collapsed."

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        estimate = self.estimate(samples)
        (support, _), (refute, _) = self._sides(estimate)
        (collapsed,) = self.collapses(samples)
        n = samples[self.keys[0]].shape[-1]
        enough = (estimate.n >= self.least) & (2 * collapsed <= n)
        return np.where(enough & (collapsed == 0), support, 1.0), np.where(enough, refute, 1.0)

    def describe(self) -> str:
        return f"{self.arm} reaches {self.value:g}" + (f" − {self.tolerance:g}" if self.tolerance else "")
