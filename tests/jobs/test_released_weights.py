"""Released weights from their name to the record: ImageNet's SqueezeNet starts a training on real weights."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from demand import Seeds, finished

from harness.data import Catalogue
from harness.jobs import running
from harness.jobs.running import Failure
from harness.networks.library import Library
from harness.scheduling.scheduler import Scheduler
from harness.specs import (
    Budget,
    Classifier,
    Data,
    Normalise,
    Optimiser,
    Recipe,
    Resize,
    Split,
    Weights,
    ZeroShot,
    own_sources,
)
from harness.store import Store
from harness.verdicts.evidence import resolve
from harness.verdicts.judgement import weights_text

REAL = Path(os.environ.get("CLAIMS_DATA_ROOT") or Path(__file__).parents[3] / "shared" / "data") / "weights"
NAME = "squeezenet1_0.deepcompression"
FILE = "squeezenet1_0_deepcompression_torchvision.pth"

RECIPE = Recipe(
    data=Data("dr_rahim", split=Split("subject", test=0.3), resize=Resize((64, 64)), count=24),
    network=Classifier("squeezenet1_0"),
    budget=Budget(2),
    init=Weights(NAME),
    normalise=Normalise((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    optimiser=Optimiser("sgd", 1e-3),
    batch_size=4,
    frozen=("features",),
)


@pytest.mark.skipif(not (REAL / FILE).is_file(), reason=f"there is no {FILE} in {REAL}")
def test_a_classifier_starts_from_imagenet_by_name(tmp_path: Path) -> None:
    arms, evidence = resolve(
        {"tuned": RECIPE, "start": ZeroShot(RECIPE)}, Catalogue(None), "phantom", find=Library(REAL).find
    )
    assert evidence.notes == (f"weights {NAME} (released)",)
    running.check(arms["tuned"])
    demand, store = Seeds(arms), Store(tmp_path / "store")
    scheduler = Scheduler(store, Catalogue(None, tmp_path / "data"), [demand], {"smoke": "cpu"})
    scheduler.finish(demand)
    record = finished(scheduler, arms["tuned"])
    assert weights_text(record.weights) == (
        f"from {NAME} ({FILE}): 50 tensors loaded, 2 left as initialised (classifier.1), 2 unused (classifier.1); "
        "head re-initialised: 1000 → 5 classes"
    )
    released = torch.load(REAL / FILE, weights_only=True)
    left = torch.load(store.artifact(record.key, "weights"), weights_only=True)
    assert all(torch.equal(left[name], released[name]) for name in released if name.startswith("features."))
    deeper = replace(arms["tuned"], network=Classifier("squeezenet1_1"))
    with pytest.raises(Failure, match=rf"the weights of {NAME} \({FILE}\) to fit the backbone of squeezenet1_1, but"):
        running.check(deeper)


def test_weights_whose_file_nobody_looked_for_start_nothing() -> None:
    assert own_sources(RECIPE) == RECIPE
    with pytest.raises(Failure, match=f"Expected the file of {NAME} to be known, but got its name alone"):
        running.check(RECIPE)
