"""ConvergesFaster on an evaluation grid: rounding decides nothing."""

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


def test_the_interval_covers_what_the_rounding_hides():
    low, high = ConvergesFaster("a", "b", grid=10).decide({"a": [20.0] * 10, "b": [90.0] * 10}).interval
    assert low == 4.0
    assert high == 9.0
