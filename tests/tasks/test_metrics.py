"""harness.tasks.metrics against mmsegmentation's IoUMetric and torchmetrics; what a collapse looks like."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.tasks import metrics
from harness.tasks.metrics import Counts

Labels = npt.NDArray[np.uint8]

BY_CLASS = {"IoU": metrics.iou, "Dice": metrics.dice, "Acc": metrics.recall, "Precision": metrics.precision}
OVERALL = (metrics.accuracy, metrics.kappa, metrics.quadratic_kappa)
MEANS = [metrics.mean_over_classes(function) for function in BY_CLASS.values()]


@st.composite
def annotated(draw: st.DrawFn) -> tuple[Labels, Labels, int]:
    """Truth (N, H, W) with ignored pixels, prediction (N, H, W), number of classes."""
    classes = draw(st.integers(2, 4))
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)))
    labels = st.sampled_from([*range(classes), 255])
    truth = draw(arrays.arrays(np.uint8, shape, elements=labels))
    prediction = draw(arrays.arrays(np.uint8, shape, elements=st.integers(0, classes - 1)))
    return truth, prediction, classes


def counted(truth: Labels, prediction: Labels, classes: int) -> Counts:
    """Counts by image, (N, C, C)."""
    return np.stack([metrics.confusion(*pair, classes) for pair in zip(truth, prediction, strict=True)])


@given(annotated())
@settings(max_examples=60, deadline=None)
def test_metrics_of_classes_and_their_means_equal_mmsegs_iou_metric(case) -> None:
    import harness.networks.openmmlab  # noqa: F401

    # isort: split
    import torch
    from mmseg.evaluation.metrics import IoUMetric

    truth, prediction, classes = case
    areas = [
        IoUMetric.intersect_and_union(torch.from_numpy(guess), torch.from_numpy(label), classes, 255)
        for guess, label in zip(prediction, truth, strict=True)
    ]
    summed = [sum(area) for area in zip(*areas, strict=True)]
    expected = IoUMetric.total_area_to_metrics(*summed, metrics=["mIoU", "mDice", "mFscore"])
    pooled = counted(truth, prediction, classes).sum(0)
    for name, function in BY_CLASS.items():
        np.testing.assert_allclose(function(pooled), expected[name], rtol=1e-6, err_msg=name)
    if not (truth == 255).all():
        assert metrics.accuracy(pooled) == pytest.approx(float(expected["aAcc"]))
        for name in ("IoU", "Dice", "Acc"):
            mean = metrics.mean_over_classes(BY_CLASS[name])(pooled)
            assert mean == pytest.approx(float(np.nanmean(expected[name])), rel=1e-6), name


@given(annotated())
@settings(max_examples=30, deadline=None)
def test_metrics_of_classes_equal_torchmetrics_where_the_class_occurs(case) -> None:
    import torch
    from torchmetrics.functional import classification

    truth, prediction, classes = case
    target, guess = torch.from_numpy(truth.astype(np.int64)), torch.from_numpy(prediction.astype(np.int64))
    pooled = counted(truth, prediction, classes).sum(0)
    for name, function in {
        "IoU": classification.multiclass_jaccard_index,
        "Dice": classification.multiclass_f1_score,
        "Acc": classification.multiclass_recall,
        "Precision": classification.multiclass_precision,
    }.items():
        ours = BY_CLASS[name](pooled)
        theirs = function(guess, target, classes, average=None, ignore_index=255).numpy()
        known = ~np.isnan(ours)
        np.testing.assert_allclose(ours[known], theirs[known], rtol=1e-6, atol=1e-7, err_msg=name)


@given(annotated())
@settings(max_examples=60, deadline=None)
def test_kappa_equals_torchmetrics_with_quadratic_weights(case) -> None:
    import torch
    from torchmetrics.functional.classification import multiclass_cohen_kappa

    truth, prediction, classes = case
    target, guess = torch.from_numpy(truth.astype(np.int64)), torch.from_numpy(prediction.astype(np.int64))
    ours = metrics.quadratic_kappa(counted(truth, prediction, classes).sum(0))
    theirs = float(multiclass_cohen_kappa(guess, target, classes, weights="quadratic", ignore_index=255))
    if (truth == 255).all():
        assert np.isnan(ours)
    elif np.isnan(theirs):
        assert ours == 0, "torchmetrics has no value where truth and predictions are one and the same class"
    else:
        assert ours == pytest.approx(theirs, abs=1e-5)


@given(st.integers(2, 6), st.integers(0, 2**20))
@settings(max_examples=40, deadline=None)
def test_kappa_is_one_less_observed_over_expected_disagreement(classes: int, seed: int) -> None:
    """Cohen 1968, written out pair by pair."""
    rng = np.random.default_rng(seed)
    truth, prediction = rng.integers(0, classes, (2, 12))
    observed = np.mean((truth - prediction) ** 2)
    expected = np.mean([(one - other) ** 2 for one in truth for other in prediction])
    counts = metrics.confusion(truth, prediction, classes)
    assert metrics.quadratic_kappa(counts) == pytest.approx(1 - observed / expected if expected else 0.0)


@given(arrays.arrays(np.int64, (2, 3, 4, 4), elements=st.integers(0, 5)))
@settings(max_examples=40, deadline=None)
def test_metrics_take_leading_axes(counts: Counts) -> None:
    for function in (*BY_CLASS.values(), *OVERALL, *MEANS, metrics.of_class(metrics.iou, 2)):
        together = function(counts)
        assert together.dtype == np.float64
        for place in np.ndindex(2, 3):
            np.testing.assert_array_equal(together[place], function(counts[place]))


@given(annotated(), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_what_is_predicted_where_the_truth_is_ignored_changes_nothing(case, guess: int) -> None:
    truth, prediction, classes = case
    other = np.where(truth == 255, min(guess, classes - 1), prediction)
    assert (counted(truth, prediction, classes) == counted(truth, other, classes)).all()
    assert counted(truth, prediction, classes).sum() == (truth != 255).sum()


@given(annotated())
@settings(max_examples=30, deadline=None)
def test_dice_and_iou_of_a_class_determine_each_other(case) -> None:
    counts = counted(*case)
    iou = metrics.iou(counts)
    np.testing.assert_allclose(metrics.dice(counts), 2 * iou / (1 + iou), rtol=1e-12)


def test_rows_of_the_confusion_are_the_truth() -> None:
    counts = metrics.confusion(np.array([[0, 0, 1]], np.uint8), np.array([[1, 0, 1]], np.uint8), 2)
    assert counts.tolist() == [[1, 1], [0, 1]]
    assert metrics.recall(counts).tolist() == [0.5, 1.0]
    assert metrics.precision(counts).tolist() == [1.0, 0.5]
    assert metrics.accuracy(counts) == pytest.approx(2 / 3)


def test_predictions_of_any_integer_type_are_counted_alike() -> None:
    truth = np.array([19, 200, 3], np.uint8)
    for kind in (np.uint8, np.int16, np.int64):
        counts = metrics.confusion(truth, truth.astype(kind), 254)
        assert counts.sum() == np.trace(counts) == 3, "a product of class numbers does not fit into a byte"


@pytest.mark.parametrize("mean", MEANS, ids=BY_CLASS)
def test_a_perfect_prediction_is_1_although_a_class_never_occurs(mean) -> None:
    assert mean(np.array([[7, 0, 0], [0, 3, 0], [0, 0, 0]])) == 1


@pytest.mark.parametrize(("name", "mean"), [("IoU", 0.7 / 2), ("Dice", 7 / 17), ("Acc", 0.5), ("Precision", 0.7 / 2)])
def test_a_class_that_occurs_but_is_never_predicted_counts_0(name: str, mean: float) -> None:
    counts = np.array([[7, 0, 0], [3, 0, 0], [0, 0, 0]])
    assert metrics.mean_over_classes(BY_CLASS[name])(counts) == pytest.approx(mean)


def test_a_class_that_is_predicted_but_never_occurs_lowers_the_means_that_punish_false_alarms() -> None:
    counts = np.array([[8, 0, 2], [0, 5, 0], [0, 0, 0]])
    means = {name: mean(counts) for name, mean in zip(BY_CLASS, MEANS, strict=True)}
    assert means == pytest.approx(
        {"IoU": (0.8 + 1 + 0) / 3, "Dice": (16 / 18 + 1 + 0) / 3, "Acc": (0.8 + 1) / 2, "Precision": (1 + 1 + 0) / 3}
    )


def test_nothing_counted_has_no_value() -> None:
    nothing = np.zeros((3, 3), np.int64)
    assert all(np.isnan(function(nothing)) for function in (*OVERALL, *MEANS))
    assert all(np.isnan(function(nothing)).all() for function in BY_CLASS.values())


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[100, 0], [10, 0]], True),
        ([[0, 100], [0, 10]], True),
        ([[100_000, 1], [20_000, 0]], True),
        ([[100_000, 0], [5_000, 1]], False),
        ([[100, 0], [0, 0]], False),
        ([[0, 0], [0, 100]], False),
        ([[90, 0, 0], [5, 0, 0], [5, 0, 0]], True),
        ([[0, 90, 0], [0, 5, 0], [0, 5, 0]], True),
        ([[90, 0, 0], [5, 0, 0], [4, 0, 1]], False),
        ([[0, 0], [0, 0]], False),
    ],
    ids=[
        "all background",
        "all foreground",
        "less than a ten thousandth",
        "a little",
        "a truth of one class, predicted",
        "a truth of the other class, predicted",
        "first of three classes",
        "second of three classes",
        "two of three classes",
        "nothing counted",
    ],
)
def test_a_job_that_predicts_one_class_where_there_are_several_has_collapsed(counts: list[list[int]], expected) -> None:
    assert metrics.collapsed(np.array(counts)) is expected
