"""Equivalence: no two arms differ by a margin that would matter."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harness.relations.conjunction import Conjunction
from harness.relations.decision import Decision, Verdict
from harness.relations.one_difference import TwoArmDifference
from harness.relations.paired_t import Array, bounds, detectable, joint_power, one_sided, sign_flip
from harness.relations.relation import Arrays, Relation, check_arms, check_margin


@dataclass(frozen=True)
class _WithinMargin(TwoArmDifference):
    """`a` and `b` are within `margin` of each other, by two one-sided tests (TOST)."""

    margin: float
    fractions = ("margin",)
    detectable_unit = "margin"

    @property
    def boundaries(self) -> tuple[float, ...]:
        return (-self.margin, self.margin)

    def describe(self) -> str:
        return f"{self.a} ≈ {self.b} (± {self.margin:g})"

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        differences, scale = self.difference(samples)
        above_low, below_low = one_sided(differences, -self.margin, scale)
        above_high, below_high = one_sided(differences, self.margin, scale)
        return np.maximum(above_low, below_high), equivalence_against(above_high, below_low, above_low, below_high)

    def tested(self, decision: Decision, differences: Array, alpha: float, comparisons: float) -> Decision:
        undecided = "The interval lies neither within the margins nor beyond one of them."
        flips = (sign_flip(differences, -self.margin), sign_flip(-differences, -self.margin))
        return replace(
            decision,
            interval=_interval(differences, alpha, alpha / comparisons, decision.verdict),
            # Equal arms pass the two sides of every pair in 80% of cases at least.
            detectable=detectable(differences, alpha, joint_power(2 * comparisons)),
            reason="" if decision.verdict.decided else undecided,
            exact_pvalue=max(p for p in flips if p is not None),
        )


@dataclass(frozen=True)
class Equivalent(Conjunction):
    """All arms are within `margin` of each other.

    SUPPORTED if both one-sided tests succeed for every pair (TOST, Schuirmann 1987; the largest p, as
    `statsmodels.stats.weightstats.ttost_paired` has it). REFUTED if some pair is shown to differ by more than the
    margin, Bonferroni over pairs. That test of |δ| ≤ margin adds the p-values of its two sides, so that it is the
    two-sided t at margin 0 and the one-sided t at a wide margin; "the interval lies wholly outside" alone errs in up
    to 10% instead of 5% where the margin is small against the spread (measured in
    `tests/relations/test_calibration.py`).

    Args:
        arms: Names of at least two arms.
        margin: The difference that would matter, above 0, in the units of the measure.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: Fewer than two arms, a repeated arm, or a margin that is not above 0.

    >>> ce, dice = [0.60, 0.62, 0.61, 0.63], [0.61, 0.62, 0.60, 0.63]
    >>> Equivalent(("ce", "dice"), margin=0.03).decide({"ce": ce, "dice": dice}).verdict
    <Verdict.SUPPORTED: 'SUPPORTED'>
    """

    arms: tuple[str, ...]
    margin: float

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "arms", check_arms(self.arms))
        check_margin(self.margin, positive=True)

    def comparisons(self) -> tuple[Relation, ...]:
        return tuple(_WithinMargin(a, b, self.margin, measure=self.measure) for a, b in combinations(self.arms, 2))

    def describe(self) -> str:
        return f"{' ≈ '.join(self.arms)} (± {self.margin:g})"

    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        decision = super().decide_part(samples, alpha, comparisons)
        return decision.parts[0] if len(decision.parts) == 1 else decision


def _interval(differences: Array, alpha: float, alpha_against: float, verdict: Verdict) -> tuple[float, float]:
    """The bounds that the decision used: it is outside the margin exactly where equivalence is refuted.

    Support needs both sides at `alpha`. Elsewhere the outer bound is at `alpha`, and the inner one, towards zero, is
    the smallest margin that the test against equivalence does not reject: the solution m of
    sf((d − m) / se) + sf((d + m) / se) = alpha_against, or the two-sided bound where the test shows no difference.
    """
    if verdict is Verdict.SUPPORTED:
        return bounds(differences, alpha, alpha)
    from scipy import optimize, special

    n = differences.size
    mean, error = float(differences.mean()), float(differences.std(ddof=1)) / math.sqrt(n)
    size = abs(mean)

    def excess(margin: float) -> float:
        tails = special.stdtr(n - 1, (margin - size) / error) + special.stdtr(n - 1, (-margin - size) / error)
        return float(tails) - alpha_against

    if excess(0.0) >= 0:
        inner = bounds(np.sign(mean or 1.0) * differences, alpha_against / 2, alpha)[0]
    else:
        inner = float(optimize.brentq(excess, 0.0, size))
    outer = bounds(np.sign(mean or 1.0) * differences, alpha, alpha)[1]
    return (inner, outer) if mean >= 0 else (-outer, -inner)


def equivalence_against(above_high: Array, below_low: Array, above_low: Array, below_high: Array) -> Array:
    """P for "the difference is beyond ±margin": P(|D| ≥ |observed|) where the truth is the nearer margin.

    Args:
        above_high: P for "above +margin", ``(...)``.
        below_low: P for "below −margin", ``(...)``.
        above_low: P for "above −margin", ``(...)``.
        below_high: P for "below +margin", ``(...)``.

    Returns:
        ``(...)``. For an observed difference above 0 this is sf(t₊) + sf(t₋) with t± = (|d| ∓ margin) / se. Simulated
        at |δ| = margin for margins from 0 to 4 sd and n from 3 to 20, its error lies between .042 and .050.
    """
    positive = above_high <= below_low  # the observed difference is at least 0
    total = np.where(positive, above_high + above_low, below_low + below_high)
    return np.asarray(np.minimum(1.0, total))
