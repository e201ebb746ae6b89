"""Relations of one paired difference: greater, not greater, not worse, reaches."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from harness.relations.decision import Decision, Verdict, verdict_of
from harness.relations.paired_t import (
    LEAST_SEEDS,
    Array,
    bounds,
    detectable,
    joint_power,
    one_sided,
    sign_flip,
    skewness_note,
    varies,
)
from harness.relations.relation import Arrays, Relation, check_arm, check_margin


class OneDifference(Relation):
    """The mean of one difference lies beyond a boundary: decided by two one-sided paired t tests."""

    above = True
    """Whether the claim is that the mean lies above the boundary; else below."""

    @property
    @abstractmethod
    def boundary(self) -> float:
        """What the mean difference is compared with, in the units of the metric."""

    @property
    def target(self) -> float | None:
        """The value to reach, where the difference is one from a value."""
        return None

    @abstractmethod
    def difference(self, samples: Arrays) -> tuple[Array, Array]:
        """Differences ``(..., n)`` and their scale ``(...)``: the largest absolute value that entered."""

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        differences, scale = self.difference(samples)
        above, below = one_sided(differences, self.boundary, scale)
        return (above, below) if self.above else (below, above)

    def _decide(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        differences, scale = self.difference(samples)
        n = differences.size
        untested = Decision(
            Verdict.INCONCLUSIVE,
            effect=float(differences.mean()) if n else None,
            effect_kind=self.effect_kind,
            pvalue=1.0,
            pvalue_against=1.0,
            n=n,
            alpha=alpha,
            reason=no_test_reason(n),
            label=self.describe(),
            metric=self.metric,
            compares=self.arms,
            seed_effects=tuple(differences.tolist()),
            boundaries=(self.boundary,) if self.boundary else (),
            alpha_against=alpha / comparisons,
            target=self.target,
        )
        if not varies(differences, scale):
            return untested
        pvalue, raw_against = (float(p) for p in self.pvalues(samples))
        against = min(1.0, raw_against * comparisons)
        side = 1 if self.above else -1
        low, high = bounds(side * differences, alpha, alpha / comparisons)
        distance = detectable(differences, alpha, joint_power(comparisons))
        assert distance is not None  # `varies` wants 3 seeds
        verdict = verdict_of(pvalue, against, alpha)
        return replace(
            untested,
            verdict=verdict,
            interval=(low, high) if self.above else (-high, -low),
            pvalue=pvalue,
            pvalue_against=against,
            detectable=self.boundary + side * distance,
            reason=""
            if verdict.decided
            else "The interval holds the margin."
            if self.boundary
            else "The interval holds 0.",
            notes=tuple(filter(None, [skewness_note(differences, float(scale))])),
            exact_pvalue=sign_flip(side * differences, side * self.boundary),
        )


def no_test_reason(n: int) -> str:
    """Why no t test applies: too few seeds, or no spread."""
    if n < LEAST_SEEDS:
        return f"{n} seed{'' if n == 1 else 's'} cannot decide: at least {LEAST_SEEDS} are needed."
    return f"The differences of the {n} seeds have no spread, so no test applies."


@dataclass(frozen=True)
class _TwoArms(OneDifference):
    """A comparison of arm `a` with arm `b`: the difference is a − b."""

    a: str
    b: str

    def __post_init__(self) -> None:
        check_arm("a", self.a)
        check_arm("b", self.b)
        if self.a == self.b:
            raise ValueError(f"Expected arguments `a` and `b` to be two arms, but got {self.a!r} twice.")

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.a, self.b)

    def difference(self, samples: Arrays) -> tuple[Array, Array]:
        a, b = self._values(samples, self.a), self._values(samples, self.b)
        if a.shape[-1] == 0:
            return a - b, np.zeros(a.shape[:-1])
        return a - b, np.maximum(np.abs(a).max(axis=-1), np.abs(b).max(axis=-1))


@dataclass(frozen=True)
class Greater(_TwoArms):
    """`a` is greater than `b` by more than `margin`: SUPPORTED if L > margin, REFUTED if U < margin.

    L and U are the one-sided paired-t bounds of the mean of a − b.

    Args:
        a, b: names of two arms.
        margin: the gain that would matter, at least 0, in the units of the metric.
        metric: name of the relation's own metric, see `Relation.decide`.

    Raises:
        ValueError: the arms are the same, or the margin is negative (for that there is `NotWorse`).

    >>> seeds = {"pretrained": [0.6, 0.7, 0.65], "scratch": [0.4, 0.45, 0.5]}
    >>> decision = Greater("pretrained", "scratch").decide(seeds)
    >>> decision.verdict, round(decision.effect, 3), round(decision.pvalue, 3)
    (<Verdict.SUPPORTED: 'SUPPORTED'>, 0.2, 0.01)
    """

    margin: float = 0.0
    metric: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.margin, positive=False)

    @property
    def boundary(self) -> float:
        return self.margin

    def describe(self) -> str:
        return f"{self.a} > {self.b}" + (f" + {self.margin:g}" if self.margin else "")


@dataclass(frozen=True)
class NotGreater(_TwoArms):
    """`a` brings no gain of `margin` or more over `b`: SUPPORTED if U < margin, REFUTED if L > margin.

    With ``margin=0`` support needs `a` to be shown *below* `b`: give the gain that would matter instead.

    Args:
        a, b: names of two arms.
        margin: the gain that would matter, at least 0, in the units of the metric.
        metric: name of the relation's own metric, see `Relation.decide`.

    Raises:
        ValueError: the arms are the same, or the margin is negative.
    """

    margin: float = 0.0
    metric: str | None = None
    above = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.margin, positive=False)

    @property
    def boundary(self) -> float:
        return self.margin

    def describe(self) -> str:
        return f"{self.a} ≤ {self.b}" + (f" + {self.margin:g}" if self.margin else "")


@dataclass(frozen=True)
class NotWorse(_TwoArms):
    """`a` is not worse than `b` by `margin` or more: SUPPORTED if L > −margin, REFUTED if U < −margin.

    Args:
        a, b: names of two arms.
        margin: the loss that would matter, above 0, in the units of the metric.
        metric: name of the relation's own metric, see `Relation.decide`.

    Raises:
        ValueError: the arms are the same, or the margin is not above 0.
    """

    margin: float
    metric: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_margin(self.margin, positive=True)

    @property
    def boundary(self) -> float:
        return -self.margin

    def describe(self) -> str:
        return f"{self.a} ≥ {self.b} − {self.margin:g}"


@dataclass(frozen=True)
class Reaches(OneDifference):
    """`arm` reaches `value` within `tolerance`: SUPPORTED if L > value − tolerance, REFUTED if U < value − tolerance.

    L and U are one-sided one-sample t bounds of the arm's mean; the effect is that mean less `value`.

    Args:
        arm: name of an arm.
        value: a published figure, in the units of the metric.
        tolerance: how much less still counts as reaching it, at least 0.
        metric: name of the relation's own metric, see `Relation.decide`.

    Raises:
        ValueError: the value is not finite, or the tolerance is negative.

    >>> Reaches("psp", 0.62, tolerance=0.03).decide({"psp": [0.63, 0.61, 0.62, 0.64]}).verdict
    <Verdict.SUPPORTED: 'SUPPORTED'>
    """

    arm: str
    value: float
    tolerance: float
    metric: str | None = None
    effect_kind = "shortfall"

    def __post_init__(self) -> None:
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
        scale = np.abs(values).max(axis=-1) if values.shape[-1] else np.zeros(values.shape[:-1])
        return values - self.value, np.maximum(scale, abs(self.value))

    def describe(self) -> str:
        return f"{self.arm} reaches {self.value:g}" + (f" − {self.tolerance:g}" if self.tolerance else "")
