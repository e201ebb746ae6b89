"""One difference: against scipy directly, and what has defined behaviour."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from harness.relations import Equivalent, Greater, NotGreater, NotWorse, Reaches, Verdict
from harness.relations.paired_t import detectable, one_sided
from harness.specs.measures import Value, parse

A = [0.61, 0.66, 0.58, 0.70, 0.64]
B = [0.55, 0.61, 0.57, 0.60, 0.59]
IOU = parse("mIoU")


@pytest.mark.parametrize(
    ("relation", "supports", "refutes", "side"),
    [
        (Greater("a", "b"), 0.0, 0.0, "greater"),
        (Greater("a", "b", 0.03), 0.0, 0.03, "greater"),
        (NotGreater("a", "b", 0.1), 0.1, 0.0, "less"),
        (NotWorse("a", "b", 0.02), -0.02, -0.02, "greater"),
    ],
)
def test_agrees_with_scipy(relation, supports, refutes, side):
    other = {"greater": "less", "less": "greater"}[side]
    shifted = np.array(B) + supports
    decision = relation.decide({"a": A, "b": B}, alpha=0.05)
    assert decision.pvalue == pytest.approx(stats.ttest_rel(A, shifted, alternative=side).pvalue)
    assert decision.pvalue_against == pytest.approx(stats.ttest_rel(A, np.array(B) + refutes, alternative=other).pvalue)
    assert decision.interval == pytest.approx(tuple(stats.ttest_rel(A, B).confidence_interval(0.9)))
    assert decision.effect == pytest.approx(np.mean(A) - np.mean(B))
    assert decision.direction == pytest.approx(1 - decision.pvalue)
    flips = [np.mean(np.array(s) * (np.array(A) - shifted)) for s in product((-1, 1), repeat=5)]
    observed = np.mean(np.array(A) - shifted)
    extreme = [f >= observed - 1e-12 if side == "greater" else f <= observed + 1e-12 for f in flips]
    assert decision.exact_pvalue == pytest.approx(np.mean(extreme))


@pytest.mark.parametrize("relation", [Greater("a", "b", 0.03, paired=False), NotWorse("a", "b", 0.02, paired=False)])
def test_arms_that_are_no_pairs_agree_with_welch(relation):
    decision = relation.decide({"a": A, "b": B})
    supports, refutes = (0.0, 0.03) if isinstance(relation, Greater) else (-0.02, -0.02)
    one, other = (stats.ttest_ind(A, np.array(B) + shift, equal_var=False) for shift in (supports, refutes))
    assert decision.pvalue == pytest.approx(stats.t.sf(one.statistic, one.df))
    assert decision.pvalue_against == pytest.approx(stats.t.cdf(other.statistic, other.df))
    assert decision.interval == pytest.approx(tuple(np.array(one.confidence_interval(0.9)) + supports))
    exact = stats.permutation_test(
        (A, np.array(B) + supports), lambda x, y: np.mean(x) - np.mean(y), alternative="greater", n_resamples=np.inf
    )
    assert decision.exact_pvalue == pytest.approx(exact.pvalue)
    assert decision.wins == (sum(a - b > supports for a, b in product(A, B)), 25)
    assert (decision.paired, decision.seed_effects) == (False, ())


def test_welch_over_many_samples_is_scipy_sample_by_sample():
    rng = np.random.default_rng(4)
    first, second = rng.normal(size=(30, 5)), 3 * rng.normal(size=(30, 5))
    pvalue, against = Greater("a", "b", 0.4, paired=False).pvalues({"a": first, "b": second})
    for k in range(30):
        assert pvalue[k] == pytest.approx(
            stats.ttest_ind(first[k], second[k], equal_var=False, alternative="greater").pvalue
        )
        assert against[k] == pytest.approx(
            stats.ttest_ind(first[k], second[k] + 0.4, equal_var=False, alternative="less").pvalue
        )


def test_pairs_decide_where_the_seed_moves_both_arms_and_two_samples_do_not():
    moved = [0.0, 0.3, 0.6, 0.9, 1.2]
    samples = {"a": np.array(A) + moved, "b": np.array(B) + moved}
    assert Greater("a", "b").decide(samples).verdict is Verdict.SUPPORTED
    assert Greater("a", "b", paired=False).decide(samples).verdict is Verdict.INCONCLUSIVE


def test_a_tie_is_decided_by_the_smallest_gain_of_interest():
    """Equal arms, seven seeds: without a gain no number of seeds decides them."""
    tie = {"a": [0.61, 0.60, 0.62, 0.59, 0.60, 0.61, 0.60], "b": [0.60, 0.61, 0.61, 0.60, 0.60, 0.60, 0.61]}
    assert Greater("a", "b").decide(tie).verdict is Verdict.INCONCLUSIVE
    assert Greater("a", "b", 0.05).decide(tie).verdict is Verdict.REFUTED
    assert NotGreater("a", "b", 0.05).decide(tie).verdict is Verdict.SUPPORTED


def test_a_gain_that_is_shown_to_be_small_is_supported_by_less_than_the_gain():
    small = {"a": [0.61, 0.62, 0.615, 0.61, 0.62], "b": [0.60, 0.61, 0.60, 0.60, 0.605]}
    decision = Greater("a", "b", 0.05).decide(small)
    assert decision.pvalue < 0.05 > decision.pvalue_against
    assert (decision.verdict, decision.by_less_than_gain) == (Verdict.SUPPORTED, True)
    assert "by less than 0.05" in decision.notes
    large = {"a": np.array(small["a"]) + 0.2, "b": small["b"]}
    assert not Greater("a", "b", 0.05).decide(large).by_less_than_gain


def test_wins_are_seeds_on_the_claims_side():
    assert Greater("a", "b").decide({"a": A, "b": B}).wins == (5, 5)
    assert Greater("b", "a").decide({"a": A, "b": B}).wins == (0, 5)
    assert NotWorse("b", "a", 0.055).decide({"a": A, "b": B}).wins == (3, 5)
    assert Reaches("a", 0.63, 0.01).decide({"a": A}).wins == (3, 5)


def test_the_seed_without_which_the_verdict_would_be_another_is_known():
    """A single excellent seed spreads the differences and turns SUPPORTED into INCONCLUSIVE."""
    samples = {"a": [0.61, 0.62, 0.61, 0.63, 0.95, 0.62], "b": [0.55, 0.57, 0.56, 0.56, 0.55, 0.56]}
    decision = Greater("a", "b").decide(samples)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.pivotal == (4,)
    assert Greater("a", "b").decide({k: v[:3] for k, v in samples.items()}).pivotal == ()


def test_the_seeds_that_would_decide_are_about_those_of_the_power_of_a_t_test():
    rng = np.random.default_rng(5)
    noise = rng.normal(size=8)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    power = TTestPower().solve_power(effect_size=0.7, alpha=0.01, power=0.8, alternative="larger")
    decision = Reaches("a", 0.0, 0.0).decide({"a": 0.7 + noise}, alpha=0.01)
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.seeds_needed == pytest.approx(power, abs=4)
    assert Greater("a", "b").decide({"a": 0.01 + noise, "b": 0 * noise}).seeds_needed is None


def test_reaches_agrees_with_scipy():
    decision = Reaches("a", 0.62, 0.03).decide({"a": A})
    assert decision.pvalue == pytest.approx(stats.ttest_1samp(A, 0.59, alternative="greater").pvalue)
    assert decision.effect == pytest.approx(np.mean(A) - 0.62)


def test_vectorised_is_scipy_sample_by_sample():
    differences = np.random.default_rng(3).standard_t(3, size=(50, 6))
    above, below = one_sided(differences, 0.2, np.abs(differences).max(axis=-1))
    for k, sample in enumerate(differences):
        assert above[k] == pytest.approx(stats.ttest_1samp(sample, 0.2, alternative="greater").pvalue)
        assert below[k] == pytest.approx(stats.ttest_1samp(sample, 0.2, alternative="less").pvalue)


@pytest.mark.parametrize("n", [3, 4, 10, 20])
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_detectable_is_statsmodels_power(n, alpha):
    sample = np.random.default_rng(n).normal(size=n)
    effect = TTestPower().solve_power(nobs=n, alpha=alpha, power=0.8, alternative="larger")
    assert detectable(sample, alpha) == pytest.approx(effect * sample.std(ddof=1), rel=1e-4)


def test_detectable_is_on_the_claims_side():
    samples = {"a": A, "b": B}
    assert Greater("a", "b", 0.1).decide(samples).detectable > 0
    assert NotGreater("a", "b", 0.1).decide(samples).detectable < 0.1
    assert NotWorse("a", "b", 0.1).decide(samples).detectable > -0.1


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_seeds_are_inconclusive(n):
    decision = Greater("a", "b").decide({"a": A[:n], "b": B[:n]})
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.n == n
    assert "at least 3" in decision.reason


@pytest.mark.parametrize("shift", [0.1, 1 / 3, -0.1])
def test_without_spread_the_sign_test_decides_even_with_rounding(shift):
    decision = Greater("a", "b").decide({"a": np.array(A) + shift, "b": A})
    assert decision.verdict is (Verdict.SUPPORTED if shift > 0 else Verdict.REFUTED)
    assert min(decision.pvalue, decision.pvalue_against) == 0.5**5
    four = Greater("a", "b").decide({"a": np.array(A[:4]) + shift, "b": A[:4]})
    assert four.verdict is Verdict.INCONCLUSIVE
    assert "no spread" in four.reason


def test_without_spread_at_the_boundary_nothing_is_decided():
    decision = Greater("a", "b").decide({"a": A, "b": A})
    assert (decision.verdict, decision.pvalue, decision.pvalue_against) == (Verdict.INCONCLUSIVE, 1, 1)


def test_perfect_agreement_is_evidence():
    """Equal values once gave INCONCLUSIVE where worse ones, with some spread, decided."""
    assert Reaches("x", 0.5, 0.0).decide({"x": [0.6] * 5}).verdict is Verdict.SUPPORTED
    assert Reaches("x", 0.5, 0.1).decide({"x": [0.5] * 5}).verdict is Verdict.SUPPORTED
    assert Equivalent(("a", "b"), 0.02).decide({"a": A, "b": A}).verdict is Verdict.SUPPORTED
    assert NotWorse("a", "b", 0.02).decide({"a": A, "b": A}).verdict is Verdict.SUPPORTED
    assert Greater("a", "b", 0.02).decide({"a": A, "b": A}).verdict is Verdict.REFUTED
    unpaired = Greater("a", "b", paired=False).decide({"a": [0.6] * 5, "b": [0.5] * 5})
    assert (unpaired.verdict, unpaired.pvalue) == (Verdict.SUPPORTED, 0.5**5)


@pytest.mark.parametrize("n", [3, 4])
def test_a_value_is_never_reached_or_missed_with_fewer_than_five_seeds(n):
    for value in (0.1, 0.9):
        decision = Reaches("a", value, 0.0).decide({"a": A[:n]})
        assert decision.verdict is Verdict.INCONCLUSIVE
        assert decision.reason == f"{n} seeds cannot decide: at least 5 are needed."
    assert Reaches("a", 0.1, 0.0).decide({"a": A}).verdict is Verdict.SUPPORTED


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_not_finite_is_an_error(bad):
    decision = Greater("a", "b").decide({"a": [*A[:4], bad], "b": B})
    assert decision.verdict is Verdict.ERROR
    assert "a has" in decision.reason
    assert decision.pvalue is None


def test_unequal_lengths_are_an_error():
    decision = Greater("a", "b").decide({"a": A, "b": B[:4]})
    assert decision.verdict is Verdict.ERROR
    assert "a has 5, b has 4" in decision.reason


def test_own_measure_is_what_is_read():
    samples = {"a": B, "b": A, Value("a", IOU): A, Value("b", IOU): B}
    assert Greater("a", "b", measure="mIoU").decide(samples).effect > 0
    assert Greater("a", "b").decide(samples).effect < 0
    with pytest.raises(ValueError, match=r"to hold 'trend:mIoU of a', but got \['a', 'b', 'mIoU of a', 'mIoU of b'\]"):
        Greater("a", "b", measure="trend:mIoU").decide(samples)


def test_own_measure_may_be_an_object_and_is_printed_in_the_decision():
    by_text, by_object = (Greater("a", "b", measure=measure) for measure in ("mIoU", IOU))
    assert by_text == by_object
    decision = by_object.decide({Value("a", IOU): A, Value("b", IOU): B})
    assert decision.measure == "mIoU"
    assert Greater("a", "b").decide({"a": A, "b": B}).measure is None


def test_an_arm_may_have_a_colon_in_its_name():
    decision = Greater("lr:1", "lr:2", measure="mIoU").decide({Value("lr:1", IOU): A, Value("lr:2", IOU): B})
    assert decision.compares == ("lr:1", "lr:2")
    assert decision.pvalue == Greater("a", "b").decide({"a": A, "b": B}).pvalue


def test_skewed_differences_are_flagged():
    skewed = [0.0, 0.01, 0.02, 0.0, 0.01, 0.9]
    (note,) = Reaches("a", 0.0, 0.0).decide({"a": skewed}).notes
    assert "skewness 2.4" in note
    assert not Reaches("a", 0.0, 0.0).decide({"a": A}).notes


def test_descriptions():
    assert Greater("a", "b").describe() == "a > b"
    assert Greater("a", "b", 0.02).describe() == "a > b (gain 0.02)"
    assert NotWorse("a", "b", 0.02).describe() == "a ≥ b − 0.02"
    assert NotGreater("a", "b", 0.02).describe() == "a ≤ b + 0.02"
    assert Reaches("a", 0.6, 0.02).describe() == "a reaches 0.6 − 0.02"
