"""Contrasts: Welch's interval beside a claim, on what converged, and a word where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.relations import Collapsed, Contrast

LEAK = Contrast("leak", "random", "subject", words="random split less by subject")

values = st.lists(st.floats(0, 1).map(lambda value: round(value, 3)), min_size=3, max_size=10)


@given(values, values)
def test_the_interval_is_welchs_of_90_percent(first, second):
    measured = LEAK.measured({"random": first, "subject": second}, "mDice")
    assert measured.effect == pytest.approx(np.mean(first) - np.mean(second))
    if max(np.ptp(first), np.ptp(second)) == 0:
        assert (measured.interval, measured.reason) == (None, "without an interval: the values have no spread")
        return
    theirs = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.9)
    assert measured.interval == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert measured.reason == ""


def test_a_constant_difference_moves_the_interval_by_itself():
    samples = {"random": [0.7, 0.72, 0.75], "subject": [0.6, 0.65, 0.61]}
    moved = {**samples, "random": [value + 0.1 for value in samples["random"]]}
    low, high = LEAK.measured(samples, "mDice").interval
    assert LEAK.measured(moved, "mDice").interval == pytest.approx((low + 0.1, high + 0.1))


def test_runs_that_collapsed_do_not_count_and_are_counted():
    samples = {"random": [0.7, 0.0, 0.72, 0.75], "subject": [0.6, 0.65, 0.61, 0.66]}
    measured = LEAK.measured({**samples, Collapsed("random"): [0, 1, 0, 0]}, "mDice")
    without = LEAK.measured({**samples, "random": [0.7, 0.72, 0.75]}, "mDice")
    assert (measured.effect, measured.interval) == (without.effect, without.interval)
    assert measured.collapsed == (1, 0)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ({"random": [0.7, np.nan], "subject": [0.6, 0.5]}, "1 of 4 runs failed"),
        ({"random": [0.0, 0.0], "subject": [0.6, 0.5], Collapsed("random"): [1, 1]}, "every run of an arm collapsed"),
    ],
)
def test_without_values_there_is_no_effect(samples, reason):
    measured = LEAK.measured(samples, "mDice")
    assert (measured.effect, measured.interval, measured.reason) == (None, None, reason)


def test_two_runs_have_an_effect_and_no_interval():
    measured = LEAK.measured({"random": [0.7, 0.8], "subject": [0.6, 0.5]}, "mDice")
    assert measured.effect == pytest.approx(0.2)
    assert (measured.interval, measured.reason) == (None, "without an interval: fewer than 3 runs converged")


def test_the_arms_are_named_where_no_words_are_given():
    assert Contrast("leak", "random", "subject").phrase == "random less subject"
    assert LEAK.phrase == "random split less by subject"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("", "a", "b"), "`name` of a contrast to be a word"),
        (("leak", "a", "a"), "to be two arms, but got 'a' twice"),
        (("leak", "", "b"), "`a` to be the name of an arm"),
        (("leak", "a", "b", 3), "`words` of a contrast to be text"),
    ],
)
def test_mistakes_are_one_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Contrast(*arguments)
