import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.axis import Axis

numbers = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(st.lists(numbers, min_size=1, max_size=8), st.booleans())
def test_ticks_are_round_few_and_on_the_axis(values, log):
    values = [abs(value) or 1.0 for value in values] if log else values
    axis = Axis.around([values], [values], log, 20, 340)
    assert len(axis.ticks()) <= 8
    assert all(axis.beyond(tick) == 0 for tick in axis.ticks())
    assert all(20 <= axis(value) <= 340 and axis.beyond(value) == 0 for value in values)


@pytest.mark.parametrize("log", [False, True])
def test_what_is_beyond_stands_at_the_edge(log):
    axis = Axis.around([[1.0, 4.0]], [[1.0, 4.0]], log, 0, 100)
    assert [axis.beyond(value) for value in (-math.inf, 0.01, 2.0, 1e9, math.inf)] == [-1, -1, 0, 1, 1]
    assert (axis(-math.inf), axis(math.inf)) == (0, 100)


def test_one_that_is_much_wider_than_the_others_does_not_set_the_axis():
    axis = Axis.around([[0.0]], [[0.0, 1.0], [0.2, 1.1], [-50.0, 50.0]], False, 0, 100)
    assert (axis.beyond(1.1), axis.beyond(2.0)) == (0, 1)
    assert Axis.around([], [[-50.0, 50.0]], False, 0, 100).beyond(50.0) == 0
