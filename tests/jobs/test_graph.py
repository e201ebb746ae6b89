"""Jobs that start from other jobs, from the phantom to the record, through the scheduler with the real runner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from demand import Seeds, finished

from harness.data import Catalogue
from harness.jobs.combination import combined, confusion
from harness.jobs.training import Trainer
from harness.scheduling.scheduler import Scheduler
from harness.specs import (
    Arm,
    Budget,
    CrossEntropy,
    Data,
    Dice,
    Ensemble,
    FromJob,
    Optimiser,
    RandomCrop,
    Recipe,
    Resize,
    Segmenter,
    Shrink,
    Split,
    ZeroShot,
    job,
)
from harness.store import Store

Schedule = Callable[..., Scheduler]

DATA = Data("chase_db1", resize=Resize((32, 32)), count=12, evidence="phantom")
SOURCE = Recipe(
    data=DATA,
    network=Segmenter("unet-s5-d16", "fcn", Shrink(width=4, stages=2)),
    budget=Budget(4, evaluations=2),
    transforms=(RandomCrop((16, 16)),),
    losses=(CrossEntropy(), Dice(over="foreground")),
    optimiser=Optimiser("adam", 0.01),
    batch_size=4,
)
TARGET = replace(DATA, name="drive", split=Split("published", validation=0.3))
TUNED = replace(SOURCE, data=TARGET, init=FromJob(SOURCE))
ZERO = ZeroShot(TUNED)
SCRATCH = replace(SOURCE, data=TARGET)


@pytest.fixture
def schedule(tmp_path: Path) -> Schedule:
    def make(*demands: Seeds, session: str = "first") -> Scheduler:
        catalogue = Catalogue(None, tmp_path / "data")
        return Scheduler(Store(tmp_path / "store"), catalogue, list(demands), {"smoke": "cpu"}, session)

    return make


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, int]]:
    """How often each data set was trained on with each seed."""
    count: Counter[tuple[str, int]] = Counter()
    run = Trainer.run

    def counted(self: Trainer) -> None:
        count[self.recipe.data.name, self.seed] += 1
        run(self)

    monkeypatch.setattr(Trainer, "run", counted)
    return count


def test_a_graph_of_jobs_is_done_once_and_in_order(schedule: Schedule, trained: Counter[tuple[str, int]]) -> None:
    inner = Ensemble((ZERO, SCRATCH), "weighted")
    arms: dict[str, Arm] = {
        "tuned": TUNED,
        "soft": Ensemble((TUNED, ZERO, SCRATCH)),
        "nested": Ensemble((inner, TUNED), "hard"),
    }
    demand = Seeds(arms, most=2)
    scheduler = schedule(demand)
    scheduler.finish(demand)
    assert trained == {
        (name, seed): 1 if name == "chase_db1" else 2 for name in ("chase_db1", "drive") for seed in (0, 1)
    }
    store, key = scheduler.store, lambda arm: scheduler.key(job(arm, 1))
    tuned, zero = (finished(scheduler, arm, 1) for arm in (TUNED, ZERO))
    assert tuned.weights["origin"] == zero.weights["origin"] == "the training on chase_db1"
    assert tuned.test_ids == zero.test_ids

    packed = scheduler.catalogue.load(TARGET)
    truth, held = (
        packed.targets[[packed.ids.index(name) for name in ids]] for ids in (tuned.test_ids, tuned.validation_ids)
    )

    def shares(*members: Arm) -> tuple[list[np.ndarray], list[np.ndarray]]:
        files = [np.load(store.artifact(key(member), "predictions")) for member in members]
        return [file["test"] for file in files], [file["validation"] for file in files]

    for arm in (arms["soft"], inner, arms["nested"]):
        combination, _ = combined(arm.method, *shares(*arm.members), held)
        assert finished(scheduler, arm, 1).kind == "Combination"
        assert store.counts(key(arm)).tolist() == confusion(combination, truth).tolist()
    before = Counter(trained)
    again = schedule(demand, session="second")
    again.finish(demand)
    again.drain()
    assert trained == before


def test_what_was_trained_before_is_not_trained_again_when_it_becomes_a_source(
    schedule: Schedule, trained: Counter[tuple[str, int]]
) -> None:
    alone, later = Seeds({"source": SOURCE}), Seeds({"tuned": TUNED})
    schedule(alone).finish(alone)
    assert trained == {("chase_db1", 0): 1}
    scheduler = schedule(later, session="second")
    scheduler.finish(later)
    assert trained == {("chase_db1", 0): 1, ("drive", 0): 1}
    weights = torch.load(scheduler.store.artifact(scheduler.key(job(SOURCE, 0)), "weights"), weights_only=True)
    assert finished(scheduler, TUNED).weights["loaded"] == len(weights)


def test_predictions_of_what_was_trained_before_are_made_without_training(
    schedule: Schedule, trained: Counter[tuple[str, int]]
) -> None:
    ensemble = Ensemble((TUNED, SCRATCH, ZERO))
    alone, together = Seeds({"tuned": TUNED, "scratch": SCRATCH, "zero": ZERO}), Seeds({"ensemble": ensemble})
    schedule(alone).finish(alone)
    before = Counter(trained)
    scheduler = schedule(together, session="second")
    assert not scheduler.store.has(scheduler.key(job(TUNED, 0)), "predictions")
    scheduler.finish(together)
    assert trained == before
    finished(scheduler, ensemble)


@pytest.mark.parametrize("lost", ["removed", "damaged"])
def test_where_the_weights_are_lost_predictions_are_made_by_training_again(
    lost: str, schedule: Schedule, trained: Counter[tuple[str, int]]
) -> None:
    alone, together = Seeds({"scratch": SCRATCH}), Seeds({"ensemble": Ensemble((SCRATCH, ZeroShot(SCRATCH)))})
    first = schedule(alone)
    first.finish(alone)
    file = first.store.entry(first.key(job(SCRATCH, 0))) / "weights.pt"
    if lost == "removed":
        file.unlink()
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    scheduler = schedule(together, session="second")
    scheduler.finish(together)
    assert trained == {("drive", 0): 2}
    finished(scheduler, Ensemble((SCRATCH, ZeroShot(SCRATCH))))
    assert len(scheduler.store.damaged) == (lost == "damaged")


def test_a_source_that_diverges_fails_what_starts_from_it(
    schedule: Schedule, trained: Counter[tuple[str, int]]
) -> None:
    broken = replace(TUNED, init=FromJob(replace(SOURCE, optimiser=Optimiser("sgd", 1e30))))
    demand = Seeds({"ensemble": Ensemble((broken, SCRATCH))})
    scheduler = schedule(demand)
    scheduler.finish(demand)
    record = scheduler.record(job(demand.arms["ensemble"], 0))
    assert record is not None
    assert record.reason.startswith("its member failed: its source failed: the loss was not finite")
    assert not record.transient
    assert trained["drive", 0] <= 1, "only the other member may have been trained"


def test_a_job_may_start_from_shuffled_weights_of_its_source(schedule: Schedule) -> None:
    shuffled = ZeroShot(replace(TUNED, init=FromJob(SOURCE, shuffled=True)))
    demand = Seeds({"shuffled": shuffled, "as they are": ZERO})
    scheduler = schedule(demand)
    scheduler.finish(demand)
    origins = [finished(scheduler, arm).weights["origin"] for arm in (ZERO, shuffled)]
    assert origins == ["the training on chase_db1", "the training on chase_db1, shuffled"]
    one, other = (scheduler.store.counts(scheduler.key(job(arm, 0))) for arm in (ZERO, shuffled))
    assert one.sum() == other.sum()
    assert (one != other).any()
