"""Bagged, boosted and stacked gradings from the phantom to the record, through the scheduler with the real runner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from demand import Seeds, finished

from harness.data import Catalogue, split
from harness.jobs import boosting, combination
from harness.jobs.sampling import sampled
from harness.jobs.training import Trainer
from harness.scheduling.scheduler import Scheduler, describe
from harness.specs import (
    Arm,
    Boosted,
    Budget,
    Classifier,
    Data,
    Ensemble,
    FromJob,
    Optimiser,
    Recipe,
    Reseeded,
    Resize,
    Shrink,
    Split,
    ZeroShot,
    bagged,
    boosted,
    job,
)
from harness.store import Store

Schedule = Callable[..., Scheduler]

DATA = Data("dr_rahim", split=Split("subject", 0.3, 0.2), resize=Resize((32, 32)), count=40, evidence="phantom")
RECIPE = Recipe(
    DATA,
    Classifier("resnet18", dropout=0.2, shrink=Shrink(8, 3, 0.5)),
    Budget(5),
    optimiser=Optimiser("adam", 3e-3, weight_decay=0.0),
    batch_size=8,
)
ROW = boosted([RECIPE, replace(RECIPE, batch_size=6), RECIPE])
FIRST, SECOND, THIRD = ROW.members
TUNED = replace(RECIPE, init=FromJob(SECOND), sample=Boosted(RECIPE))
BAG = bagged([RECIPE, RECIPE])


@pytest.fixture
def schedule(tmp_path: Path) -> Schedule:
    def make(*demands: Seeds, session: str = "first") -> Scheduler:
        catalogue = Catalogue(None, tmp_path / "data")
        return Scheduler(Store(tmp_path / "store"), catalogue, list(demands), {"smoke": "cpu"}, session)

    return make


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[Recipe, int]]:
    """How often each recipe was trained with each seed."""
    count: Counter[tuple[Recipe, int]] = Counter()
    run = Trainer.run

    def counted(self: Trainer) -> None:
        count[self.recipe, self.seed] += 1
        run(self)

    monkeypatch.setattr(Trainer, "run", counted)
    return count


def shares(scheduler: Scheduler, arm: Arm, part: str, seed: int = 0) -> np.ndarray:
    """Stored class probabilities."""
    artifact = "training predictions" if part == "train" else "predictions"
    with np.load(scheduler.store.artifact(scheduler.key(job(arm, seed)), artifact)) as content:
        return content[part]


def test_ensembles_of_draws_are_done_once_and_are_those_of_their_members(
    schedule: Schedule, trained: Counter[tuple[Recipe, int]]
) -> None:
    stack = Ensemble((RECIPE, ZeroShot(RECIPE), BAG), "stacking")
    arms: dict[str, Arm] = {"boosted": ROW, "stacked": stack, "tuned": TUNED, "reseeded": Reseeded(SECOND, 1)}
    demand = Seeds(arms)
    scheduler = schedule(demand)
    scheduler.finish(demand)
    seeds = {(each, 0) for each in (*ROW.members, *BAG.members, TUNED)}
    assert trained == Counter({*seeds, (FIRST, 1), (SECOND, 1)})
    packed = scheduler.catalogue.load(DATA)
    parts = split(packed, DATA, 0)
    train, held, test = (packed.targets[each] for each in (parts.train, parts.validation, parts.test))

    before = [shares(scheduler, each, "train") for each in ROW.members]
    for count, member in ((1, SECOND), (2, THIRD), (1, TUNED)):
        drawn = sampled(member, 0, packed, parts.train, before[:count])
        record = finished(scheduler, member)
        assert record.train_ids == [packed.ids[index] for index in sorted(set(drawn))]
        assert record.train_images == len(record.train_ids) < len(parts.train)
        assert set(record.train_metrics), "there is a gap to take"
    assert finished(scheduler, FIRST).train_ids == [packed.ids[index] for index in parts.train]
    assert finished(scheduler, TUNED).weights["origin"] == "the training on dr_rahim"
    assert finished(scheduler, arms["reseeded"]).key == scheduler.key(job(SECOND, 1))

    for ensemble, votes in ((ROW, boosting.weights(before, train, 5)[0]), (BAG, None), (stack, None)):
        of_members = [
            [shares(scheduler, member, part) for member in ensemble.members] for part in ("test", "validation")
        ]
        expected, _ = combination.combined(ensemble.method, *of_members, held, votes)
        record = finished(scheduler, ensemble)
        counts = combination.confusion(expected, test)
        assert scheduler.store.counts(record.key).tolist() == counts.tolist()
        assert record.seconds < 1, "nothing is trained, and no large library imported"
    assert describe(job(THIRD, 0)) == "dr_rahim resnet18, batch 8, seed 0"


def test_what_a_boosted_recipe_needs_is_made_from_weights_that_are_there(
    schedule: Schedule, trained: Counter[tuple[Recipe, int]]
) -> None:
    alone, later = Seeds({"first": FIRST}), Seeds({"second": SECOND})
    schedule(alone).finish(alone)
    scheduler = schedule(later, session="second")
    assert not scheduler.store.has(scheduler.key(job(FIRST, 0)), "training predictions")
    scheduler.finish(later)
    assert trained == {(FIRST, 0): 1, (SECOND, 0): 1}
    kept = scheduler.store.entry(scheduler.key(job(FIRST, 0)))
    assert not (kept / "predictions.npz").exists(), "nobody asked for those"


def test_a_forerunner_that_fails_is_named(schedule: Schedule) -> None:
    broken = boosted([replace(RECIPE, optimiser=Optimiser("sgd", 1e30)), RECIPE])
    demand = Seeds({"boosted": broken})
    scheduler = schedule(demand)
    scheduler.finish(demand)
    record = scheduler.record(job(broken.members[1], 0))
    assert record is not None
    assert record.reason.startswith("its forerunner failed: the loss was not finite")


@pytest.mark.parametrize(("kind", "method", "side"), [
    ("random", "soft", "test"), ("subject", "weighted", "validation"), ("subject", "soft", ""),
])  # fmt: skip
def test_members_must_predict_the_same_images(kind: str, method: str, side: str, schedule: Schedule) -> None:
    recipe = ZeroShot(replace(RECIPE, data=replace(DATA, split=Split(kind, 0.3, 0.2))))
    ensemble = Ensemble((recipe, Reseeded(recipe, 500)), method)
    demand = Seeds({"both": ensemble})
    scheduler = schedule(demand)
    scheduler.finish(demand)
    record = scheduler.record(job(ensemble, 0))
    assert record is not None
    assert record.failed is bool(side)
    if side:
        assert record.reason == (
            f"Expected the members of an ensemble to have the same {side} images, but those of seed 500 are not those "
            "of seed 0; take members of one seed, or a split that does not depend on the seed."
        )


@pytest.mark.parametrize("arm", [RECIPE, ZeroShot(RECIPE)], ids=["training", "evaluation"])
def test_a_test_side_of_one_grade_fails_in_one_sentence(arm: Arm, schedule: Schedule) -> None:
    scheduler = schedule(Seeds({"arm": arm}))
    load = scheduler.catalogue.load
    packed = load(DATA)
    targets = packed.targets.copy()
    targets[split(packed, DATA, 0).test] = 2
    object.__setattr__(scheduler.catalogue, "load", lambda data: replace(packed, targets=targets))
    scheduler.finish(scheduler.demands[0])
    record = scheduler.record(job(arm, 0))
    assert record is not None
    assert record.reason.startswith("Expected the 12 test images of dr_rahim to be of several classes, but all are of")
    assert not record.transient


def test_two_images_beside_each_other_train_test_and_combine(schedule: Schedule) -> None:
    data = Data("deepdrid", split=Split("subject", 0.3, 0.2), resize=Resize((32, 32)), count=48, evidence="phantom",
                companion="other-eye")  # fmt: skip
    dual = replace(RECIPE, data=data, network=replace(RECIPE.network, views=2))
    row = boosted([dual, dual])
    demand = Seeds({"dual": dual, "boosted": row, "start": ZeroShot(dual)})
    scheduler = schedule(demand)
    scheduler.finish(demand)
    for arm in (dual, row.members[1], row, ZeroShot(dual)):
        assert scheduler.store.counts(finished(scheduler, arm).key).sum() == len(finished(scheduler, arm).test_ids)
