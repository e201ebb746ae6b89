"""A training that was killed goes on from its checkpoint and ends where it would have ended, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from squares import finished, kill

from harness.jobs import checkpoint, training
from harness.jobs.batches import Batches
from harness.jobs.training import Trainer
from harness.specs import BestOnValidation, Budget, FromJob, Metric, Optimiser, Poly, Recipe, Step

Make = Callable[..., Trainer]

ADAM = Optimiser("adam", 5e-3, weight_decay=0.0)
KEY, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture(autouse=True)
def always_checkpointing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "partial" / "checkpoint"


def assert_equal(resumed: Trainer, undisturbed: Trainer) -> None:
    tensors = resumed.network.state_dict()
    for name, tensor in undisturbed.network.state_dict().items():
        assert torch.equal(tensors[name], tensor), name
    for name in ("curve", "validation_curve", "losses", "selected", "iteration"):
        assert getattr(resumed.progress, name) == getattr(undisturbed.progress, name), name
    assert resumed.counts.tolist() == undisturbed.counts.tolist()


def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The batches that trainings ask for."""
    steps: list[int] = []
    batch = Batches.batch
    monkeypatch.setattr(Batches, "batch", lambda self, step: steps.append(step) or batch(self, step))
    return steps


@pytest.mark.parametrize("changes", [
    {},
    {"optimiser": ADAM, "schedule": Poly(), "frozen": ("backbone.encoder",)},
    {"precision": "bf16", "schedule": Poly(min_lr=1e-3)},
    {"schedule": Step(1, 0.5), "select": BestOnValidation(Metric("IoU", "foreground"))},
    {"select": BestOnValidation()},
], ids=["sgd", "adam, poly, frozen", "bf16", "step, best IoU", "best loss"])  # fmt: skip
def test_a_killed_training_ends_as_if_it_had_not_been_killed(
    changes: dict[str, Any], trainer: Make, recipe: Recipe, file: Path
) -> None:
    data = replace(recipe.data, split=replace(recipe.data.split, validation=0.3))
    chosen = replace(recipe, data=data, budget=Budget(9, evaluations=4), **changes)
    undisturbed = finished(trainer(chosen, seed=2, validation=3))
    for iteration in (2, 4, 8):
        kill(trainer(chosen, seed=2, validation=3, kept=(file, KEY)), iteration)
        torch.rand(7)
    resumed = trainer(chosen, seed=2, validation=3, kept=(file, KEY))
    assert_equal(finished(resumed), undisturbed)


def test_a_resumed_training_does_not_train_again_what_it_has_trained(
    trainer: Make, recipe: Recipe, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill(trainer(recipe, kept=(file, KEY)), 5)
    steps = asked(monkeypatch)
    trainer(recipe, kept=(file, KEY)).run()
    assert steps == [4, 5]


def test_a_checkpoint_restores_the_random_state_and_the_momentum(trainer: Make, recipe: Recipe, file: Path) -> None:
    kill(trainer(recipe, kept=(file, KEY)), 4)
    content = checkpoint.load(file, KEY)
    assert content is not None
    assert content["progress"]["iteration"] == 3
    assert len(content["optimiser"]["state"]) > 10
    content["random"] = torch.Generator().manual_seed(1).get_state()
    other = file.with_name("other")
    checkpoint.save(other, KEY, content)
    with_state, without = (finished(trainer(recipe, kept=(path, KEY))) for path in (file, other))
    assert with_state.progress.losses != without.progress.losses, "dropout draws from it"


def test_no_checkpoint_is_written_before_it_is_time(
    trainer: Make, recipe: Recipe, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 20.0)
    trainer(recipe, kept=(file, KEY)).run()
    assert not file.parent.exists()


def test_sixty_damaged_checkpoints_are_not_resumed_from(
    trainer: Make, recipe: Recipe, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each, a random byte is another one: torch alone would load many of them without a word."""
    short = replace(recipe, budget=Budget(2))
    undisturbed = finished(trainer(short))
    kill(trainer(short, kept=(file, KEY)), 2)
    whole, steps, rng = file.read_bytes(), asked(monkeypatch), np.random.default_rng(7)
    for place, change in zip(rng.integers(0, len(whole), 60), rng.integers(1, 256, 60), strict=True):
        damaged = bytearray(whole)
        damaged[place] ^= int(change)
        file.write_bytes(damaged)
        steps.clear()
        assert_equal(finished(trainer(short, kept=(file, KEY))), undisturbed)
        assert steps == [0, 1], place


def test_a_checkpoint_of_another_job_is_not_used(
    trainer: Make, recipe: Recipe, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill(trainer(recipe, seed=1, kept=(file, OTHER)), 4)
    steps = asked(monkeypatch)
    undisturbed = finished(trainer(recipe))
    assert_equal(finished(trainer(recipe, kept=(file, KEY))), undisturbed)
    assert steps == 2 * [0, 1, 2, 3, 4, 5]


def shrunk(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The last tensor has another shape: all others are restored before that shows."""
    *_, last = (name for name, tensor in state.items() if tensor.ndim)
    return {**state, last: torch.zeros(1, 2, 3)}


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "a tensor of another shape": lambda content: content.update(network=shrunk(content["network"])),
    "a tensor too few": lambda content: content["network"].popitem(),
    "no optimiser": lambda content: content.pop("optimiser"),
    "another optimiser": lambda content: content["optimiser"]["param_groups"].append({"params": [0]}),
    "no schedule": lambda content: content.update(scheduler=None),
    "random numbers of another kind": lambda content: content.update(random=torch.zeros(3)),
    "progress of another version": lambda content: content["progress"].update(epochs=3),
    "no counts": lambda content: content.update(counts=None),
}


@pytest.mark.parametrize("spoil", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_restored_is_dropped_and_the_training_begins_anew(
    spoil: Callable[[dict[str, Any]], object],
    trainer: Make,
    recipe: Recipe,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = replace(recipe, optimiser=ADAM, schedule=Poly(), frozen=("backbone.encoder.0",))
    undisturbed = finished(trainer(chosen))
    kill(trainer(chosen, kept=(file, KEY)), 5)
    content = checkpoint.load(file, KEY)
    assert content is not None
    spoil(content)
    checkpoint.save(file, KEY, content)
    steps = asked(monkeypatch)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 100.0)
    assert_equal(finished(trainer(chosen, kept=(file, KEY))), undisturbed)
    assert steps == [0, 1, 2, 3, 4, 5]
    assert not file.exists()


def test_what_was_started_from_is_there_again_after_a_checkpoint_was_dropped(
    trainer: Make, recipe: Recipe, file: Path
) -> None:
    source = training.state(finished(trainer(recipe, seed=8)).network)
    target = replace(recipe, init=FromJob(recipe))
    undisturbed = finished(trainer(target, start=(source, "a test")))
    kill(trainer(target, start=(source, "a test"), kept=(file, KEY)), 5)
    content = checkpoint.load(file, KEY)
    assert content is not None
    checkpoint.save(file, KEY, {**content, "progress": None})
    assert_equal(finished(trainer(target, start=(source, "a test"), kept=(file, KEY))), undisturbed)


def test_the_time_of_an_interruption_does_not_count(trainer: Make, recipe: Recipe, file: Path) -> None:
    kill(trainer(recipe, kept=(file, KEY)), 4)
    content = checkpoint.load(file, KEY)
    assert content is not None
    content["progress"]["seconds"] = 1000.0
    checkpoint.save(file, KEY, content)
    assert 1000 < finished(trainer(recipe, kept=(file, KEY))).progress.seconds < 1060
