"""The sequential plan: levels, stops, futility, and going on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulation import decided_by, draw
from harness.relations import (
    ConvergesFaster,
    Greater,
    Increasing,
    Looks,
    NotWorse,
    Verdict,
    decide_sequentially,
)
from harness.relations.levels import FEWER, last_level
from harness.relations.predictive import draw_times, draw_values, predictive_probabilities

CLAIM = Greater("a", "b")


def seeds(effect, n, seed=0):
    rng = np.random.default_rng(seed)
    return {"a": effect + rng.normal(size=n), "b": rng.normal(size=n)}


def test_plan():
    looks = Looks()
    spent = [0.005 / (1 + 5 / 16), 0.005 / (1 + 5 / 49), 0.0462 / 1.05]
    assert [looks.level(i, 0.05) for i in range(3)] == pytest.approx(spent, rel=1e-3)
    assert [looks.next_after(n) for n in (0, 4, 5, 7, 9, 10)] == [4, 7, 7, 10, 10, None]
    assert Looks.smoke() == Looks.fixed(5) == Looks(at=(5,), early=())


def test_the_last_level_is_that_of_correlated_normal_statistics():
    """Against scipy's multivariate normal: all looks together err in just what they share."""
    from scipy import stats

    for at, early in (((4, 7, 10), (0.005, 0.005)), ((3, 8), (0.01,))):
        seeds = np.array(at) - min(FEWER, at[0] / 2)
        correlation = np.sqrt(np.minimum.outer(seeds, seeds) / np.maximum.outer(seeds, seeds))
        critical = stats.norm.isf([*early, last_level(at, (*early, 0.05))])
        stays = stats.multivariate_normal(cov=correlation, abseps=1e-5).cdf(critical)
        assert 1 - stays == pytest.approx(0.05, abs=2e-5)


def test_the_last_look_spends_what_the_correlation_of_looks_leaves():
    """The shares alone left .0381 for the last look; wrong verdicts stay below .05 all the same."""
    looks = Looks()
    assert looks.level(2, 0.05) > 0.0435
    rng = np.random.default_rng(7)
    supported, refuted = decided_by(CLAIM, draw(rng, {"a": 0.0, "b": 0.0}, "normal", 10, 200_000), looks)
    assert 0.045 < supported.mean() < 0.05
    assert 0.045 < refuted.mean() < 0.05


@pytest.mark.parametrize("i", [0, 1, 2])
@given(alpha=st.floats(1e-6, 0.45))
def test_the_plans_pvalue_is_the_level_backwards(i, alpha):
    assert Looks().plan_pvalue(i, Looks().level(i, alpha)) == pytest.approx(alpha, rel=1e-6)


def test_the_plans_pvalue_is_at_most_1():
    assert [Looks().plan_pvalue(i, p) for i in (0, 2) for p in (0.0, 0.9, 1.0)] == [0.0, 1.0, 1.0] * 2
    assert Looks.fixed(5).plan_pvalue(0, 0.01) == pytest.approx(0.012)


def test_a_claim_with_one_likely_verdict_is_not_given_up():
    """At a probability of .10 for SUPPORTED it goes on; it was given up below .15."""
    samples = seeds(0.1, 4, seed=16)
    result = decide_sequentially(CLAIM, samples)
    chance = max(result.history[0].predictive)
    assert 0.05 < chance < 0.15
    assert result.stopped is None


def test_a_clear_claim_stops_early_and_says_so():
    result = decide_sequentially(CLAIM, seeds(9, 10))
    assert (result.stopped, result.decision.n, result.seeds_saved, result.n_next) == ("decided", 4, 6, None)
    assert result.pvalue == pytest.approx(result.decision.pvalue / 0.1 * (1 + 5 / 16))


def test_the_family_raises_the_bar_for_an_early_stop_only():
    samples = seeds(2.5, 10, seed=4)
    alone, crowd = (decide_sequentially(CLAIM, samples, family=k) for k in (1, 1000))
    assert alone.history[0].level == pytest.approx(1000 * crowd.history[0].level)
    assert crowd.stopped == "last look"
    assert crowd.decision.n == 10
    assert crowd.history[-1].level == Looks().level(2, 0.05)


def test_too_few_seeds_ask_for_more():
    result = decide_sequentially(CLAIM, seeds(0.8, 3))
    assert (result.stopped, result.n_next, result.pvalue, result.seeds_saved) == (None, 4, None, 0)
    assert result.verdict is Verdict.INCONCLUSIVE


def test_adding_seeds_goes_on_from_the_last_look():
    samples = seeds(0.9, 10, seed=2)
    results = [decide_sequentially(CLAIM, {k: v[:n] for k, v in samples.items()}, family=50) for n in (4, 5, 6, 7, 10)]
    assert [r.n_next for r in results[:4]] == [7, 7, 7, 10]
    assert results[1].history == results[0].history
    assert results[-1].history[:2] == results[3].history


def test_seeds_beyond_a_stop_are_not_used():
    samples = seeds(9, 10)
    spoiled = {k: np.where(np.arange(10) < 4, v, -100.0) for k, v in samples.items()}
    assert decide_sequentially(CLAIM, samples).decision == decide_sequentially(CLAIM, spoiled).decision


def test_the_arm_with_fewest_seeds_counts():
    samples = seeds(1, 10)
    result = decide_sequentially(CLAIM, {"a": samples["a"], "b": samples["b"][:5]}, family=10**6)
    assert result.n_next == 7


def test_futility_needs_both_verdicts_to_be_unlikely():
    level = {"a": [1.0, -1.0, 1.0, -1.0, 1.1, -1.0, 0.0], "b": [0.0] * 7}
    given_up = decide_sequentially(CLAIM, level)
    assert (given_up.stopped, given_up.verdict) == ("futile", Verdict.INCONCLUSIVE)
    assert max(given_up.history[-1].predictive) < 0.05
    opposite = seeds(-1.2, 4, seed=3)
    result = decide_sequentially(CLAIM, opposite)
    assert result.history[0].predictive[0] < 0.05
    assert result.stopped != "futile"  # it may still be refuted


def test_no_spread_says_nothing_of_the_seeds_to_come():
    """Four collapsed runs of both arms are no reason to give up: these ten seeds refute the claim."""
    a, b = [0.0] * 10, [0.0] * 4 + [0.25, 0.24, 0.26, 0.25, 0.27, 0.23]
    first = decide_sequentially(NotWorse("a", "b", 0.05), {"a": a[:4], "b": b[:4]})
    assert (first.stopped, first.n_next, first.history[0].predictive) == (None, 7, None)
    assert decide_sequentially(NotWorse("a", "b", 0.05), {"a": a, "b": b}).verdict is Verdict.REFUTED
    constant = decide_sequentially(CLAIM, {"a": [1.0] * 10, "b": [0.0] * 10})
    assert (constant.verdict, constant.decision.pvalue) == (Verdict.SUPPORTED, 0.5**10)


def test_times_go_through_the_looks():
    """Of 4 runs an arm no wins are enough at the level of the first look; of 7 they are."""
    assert decide_sequentially(ConvergesFaster("a", "b"), {"a": [1.0] * 4, "b": [9.0] * 4}).n_next == 7
    assert decide_sequentially(ConvergesFaster("a", "b"), {"a": [1.0] * 7, "b": [9.0] * 7}).stopped == "decided"
    times = {"a": [1.0] * 10, "b": [9.0, math.inf] * 5}
    assert decide_sequentially(ConvergesFaster("a", "b"), times).verdict is Verdict.SUPPORTED


def test_nan_stops_with_an_error():
    result = decide_sequentially(CLAIM, {"a": [1.0, math.nan, 1.0, 2.0], "b": [0.0] * 4})
    assert (result.stopped, result.verdict, result.pvalue) == ("error", Verdict.ERROR, None)


def test_is_repeatable():
    samples = seeds(0.8, 7, seed=9)
    first, second = (decide_sequentially(CLAIM, samples, family=38) for _ in range(2))
    assert first == second


def test_predictive_of_one_difference_is_the_t_predictive():
    """The mean of the seeds to come, for one difference, is t distributed with n − 1 degrees of freedom."""
    from scipy import stats

    observed = np.random.default_rng(1).normal(size=(2, 5))
    drawn = draw_values(observed, 3, 40000, np.random.default_rng(2))
    means = (drawn[:, 0] - drawn[:, 1]).mean(axis=-1)
    d = observed[0] - observed[1]
    t = (means - d.mean()) / (d.std(ddof=1) * math.sqrt(1 / 5 + 1 / 3))
    assert stats.kstest(t, "t", args=(4,)).pvalue > 0.001


def test_predictive_is_calibrated():
    """Among claims whose predicted probability is p, a share near p is supported at the end."""
    rng = np.random.default_rng(3)
    predicted, came = [], []
    for _ in range(300):
        arms = draw(rng, {"a": rng.normal(scale=1.5), "b": 0.0}, "normal", 10, 1)
        samples = {k: v[0] for k, v in arms.items()}
        early = {k: v[:4] for k, v in samples.items()}
        predicted.append(predictive_probabilities(CLAIM, early, 10, 0.04, simulations=200)[0])
        came.append(float(CLAIM.pvalues(samples)[0]) < 0.04)
    assert np.mean(predicted) == pytest.approx(np.mean(came), abs=0.08)


def test_times_are_drawn_as_whole_seeds():
    observed = np.array([[1.0, 2.0, math.inf], [10.0, 20.0, 30.0]])
    drawn = draw_times(observed, 4, 50, np.random.default_rng(0))
    assert drawn.shape == (50, 2, 4)
    pairs = {tuple(pair) for pair in np.moveaxis(drawn, 1, -1).reshape(-1, 2)}
    assert pairs <= {(1.0, 10.0), (2.0, 20.0), (math.inf, 30.0)}


@given(
    values=st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=10, max_size=10),
    at=st.lists(st.integers(3, 10), min_size=1, max_size=3, unique=True),
)
def test_the_plans_pvalue_and_its_level_say_the_same(values, at):
    """At the last look the claim is decided exactly where the plan's p-value, which enters Holm, is below alpha."""
    looks = Looks(tuple(sorted(at)), (0.3,) * (len(at) - 1))
    a, b = (list(arm) for arm in zip(*values, strict=True))
    result = decide_sequentially(CLAIM, {"a": a, "b": b}, looks)
    assert result.decision.alpha < 0.05
    if result.stopped == "last look":
        assert (result.verdict is Verdict.SUPPORTED) == (result.pvalue < 0.05)
        assert (result.verdict is Verdict.REFUTED) == (result.pvalue_against < 0.05)


def test_several_arms_with_fewer_seeds_than_arms():
    rng = np.random.default_rng(0)
    arms = tuple("abcdefg")
    samples = {arm: i + 0.3 * rng.normal(size=4) for i, arm in enumerate(arms)}
    assert decide_sequentially(Increasing(arms), samples, family=38).n_next == 7


@pytest.mark.parametrize(
    ("at", "early"),
    [((), ()), ((4, 4), (0.5,)), ((4, 7), ()), ((4, 7), (1.0,)), ((4, 7), (0.0,)), ((0,), ()), ((4, 7), (0.1, 0.1))],
)
def test_bad_plans(at, early):
    with pytest.raises(ValueError, match="Expected argument"):
        Looks(at, early)


def test_bad_family():
    with pytest.raises(ValueError, match="family"):
        decide_sequentially(CLAIM, seeds(0, 4), family=0)


def test_an_early_stop_has_the_verdict_that_passed_the_level_of_the_family():
    """A gain allows both verdicts; REFUTED alone passed the family's level, and SUPPORTED was what the table said."""
    relation = Greater("a", "b", gain=0.05)
    gains = np.array([0.0115, 0.0145, 0.0185, 0.0215])
    samples = {"a": 0.5 + gains, "b": np.full(4, 0.5)}
    pvalue, against = (float(p) for p in relation.pvalues(samples))
    looks = Looks()
    raw = looks.level(0, 0.05)
    assert against < raw / 8 < pvalue < raw
    assert decide_sequentially(relation, samples, looks, family=8).stopped is None
    assert decide_sequentially(relation, samples, looks, family=1).verdict is Verdict.SUPPORTED


def test_a_tiny_p_has_a_plan_pvalue():
    """Below 1e-14 the integration of two looks raised, and the claim became an ERROR."""
    looks = Looks.planned((4, 10))
    for pvalue in (1e-300, 1e-20, 1e-14, 1e-9, 1e-6):
        assert pvalue <= looks.plan_pvalue(1, pvalue) <= 2 * pvalue
