"""Small jobs on phantoms, done on the CPU, and digests of what they come to, bit for bit."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.specs import (
    Arm,
    BestOnValidation,
    Budget,
    Classifier,
    ColourJitter,
    CrossEntropy,
    Data,
    Dice,
    Ensemble,
    Focal,
    FromJob,
    Metric,
    Optimiser,
    Poly,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Recipe,
    Resize,
    Segmenter,
    Shrink,
    Split,
    Step,
    ZeroShot,
    job,
)

SIZE = (48, 64)


def arms() -> dict[str, Arm]:
    """What is replayed, by name: both tasks, each kind of arm, and most transforms, losses and schedules."""
    moved = (
        RandomResize(0.5, 2.0),
        RandomRotation(15),
        RandomCrop((32, 32)),
        RandomFlip(),
        ColourJitter(0.2, 0.2, 0.2),
    )
    target = Data("dme", "union", Split("subject", validation=0.25), Resize(SIZE), count=24, evidence="phantom")
    unet = Segmenter("unet-s5-d16", "pspnet", Shrink(width=8, stages=3))
    source = Recipe(
        data=Data("drive", resize=Resize(SIZE), count=8, evidence="phantom"),
        network=unet,
        budget=Budget(4),
        transforms=moved,
        losses=(CrossEntropy(class_weight=(1.0, 10.0)), Dice(3.0, over="foreground")),
        optimiser=Optimiser("adam", 0.01, weight_decay=0.0),
        schedule=Poly(),
    )
    tuned = replace(
        source,
        data=target,
        init=FromJob(source, seed=0),
        budget=Budget(2, "epochs", 2),
        losses=(Focal(), Dice()),
        select=BestOnValidation(Metric("loss")),
        frozen=("backbone.encoder",),
    )
    probed = replace(source, transforms=(RandomFlip(),), budget=Budget(2, "epochs", 2), frozen=("backbone",))
    graded = Recipe(
        data=Data("dr_rahim", split=Split("subject"), resize=Resize(SIZE), count=16, evidence="phantom"),
        network=Classifier("resnet18"),
        budget=Budget(2, "epochs", 2),
        transforms=(RandomFlip(),),
        schedule=Step(1),
    )
    return {
        "source": source,
        "tuned": tuned,
        "probed": probed,
        "zero-shot": ZeroShot(replace(tuned, select=source.select)),
        "graded": graded,
        "ensemble": Ensemble((tuned, replace(tuned, batch_size=4)), "weighted"),
    }


def rests_on() -> dict[str, set[str]]:
    """The versioned parts that shape each replayed arm."""
    from harness.jobs.versions import versions
    from harness.specs import ancestry

    return {name: {part for each in ancestry(job(arm, 1)) for part in versions(each)} for name, arm in arms().items()}


def replayed() -> dict[str, str]:
    """Digests by name: of each arm's record, counts and previews, and of each phantom's arrays."""
    import torch

    from harness import data
    from harness.data import Catalogue
    from harness.scheduling import Scheduler
    from harness.store import Store

    torch.set_num_threads(1)
    digests = {}
    with tempfile.TemporaryDirectory() as folder:
        store, catalogue = Store(Path(folder) / "store"), Catalogue(None, Path(folder) / "packs")
        for name in data.names():
            if data.has_phantom(name):
                packed = catalogue.load(
                    Data(name, split=Split("random"), resize=Resize(SIZE), count=4, evidence="phantom")
                )
                digests[f"phantom:{name}"] = _digest(packed.images, packed.targets)
        for name, arm in arms().items():
            scheduler = Scheduler(store, catalogue, [_Once(arm)], {"smoke": "cpu"}, "replay")
            scheduler.drain()
            key = scheduler.key(job(arm, 1))
            record = store.find(key)
            if record is None or record.failed:
                raise RuntimeError(f"Expected {name} to be replayed, but got {record and record.reason}.")
            figures = json.dumps([record.curve, record.validation_curve, record.losses, record.selected])
            digests[name] = _digest(store.counts(key), store.previews(key), np.frombuffer(figures.encode(), np.uint8))
    return digests


class _Once:
    """One seed of one arm, as the scheduler takes it."""

    scale: Any = "smoke"
    most = 2

    def __init__(self, arm: Arm) -> None:
        self.arms = {"arm": arm}

    def wanted(self, find: Any) -> int:
        return 0 if find(job(self.arms["arm"], 1)) is not None else 2

    def jobs(self, seeds: int) -> Any:
        return iter([job(self.arms["arm"], 1)][: seeds and 1])


def _digest(*arrays: np.ndarray[Any, Any]) -> str:
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.shape}{array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
