"""Rank correlation: pairs of models by partial conjunction, label permutation beside it."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy import stats

from harness.relations import RankCorrelation, Verdict
from harness.relations.relation import Collapsed
from harness.specs.measures import Value, parse

DICE, RECALL = parse("mDice"), parse("Acc.fluid")

MODELS = (("a", 70.0), ("b", 72.0), ("c", 75.0), ("d", 80.0))


def seeds(means, n=6, seed=0, sd=1.0):
    rng = np.random.default_rng(seed)
    return {arm: mean + sd * rng.normal(size=n) for arm, mean in means.items()}


def test_required_pairs():
    assert RankCorrelation(MODELS).required == (4, 3)  # (2·4 − 6)/6 > 0; (6 − 2·3)/6 ≤ 0
    assert RankCorrelation(MODELS, above=0.6).required == (5, 2)
    assert RankCorrelation(MODELS, above=2 / 3).required == (6, 1)
    assert RankCorrelation(MODELS, above=-1).required == (1, 6)
    assert RankCorrelation(MODELS[:3]).required == (2, 2)


def test_pvalue_is_the_partial_conjunctions_at_the_required_rank():
    samples = seeds({"a": 0, "b": 1, "c": 2, "d": 3})
    pairs = [stats.ttest_rel(samples[y], samples[x], alternative="greater").pvalue for x, y in combinations("abcd", 2)]
    decision = RankCorrelation(MODELS).decide(samples)
    assert decision.pvalue == pytest.approx(3 * np.sort(pairs)[3])
    assert len(decision.parts) == 6


def test_interval_agrees_with_the_verdict():
    for seed in range(60):
        means = dict(zip("abcd", np.random.default_rng(seed).normal(size=4) * 2, strict=True))
        decision = RankCorrelation(MODELS, above=0.1).decide(seeds(means, seed=seed))
        low, high = decision.interval
        assert (decision.verdict is Verdict.SUPPORTED) == (low > 0.1)
        assert (decision.verdict is Verdict.REFUTED) == (high <= 0.1)
        assert low - 1e-9 <= decision.effect <= high + 1e-9


def test_label_permutation_is_exact():
    samples = seeds({"a": 0, "b": 3, "c": 2, "d": 5}, sd=0.1)
    decision = RankCorrelation(MODELS).decide(samples)
    means = [samples[k].mean() for k in "abcd"]
    taus = [stats.kendalltau(order, means).statistic for order in permutations((1, 2, 3, 4))]
    assert decision.exact_pvalue == pytest.approx(np.mean(np.array(taus) >= decision.effect - 1e-12))
    assert decision.effect == pytest.approx(4 / 6)


def test_reversed_order_is_refuted():
    assert RankCorrelation(MODELS).decide(seeds({"a": 9, "b": 6, "c": 3, "d": 0})).verdict is Verdict.REFUTED


def test_tied_references_are_left_out():
    tied = RankCorrelation((("a", 1.0), ("b", 1.0), ("c", 2.0)))
    decision = tied.decide(seeds({"a": 0, "b": 0, "c": 9}))
    assert decision.verdict is Verdict.SUPPORTED
    assert decision.interval == (1.0, 1.0)


def test_measured_reference_needs_both_orders():
    relation = RankCorrelation((("a", "ra"), ("b", "rb"), ("c", "rc")))
    assert relation.arms == ("a", "ra", "b", "rb", "c", "rc")
    target = seeds({"a": 0, "b": 5, "c": 10})
    same = relation.decide({**target, **seeds({"ra": 9, "rb": 18, "rc": 27}, seed=1)})
    opposite = relation.decide({**target, **seeds({"ra": 27, "rb": 18, "rc": 9}, seed=1)})
    unclear = relation.decide({**target, **seeds({"ra": 0, "rb": 0, "rc": 0}, seed=1)})
    verdicts = [d.verdict for d in (same, opposite, unclear)]
    assert verdicts == [Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE]


def test_reference_by_another_measure_of_the_same_arms():
    relation = RankCorrelation((("a", Value("a", DICE)), ("b", Value("b", DICE))), measure=RECALL)
    samples = {Value(arm, RECALL): values for arm, values in seeds({"a": 0, "b": 9}).items()}
    samples |= {Value(arm, DICE): values for arm, values in seeds({"a": 9, "b": 0}, seed=1).items()}
    assert relation.decide(samples).verdict is Verdict.REFUTED
    assert relation.arms == ("a", "b")
    assert relation.describe() == "τ with mDice > 0 (a, b)"


def test_reference_by_another_measure_of_other_arms():
    """The source's mDice over many classes beside the target's own measure."""
    relation = RankCorrelation((("a", Value("source a", DICE)), ("b", Value("source b", DICE))))
    sources = seeds({"source a": 0, "source b": 9}, seed=1)
    samples = {**seeds({"a": 0, "b": 9}), **{Value(arm, DICE): values for arm, values in sources.items()}}
    assert relation.decide(samples).verdict is Verdict.SUPPORTED
    assert relation.arms == ("a", "source a", "b", "source b")
    figures = [("a", RECALL), ("source a", DICE), ("b", RECALL), ("source b", DICE)]
    assert relation.values(RECALL) == tuple(Value(arm, measure) for arm, measure in figures)


def test_models_and_references_may_have_a_colon_in_their_names():
    relation = RankCorrelation((("lr:1", "lr:1:source"), ("lr:2", "lr:2:source")))
    samples = {**seeds({"lr:1": 0, "lr:2": 9}), **seeds({"lr:1:source": 0, "lr:2:source": 9}, seed=1)}
    assert relation.decide(samples).verdict is Verdict.SUPPORTED


def test_too_few_seeds():
    assert RankCorrelation(MODELS).decide(seeds(dict.fromkeys("abcd", 0), n=2)).verdict is Verdict.INCONCLUSIVE


def test_a_measured_reference_orders_its_pairs_and_promises_no_detectable_effect():
    """The reference falls from a to b, and so does the target: concordant, shown as a rise from b to a."""
    rng = np.random.default_rng(3)
    samples = {name: mean + 0.01 * rng.normal(size=6) for name, mean in (("a", 1), ("b", 0), ("ra", 9), ("rb", 5))}
    decision = RankCorrelation((("a", "ra"), ("b", "rb"))).decide(samples)
    assert decision.verdict is Verdict.SUPPORTED
    assert decision.detectable is None
    (pair,) = decision.parts
    assert (pair.label, pair.compares) == ("b < a as by the reference", ("a", "b"))
    assert pair.effect == pytest.approx(1, abs=0.02)
    assert pair.interval[0] > 0


def test_the_label_permutation_of_many_tied_models_is_called_random():
    samples = {name: np.arange(3) + place for place, name in enumerate("abcdefg")}
    pairs = tuple((name, float(min(place, 5))) for place, name in enumerate("abcdefg"))
    assert any("random label permutation" in note for note in RankCorrelation(pairs).decide(samples).notes)
    few = {name: samples[name] for name in "defg"}
    assert any("exact label permutation" in note for note in RankCorrelation(pairs[3:]).decide(few).notes)


def test_unpaired_models_are_compared_by_welch():
    samples = seeds({"a": 0, "b": 1, "c": 2, "d": 3})
    decision = RankCorrelation(MODELS, paired=False).decide(samples)
    pairs = [
        stats.ttest_ind(samples[y], samples[x], equal_var=False, alternative="greater").pvalue
        for x, y in combinations("abcd", 2)
    ]
    assert decision.pvalue == pytest.approx(3 * np.sort(pairs)[3])
    assert not decision.paired
    assert not any(part.paired for part in decision.parts)


def test_collapsed_runs_are_no_evidence_for_an_order():
    """In b two runs of eight collapsed: that it is better where it converged shows no order of a and b."""
    relation, flags = RankCorrelation((("a", 1.0), ("b", 2.0))), np.array([1, 1, 0, 0, 0, 0, 0, 0])
    samples = seeds({"a": 0, "b": 9}, n=8, sd=0.1)
    assert relation.decide(samples).verdict is Verdict.SUPPORTED
    samples["b"] = np.where(flags > 0, -50.0, samples["b"])
    collapsed = relation.decide({**samples, Collapsed("b"): flags})
    assert (collapsed.verdict, collapsed.effect) == (Verdict.INCONCLUSIVE, 1.0)
    assert collapsed.parts[0].collapsed == (2, 0)


def test_a_collapsed_reference_shows_no_order():
    relation = RankCorrelation((("a", "ra"), ("b", "rb")))
    samples = {**seeds({"a": 0, "b": 9}, n=8, sd=0.1), **seeds({"ra": 0, "rb": 9}, n=8, sd=0.1)}
    assert relation.decide(samples).verdict is Verdict.SUPPORTED
    decision = relation.decide({**samples, Collapsed("rb"): [1, 1, 0, 0, 0, 0, 0, 0]})
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.parts[0].reason == "The order of the references is not shown."


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("bound", [0.0, 0.1, 0.6, -1.0])
def test_to_stay_below_is_the_mirror_image_of_to_exceed(bound, paired):
    """With the values turned round, each order turns round, and nothing else changes."""
    for seed in range(20):
        means = dict(zip("abcd", np.random.default_rng(seed).normal(size=4) * 2, strict=True))
        samples = seeds(means, seed=seed)
        turned = {arm: -values for arm, values in samples.items()}
        above = RankCorrelation(MODELS, above=bound, paired=paired).decide(samples)
        below = RankCorrelation(MODELS, below=-bound, paired=paired).decide(turned)
        assert (below.verdict, below.pvalue, below.pvalue_against) == (
            above.verdict,
            above.pvalue,
            above.pvalue_against,
        )
        assert below.effect == pytest.approx(-above.effect)
        assert below.interval == pytest.approx((-above.interval[1], -above.interval[0]))
        assert below.exact_pvalue == pytest.approx(above.exact_pvalue)
        assert [part.verdict for part in below.parts] == [part.verdict for part in above.parts]


def test_pairs_that_go_the_wrong_way_round_stand_so():
    samples = seeds({"a": 9, "b": 0}, sd=0.1)
    decision = RankCorrelation((("a", 1.0), ("b", 2.0)), below=0.0).decide(samples)
    assert decision.verdict is Verdict.SUPPORTED
    assert decision.notes[0] == "0 concordant and 1 discordant of 1 pairs of models"
    (pair,) = decision.parts
    assert (pair.label, pair.verdict, pair.effect > 8) == ("b < a against the reference", Verdict.SUPPORTED, True)
    assert RankCorrelation(MODELS, below=0.0).describe().startswith("τ with the reference < 0 (a 70")


@pytest.mark.parametrize(("above", "below"), [(0.2, 0.3), (0.0, -1.0), (0.0, 1.1)])
def test_a_bound_below_stands_alone_and_in_range(above, below):
    with pytest.raises(ValueError, match=r"`below` to be in \(-1, 1\] and to stand without `above`"):
        RankCorrelation(MODELS, above, below=below)
