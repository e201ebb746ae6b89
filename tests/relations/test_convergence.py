"""Convergence: a sign test with censored times."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.relations import ConvergesFaster, Verdict

INF = math.inf


def decide(a, b, alpha=0.05, **kwargs):
    return ConvergesFaster("a", "b", **kwargs).decide({"a": a, "b": b}, alpha=alpha)


def test_is_a_sign_test():
    rng = np.random.default_rng(0)
    a, b = rng.integers(1, 10, size=12), rng.integers(2, 30, size=12)
    decision = decide(a, b, ratio=2)
    wins, losses = int((b > 2 * a).sum()), int((b < 2 * a).sum())
    assert decision.pvalue == pytest.approx(stats.binomtest(wins, 12, 0.5, alternative="greater").pvalue)
    assert decision.pvalue_against == pytest.approx(stats.binomtest(losses, 12, 0.5, alternative="greater").pvalue)


def test_four_pairs_cannot_decide_and_five_can():
    four = decide([1] * 4, [9] * 4)
    assert four.verdict is Verdict.INCONCLUSIVE
    assert "0.0625" in four.reason
    assert decide([1] * 5, [9] * 5).verdict is Verdict.SUPPORTED
    assert decide([9] * 5, [1] * 5).verdict is Verdict.REFUTED


def test_censored_counts_as_infinite():
    assert decide([1] * 5, [INF] * 5, ratio=10).verdict is Verdict.SUPPORTED
    assert decide([INF] * 5, [1] * 5).verdict is Verdict.REFUTED


def test_neither_arrives_and_ties_count_against_both():
    for a, b in (([INF] * 6, [INF] * 6), ([4] * 6, [4] * 6), ([0] * 6, [0] * 6)):
        decision = decide(a, b)
        assert decision.verdict is Verdict.INCONCLUSIVE
        assert decision.pvalue == decision.pvalue_against == 1
    assert decide([INF] * 6, [INF] * 6).effect is None


def test_a_budget_limits_what_never_shows():
    # Trained for 100: "never" is more than 100, which is not shown to be more than 10 × 50.
    assert decide([50] * 5, [INF] * 5, ratio=10, budgets=(100, 100)).verdict is Verdict.INCONCLUSIVE
    assert decide([10] * 5, [INF] * 5, ratio=10, budgets=(100, 100)).verdict is Verdict.SUPPORTED
    assert decide([INF] * 5, [90] * 5, ratio=1, budgets=(100, 100)).verdict is Verdict.REFUTED
    assert decide([INF] * 5, [90] * 5, ratio=0.5, budgets=(100, 100)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("n", [5, 8, 12])
def test_interval_agrees_with_the_verdict(n):
    rng = np.random.default_rng(n)
    for _ in range(100):
        a, b = rng.lognormal(sigma=1, size=n), rng.lognormal(mean=rng.normal(), size=n)
        a, b = np.where(a > 4, INF, a), np.where(b > 4, INF, b)
        decision = decide(a, b, ratio=1.3)
        low, high = decision.interval
        assert (decision.verdict is Verdict.SUPPORTED) == (low > 1.3)
        assert (decision.verdict is Verdict.REFUTED) == (high < 1.3)


def test_detectable_is_a_probability_with_power():
    decision = decide([1, 9, 1, 9, 1, 9, 1], [9, 1, 9, 1, 9, 1, 9])
    assert decision.detectable_unit == "probability"
    assert stats.binom.sf(6, 7, decision.detectable) == pytest.approx(0.8)


def test_nan_and_negative_times_are_errors():
    assert decide([math.nan] * 5, [1] * 5).verdict is Verdict.ERROR
    assert decide([-1] * 5, [1] * 5).verdict is Verdict.ERROR


def test_no_seeds():
    assert decide([], []).verdict is Verdict.INCONCLUSIVE


def test_a_median_that_unknown_pairs_could_move_is_not_given():
    inf = math.inf
    unknown = decide([2, 2, inf, inf, inf, inf, inf], [40, 30, inf, inf, inf, inf, inf])
    assert unknown.effect is None
    assert math.isnan(unknown.seed_effects[-1])
    assert decide([2, 2, 2, inf], [40, 40, 40, inf]).effect == 20.0


def test_the_edge_of_a_budget_is_not_held_by_the_interval():
    decision = ConvergesFaster("a", "b", 10, budgets=(6, 60)).decide({"a": [6] * 5, "b": [math.inf] * 5})
    assert decision.verdict is Verdict.SUPPORTED
    assert decision.interval[0] > 10
