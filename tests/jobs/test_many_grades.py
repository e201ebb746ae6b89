"""More classes than a byte tells apart, from the pack to the record."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from harness.data import Packed
from harness.jobs import evaluation, running
from harness.jobs.combination import confusion, member_weights
from harness.jobs.running import Failure
from harness.specs import Budget, Classifier, Data, Normalise, Recipe, Split
from harness.store import Record, Store

CLASSES = 300
RECIPE = Recipe(
    data=Data("imagenet", evidence="phantom", split=Split("published")),
    network=Classifier("resnet18"),
    budget=Budget(1),
    batch_size=2,
    normalise=Normalise(100.0, 50.0),
)


@pytest.fixture
def packed() -> Packed:
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    targets = np.array([299, 3, 255, 299], np.int16)
    names = tuple(f"image{number}" for number in range(4))
    published = ("train", "train", "test", "test")
    classes = tuple(f"n{number:03d}" for number in range(CLASSES))
    return Packed(images, targets, names, names, published, classes, "", "classification")


def test_a_training_counts_every_class(
    make: Callable[[Packed], Callable[..., Record]], packed: Packed, store: Store
) -> None:
    record = make(packed)(RECIPE)
    counts = store.counts(record.key)
    assert counts.shape == (2, CLASSES, CLASSES)
    assert counts.sum(2).argmax(1).tolist() == [255, 299]
    assert store.previews(record.key).tolist() == [
        counts.sum(1).argmax(1)[record.test_ids.index(name)] for name in record.preview_ids
    ]
    assert np.isfinite(record.losses[0][1])


def test_predictions_of_high_classes_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found = torch.eye(CLASSES)[[299, 256, 7]]
    monkeypatch.setattr(evaluation, "logits", lambda *_, **__: iter([(found, None)]))
    data = SimpleNamespace()
    assert evaluation.predictions(torch.nn.Identity(), data, RECIPE).tolist() == [299, 256, 7]  # type: ignore[arg-type]


def test_combined_members_count_class_255() -> None:
    truth = np.array([255, 299], np.int16)
    right, wrong = np.eye(CLASSES, dtype=np.float16)[[255, 299]], np.eye(CLASSES, dtype=np.float16)[[0, 299]]
    assert np.argwhere(confusion(right, truth)).tolist() == [[0, 255, 255], [1, 299, 299]]
    assert member_weights([wrong, right], truth).tolist() == pytest.approx([1 / 3, 2 / 3])


def test_counts_that_no_memory_holds_are_refused(
    make: Callable[[Packed], Callable[..., Record]], packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "COUNTS_BYTES", 10**6)
    with pytest.raises(Failure, match=r"2 images of 300 classes take 0 GB; keep fewer classes") as error:
        make(packed)(RECIPE)
    assert not error.value.transient
