"""From a run to its entry in the store, and how a training that comes to nothing is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from harness.models import building
from harness.runs import Record, Run
from harness.training import session
from harness.training.session import Failure

from harness.data import Packed
from harness.specs import Augmentation, Budget, Checkpoint, Data, Loss, Model, Optimiser, Pretrained, Recipe
from harness.store import Store

KEY = "ab" * 32
Train = Callable[..., Record]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def train(squares: Packed, store: Store) -> Train:
    def run(recipe: Recipe, seed: int = 0, **others: object) -> Record:
        settings = {"source_weights": None, "keep_weights": False, "session": "s", "report": lambda told: None}
        catalogue = SimpleNamespace(load=lambda data: squares)
        return session.train(
            Run(recipe, seed), KEY, store=store, catalogue=catalogue, device="cpu", **(settings | others)
        )

    return run


def test_a_record_holds_the_training(train: Train, store: Store, recipe: Recipe, squares: Packed) -> None:
    told: list[dict] = []
    record = train(replace(recipe, budget=Budget(4, evaluations=2)), seed=3, report=told.append)
    assert store.find(KEY) == record
    assert (record.status, record.seed, record.iterations, record.train_images) == ("finished", 3, 4, 10)
    assert record.train_ids + record.test_ids == list(squares.ids)
    assert record.classes == ["background", "square"]
    assert [point["iteration"] for point in record.curve] == [2, 4]
    assert [iteration for iteration, _ in record.losses] == [1, 2, 3, 4]
    assert record.provenance["kind"] == "cpu"
    assert told[0]["iterations"] == 4
    assert not store.has_weights(KEY)
    assert not store.partial(KEY).exists()


def test_kept_weights_start_another_run(train: Train, store: Store, recipe: Recipe) -> None:
    train(recipe, keep_weights=True)
    source = torch.load(store.weights(KEY), weights_only=True)
    target = replace(recipe, init=Pretrained(recipe), budget=Budget(1), optimiser=Optimiser("sgd", 1e-30, 0.0, 0.0))
    train(target, seed=9, source_weights=store.weights(KEY), keep_weights=True)
    found = torch.load(store.weights(KEY), weights_only=True)
    parameters = [name for name in source if not name.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    for name in parameters:
        torch.testing.assert_close(found[name], source[name], rtol=0, atol=1e-25, msg=name)


def test_a_random_split_is_drawn_for_each_seed_and_the_sides_never_meet(
    train: Train, recipe: Recipe, squares: Packed
) -> None:
    drawn = replace(recipe, data=Data("dme", split="random", evidence="phantom"), budget=Budget(1))
    records = [train(drawn, seed) for seed in range(3)]
    for record in records:
        assert set(record.train_ids).isdisjoint(record.test_ids)
        assert sorted(record.train_ids + record.test_ids) == sorted(squares.ids)
    assert len({tuple(record.test_ids) for record in records}) > 1


def fails(train: Train, recipe: Recipe, **others: object) -> Failure:
    with pytest.raises(Failure) as error:
        train(recipe, **others)
    assert "\n" not in str(error.value)
    return error.value


def test_a_diverged_training_is_final_and_names_the_iteration(train: Train, recipe: Recipe) -> None:
    failure = fails(train, replace(recipe, optimiser=Optimiser("sgd", 1e30)))
    assert not failure.transient
    assert "the loss was not finite at iteration 2; lower the learning rate" in str(failure)


@pytest.mark.parametrize(("crop", "fits"), [((36, 48), True), ((36, 50), False), ((38, 48), False)])
def test_a_crop_must_fit_into_the_images_at_their_largest_scale(crop, fits: bool, train: Train, recipe: Recipe) -> None:
    cropped = replace(recipe, augmentation=Augmentation(resize=(0.5, 1.5), crop=crop), budget=Budget(1))
    if fits:
        assert train(cropped).status == "finished"
    else:
        failure = fails(train, cropped)
        assert not failure.transient
        assert f"largest scale, 36×48, but got {crop[0]}×{crop[1]}; choose a smaller crop" in str(failure)


def test_weights_that_do_not_fit_are_a_final_failure(train: Train, recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "wide.pth"
    torch.save(building.build(Model(width=16, stages=2), 2, Loss(), 0).state_dict(), path)
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    failure = fails(train, replace(recipe, init=Checkpoint(str(path), sha)))
    assert not failure.transient
    assert "to fit the network's backbone" in str(failure)
    failure = fails(train, replace(recipe, init=Checkpoint(str(path), "0" * 64)))
    assert "to have the SHA-256" in str(failure)


def test_a_part_that_is_not_there_cannot_be_frozen_and_that_is_final(train: Train, recipe: Recipe) -> None:
    failure = fails(train, replace(recipe, frozen=("backbone.layer1",)))
    assert not failure.transient
    assert "it has no 'backbone.layer1'; choose of backbone.encoder, backbone.decoder." in str(failure)


def test_what_only_the_network_can_tell_is_checked_without_training(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"encoder.weight": torch.zeros(2)}, path)
    session.check(replace(recipe, frozen=("backbone",), init=Pretrained(recipe)))
    for wrong, said in (
        (replace(recipe, frozen=("layer1",)), "`frozen` to name parts"),
        (
            replace(recipe, init=Checkpoint(str(path), hashlib.sha256(path.read_bytes()).hexdigest())),
            "other.pth to fit",
        ),
        (
            replace(recipe, init=Pretrained(replace(recipe, model=Model(width=16, stages=2)))),
            "the source on dme to fit",
        ),
    ):
        with pytest.raises(Failure, match="Expected") as error:
            session.check(wrong)
        assert said in str(error.value)
        assert "\n" not in str(error.value)
        assert not error.value.transient


def test_want_of_memory_is_worth_another_attempt(train: Train, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(self: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(session.Training, "run", exhausted)
    assert fails(train, recipe).transient


def test_a_checkpoint_file_starts_the_run(train: Train, store: Store, recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "source.pth"
    source = building.build(recipe.model, 2, Loss(), 77)
    torch.save({"state_dict": source.state_dict()}, path)
    init = Checkpoint(str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    train(replace(recipe, init=init, budget=Budget(1), optimiser=Optimiser("sgd", 1e-30, 0.0, 0.0)), keep_weights=True)
    found = torch.load(store.weights(KEY), weights_only=True)
    for name, parameter in source.named_parameters():
        torch.testing.assert_close(found[name], parameter.data, rtol=0, atol=1e-25, msg=name)
    assert np.isfinite(store.find(KEY).final["aAcc"])
