"""What a training, an evaluation and a combination leave in the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from harness.data import Packed
from harness.jobs import combination, evaluation, work
from harness.jobs.running import Runner
from harness.jobs.training import Trainer
from harness.networks import building
from harness.specs import (
    BestOnValidation,
    Budget,
    Combination,
    Ensemble,
    Evaluation,
    FromJob,
    Gap,
    Metric,
    Optimiser,
    Recipe,
    Scratch,
    Split,
    Training,
    ZeroShot,
    job,
)
from harness.store import Record, Store
from harness.tasks import segmentation
from harness.tasks.metrics import confusion

Do = Callable[..., Record]
WEIGHTS, PREDICTIONS = frozenset({"weights"}), frozenset({"predictions"})


@pytest.fixture
def held_out(recipe: Recipe) -> Recipe:
    """The recipe with three images to choose with."""
    return replace(recipe, data=replace(recipe.data, split=Split("published", validation=0.25)))


def loaded(store: Store, key: str) -> dict[str, torch.Tensor]:
    return torch.load(store.artifact(key, "weights"), weights_only=True)


def predicted(store: Store, key: str) -> dict[str, np.ndarray]:
    with np.load(store.artifact(key, "predictions")) as content:
        return {name: content[name] for name in content.files}


def test_a_record_holds_the_training(do: Do, store: Store, recipe: Recipe, squares: Packed) -> None:
    progress: list[dict[str, Any]] = []
    record = do(replace(recipe, budget=Budget(4, evaluations=2)), seed=3, report=progress.append)
    assert store.find(record.key) == record
    assert (record.kind, record.status, record.seed, record.task) == ("Training", "finished", 3, "segmentation")
    assert (record.iterations, record.train_images) == (4, 10)
    assert record.train_ids + record.test_ids == list(squares.ids)
    assert record.validation_ids == []
    assert record.test_subjects == list(squares.subjects[10:])
    assert (record.classes, record.foreground) == (["background", "square"], "square")
    assert [point["iteration"] for point in record.curve] == [2, 4]
    assert [iteration for iteration, _ in record.losses] == [1, 2, 3, 4]
    assert record.final == segmentation.summarise(store.counts(record.key), squares.classes)
    assert record.metric(Metric("Dice", "foreground")) == record.final["Dice.square"]
    assert record.provenance["kind"] == "cpu"
    assert record.weights == {}, "from scratch"
    assert record.seconds > 0
    assert record.peak_memory > 2**20
    assert progress[0]["iterations"] == 4
    assert not store.partial(record.key).exists()


def test_progress_shows_a_score_as_soon_as_there_is_one(
    do: Do, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "REPORT_SECONDS", 0.0)
    progress: list[dict[str, Any]] = []
    record = do(replace(recipe, budget=Budget(4, evaluations=2)), report=progress.append)
    assert [each["iteration"] for each in progress] == [1, 2, 3, 4]
    scores = [each["score"] for each in progress]
    first, last = (("Dice.square", point["metrics"]["Dice.square"]) for point in record.curve)
    assert scores == [None, first, first, last]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_previews_are_the_predictions_that_were_counted(
    precision: str, do: Do, store: Store, recipe: Recipe, squares: Packed
) -> None:
    record = do(replace(recipe, precision=precision))
    previews, counts = store.previews(record.key), store.counts(record.key)
    assert previews.shape == (4, 24, 32)
    for name, preview in zip(record.preview_ids, previews, strict=True):
        counted = counts[record.test_ids.index(name)]
        truth = squares.targets[squares.ids.index(name)]
        assert confusion(truth, preview, 2).tolist() == counted.tolist()


def test_the_previews_are_of_the_test_images_with_the_most_foreground_and_of_every_subject(
    make: Callable[..., Do], recipe: Recipe, squares: Packed
) -> None:
    """Four of the five test images are of one subject, the last of another."""
    subjects = (*squares.subjects[:10], "a", "a", "a", "a", "b")
    record = make(replace(squares, subjects=subjects))(replace(recipe, budget=Budget(1)))
    sizes = {name: int((squares.targets[squares.ids.index(name)] == 1).sum()) for name in record.test_ids}
    assert record.preview_ids[-1] == "image14"
    (left,) = set(record.test_ids) - set(record.preview_ids)
    assert sizes[left] == min(sizes[name] for name in record.test_ids[:4])


def test_a_random_split_is_drawn_for_each_seed_and_the_sides_never_meet(
    do: Do, recipe: Recipe, squares: Packed
) -> None:
    drawn = replace(recipe, data=replace(recipe.data, split=Split("random", validation=0.2)), budget=Budget(1))
    records = [do(drawn, seed) for seed in range(3)]
    for record in records:
        assert sorted(record.train_ids + record.validation_ids + record.test_ids) == sorted(squares.ids)
        assert record.validation_ids
    assert len({tuple(record.test_ids) for record in records}) > 1


def test_a_gap_is_that_of_the_finished_network(do: Do, store: Store, held_out: Recipe, squares: Packed) -> None:
    record = do(replace(held_out, budget=Budget(4, evaluations=4), select=BestOnValidation()))
    network = building.build(held_out.network, 2, held_out.losses, 0)
    network.load_state_dict(loaded(store, record.key))
    values = []
    for ids in (record.train_ids, record.validation_ids):
        part = evaluation.Resident.place(
            squares, np.array([squares.ids.index(name) for name in ids]), torch.device("cpu")
        )
        counts = evaluation.confusion(network, part, held_out)
        values.append(segmentation.summarise(counts, squares.classes)["mIoU"])
    assert record.value(Gap(Metric("mIoU"))) == values[0] - values[1]
    assert record.validation_metrics["mIoU"] == values[1]
    selected = record.validation_curve[record.selected]["metrics"]
    assert selected["mIoU"] == values[1]
    assert selected["loss"] == min(point["metrics"]["loss"] for point in record.validation_curve)
    assert record.final == record.curve[record.selected]["metrics"]


def test_weights_start_another_training(do: Do, store: Store, recipe: Recipe) -> None:
    source = Training(recipe, 0)
    record = do(recipe, asked=WEIGHTS)
    weights = loaded(store, record.key)
    target = replace(
        recipe, init=FromJob(recipe, seed=0), budget=Budget(1), optimiser=Optimiser("sgd", 1e-30, 0.0, 0.0)
    )
    tuned = do(target, seed=9, inputs={source: {"weights": store.artifact(record.key, "weights")}})
    after = loaded(store, tuned.key)
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    for name in (name for name in weights if not name.endswith(statistics)):
        torch.testing.assert_close(after[name], weights[name], rtol=0, atol=1e-25, msg=name)
    assert store.find(tuned.key).weights == {
        "origin": "the training on drive",
        "loaded": len(weights),
        "not_loaded": [],
        "unused": [],
        "classes": [],
    }


def test_weights_are_kept_although_nobody_asks_but_may_be_trimmed(do: Do, store: Store, recipe: Recipe) -> None:
    one, two = (do(replace(recipe, budget=Budget(1)), seed, asked=asked) for seed, asked in ((0, WEIGHTS), (1, set())))
    assert store.has(two.key, "weights")
    assert store.trim(0) == [two.key]
    assert store.has(one.key, "weights")


@pytest.mark.parametrize("start", ["scratch", "trained"])
def test_an_evaluation_without_training_is_of_the_network_as_it_starts(
    start: str, do: Do, store: Store, recipe: Recipe, squares: Packed
) -> None:
    source = do(recipe, seed=4, asked=WEIGHTS)
    init = FromJob(recipe, seed=4) if start == "trained" else Scratch()
    inputs = {Training(recipe, 4): {"weights": store.artifact(source.key, "weights")}} if start == "trained" else {}
    arm = ZeroShot(replace(recipe, init=init))
    first, again = (do(arm, seed=7, inputs=inputs, key=key) for key in ("ab" * 32, "cd" * 32))
    assert first.kind == "Evaluation"
    assert repr(first.curve) == repr(again.curve), "some metrics are NaN"
    assert store.counts(first.key).tolist() == store.counts(again.key).tolist()
    assert [point["iteration"] for point in first.curve] == [0]
    assert (first.iterations, first.losses) == (0, [])
    assert repr(first.final) == repr(segmentation.summarise(store.counts(first.key), squares.classes))
    if start == "trained":
        assert store.counts(first.key).tolist() == store.counts(source.key).tolist()
        assert first.weights["origin"] == "the training on drive"
    else:
        other = do(arm, seed=8)
        assert not all(
            torch.equal(loaded(store, first.key)[name], each) for name, each in loaded(store, other.key).items()
        )


def test_predictions_are_probabilities_of_the_test_and_the_validation_images(
    do: Do, store: Store, held_out: Recipe, squares: Packed
) -> None:
    record = do(held_out, asked=PREDICTIONS)
    shares = predicted(store, record.key)
    assert shares["test"].shape == (5, 2, 24, 32)
    assert shares["validation"].shape == (len(record.validation_ids), 2, 24, 32)
    assert shares["test"].dtype == np.float16
    truth = squares.targets[[squares.ids.index(name) for name in record.test_ids]]
    sure = np.abs(shares["test"][:, 0].astype(float) - 0.5) > 1e-3
    counted = combination.confusion(shares["test"], np.where(sure, truth, 255)).sum((1, 2))
    assert (counted > 0.9 * store.counts(record.key).sum((1, 2))).all()
    agreed = combination.confusion(shares["test"], truth)
    assert np.abs(agreed - store.counts(record.key)).sum() <= 2 * (~sure).sum()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("trained", [True, False], ids=["training", "evaluation"])
def test_predictions_made_later_are_those_made_at_once(
    trained: bool, precision: str, do: Do, runner: Runner, store: Store, held_out: Recipe
) -> None:
    arm = replace(held_out, precision=precision)
    arm = arm if trained else ZeroShot(arm)
    at_once, later = (do(arm, key=key, asked=asked) for key, asked in (("ab" * 32, PREDICTIONS), ("cd" * 32, WEIGHTS)))
    assert not store.has(later.key, "predictions")
    torch.rand(5)
    with store.lock(later.key):
        runner.produce(job(arm, 0), later.key, "predictions")
    one, two = predicted(store, at_once.key), predicted(store, later.key)
    for part in ("test", "validation"):
        assert one[part].tobytes() == two[part].tobytes()
    assert store.find(later.key) is not None
    assert not list(store.partial(later.key).glob("*")) if store.partial(later.key).exists() else True


def test_predictions_made_later_train_nothing(
    do: Do, runner: Runner, store: Store, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = do(recipe)
    monkeypatch.setattr(Trainer, "__init__", None)
    with store.lock(record.key):
        runner.produce(Training(recipe, 0), record.key, "predictions")
    assert store.has(record.key, "predictions")


@pytest.mark.parametrize("method", ["soft", "hard", "weighted"])
def test_a_combination_is_of_the_members_predictions(
    method: str, do: Do, store: Store, held_out: Recipe, squares: Packed
) -> None:
    arms = (held_out, ZeroShot(held_out), replace(held_out, budget=Budget(3)))
    ensemble = Ensemble(arms, method)
    inputs, members = {}, []
    for arm in arms:
        record = do(arm, asked=PREDICTIONS)
        inputs[job(arm, 0)] = {"predictions": store.artifact(record.key, "predictions")}
        members.append(predicted(store, record.key))
    record = do(ensemble, inputs=inputs, asked=PREDICTIONS)
    assert isinstance(job(arms[1], 0), Evaluation)
    assert isinstance(job(ensemble, 0), Combination)
    assert record.kind == "Combination"
    truth, held = (
        squares.targets[[squares.ids.index(name) for name in ids]] for ids in (record.test_ids, record.validation_ids)
    )
    test, validation = combination.combined(
        method, [each["test"] for each in members], [each["validation"] for each in members], held
    )
    counts = combination.confusion(test, truth)
    assert store.counts(record.key).tolist() == counts.tolist()
    assert record.final == segmentation.summarise(counts, squares.classes)
    kept = predicted(store, record.key)
    assert (kept["test"] == test.astype(np.float16)).all()
    assert (kept["validation"] == validation.astype(np.float16)).all()
    assert not store.has(record.key, "weights")
    for name, preview in zip(record.preview_ids, store.previews(record.key), strict=True):
        index = record.test_ids.index(name)
        assert confusion(truth[index], preview, 2).tolist() == counts[index].tolist()
