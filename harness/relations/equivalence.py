"""Equivalence: no two arms differ by a margin that would matter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from harness.relations.collapse import attained, mostly, t_level, unlike
from harness.relations.comparison import TwoArmDifference
from harness.relations.conjunction import Conjunction
from harness.relations.decision import Decision, Verdict
from harness.relations.paired_t import sign_flip
from harness.relations.relation import Arrays, Relation, check_arms, check_margin
from harness.relations.t_test import Array, Estimate, bounds, detectable, joint_power, one_sided
from harness.relations.two_samples import permutation


@dataclass(frozen=True)
class _WithinMargin(TwoArmDifference):
    """`a` and `b` are within `margin` of each other, by two one-sided tests (TOST) among the runs that converged.

    Arms that collapse unequally often are not equivalent: with as few runs as these no test can show that two rates are
    alike, so support needs the same number of collapsed runs in both, and a two-sided test of Fisher's refutes.
    """

    margin: float
    fractions = ("margin",)
    detectable_unit = "margin"

    @property
    def boundaries(self) -> tuple[float, ...]:
        return (-self.margin, self.margin)

    def describe(self) -> str:
        return f"{self.a} ≈ {self.b} (± {self.margin:g})"

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        estimate = self.estimate(samples)
        above_low, below_low = one_sided(estimate, -self.margin)
        above_high, below_high = one_sided(estimate, self.margin)
        within = np.maximum(above_low, below_high)
        beyond = equivalence_against(above_high, below_low, above_low, below_high)
        first, second = self.collapses(samples)
        if not first.any() and not second.any():
            return within, beyond
        n = samples[self.keys[0]].shape[-1]
        by_t = np.minimum(1.0, beyond + attained(beyond, first + second, n, two_sided=True))
        by_counts = np.minimum(1.0, 2 * unlike(first, second, n))
        nothing = mostly(first, second, n)
        return (
            np.where(nothing | (first != second), 1.0, within),
            np.where(nothing, 1.0, np.minimum(by_t, by_counts)),
        )

    def tested(self, decision: Decision, samples: Arrays, estimate: Estimate, comparisons: float) -> Decision:
        alpha = decision.alpha
        level = t_level(alpha / comparisons, sum(decision.collapsed), decision.n, two_sided=True)
        undecided = "The interval lies neither within the margins nor beyond one of them."
        if len(set(decision.collapsed)) > 1:
            counts = " and ".join(f"{count} of {arm}" for arm, count in zip(self.arms, decision.collapsed, strict=True))
            undecided = f"Of {decision.n} runs each, {counts} collapsed: the arms are not shown alike in that."
        above_low, _ = one_sided(estimate, -self.margin)
        above_high, _ = one_sided(estimate, self.margin)
        inside = self.differences(samples)
        return replace(
            decision,
            interval=_interval(estimate, alpha, level, decision.verdict),
            # Equal arms pass the two sides of every pair in 80% of cases at least.
            detectable=detectable(estimate, alpha, joint_power(2 * comparisons)),
            reason=undecided,
            exact_pvalue=self._exact(samples),
            direction=float(above_high - above_low),
            wins=(int((np.abs(inside) < self.margin).sum()), inside.size) if self.paired else None,
        )

    def shown_by_values(self, decision: Decision, estimate: Estimate) -> bool:
        above_low, below_low = one_sided(estimate, -self.margin)
        above_high, below_high = one_sided(estimate, self.margin)
        beyond = equivalence_against(above_high, below_low, above_low, below_high)
        return decision.verdict is Verdict.SUPPORTED or bool(beyond < decision.level)

    def _exact(self, samples: Arrays) -> float | None:
        """The larger exact p of the two sides."""
        if self.paired:
            differences = self.differences(samples)
            sides = [sign_flip(differences, -self.margin), sign_flip(-differences, -self.margin)]
        else:
            first, second = (values[~np.isnan(values)] for values in self.compared(samples))
            sides = [permutation(first + self.margin, second), permutation(second + self.margin, first)]
        return max((p for p in sides if p is not None), default=None)


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
        paired: Whether the arms' seeds are pairs; else Welch's test of two samples.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: Fewer than two arms, a repeated arm, or a margin that is not above 0.

    >>> ce, dice = [0.60, 0.62, 0.61, 0.63], [0.61, 0.62, 0.60, 0.63]
    >>> Equivalent(("ce", "dice"), margin=0.03).decide({"ce": ce, "dice": dice}).verdict
    <Verdict.SUPPORTED: 'SUPPORTED'>
    """

    arms: tuple[str, ...]
    margin: float
    paired: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "arms", check_arms(self.arms))
        check_margin(self.margin, positive=True)

    def comparisons(self) -> tuple[Relation, ...]:
        return tuple(
            _WithinMargin(a, b, self.margin, measure=self.measure, paired=self.paired)
            for a, b in combinations(self.arms, 2)
        )

    def describe(self) -> str:
        return f"{' ≈ '.join(self.arms)} (± {self.margin:g})"

    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        decision = super().decide_part(samples, alpha, comparisons)
        return decision.parts[0] if len(decision.parts) == 1 else decision


def _interval(estimate: Estimate, alpha: float, alpha_against: float, verdict: Verdict) -> tuple[float, float]:
    """The bounds that the decision used: it is outside the margin exactly where equivalence is refuted.

    Support needs both sides at `alpha`. Elsewhere the outer bound is at `alpha`, and the inner one, towards zero, is
    the smallest margin that the test against equivalence does not reject: the solution m of
    sf((d − m) / se) + sf((d + m) / se) = alpha_against, or the two-sided bound where the test shows no difference.
    """
    if verdict is Verdict.SUPPORTED:
        return bounds(estimate, alpha, alpha)
    from scipy import optimize, special

    mean, error, df = float(estimate.effect), float(estimate.error), float(estimate.df)
    size = abs(mean)
    mirrored = replace(estimate, effect=np.asarray(size))

    def excess(margin: float) -> float:
        tails = special.stdtr(df, (margin - size) / error) + special.stdtr(df, (-margin - size) / error)
        return float(tails) - alpha_against

    if excess(0.0) >= 0:
        inner = bounds(mirrored, alpha_against / 2, alpha)[0]
    else:
        inner = float(optimize.brentq(excess, 0.0, size))
    outer = bounds(mirrored, alpha, alpha)[1]
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
