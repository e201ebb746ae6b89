"""harness.tasks.classification: metrics by name, and tensors against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.specs import parse
from harness.tasks import classification, known, metrics, warping
from harness.tasks.warping import Windows

GRADES = ("none", "mild", "severe")


def test_the_summary_has_the_metrics_of_every_grade_their_means_accuracy_and_kappa() -> None:
    truth, prediction = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2, 0])
    counts = np.stack([metrics.confusion(*pair, 3) for pair in zip(truth[:, None], prediction[:, None], strict=True)])
    values = classification.summarise(counts, GRADES)
    assert values == pytest.approx(
        {
            "Recall.none": 1 / 2,
            "Recall.mild": 1.0,
            "Recall.severe": 2 / 3,
            "Precision.none": 1 / 2,
            "Precision.mild": 1 / 2,
            "Precision.severe": 1.0,
            "F1.none": 1 / 2,
            "F1.mild": 2 / 3,
            "F1.severe": 4 / 5,
            "mRecall": (1 / 2 + 1 + 2 / 3) / 3,
            "mPrecision": (1 / 2 + 1 / 2 + 1) / 3,
            "mF1": (1 / 2 + 2 / 3 + 4 / 5) / 3,
            "accuracy": 4 / 6,
            "kappa-unweighted": (4 / 6 - (2 * 2 + 1 * 2 + 3 * 2) / 36) / (1 - (2 * 2 + 1 * 2 + 3 * 2) / 36),
            "kappa": 1 - (1 + 4) / (sum((one - other) ** 2 for one in truth for other in prediction) / 6),
        }
    )
    assert values.keys() == classification.functions(GRADES).keys()


@given(st.integers(2, 6), st.integers(1, 60), st.integers(0, 2**20))
@settings(max_examples=80, deadline=None)
def test_kappas_accuracy_and_confusion_are_scikit_learns(classes: int, images: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, images)
    guess = np.where(rng.random(images) < 0.5, truth, rng.integers(0, classes, images))
    counts = metrics.confusion(truth, guess, classes)
    labels = np.arange(classes)
    assert counts.tolist() == sklearn.metrics.confusion_matrix(truth, guess, labels=labels).tolist()
    values = classification.summarise(counts[None], tuple(map(str, labels)))
    assert values["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(truth, guess))
    if len({*truth, *guess}) == 1:
        assert values["kappa"] == values["kappa-unweighted"] == 0, "scikit-learn has no value there"
        return
    for name, weights in {"kappa": "quadratic", "kappa-unweighted": None}.items():
        expected = sklearn.metrics.cohen_kappa_score(truth, guess, labels=labels, weights=weights)
        assert values[name] == pytest.approx(expected, abs=1e-12), name


def test_unweighted_kappa_is_a_metric_by_name() -> None:
    measure = parse("gap:kappa-unweighted")
    assert str(measure) == "gap:kappa-unweighted"
    assert known(classification, measure.metric, GRADES, "") == "kappa-unweighted"


@pytest.mark.parametrize(("others", "expected"), [(0, True), (1, False), (40, False)])
def test_a_network_that_gives_all_of_a_hundred_images_one_grade_has_collapsed(others: int, expected: bool) -> None:
    truth = np.arange(100) % 5
    guess = np.zeros(100, int)
    guess[:others] = 2
    assert metrics.collapsed(metrics.confusion(truth, guess, 5)) is expected


@given(batch=st.integers(1, 6), classes=st.integers(2, 5), seed=st.integers(0, 2**20))
@settings(max_examples=30, deadline=None)
def test_each_image_counts_once(batch: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, targets = rng.normal(size=(batch, classes)), rng.integers(0, classes, batch, dtype=np.uint8)
    counts = classification.counts(torch.from_numpy(logits), torch.from_numpy(targets))
    assert counts.dtype == torch.int64
    expected = np.zeros((batch, classes, classes), int)
    for index, (truth, scores) in enumerate(zip(targets, logits, strict=True)):
        expected[index, truth, scores.argmax()] = 1
    assert counts.tolist() == expected.tolist()


def test_many_classes_do_not_overflow_a_byte() -> None:
    targets = torch.arange(200, dtype=torch.uint8)
    counts = classification.counts(torch.eye(200), targets).sum(0)
    assert counts.trace() == counts.sum() == 200


def test_an_image_is_moved_and_its_class_is_not() -> None:
    images = torch.rand(3, 3, 6, 8)
    windows = Windows(np.ones((3, 2)), np.array([[1, 2], [0, 0], [0, -2]]), np.array([False, True, True]), (6, 10))
    cut, targets = classification.augmented(images, torch.tensor([4, 0, 2], dtype=torch.uint8), windows)
    assert targets.dtype == torch.int64
    assert targets.tolist() == [4, 0, 2]
    assert torch.equal(cut, warping.warp(images, None, windows)[0])


def test_logits_of_an_image_have_no_place() -> None:
    logits = torch.rand(2, 5)
    assert classification.fitted(logits, (12, 18), (24, 36)) is logits


def test_the_highest_grades_are_shown_the_subjects_by_turns() -> None:
    grades, subjects = np.array([0, 4, 4, 3, 1], np.uint8), ["b", "a", "a", "b", "b"]
    assert classification.shown(grades, subjects, 2).tolist() == [1, 3]
    assert classification.shown(grades, subjects, 3).tolist() == [1, 2, 3]
    assert classification.shown(grades, subjects, 4).tolist() == [1, 2, 3, 4]
