"""Equivalence: no two arms differ by a margin that would matter."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harness.relations.conjunction import combine
from harness.relations.decision import Decision, Verdict, verdict_of
from harness.relations.one_difference import no_test_reason
from harness.relations.paired_t import (
    Array,
    bounds,
    detectable,
    joint_power,
    one_sided,
    sign_flip,
    skewness_note,
    varies,
)
from harness.relations.relation import Arrays, Relation, check_arms, check_margin


@dataclass(frozen=True)
class Equivalent(Relation):
    """All arms are within `margin` of each other.

    SUPPORTED if both one-sided tests succeed for every pair (TOST, Schuirmann 1987; the largest p, as
    `statsmodels.stats.weightstats.ttost_paired` has it). REFUTED if some pair is shown to differ by more than the
    margin, Bonferroni over pairs. That test of |δ| ≤ margin adds the p-values of its two sides, so that it is the
    two-sided t at margin 0 and the one-sided t at a wide margin; "the interval lies wholly outside" alone errs in up
    to 10% instead of 5% where the margin is small against the spread (measured in
    `tests/relations/test_calibration.py`).

    Args:
        arms: names of at least two arms.
        margin: the difference that would matter, above 0, in the units of the metric.
        metric: name of the relation's own metric, see `Relation.decide`.

    Raises:
        ValueError: fewer than two arms, a repeated arm, or a margin that is not above 0.

    >>> ce, dice = [0.60, 0.62, 0.61, 0.63], [0.61, 0.62, 0.60, 0.63]
    >>> Equivalent(("ce", "dice"), margin=0.03).decide({"ce": ce, "dice": dice}).verdict
    <Verdict.SUPPORTED: 'SUPPORTED'>
    """

    arms: tuple[str, ...]
    margin: float
    metric: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", check_arms(self.arms))
        check_margin(self.margin, positive=True)

    def describe(self) -> str:
        return f"{' ≈ '.join(self.arms)} (± {self.margin:g})"

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        parts = [self._pair_pvalues(samples, *pair) for pair in combinations(self.arms, 2)]
        against = np.min([q for _, q in parts], axis=0)
        return np.max([p for p, _ in parts], axis=0), np.minimum(1.0, against * len(parts))

    def _decide(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        pairs = tuple(combinations(self.arms, 2))
        parts = tuple(self._decide_pair(samples, a, b, alpha, comparisons * len(pairs)) for a, b in pairs)
        return parts[0] if len(parts) == 1 else combine(parts, alpha, self.describe())

    def _difference(self, samples: Arrays, a: str, b: str) -> tuple[Array, Array]:
        first, second = self._values(samples, a), self._values(samples, b)
        if first.shape[-1] == 0:
            return first - second, np.zeros(first.shape[:-1])
        return first - second, np.maximum(np.abs(first).max(axis=-1), np.abs(second).max(axis=-1))

    def _pair_pvalues(self, samples: Arrays, a: str, b: str) -> tuple[Array, Array]:
        differences, scale = self._difference(samples, a, b)
        above_low, below_low = one_sided(differences, -self.margin, scale)
        above_high, below_high = one_sided(differences, self.margin, scale)
        return np.maximum(above_low, below_high), equivalence_against(above_high, below_low, above_low, below_high)

    def _decide_pair(self, samples: Arrays, a: str, b: str, alpha: float, comparisons: float) -> Decision:
        label = f"{a} ≈ {b} (± {self.margin:g})"
        differences, scale = self._difference(samples, a, b)
        n = differences.size
        untested = Decision(
            Verdict.INCONCLUSIVE,
            effect=float(differences.mean()) if n else None,
            pvalue=1.0,
            pvalue_against=1.0,
            n=n,
            alpha=alpha,
            reason=no_test_reason(n),
            label=label,
            detectable_unit="margin",
            metric=self.metric,
            compares=(a, b),
            seed_effects=tuple(differences.tolist()),
            boundaries=(-self.margin, self.margin),
            alpha_against=alpha / comparisons,
        )
        if not varies(differences, scale):
            return untested
        pvalue, raw_against = (float(p) for p in self._pair_pvalues(samples, a, b))
        against = min(1.0, raw_against * comparisons)
        verdict = verdict_of(pvalue, against, alpha)
        # Equal arms pass the two sides of every pair in 80% of cases at least.
        smallest = detectable(differences, alpha, joint_power(2 * comparisons))
        flips = (sign_flip(differences, -self.margin), sign_flip(-differences, -self.margin))
        return replace(
            untested,
            verdict=verdict,
            interval=_interval(differences, alpha, alpha / comparisons, verdict),
            pvalue=pvalue,
            pvalue_against=against,
            detectable=smallest,
            reason="" if verdict.decided else "The interval lies neither within the margins nor beyond one of them.",
            notes=tuple(filter(None, [skewness_note(differences, float(scale))])),
            exact_pvalue=max(p for p in flips if p is not None),
        )


def _interval(differences: Array, alpha: float, alpha_against: float, verdict: Verdict) -> tuple[float, float]:
    """The bounds that the decision used: it is outside the margin exactly where equivalence is refuted.

    Support needs both sides at `alpha`. Elsewhere the outer bound is at `alpha`, and the inner one, towards zero, is
    the smallest margin that the test against equivalence does not reject: the solution m of
    sf((d − m) / se) + sf((d + m) / se) = alpha_against, or the two-sided bound where no difference is shown at all.
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
        above_high, below_low: p for "above +margin" and for "below −margin", ``(...)``.
        above_low, below_high: p for "above −margin" and for "below +margin", ``(...)``.

    Returns:
        ``(...)``. For an observed difference above 0 this is sf(t₊) + sf(t₋) with t± = (|d| ∓ margin) / se. Simulated
        at |δ| = margin for margins from 0 to 4 sd and n from 3 to 20, its error lies between .042 and .050.
    """
    positive = above_high <= below_low  # the observed difference is at least 0
    total = np.where(positive, above_high + above_low, below_low + below_high)
    return np.asarray(np.minimum(1.0, total))
