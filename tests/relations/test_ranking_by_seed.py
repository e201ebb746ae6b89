"""Rank correlation within a seed: scipy's τ of each seed, decided by a one-sample t test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.relations import Collapsed, Looks, RankCorrelation, RankCorrelationBySeed, Verdict, decide_sequentially
from harness.specs.measures import Value, parse

DICE, RECALL = parse("mDice"), parse("Acc.fluid")
ARMS = ("a", "b", "c", "d", "e")
PAIRS = tuple((arm, Value(arm, DICE)) for arm in ARMS)
MISLEADS = RankCorrelationBySeed(PAIRS, below=0.0, measure=RECALL)


def drawn(seed, n=6, pull=0.0):
    """Recall and mDice of five models, drawn anew with each seed; `pull` ties one to the other."""
    rng = np.random.default_rng(seed)
    recall = {arm: rng.random(n) for arm in ARMS}
    samples = {Value(arm, RECALL): values for arm, values in recall.items()}
    return samples | {Value(arm, DICE): pull * recall[arm] + rng.random(n) for arm in ARMS}


def taus(samples, n=6):
    def of(measure, seed):
        return [samples[Value(arm, measure)][seed] for arm in ARMS]

    return [stats.kendalltau(of(DICE, seed), of(RECALL, seed)).statistic for seed in range(n)]


@pytest.mark.parametrize("pull", [-2.0, 0.0, 2.0])
def test_it_is_scipys_tau_in_each_seed_and_its_one_sample_t_test(pull):
    for seed in range(10):
        samples = drawn(seed, pull=pull)
        decision, theirs = MISLEADS.decide(samples), taus(samples)
        assert decision.seed_effects == pytest.approx(theirs)
        assert decision.effect == pytest.approx(np.mean(theirs))
        if np.ptp(theirs):
            test = stats.ttest_1samp(theirs, 0.0, alternative="less")
            assert decision.pvalue == pytest.approx(test.pvalue)
            low, high = stats.ttest_1samp(theirs, 0.0).confidence_interval(0.9)
            assert decision.interval == pytest.approx((max(-1, low), min(1, high)))


def test_what_is_planted_is_found_and_its_opposite_too():
    assert MISLEADS.decide(drawn(1, pull=-2.0)).verdict is Verdict.SUPPORTED
    assert MISLEADS.decide(drawn(1, pull=2.0)).verdict is Verdict.REFUTED
    agrees = RankCorrelationBySeed(PAIRS, measure=RECALL)
    assert agrees.decide(drawn(1, pull=2.0)).verdict is Verdict.SUPPORTED


def test_means_over_seeds_do_not_see_what_each_draw_shows():
    """Every seed draws other heads: the order turns from seed to seed, and mDice turns it round each time."""
    samples = drawn(3, pull=-5.0)
    assert MISLEADS.decide(samples).verdict is Verdict.SUPPORTED
    assert RankCorrelation(PAIRS, below=0.0, measure=RECALL).decide(samples).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("n", [5, 7, 10])
@pytest.mark.parametrize("models", [3, 5])
def test_without_a_relation_each_verdict_keeps_its_level(n, models):
    """τ has few values, and 5 of them are equal now and then: a look at n seeds spends 1 / (1 + 5/n²) of its level."""
    relation = RankCorrelationBySeed(PAIRS[:models], below=0.0, measure=RECALL)
    rng, runs = np.random.default_rng(n), 20_000
    samples = {Value(arm, measure): rng.random((runs, n)) for arm in ARMS[:models] for measure in (DICE, RECALL)}
    level = 0.05 / (1 + 5 / n**2)
    for pvalue in relation.pvalues(samples):
        assert (pvalue < level).mean() <= stats.binom.ppf(0.999, runs, 0.05) / runs


def test_looks_decide_as_the_relation_does():
    decision = decide_sequentially(MISLEADS, drawn(1, n=5, pull=-9.0), Looks.smoke(), alpha=0.05, family=1)
    assert (decision.verdict, decision.n_next) == (Verdict.SUPPORTED, None)


def test_a_mean_that_misleads_is_found_where_networks_predict_one_class_alone():
    """They have their values: recall 0 beside the background's mDice, recall 1 beside hardly any."""
    share = {arm: np.roll([0.0, 1.0, 0.2, 0.7, 0.4], place) for place, arm in enumerate(ARMS)}
    samples = {Value(arm, RECALL): values for arm, values in share.items()}
    samples |= {Value(arm, DICE): 0.5 * (1 - values) for arm, values in share.items()}
    flags = {Collapsed(arm): (values == 0) | (values == 1) for arm, values in share.items()}
    decision = MISLEADS.decide({**samples, **flags})
    assert (decision.verdict, decision.effect) == (Verdict.SUPPORTED, -1.0)


def test_ties_are_neither_concordant_nor_discordant():
    samples = {Value(arm, measure): np.zeros(6) for arm in ARMS for measure in (DICE, RECALL)}
    decision = MISLEADS.decide(samples)
    assert (decision.verdict, decision.effect) == (Verdict.INCONCLUSIVE, 0.0)


def test_four_seeds_decide_nothing():
    assert MISLEADS.decide(drawn(1, n=4, pull=-9.0)).verdict is Verdict.INCONCLUSIVE
    assert MISLEADS.decide(drawn(1, n=5, pull=-9.0)).verdict is Verdict.SUPPORTED


def test_to_stay_below_is_the_mirror_image_of_to_exceed():
    for seed in range(20):
        samples = drawn(seed, pull=0.5)
        turned = {key: values if key.measure == DICE else -values for key, values in samples.items()}
        above = RankCorrelationBySeed(PAIRS, above=0.2, measure=RECALL).decide(samples)
        below = RankCorrelationBySeed(PAIRS, below=-0.2, measure=RECALL).decide(turned)
        assert (below.verdict, below.pvalue) == (above.verdict, pytest.approx(above.pvalue))
        assert below.interval == pytest.approx((-above.interval[1], -above.interval[0]))
        assert below.detectable == pytest.approx(-above.detectable)


def test_known_references_rank_the_models_of_each_seed():
    known = RankCorrelationBySeed(tuple((arm, float(place)) for place, arm in enumerate(ARMS)))
    rng = np.random.default_rng(0)
    samples = {arm: place + rng.normal(size=6) for place, arm in enumerate(ARMS)}
    theirs = [stats.kendalltau(range(5), [samples[arm][seed] for arm in ARMS]).statistic for seed in range(6)]
    assert known.decide(samples).seed_effects == pytest.approx(theirs)


def test_it_says_what_it_is():
    assert MISLEADS.describe() == "in a seed τ with mDice < 0 (a, b, c, d, e)"
    with pytest.raises(ValueError, match="`paired` to be True, since τ is taken within a seed, but got False"):
        RankCorrelationBySeed(PAIRS, paired=False)
