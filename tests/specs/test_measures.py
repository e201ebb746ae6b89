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
    | st.builds(TimeTo, METRICS, st.floats(-1, 1))
)


@given(measure=MEASURES)
def test_a_printed_measure_is_read_back(measure):
    assert parse(str(measure)) == parse(measure) == measure


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
        None,
    ],
)
def test_other_forms_are_one_sentence(text):
    with pytest.raises(ValueError, match=r"^Expected a measure as in mIoU, .* or time:mIoU>=0\.4, but got .*\.$"):
        parse(text)
