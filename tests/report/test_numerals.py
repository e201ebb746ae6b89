import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report import numerals


@given(st.floats(allow_nan=True, allow_infinity=True) | st.none())
def test_a_figure_is_short_and_never_a_hyphen(value):
    text = numerals.figure(value, sign=True)
    assert 0 < len(text) <= 9
    assert not text.startswith("-")
    if isinstance(value, float) and math.isnan(value):
        assert text == "–"


@given(st.floats(-1, 1))
def test_a_figure_reads_back_to_three_decimals(value):
    assert float(numerals.figure(value).replace("−", "-")) == pytest.approx(value, abs=5.001e-4)


@given(low=st.floats(allow_nan=False), high=st.floats(allow_nan=False))
def test_only_bounds_that_exclude_something_are_written(low, high):
    text = numerals.interval(low, high, "difference")
    assert (text == "[no bound]") == (low == -math.inf and high == math.inf)


@given(st.floats(0, 1))
def test_a_pvalue_has_two_significant_digits(value):
    digits = numerals.pvalue(value).partition("e")[0].replace(".", "").lstrip("0")
    assert len(digits) <= 2
