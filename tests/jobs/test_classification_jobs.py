"""A classification from the phantom of graded retinas to the record: ResNet-18 learns to grade."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from demand import Seeds, finished
from torchmetrics.functional.classification import multiclass_cohen_kappa

from harness.data import Catalogue
from harness.scheduling.scheduler import Scheduler
from harness.specs import (
    Budget,
    Classifier,
    ColourJitter,
    Data,
    Ensemble,
    Gap,
    Metric,
    Normalise,
    Optimiser,
    Poly,
    RandomFlip,
    Recipe,
    Resize,
    Shrink,
    Split,
    ZeroShot,
    job,
)
from harness.store import Store

GRADES = ("none", "mild", "moderate", "severe", "proliferative")
RECIPE = Recipe(
    data=Data(
        "dr_rahim",
        split=Split("subject", test=0.3, validation=0.15),
        resize=Resize((64, 64)),
        count=120,
        evidence="phantom",
    ),
    network=Classifier("resnet18", dropout=0.2, shrink=Shrink(16, 4, 0.5)),
    budget=Budget(40, evaluations=2),
    transforms=(RandomFlip(), ColourJitter(brightness=0.05)),
    normalise=Normalise((120.0, 60.0, 30.0), (60.0, 40.0, 25.0)),
    optimiser=Optimiser("adam", 1e-3, weight_decay=0.0),
    schedule=Poly(),
    batch_size=12,
)
START = ZeroShot(RECIPE)
BOTH = Ensemble((RECIPE, START))


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Scheduler:
    """One that has done the training, the evaluation of the network as it starts, and the ensemble of both."""
    folder = tmp_path_factory.mktemp("classification")
    demand = Seeds({"trained": RECIPE, "start": START, "both": BOTH})
    made = Scheduler(Store(folder / "store"), Catalogue(None, folder / "data"), [demand], {"smoke": "cpu"})
    made.finish(demand)
    return made


def predicted(scheduler: Scheduler, arm: Recipe | ZeroShot) -> np.ndarray:
    """Stored class probabilities of the test images, ``(N, 5)``."""
    with np.load(scheduler.store.artifact(scheduler.key(job(arm, 0)), "predictions")) as content:
        return content["test"]


def truth(scheduler: Scheduler) -> np.ndarray:
    packed = scheduler.catalogue.load(RECIPE.data)
    return packed.targets[[packed.ids.index(name) for name in finished(scheduler, RECIPE).test_ids]]


def kappa(scheduler: Scheduler, shares: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights as torchmetrics computes it."""
    guess, grades = torch.from_numpy(shares.argmax(1)), torch.from_numpy(truth(scheduler))
    return float(multiclass_cohen_kappa(guess, grades, num_classes=5, weights="quadratic"))


def test_a_network_learns_to_grade(scheduler: Scheduler) -> None:
    trained, start = (finished(scheduler, arm).metric(Metric("kappa")) for arm in (RECIPE, START))
    assert trained > 0.4, "by chance it is 0 with a standard deviation of 0.17"
    assert trained > start + 0.2
    assert not finished(scheduler, RECIPE).collapsed


def test_kappa_is_torchmetrics_kappa_of_the_stored_predictions(scheduler: Scheduler) -> None:
    for arm in (RECIPE, START):
        expected = kappa(scheduler, predicted(scheduler, arm))
        assert finished(scheduler, arm).metric(Metric("kappa")) == pytest.approx(expected, abs=1e-6)
    both = predicted(scheduler, RECIPE).astype(float) + predicted(scheduler, START).astype(float)
    assert finished(scheduler, BOTH).metric(Metric("kappa")) == pytest.approx(kappa(scheduler, both), abs=1e-6)


def test_the_record_is_of_grades(scheduler: Scheduler) -> None:
    record = finished(scheduler, RECIPE)
    assert (record.task, tuple(record.classes), record.foreground) == ("classification", GRADES, "")
    assert set(record.test_subjects).isdisjoint(name.partition("_")[0] for name in record.train_ids)
    counts = scheduler.store.counts(record.key)
    assert counts.shape == (len(record.test_ids), 5, 5)
    assert (counts.sum((1, 2)) == 1).all()
    assert (counts.sum(2).argmax(1) == truth(scheduler)).all()
    previews = scheduler.store.previews(record.key)
    shown = [record.test_ids.index(name) for name in record.preview_ids]
    assert previews.tolist() == counts.sum(1).argmax(1)[shown].tolist()
    last = record.validation_curve[-1]["metrics"]["kappa"]
    assert record.validation_metrics["kappa"] == last
    assert record.value(Gap(Metric("kappa"))) == record.train_metrics["kappa"] - last
