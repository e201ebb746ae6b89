"""Convergence: an exact rank test with censored times."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.relations import ConvergesFaster, Verdict
from harness.relations.rank_test import power, required_wins

INF = math.inf


def decide(a, b, alpha=0.05, **kwargs):
    return ConvergesFaster("a", "b", **kwargs).decide({"a": a, "b": b}, alpha=alpha)


def test_is_the_rank_test_of_mann_and_whitney():
    rng = np.random.default_rng(0)
    a, b = rng.lognormal(size=9), rng.lognormal(1.2, size=9)
    decision = decide(a, b, ratio=2)
    assert decision.pvalue == pytest.approx(stats.mannwhitneyu(b, 2 * a, alternative="greater", method="exact").pvalue)
    against = stats.mannwhitneyu(b, 2 * a, alternative="less", method="exact").pvalue
    assert decision.pvalue_against == pytest.approx(against)
    assert decision.wins == (int((b > 2 * a[:, None]).sum()), 81)
    assert not decision.paired
    assert decision.direction is None


def test_three_runs_cannot_decide_and_four_can():
    three = decide([1] * 3, [9] * 3)
    assert three.verdict is Verdict.INCONCLUSIVE
    assert "3 runs an arm cannot fall below p = 0.05" in three.reason
    assert three.detectable is None
    assert decide([1] * 4, [9] * 4).verdict is Verdict.SUPPORTED
    assert decide([9] * 4, [1] * 4).verdict is Verdict.REFUTED


def test_which_seed_a_run_has_does_not_matter():
    """Nothing is shared between a run of `a` and one of `b` of the same seed, or it is not used."""
    rng = np.random.default_rng(1)
    a, b = rng.lognormal(size=7), rng.lognormal(0.5, size=7)
    first, second = decide(a, b), decide(a, rng.permutation(b))
    assert (first.pvalue, first.effect, first.interval) == (second.pvalue, second.effect, second.interval)


@pytest.mark.parametrize(("n", "least", "sign_test"), [(7, 0.73, 0.33), (10, 0.86, 0.53)])
def test_sees_twice_as_fast_where_a_sign_test_does_not(n, least, sign_test):
    """Logarithms of times with sd .5: power .76 and .89, against .29 and .49 of the sign test of pairs."""
    rng = np.random.default_rng(n)
    a, b = np.exp(0.5 * rng.standard_normal((4000, n))), 2 * np.exp(0.5 * rng.standard_normal((4000, n)))
    pvalue, _ = ConvergesFaster("a", "b").pvalues({"a": a, "b": b})
    assert (pvalue < 0.05).mean() > least
    assert (stats.binom.sf((a < b).sum(-1) - 1, n, 0.5) < 0.05).mean() < sign_test


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


@pytest.mark.parametrize("n", [4, 8, 12])
def test_interval_agrees_with_the_verdict(n):
    rng = np.random.default_rng(n)
    for _ in range(100):
        a, b = rng.lognormal(sigma=1, size=n), rng.lognormal(mean=rng.normal(), size=n)
        a, b = np.where(a > 4, INF, a), np.where(b > 4, INF, b)
        decision = decide(a, b, ratio=1.3)
        low, high = decision.interval
        assert (decision.verdict is Verdict.SUPPORTED) == (low > 1.3)
        assert (decision.verdict is Verdict.REFUTED) == (high < 1.3)


def test_the_interval_covers_the_ratio():
    """Of 90%: 5% on either side at most; the order statistics at n = 8 leave .041 each."""
    rng = np.random.default_rng(5)
    intervals = [decide(rng.lognormal(size=8), 3 * rng.lognormal(size=8)).interval for _ in range(1000)]
    assert 0.02 < np.mean([low > 3 for low, _ in intervals]) < 0.06
    assert 0.02 < np.mean([high < 3 for _, high in intervals]) < 0.06


def test_effect_is_the_median_over_all_pairs():
    decision = decide([1, 2, 4, 8], [8, 16, 32, INF])
    assert decision.effect == pytest.approx(np.median([y / x for x in (1, 2, 4, 8) for y in (8, 16, 32, INF)]))


def test_detectable_is_a_probability_with_power():
    decision = decide([1, 9, 1, 9, 1, 9, 1], [9, 1, 9, 1, 9, 1, 9])
    assert decision.detectable_unit == "probability"
    assert power(7, required_wins(7, 0.05), decision.detectable) == pytest.approx(0.8, abs=1e-3)


def test_seeds_needed_follow_the_wins():
    leaning = decide([1, 3, 5, 7], [2, 8, 9, 10])
    assert (leaning.verdict, leaning.wins) == (Verdict.INCONCLUSIVE, (13, 16))
    assert 6 <= leaning.seeds_needed <= 16
    assert decide([1, 3, 5, 7], [1, 3, 5, 7]).seeds_needed is None


def test_nan_and_negative_times_are_errors():
    assert decide([math.nan] * 5, [1] * 5).verdict is Verdict.ERROR
    assert decide([-1] * 5, [1] * 5).verdict is Verdict.ERROR


def test_no_seeds():
    assert decide([], []).verdict is Verdict.INCONCLUSIVE


def test_a_median_that_unknown_pairs_could_move_is_not_given():
    """25 of 49 pairs never arrived on either side."""
    unknown = decide([2, 2, INF, INF, INF, INF, INF], [40, 30, INF, INF, INF, INF, INF])
    assert unknown.effect is None
    assert decide([2, 2, 2, INF], [40, 40, 40, INF]).effect == 20.0


def test_the_edge_of_a_budget_is_not_held_by_the_interval():
    decision = ConvergesFaster("a", "b", 10, budgets=(6, 60)).decide({"a": [6] * 5, "b": [math.inf] * 5})
    assert decision.verdict is Verdict.SUPPORTED
    assert decision.interval[0] > 10
