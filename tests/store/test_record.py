"""harness.store.record: the numbers of a job, and records that other versions of this project wrote."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from entry import record

from harness.specs import FOREGROUND, Final, Gap, Metric, TimeTo, Trend
from harness.store import Record, first_reached, trend

IOU = Metric("IoU", "fluid")
MEASURES = ("IoU.fluid", "trend:IoU.fluid", "time:IoU.fluid>=0.3", "gap:IoU.fluid")


@pytest.fixture
def job() -> Record:
    validated = {"train_metrics": {"IoU.fluid": 0.9}, "validation_metrics": {"IoU.fluid": 0.65}}
    return record(**validated)


def test_measures_of_a_job(job: Record) -> None:
    assert job.value(Final(IOU)) == 0.6
    assert job.value(Trend(IOU)) == pytest.approx(1.0)
    assert job.value(TimeTo(IOU, 0.3)) == 2.5
    assert job.value(TimeTo(IOU, 0.31)) == 5.0
    assert job.value(TimeTo(IOU, 0.9)) == math.inf
    assert job.value(Gap(IOU)) == pytest.approx(0.25)
    assert job.points(IOU) == [(5, 0.3), (10, 0.6)]


def test_a_measure_and_its_printed_form_are_the_same(job: Record) -> None:
    for measure in (Final(IOU), Trend(IOU), TimeTo(IOU, 0.3), Gap(IOU)):
        assert job.value(str(measure)) == job.value(measure)


def test_the_selected_evaluation_counts_and_the_curve_stays_whole(job: Record) -> None:
    first = replace(job, selected=0)
    assert first.final == {"IoU.fluid": 0.3, "mIoU": 0.6}
    assert first.metric(IOU) == first.value("IoU.fluid") == 0.3
    assert first.value("time:IoU.fluid>=0.5") == 5.0


def test_foreground_stands_for_the_class_that_the_record_names(job: Record) -> None:
    assert job.metric(Metric("IoU", FOREGROUND)) == 0.6
    assert job.value("trend:IoU.foreground") == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"Expected a metric of IoU\.fluid, mIoU, but got 'IoU\.foreground'"):
        replace(job, foreground="").value("IoU.foreground")


def test_a_metric_of_all_classes_is_not_taken_for_that_of_an_absent_foreground() -> None:
    point = {"iteration": 1, "epoch": 1.0, "metrics": {"recall": 0.5}}
    with pytest.raises(ValueError, match=r"Expected a metric of recall, but got 'recall\.foreground'"):
        record(curve=[point], foreground="").value("recall.foreground")


def test_a_failed_job_has_no_value(job: Record) -> None:
    failed = replace(job, status="failed", curve=[])
    assert failed.failed
    assert failed.final == {}
    for measure in MEASURES:
        assert math.isnan(failed.value(measure))


@pytest.mark.parametrize("measure", ["IoU.fluids", "trend:IoU.fluids", "time:IoU.fluids>=0.3"])
def test_an_unknown_metric_is_an_error_that_lists_those_that_there_are(job: Record, measure: str) -> None:
    with pytest.raises(ValueError, match=r"Expected a metric of IoU\.fluid, mIoU, but got 'IoU\.fluids'"):
        job.value(measure)


def test_a_gap_needs_a_validation_split() -> None:
    with pytest.raises(ValueError, match=r"to take 'gap:IoU\.fluid' of, but it has none; give the split"):
        record().value(Gap(IOU))


def test_text_that_is_no_measure_is_refused(job: Record) -> None:
    with pytest.raises(ValueError, match="Expected a measure as in mIoU"):
        job.value("tren:IoU.fluid")


def test_a_record_comes_back_as_it_was_written(job: Record) -> None:
    assert Record.from_json(job.to_json()) == job


def test_a_metric_without_a_value_comes_back_too() -> None:
    point = {"iteration": 1, "epoch": 1.0, "metrics": {"mIoU": math.nan, "loss": math.inf}}
    again = Record.from_json(record(curve=[point]).to_json())
    assert math.isnan(again.value("mIoU"))
    assert again.value("loss") == math.inf


def test_what_a_newer_version_added_is_left_out(job: Record) -> None:
    content = json.loads(job.to_json()) | {"energy": 3.5}
    assert Record.from_json(json.dumps(content)) == job


def test_what_an_older_version_did_not_have_is_at_its_default(job: Record) -> None:
    content = json.loads(job.to_json())
    for name in ("validation_curve", "selected", "weights", "peak_memory"):
        del content[name]
    assert Record.from_json(json.dumps(content)) == job


@pytest.mark.parametrize(
    "change",
    [
        {"curve": "rising"},
        {"curve": [[5, 0.3]]},
        {"curve": [{"iteration": 5, "metrics": {}}]},
        {"curve": [{"iteration": 5, "epoch": 1, "metrics": {"mIoU": "0.5"}}]},
        {"seed": "3"},
        {"seed": True},
        {"collapsed": "no"},
        {"status": "on its way"},
        {"job": ["Training"]},
        {"test_ids": [1, 2]},
        {"losses": {"5": 0.3}},
    ],
)
def test_a_record_of_another_shape_is_refused(job: Record, change: dict[str, object]) -> None:
    content = json.loads(job.to_json()) | change
    with pytest.raises(ValueError, match="it does not read as a record"):
        Record.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"key": "ab"}'])
def test_what_is_no_record_at_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it does not read as a record"):
        Record.from_json(text)


def test_a_threshold_is_first_reached_where_the_curve_is_at_least_there() -> None:
    curve = [(10, 0.1), (20, 0.4), (30, 0.2), (40, 0.6)]
    assert first_reached(curve, 0.4) == 20
    assert first_reached(curve, 0.41) == 40
    assert first_reached(curve, 0.7) == math.inf
    assert first_reached([(1, math.nan), (2, 0.5)], 0.5) == 2


def test_the_trend_is_the_rank_correlation_with_time() -> None:
    assert trend([(1, 0.1), (2, 0.2), (3, 0.9)]) == pytest.approx(1)
    assert trend([(1, 0.9), (2, 0.2), (3, 0.1)]) == pytest.approx(-1)
    assert trend([(1, 0.0), (2, 0.0), (3, 0.0)]) == 0
    assert trend([(1, 0.5)]) == 0
    assert trend([(1, 0.1), (2, 0.3), (3, 0.2), (4, 0.4)]) == pytest.approx(0.8)
