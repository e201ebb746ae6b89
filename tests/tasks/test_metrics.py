"""Metrics against mmsegmentation's IoUMetric and torchmetrics on the same predictions; what a collapse looks like."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness import metrics

NAMES = ("background", "fluid", "wall")


@st.composite
def annotated(draw):
    """Truth (N, H, W) with ignored pixels, prediction (N, H, W), number of classes."""
    classes = draw(st.integers(2, 3))
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)))
    labels = st.sampled_from([*range(classes), 255])
    truth = draw(arrays.arrays(np.uint8, shape, elements=labels))
    prediction = draw(arrays.arrays(np.uint8, shape, elements=st.integers(0, classes - 1)))
    return truth, prediction, classes


def counted(truth, prediction, classes):
    return np.stack([metrics.confusion(*pair, classes) for pair in zip(truth, prediction, strict=True)])


def of_mmseg(truth, prediction, classes):
    import harness.models.openmmlab  # noqa: F401
    import torch
    from mmseg.evaluation.metrics import IoUMetric

    areas = [
        IoUMetric.intersect_and_union(torch.from_numpy(guess), torch.from_numpy(label), classes, 255)
        for guess, label in zip(prediction, truth, strict=True)
    ]
    return IoUMetric.total_area_to_metrics(
        *(sum(area) for area in zip(*areas, strict=True)), metrics=["mIoU", "mDice", "mFscore"]
    )


@given(annotated())
@settings(max_examples=60, deadline=None)
def test_every_metric_equals_mmsegs_iou_metric_on_the_same_predictions(case) -> None:
    truth, prediction, classes = case
    expected = of_mmseg(truth, prediction, classes)
    found = metrics.summarise(counted(truth, prediction, classes), NAMES[:classes])
    for metric in ("IoU", "Dice", "Acc", "Precision"):
        ours = [found[f"{metric}.{name}"] for name in NAMES[:classes]]
        np.testing.assert_allclose(ours, expected[metric], rtol=1e-6, err_msg=metric)
    np.testing.assert_allclose(expected["Fscore"], np.where(expected["Dice"] > 0, expected["Dice"], np.nan), rtol=1e-6)
    if (truth != 255).any():
        assert found["aAcc"] == pytest.approx(float(expected["aAcc"]))
    for metric in ("IoU", "Dice", "Acc"):
        if not np.isnan(expected[metric]).any():
            assert found[f"m{metric}"] == pytest.approx(float(np.nanmean(expected[metric])), rel=1e-6)


def test_the_summary_equals_what_iou_metric_prints_but_for_percent(caplog: pytest.LogCaptureFixture) -> None:
    import harness.models.openmmlab  # noqa: F401
    import torch
    from mmseg.evaluation.metrics import IoUMetric

    rng = np.random.default_rng(0)
    truth = rng.choice(np.array([0, 1, 255], np.uint8), (5, 12, 12), p=(0.7, 0.2, 0.1))
    prediction = rng.choice(np.array([0, 1], np.uint8), truth.shape, p=(0.6, 0.4))
    metric = IoUMetric(iou_metrics=["mIoU", "mDice"])
    metric.dataset_meta = {"classes": ["background", "fluid"]}
    for label, guess in zip(truth, prediction, strict=True):
        label_, guess_ = torch.from_numpy(label)[None], torch.from_numpy(guess)[None]
        metric.process({}, [{"pred_sem_seg": {"data": guess_}, "gt_sem_seg": {"data": label_}}])
    printed = metric.compute_metrics(metric.results)
    found = metrics.summarise(counted(truth, prediction, 2), ("background", "fluid"))
    for name in ("aAcc", "mIoU", "mDice", "mAcc"):
        assert 100 * found[name] == pytest.approx(float(printed[name]), abs=0.0051), name


@given(annotated())
@settings(max_examples=20, deadline=None)
def test_every_metric_equals_torchmetrics_where_the_class_occurs(case) -> None:
    import torch
    from torchmetrics.functional import classification

    truth, prediction, classes = case
    target, guess = torch.from_numpy(truth.astype(np.int64)), torch.from_numpy(prediction.astype(np.int64))
    ours = metrics.by_class(counted(truth, prediction, classes).sum(0))
    for name, function in {
        "IoU": classification.multiclass_jaccard_index,
        "Dice": classification.multiclass_f1_score,
        "Acc": classification.multiclass_recall,
        "Precision": classification.multiclass_precision,
    }.items():
        theirs = function(guess, target, classes, average=None, ignore_index=255).numpy()
        known = ~np.isnan(ours[name])
        np.testing.assert_allclose(ours[name][known], theirs[known], rtol=1e-6, atol=1e-7, err_msg=name)


@given(annotated(), st.integers(0, 2))
@settings(max_examples=30, deadline=None)
def test_what_is_predicted_where_the_truth_is_ignored_changes_nothing(case, guess: int) -> None:
    truth, prediction, classes = case
    other = np.where(truth == 255, min(guess, classes - 1), prediction)
    assert (counted(truth, prediction, classes) == counted(truth, other, classes)).all()
    assert counted(truth, prediction, classes).sum() == (truth != 255).sum()


@given(annotated())
@settings(max_examples=30, deadline=None)
def test_dice_and_iou_of_a_class_determine_each_other(case) -> None:
    found = metrics.by_class(counted(*case))
    np.testing.assert_allclose(found["Dice"], 2 * found["IoU"] / (1 + found["IoU"]), rtol=1e-12)


def test_rows_of_the_confusion_are_the_truth() -> None:
    counts = metrics.confusion(np.array([[0, 0, 1]], np.uint8), np.array([[1, 0, 1]], np.uint8), 2)
    assert counts.tolist() == [[1, 1], [0, 1]]
    assert metrics.by_class(counts)["Acc"].tolist() == [0.5, 1.0]
    assert metrics.by_class(counts)["Precision"].tolist() == [1.0, 0.5]


def test_a_mean_over_classes_does_not_skip_a_class_without_a_value() -> None:
    values = metrics.summarise(np.array([[[7, 0, 0], [0, 3, 0], [0, 0, 0]]]), NAMES)
    assert math.isnan(values["IoU.wall"])
    assert all(math.isnan(values[name]) for name in ("mIoU", "mDice", "mAcc"))
    assert values["aAcc"] == 1.0


def test_metrics_are_pooled_over_the_data_set_and_means_over_images_have_another_name() -> None:
    counts = np.array([[[90, 0], [5, 5]], [[99, 0], [0, 1]], [[100, 0], [0, 0]]])
    values = metrics.summarise(counts, ("background", "fluid"))
    assert values["IoU.fluid"] == pytest.approx(6 / 11)
    assert values["Dice.fluid"] == pytest.approx(12 / 17)
    assert values["image_IoU.fluid"] == pytest.approx((0.5 + 1) / 2), "an image without the class has no value"
    assert values["image_Dice.fluid"] == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[100, 0], [10, 0]], True),
        ([[100_000, 1], [20_000, 0]], True),
        ([[100_000, 0], [5_000, 1]], False),
        ([[0, 100], [0, 10]], False),
    ],
    ids=["background only", "less than a ten thousandth", "a little", "foreground everywhere"],
)
def test_a_run_without_predicted_foreground_has_collapsed(counts: list[list[int]], expected: bool) -> None:
    values = metrics.summarise(np.array([counts]), ("background", "fluid"))
    assert metrics.collapsed(values) is expected


def test_the_foreground_is_every_class_but_the_first() -> None:
    values = metrics.summarise(np.array([[[80, 2, 3], [4, 0, 0], [6, 0, 5]]]), NAMES)
    assert values["foreground"] == pytest.approx((2 + 3 + 5) / (4 + 6 + 5))
