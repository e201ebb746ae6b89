"""Relations of several comparisons: largest p for, Bonferroni against."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from harness.relations import (
    All,
    BestOf,
    ConvergesFaster,
    Equivalent,
    Greater,
    Increasing,
    NonMonotonic,
    NotWorse,
    Verdict,
)
from harness.specs.measures import Value, parse

IOU, DICE, TIME = parse("mIoU"), parse("Dice.fluid"), parse("time:mIoU>=0.4")
RNG = np.random.default_rng(5)
SAMPLES = {arm: list(mean + RNG.normal(size=6)) for arm, mean in {"a": 0.0, "b": 1.2, "c": 2.5, "d": 0.4}.items()}


def one(low, high, alternative="greater"):
    return stats.ttest_rel(SAMPLES[high], SAMPLES[low], alternative=alternative).pvalue


def test_increasing_is_largest_p_and_bonferroni():
    decision = Increasing(("a", "b", "c")).decide(SAMPLES)
    assert decision.pvalue == pytest.approx(max(one("a", "b"), one("b", "c")))
    assert decision.pvalue_against == pytest.approx(min(1, 2 * min(one("a", "b", "less"), one("b", "c", "less"))))
    assert decision.pvalue == max(part.pvalue for part in decision.parts)
    assert decision.pvalue_against == min(part.pvalue_against for part in decision.parts)
    page = stats.page_trend_test(np.column_stack([SAMPLES[k] for k in "abc"])).pvalue
    assert f"{page:.3g}" in decision.notes[0]


def test_page_does_not_decide():
    rng = np.random.default_rng(0)
    hits = [Increasing(("a", "b", "c")).decide(_peak(rng)).verdict is Verdict.SUPPORTED for _ in range(50)]
    assert not any(hits)


def _peak(rng):
    return {arm: mean + rng.normal(size=8) for arm, mean in {"a": 0, "b": 2, "c": 1}.items()}


def test_non_monotonic():
    peak = NonMonotonic(("a", "c", "d"), "c")
    decision = peak.decide(SAMPLES)
    assert decision.pvalue == pytest.approx(max(one("a", "c"), one("d", "c")))
    assert decision.pvalue_against == pytest.approx(min(1, 2 * min(one("a", "c", "less"), one("d", "c", "less"))))
    valley = NonMonotonic(("b", "a", "c"), "a", "valley").decide(SAMPLES)
    assert valley.pvalue == pytest.approx(max(one("a", "b"), one("a", "c")))
    assert peak.describe() == "a < c > d"


def test_best_of():
    decision = BestOf(("a", "b", "c", "d"), "c").decide(SAMPLES)
    assert decision.pvalue == pytest.approx(max(one(k, "c") for k in "abd"))
    wrong = BestOf(("a", "b", "c", "d"), "a").decide(SAMPLES)
    assert wrong.pvalue_against == pytest.approx(3 * min(one(k, "a", "less") for k in "bcd"))
    assert wrong.verdict is Verdict.REFUTED
    assert wrong.effect < 0  # of the comparison that decided
    assert wrong.interval[1] < 0


def test_gains_and_pairing_go_to_every_comparison():
    relations = (
        Increasing(("a", "b", "c"), 0.1, paired=False),
        NonMonotonic(("a", "c", "d"), "c", gain=0.1, paired=False),
        BestOf(("a", "b", "c"), "c", 0.1, paired=False),
    )
    for relation in relations:
        assert {(part.gain, part.paired) for part in relation.comparisons()} == {(0.1, False)}
        decision = relation.decide(SAMPLES)
        assert (decision.gain, decision.paired) == (0.1, False)
    assert {part.paired for part in Equivalent(("a", "b", "c"), 0.1, paired=False).comparisons()} == {False}


def test_a_named_best_that_is_only_as_good_as_another_is_refuted():
    rng = np.random.default_rng(1)
    tied = {"a": 0.6 + 0.005 * rng.normal(size=7), "b": 0.6 + 0.005 * rng.normal(size=7), "c": 0.3 + 0 * np.arange(7)}
    assert BestOf(("a", "b", "c"), "a").decide(tied).verdict is Verdict.INCONCLUSIVE
    assert BestOf(("a", "b", "c"), "a", 0.05).decide(tied).verdict is Verdict.REFUTED


def test_whether_a_gain_is_named():
    assert Greater("a", "b").without_gain
    assert not Greater("a", "b", 0.1).without_gain
    assert not NotWorse("a", "b", 0.1).without_gain
    assert All((Greater("a", "b", 0.1), Increasing(("a", "b")))).without_gain
    assert not All((Greater("a", "b", 0.1), Equivalent(("a", "b"), 0.1))).without_gain


def test_equivalent_is_tost():
    decision = Equivalent(("a", "b", "d"), 2.0).decide(SAMPLES)
    pairs = [("a", "b"), ("a", "d"), ("b", "d")]
    tost = [ttost_paired(np.array(SAMPLES[x]), np.array(SAMPLES[y]), -2.0, 2.0)[0] for x, y in pairs]
    assert decision.pvalue == pytest.approx(max(tost))


def test_equivalent_against_is_between_one_and_two_sided():
    a, c = SAMPLES["a"], SAMPLES["c"]
    two_sided = stats.ttest_rel(a, c).pvalue
    assert Equivalent(("a", "c"), 1e-9).decide(SAMPLES).pvalue_against == pytest.approx(two_sided, rel=1e-6)
    far = {"a": np.array(a), "c": np.array(c) + 100}
    wide = Equivalent(("a", "c"), 100.0).decide(far).pvalue_against
    assert wide == pytest.approx(stats.ttest_rel(far["c"], far["a"] + 100, alternative="greater").pvalue, rel=1e-3)


def test_refuted_equivalence_has_its_interval_outside():
    far = {**SAMPLES, "c": np.array(SAMPLES["c"]) + 2}
    decision = Equivalent(("a", "c", "d"), 0.2).decide(far)
    assert decision.verdict is Verdict.REFUTED
    low, high = decision.interval
    assert low > 0.2 or high < -0.2


def test_all_is_at_most_each():
    children = (Greater("c", "a"), NotWorse("d", "a", 0.5), Greater("b", "a", measure=IOU))
    samples = {**SAMPLES, Value("b", IOU): SAMPLES["c"], Value("a", IOU): SAMPLES["a"]}
    decision = All(children).decide(samples)
    singles = [child.decide(samples) for child in children]
    assert decision.pvalue == pytest.approx(max(d.pvalue for d in singles))
    assert decision.pvalue_against == pytest.approx(min(1, 3 * min(d.pvalue_against for d in singles)))
    assert [part.label for part in decision.parts] == [child.describe() for child in children]


def test_all_counts_nested_comparisons():
    nested = All((Increasing(("c", "b", "a")), Greater("c", "a")))
    decision = nested.decide(SAMPLES)
    inner = 2 * 2 * min(one("c", "b", "less"), one("b", "a", "less"))
    assert decision.pvalue_against == pytest.approx(min(1, inner, 2 * one("a", "c", "less")))


def test_all_with_times_and_values():
    both = All((Greater("c", "a"), ConvergesFaster("c", "a", measure=TIME)))
    samples = {**SAMPLES, Value("c", TIME): [10] * 6, Value("a", TIME): [20, 30, math.inf, 20, 40, 50]}
    decision = both.decide(samples)
    assert decision.verdict is Verdict.SUPPORTED
    assert decision.detectable_unit == "difference"  # that of the comparison with the larger p, which decided
    samples["c"] = [*SAMPLES["c"][:5], math.inf]
    assert both.decide(samples).verdict is Verdict.ERROR


def test_measure_of_all_is_inherited():
    samples = {Value("a", IOU): SAMPLES["a"], Value("c", IOU): SAMPLES["c"]}
    assert All((Greater("c", "a"),), measure=IOU).decide(samples).verdict is Verdict.SUPPORTED


def test_all_reads_every_figure_of_its_parts_once():
    inner = All((Greater("a", "b"), Equivalent(("b", "c"), 0.1)), measure=IOU)
    whole = All((inner, Greater("a", "b"), Greater("b", "a", 0.1), ConvergesFaster("a", "b", measure=TIME)))
    figures = [("a", IOU), ("b", IOU), ("c", IOU), ("a", DICE), ("b", DICE), ("a", TIME), ("b", TIME)]
    assert whole.values(DICE) == tuple(Value(arm, measure) for arm, measure in figures)
    assert whole.time_keys == {Value("a", TIME), Value("b", TIME)}
    assert whole.arms == ("a", "b", "c")


def test_part_without_spread_leaves_the_whole_undecided():
    samples = {"same": np.array(SAMPLES["a"][:4]) - 1, **{arm: SAMPLES[arm][:4] for arm in "ac"}}
    decision = Increasing(("same", "a", "c")).decide(samples)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "no spread" in decision.reason
