import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report import phrasing


@given(st.floats(allow_nan=True, allow_infinity=True) | st.none() | st.just("inf"))
def test_a_figure_is_short_and_never_a_hyphen(value):
    text = phrasing.figure(value, sign=True)
    assert 0 < len(text) <= 9
    assert not text.startswith("-")
    if isinstance(value, float) and math.isnan(value):
        assert text == "–"


@given(st.floats(-1, 1))
def test_a_figure_reads_back_to_three_decimals(value):
    assert float(phrasing.figure(value).replace("−", "-")) == pytest.approx(value, abs=5.001e-4)


def test_infinite_bounds_that_json_lost_are_written_open(rows):
    assert phrasing.interval_text(rows[-1]) == "[−∞, +0.200]"
    assert phrasing.interval_text(rows[1]) == "[8.0×, ∞]"


def test_times_count_epochs_and_name_what_never_arrived(rows):
    slow = rows[1].arms[1]
    assert phrasing.arm_value(slow) == "558 ± 61"
    assert phrasing.arm_marks(slow) == ("2 of 10 never reached it",)


def test_comparisons_take_their_metric_from_the_relation(rows):
    parts = phrasing.comparisons(rows[2])
    assert [part.metric for part in parts] == ["IoU.fluid", "IoU.fluid", "Dice.fluid", "Dice.fluid"]
    assert [part.label for part in parts[:2]] == ["batch-4 > batch-2", "batch-8 > batch-4"]


@pytest.mark.parametrize(
    ("metric", "base", "bound"),
    [("reach:Dice.fluid>=0.4", "Dice.fluid", 0.4), ("reach:IoU>0.01", "IoU", 0.01), ("trend:mIoU", "mIoU", None)],
)
def test_a_metric_has_a_curve_beneath(metric, base, bound):
    assert phrasing.metric_base(metric) == base
    assert phrasing.threshold(metric) == bound


def test_the_expected_verdict_is_told_from_the_found_one(rows):
    assert phrasing.expected_text(rows[0]) == "as recorded"
    assert phrasing.expected_text(rows[3]) == "paper says SUPPORTED"
    assert phrasing.adjusted_text(rows[1]) == "after Holm INCONCLUSIVE"
