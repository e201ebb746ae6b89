"""A segmentation starts from the backbone that a classification trained, and freezes it."""

from __future__ import annotations

from pathlib import Path

import torch
from demand import Seeds, finished

from harness.data import Catalogue
from harness.networks import building
from harness.scheduling.scheduler import Scheduler
from harness.specs import (
    Budget,
    Classifier,
    Data,
    FromJob,
    Optimiser,
    RandomCrop,
    RandomFlip,
    Recipe,
    Resize,
    Segmenter,
    Shrink,
    Split,
    job,
)
from harness.store import Store

SOURCE = Recipe(
    data=Data("dr_rahim", split=Split("subject"), resize=Resize((32, 32)), count=16, evidence="phantom"),
    network=Classifier("hr48", shrink=Shrink(8, 2, 0.25)),
    budget=Budget(2),
    optimiser=Optimiser("adam", 1e-3),
)
TARGET = Recipe(
    data=Data("dme", labels="union", split=Split("subject"), resize=Resize((32, 48)), count=16, evidence="phantom"),
    network=Segmenter("hr48", "fcn", Shrink(8, 2, 0.25, 16)),
    budget=Budget(2),
    init=FromJob(SOURCE, part="backbone"),
    transforms=(RandomCrop((32, 32)), RandomFlip()),
    optimiser=Optimiser("adam", 1e-3),
    frozen=("backbone",),
)


def test_a_segmentation_starts_from_a_classification(tmp_path: Path) -> None:
    demand = Seeds({"target": TARGET})
    made = Scheduler(Store(tmp_path / "store"), Catalogue(None, tmp_path / "data"), [demand], {"smoke": "cpu"})
    made.finish(demand)
    record = finished(made, TARGET)
    given = torch.load(made.store.artifact(made.key(job(SOURCE, 0)), "weights"), weights_only=True)
    own = building.outline(TARGET.network, 2, TARGET.losses).state_dict()
    taken = [name for name in own if name.startswith("backbone.")]
    assert set(given) == {*taken, "head.weight", "head.bias"}
    assert record.weights["loaded"] == len(taken)
    assert set(record.weights["unused"]) == {"head.weight", "head.bias"}
