"""harness.tasks.segmentation: metrics by name, and tensors against plain numpy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.tasks import metrics, segmentation
from harness.tasks.warping import Windows

CLASSES = ("background", "fluid", "wall")


def test_the_summary_equals_what_iou_metric_prints_but_for_percent() -> None:
    import harness.networks.openmmlab  # noqa: F401

    # isort: split
    from mmseg.evaluation.metrics import IoUMetric

    rng = np.random.default_rng(0)
    truth = rng.choice(np.array([0, 1, 255], np.uint8), (5, 12, 12), p=(0.7, 0.2, 0.1))
    prediction = rng.choice(np.array([0, 1], np.uint8), truth.shape, p=(0.6, 0.4))
    metric = IoUMetric(iou_metrics=["mIoU", "mDice", "mFscore"])
    metric.dataset_meta = {"classes": ["background", "fluid"]}
    for label, guess in zip(truth, prediction, strict=True):
        label_, guess_ = torch.from_numpy(label)[None], torch.from_numpy(guess)[None]
        metric.process({}, [{"pred_sem_seg": {"data": guess_}, "gt_sem_seg": {"data": label_}}])
    printed = metric.compute_metrics(metric.results)
    counts = np.stack([metrics.confusion(*pair, 2) for pair in zip(truth, prediction, strict=True)])
    summary = segmentation.summarise(counts, CLASSES[:2])
    for name in ("aAcc", "mIoU", "mDice", "mAcc", "mPrecision"):
        assert 100 * summary[name] == pytest.approx(float(printed[name]), abs=0.0051), name


def test_metrics_are_pooled_over_the_data_set_and_means_over_images_have_another_name() -> None:
    counts = np.array([[[90, 0], [5, 5]], [[99, 0], [0, 1]], [[100, 0], [0, 0]]])
    values = segmentation.summarise(counts, CLASSES[:2])
    assert values["IoU.fluid"] == pytest.approx(6 / 11)
    assert values["Dice.fluid"] == pytest.approx(12 / 17)
    assert values["image_IoU.fluid"] == pytest.approx((0.5 + 1) / 2), "an image without the class has no value"
    assert values["image_Dice.fluid"] == pytest.approx((2 / 3 + 1) / 2)
    assert np.isnan(segmentation.summarise(counts[2:], CLASSES[:2])["image_IoU.fluid"])


def test_every_metric_of_pooled_counts_is_in_the_summary_with_its_value() -> None:
    counts = np.random.default_rng(0).integers(0, 50, (4, 3, 3))
    values = segmentation.summarise(counts, CLASSES)
    functions = segmentation.functions(CLASSES)
    for name, function in functions.items():
        assert values[name] == function(counts.sum(0)), name
    assert {name for name in values if name not in functions} == {
        f"image_{metric}.{of}" for metric in ("IoU", "Dice") for of in CLASSES
    }
    assert values["IoU.wall"] == metrics.iou(counts.sum(0))[2]


@given(
    batch=st.integers(1, 3),
    classes=st.integers(2, 4),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 2**20),
)
@settings(max_examples=40, deadline=None)
def test_counts_are_the_confusion_of_each_image_without_ignored_pixels(batch, classes, size, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(batch, classes, *size))
    targets = rng.choice(np.array([*range(classes), 255], np.uint8), (batch, *size))
    counts = segmentation.counts(torch.from_numpy(logits), torch.from_numpy(targets))
    assert counts.dtype == torch.int64
    for index in range(batch):
        expected = metrics.confusion(targets[index], logits[index].argmax(0), classes)
        assert counts[index].tolist() == expected.tolist()


def test_targets_move_with_the_image_and_are_ignored_outside() -> None:
    rng = np.random.default_rng(0)
    masks = rng.choice(np.array([0, 1, 254, 255], np.uint8), (2, 6, 8))
    images = masks.astype(np.float32)[:, None]
    windows = Windows(np.ones((2, 2)), np.array([[1, 2], [0, -2]]), np.array([False, True]), (6, 10))
    cut, targets = segmentation.augmented(torch.from_numpy(images), torch.from_numpy(masks), windows)
    expected = np.full((2, 6, 10), 255)
    expected[0, :5, :6] = masks[0, 1:, 2:]
    expected[1, :, :8] = masks[1, :, ::-1]
    assert targets.dtype == torch.int64
    assert targets.tolist() == expected.tolist()
    inside = np.zeros((2, 6, 10), bool)
    inside[0, :5, :6] = inside[1, :, :8] = True
    np.testing.assert_allclose(cut[:, 0].numpy(), np.where(inside, expected, 0), atol=1e-3)


def test_every_label_survives_being_moved() -> None:
    masks = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    windows = Windows(np.full((1, 2), 2.0), np.zeros((1, 2)), np.array([False]), (32, 32))
    _, targets = segmentation.augmented(torch.zeros(1, 1, 16, 16), torch.from_numpy(masks), windows)
    assert targets[0].tolist() == masks[0].astype(int).repeat(2, 0).repeat(2, 1).tolist()


def test_logits_lose_their_padding_and_come_back_to_the_packed_size() -> None:
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 16, 24)).astype(np.float32))
    assert torch.equal(segmentation.fitted(logits, (12, 18), (12, 18)), logits[:, :, :12, :18])
    fitted = segmentation.fitted(logits, (12, 18), (24, 36))
    assert fitted.shape == (2, 3, 24, 36)
    for image, channel in np.ndindex(2, 3):
        inner = np.ascontiguousarray(logits[image, channel, :12, :18].numpy())
        expected = cv2.resize(inner, (36, 24), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(fitted[image, channel].numpy(), expected, atol=1e-5)


def test_logits_of_half_precision_are_resized_as_floats() -> None:
    logits = torch.rand(1, 2, 8, 8, dtype=torch.bfloat16)
    assert segmentation.fitted(logits, (8, 8), (16, 16)).dtype == torch.float32


def test_the_images_with_the_most_foreground_are_shown_the_subjects_by_turns() -> None:
    targets = np.zeros((6, 2, 5), np.uint8)
    for image, foreground in enumerate((1, 9, 8, 7, 0, 3)):
        targets[image].flat[:foreground] = 1 + image % 2
    targets[4] = 255
    subjects = ["b", "a", "a", "a", "b", "b"]
    assert segmentation.shown(targets, subjects, 1).tolist() == [1]
    assert segmentation.shown(targets, subjects, 2).tolist() == [1, 5]
    assert segmentation.shown(targets, subjects, 4).tolist() == [0, 1, 2, 5]
    assert segmentation.shown(targets, subjects, 5).tolist() == [0, 1, 2, 3, 5], "ignored pixels are no foreground"
    assert segmentation.shown(targets, subjects, 9).tolist() == [0, 1, 2, 3, 4, 5]
