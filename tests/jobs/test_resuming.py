"""A training that was killed goes on from its checkpoint and ends where it would have ended, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from harness.training import checkpoint as checkpoints
from harness.training import loop
from harness.training.loader import ResidentLoader
from harness.training.loop import Trained, Training
from harness.training.progress import Progress

from harness.specs import Budget, Optimiser, Recipe, Schedule

Make = Callable[..., Training]

ADAM = Optimiser("adam", 5e-3, weight_decay=0.0)


class Killed(Exception):
    """Stands for a signal."""


def killer(iteration: int) -> Callable[[Progress, int], None]:
    def report(progress: Progress, iterations: int) -> None:
        if progress.iteration == iteration:
            raise Killed

    return report


@pytest.fixture
def always_checkpointing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)


def assert_equal(resumed: Trained, undisturbed: Trained) -> None:
    for name, tensor in undisturbed.state.items():
        assert torch.equal(resumed.state[name], tensor), name
    assert resumed.progress.curve == undisturbed.progress.curve
    assert resumed.progress.losses == undisturbed.progress.losses
    assert resumed.counts.tolist() == undisturbed.counts.tolist()
    assert resumed.previews.tolist() == undisturbed.previews.tolist()


@pytest.mark.usefixtures("always_checkpointing")
@pytest.mark.parametrize("changes", [
    {},
    {"optimiser": ADAM, "schedule": Schedule("poly"), "frozen": ("backbone.encoder",)},
    {"precision": "bf16", "schedule": Schedule("poly", min_lr=1e-3)},
], ids=["sgd", "adam, poly, frozen", "bf16"])  # fmt: skip
def test_a_killed_run_ends_as_if_it_had_not_been_killed(
    changes: dict, training: Make, recipe: Recipe, tmp_path: Path
) -> None:
    chosen = replace(recipe, budget=Budget(9, evaluations=3), **changes)
    undisturbed = training(chosen, seed=2).run()
    file = tmp_path / "partial" / "checkpoint.pt"
    for iteration in (2, 4, 8):  # the checkpoint of the iteration before is there
        with pytest.raises(Killed):
            training(chosen, seed=2, checkpoint=file, report=killer(iteration)).run()
        torch.rand(7)
    resumed = training(chosen, seed=2, checkpoint=file)
    assert_equal(resumed.run(), undisturbed)


@pytest.mark.usefixtures("always_checkpointing")
def test_a_resumed_run_does_not_train_again_what_it_has_trained(
    training: Make, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "checkpoint.pt"
    with pytest.raises(Killed):
        training(recipe, checkpoint=file, report=killer(5)).run()
    asked: list[int] = []
    batch = ResidentLoader.batch
    monkeypatch.setattr(ResidentLoader, "batch", lambda self, step: asked.append(step) or batch(self, step))
    training(recipe, checkpoint=file).run()
    assert asked == [4, 5]


@pytest.mark.usefixtures("always_checkpointing")
def test_a_checkpoint_restores_the_random_state_and_the_momentum(
    training: Make, recipe: Recipe, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoint.pt"
    with pytest.raises(Killed):
        training(recipe, checkpoint=file, report=killer(4)).run()
    content = torch.load(file, weights_only=True)
    assert content["progress"]["iteration"] == 3
    assert len(content["optimiser"]["state"]) > 10
    content["random"] = torch.Generator().manual_seed(1).get_state()
    torch.save(content, tmp_path / "other.pt")
    with_state, without = (training(recipe, checkpoint=path).run() for path in (file, tmp_path / "other.pt"))
    assert with_state.progress.losses != without.progress.losses, "dropout draws from it"


def test_no_checkpoint_is_written_before_it_is_time(training: Make, recipe: Recipe, tmp_path: Path) -> None:
    training(recipe, checkpoint=tmp_path / "checkpoint.pt").run()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("always_checkpointing")
def test_a_checkpoint_is_replaced_whole_or_not_at_all(
    training: Make, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "checkpoint.pt"
    with pytest.raises(Killed):
        training(recipe, checkpoint=file, report=killer(3)).run()
    before = file.read_bytes()

    def half(content: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints.torch, "save", half)
    with pytest.raises(OSError, match="No space left"):
        training(recipe, checkpoint=file).run()
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


@pytest.mark.usefixtures("always_checkpointing")
@pytest.mark.parametrize(
    "damage", [lambda content: b"", lambda content: content[: len(content) // 2]], ids=["empty", "cut"]
)
def test_a_damaged_checkpoint_costs_the_training_so_far_and_no_more(
    damage: Callable[[bytes], bytes], training: Make, recipe: Recipe, tmp_path: Path
) -> None:
    file = tmp_path / "checkpoint.pt"
    with pytest.raises(Killed):
        training(recipe, checkpoint=file, report=killer(4)).run()
    file.write_bytes(damage(file.read_bytes()))
    assert_equal(training(recipe, checkpoint=file).run(), training(recipe).run())


def test_the_time_of_an_interruption_does_not_count(
    training: Make, recipe: Recipe, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1.0)
    file = tmp_path / "checkpoint.pt"
    with pytest.raises(Killed):
        training(recipe, checkpoint=file, report=killer(4)).run()
    content = torch.load(file, weights_only=True)
    content["progress"]["seconds"] = 1000.0
    torch.save(content, file)
    assert 1000 < training(recipe, checkpoint=file).run().progress.seconds < 1060
    assert np.isfinite(content["progress"]["losses"]).all()
