"""One difference: against scipy directly, and what has defined behaviour."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from harness.relations import Greater, NotGreater, NotWorse, Reaches, Verdict
from harness.relations.paired_t import detectable, one_sided
from harness.specs.measures import Value, parse

A = [0.61, 0.66, 0.58, 0.70, 0.64]
B = [0.55, 0.61, 0.57, 0.60, 0.59]
IOU = parse("mIoU")


@pytest.mark.parametrize(
    ("relation", "boundary", "side"),
    [
        (Greater("a", "b"), 0.0, "greater"),
        (Greater("a", "b", 0.03), 0.03, "greater"),
        (NotGreater("a", "b", 0.1), 0.1, "less"),
        (NotWorse("a", "b", 0.02), -0.02, "greater"),
    ],
)
def test_agrees_with_scipy(relation, boundary, side):
    other = {"greater": "less", "less": "greater"}[side]
    shifted = np.array(B) + boundary
    decision = relation.decide({"a": A, "b": B}, alpha=0.05)
    assert decision.pvalue == pytest.approx(stats.ttest_rel(A, shifted, alternative=side).pvalue)
    assert decision.pvalue_against == pytest.approx(stats.ttest_rel(A, shifted, alternative=other).pvalue)
    assert decision.interval == pytest.approx(tuple(stats.ttest_rel(A, B).confidence_interval(0.9)))
    assert decision.effect == pytest.approx(np.mean(A) - np.mean(B))
    flips = [np.mean(np.array(s) * (np.array(A) - shifted)) for s in product((-1, 1), repeat=5)]
    observed = np.mean(np.array(A) - shifted)
    extreme = [f >= observed - 1e-12 if side == "greater" else f <= observed + 1e-12 for f in flips]
    assert decision.exact_pvalue == pytest.approx(np.mean(extreme))


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
    assert Greater("a", "b", 0.1).decide(samples).detectable > 0.1
    assert NotGreater("a", "b", 0.1).decide(samples).detectable < 0.1
    assert NotWorse("a", "b", 0.1).decide(samples).detectable > -0.1


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_seeds_are_inconclusive(n):
    decision = Greater("a", "b").decide({"a": A[:n], "b": B[:n]})
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.n == n
    assert "at least 3" in decision.reason


@pytest.mark.parametrize("shift", [0.0, 0.1, 1 / 3])
def test_no_spread_is_inconclusive_even_by_rounding(shift):
    decision = Greater("a", "b").decide({"a": np.array(A) + shift, "b": A})
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "no spread" in decision.reason


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
    assert Greater("a", "b", 0.02).describe() == "a > b + 0.02"
    assert NotWorse("a", "b", 0.02).describe() == "a ≥ b − 0.02"
    assert NotGreater("a", "b", 0.02).describe() == "a ≤ b + 0.02"
    assert Reaches("a", 0.6, 0.02).describe() == "a reaches 0.6 − 0.02"
