"""harness.specs.measures: the printed form of a measure is read back as the same measure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.specs.measures import Final, Gap, Metric, TimeTo, Trend, Value, parse

METRICS = st.builds(Metric, st.sampled_from(["IoU", "image_Dice", "mIoU"]), st.sampled_from(["", "foreground", "cat"]))
MEASURES = (
    st.builds(Final, METRICS)
    | st.builds(Trend, METRICS)
    | st.builds(Gap, METRICS)
    | st.builds(TimeTo, METRICS, st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False))
)


@given(measure=MEASURES)
def test_a_printed_measure_is_read_back(measure):
    assert parse(str(measure)) == parse(measure) == measure
    assert str(parse(str(measure))) == str(measure)


def test_equal_thresholds_print_alike():
    assert str(TimeTo(Metric("mIoU"), 1)) == str(TimeTo(Metric("mIoU"), 1.0)) == "time:mIoU>=1.0"


def test_printed_forms():
    dice = Metric("Dice", "foreground")
    forms = [str(measure) for measure in (Final(dice), Trend(dice), Gap(dice), TimeTo(dice, 0.4))]
    assert forms == ["Dice.foreground", "trend:Dice.foreground", "gap:Dice.foreground", "time:Dice.foreground>=0.4"]
    assert str(Value("scratch", parse(Metric("mIoU")))) == "mIoU of scratch"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tren:mIoU",
        "time:mIoU",
        "time:mIoU>=much",
        "time:>=0.4",
        "time:mIoU>=nan",
        "mIoU>=0.4",
        "IoU.",
        ":mIoU",
        "mIoU ",
        "gap:",
        "gap:trend:mIoU",
        "time:mIoU>=inf",
        "time:mIoU>=0.4>=0.5",
        Value("scratch", Final(Metric("mIoU"))),
        None,
    ],
)
def test_other_forms_are_one_sentence(text):
    with pytest.raises(ValueError, match=r"^Expected a measure as in mIoU, .* or time:mIoU>=0\.4, but got .*\.$"):
        parse(text)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Metric(""), 'a metric as in Metric("mIoU") or Metric("IoU", "fluid"), but got \'\''),
        (lambda: Metric("IoU.fluid"), "but got 'IoU.fluid'"),
        (lambda: Metric("trend:mIoU"), "but got 'trend:mIoU'"),
        (lambda: Metric("mIoU>=0.4"), "but got 'mIoU>=0.4'"),
        (lambda: Metric(" mIoU"), "but got ' mIoU'"),
        (lambda: TimeTo(Metric("mIoU"), float("inf")), "TimeTo `threshold` to be a finite number, but got inf"),
        (lambda: TimeTo(Metric("mIoU"), "0.4"), "TimeTo `threshold` to be a finite number, but got '0.4'"),
    ],
)
def test_a_mistake_is_one_sentence(refusal, make, words):
    assert words in refusal(make)
