"""ConvergesFaster on an evaluation grid: rounding decides nothing, and loses nothing that is certain."""

import math

import numpy as np
import pytest

from harness.relations import ConvergesFaster, Verdict


def test_a_pair_that_rounding_could_turn_is_undecided():
    times = {"a": [10.0] * 10, "b": [90.0] * 10}
    assert ConvergesFaster("a", "b", ratio=10).decide(times).verdict is Verdict.REFUTED
    assert ConvergesFaster("a", "b", ratio=10, grid=10).decide(times).verdict is Verdict.INCONCLUSIVE


def test_what_is_beyond_the_rounding_is_decided():
    slow = {"a": [10.0] * 10, "b": [120.0] * 10}
    assert ConvergesFaster("a", "b", ratio=10, grid=10).decide(slow).verdict is Verdict.SUPPORTED
    close = {"a": [40.0] * 10, "b": [90.0] * 10}
    assert ConvergesFaster("a", "b", ratio=10, grid=10).decide(close).verdict is Verdict.REFUTED


@pytest.mark.parametrize("unit", [1.0, 0.1, 1 / 3], ids=["whole", "tenths", "thirds"])
def test_brackets_that_touch_are_decided(unit):
    """T_a is in (0, 1] and T_b in (10, 11]: ten times T_a is at most 10, and T_b above it. Mirrored: T_b in (9, 10]."""
    touching = {"a": [unit] * 4, "b": [11 * unit] * 4}
    decision = ConvergesFaster("a", "b", ratio=10, grid=unit).decide(touching)
    assert (decision.verdict, decision.wins) == (Verdict.SUPPORTED, (16, 16))
    assert decision.interval[0] > 10
    below = {"a": [2 * unit] * 4, "b": [10 * unit] * 4}
    decision = ConvergesFaster("a", "b", ratio=10, grid=unit).decide(below)
    assert (decision.verdict, decision.pvalue) == (Verdict.REFUTED, 1.0)
    assert decision.interval[1] < 10


def test_equal_times_without_a_grid_are_a_tie():
    decision = ConvergesFaster("a", "b", ratio=3).decide({"a": [0.1] * 6, "b": [0.3] * 6})
    assert decision.wins == (0, 36)
    assert (decision.pvalue, decision.pvalue_against) == (1.0, 1.0)


def test_first_evaluations():
    """At 0 there is no time before; at the first evaluation after it a run arrived later than at 0."""
    at_once = ConvergesFaster("a", "b", grid=1.0).decide({"a": [0.0] * 4, "b": [1.0] * 4})
    assert at_once.verdict is Verdict.SUPPORTED
    both = ConvergesFaster("a", "b", grid=1.0).decide({"a": [0.0] * 4, "b": [0.0] * 4})
    assert (both.pvalue, both.pvalue_against) == (1.0, 1.0)
    assert both.interval == (0.0, math.inf)


def test_the_interval_covers_what_the_rounding_hides():
    low, high = ConvergesFaster("a", "b", grid=10).decide({"a": [20.0] * 10, "b": [90.0] * 10}).interval
    assert low == pytest.approx(4.0)
    assert high == pytest.approx(9.0)


def test_no_pair_is_won_that_the_true_times_lose():
    """Rounded up to the grid and censored: every win is one of the times themselves, so the test keeps its level."""
    rng = np.random.default_rng(3)
    for ratio in (0.5, 1.0, 2.0):
        true = {arm: rng.lognormal(sigma=1.0, size=(500, 6)) for arm in "ab"}
        seen = {arm: np.ceil(times / 0.25) * 0.25 for arm, times in true.items()}
        seen = {arm: np.where(times > 3, np.inf, times) for arm, times in seen.items()}
        rounded = ConvergesFaster("a", "b", ratio, budgets=(3.0, 3.0), grid=0.25).pvalues(seen)
        exact = ConvergesFaster("a", "b", ratio).pvalues(true)
        assert (rounded[0] >= exact[0]).all()
        assert (rounded[1] >= exact[1]).all()
        assert (rounded[0] < 1).mean() > 0.5
