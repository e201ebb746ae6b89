"""Frozen parts of every registered family: no gradient, and not one bit of theirs changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import SIZE, small_networks
from squares import finished, kill

from harness.data import Packed
from harness.jobs import training
from harness.jobs.training import Trainer
from harness.specs import Budget, ColourJitter, CrossEntropy, Optimiser, RandomFlip, Recipe, Segmenter, Transform

Make = Callable[..., Trainer]
SMALL = small_networks()
DECAYING = Optimiser("adamw", 1e-3, weight_decay=0.5)


@pytest.fixture(scope="module")
def large(squares: Packed) -> Packed:
    """The squares on images that every family takes."""
    height, width = (size - side for size, side in zip(SIZE, squares.images.shape[1:3], strict=True))
    images = np.pad(squares.images, ((0, 0), (0, height), (0, width), (0, 0)), constant_values=40)
    return replace(squares, images=images, targets=np.pad(squares.targets, ((0, 0), (0, height), (0, width))))


@pytest.mark.parametrize("transforms", [(RandomFlip(),), (ColourJitter(0.2),)], ids=["from features", "the plain way"])
@pytest.mark.parametrize("name", SMALL)
def test_no_parameter_and_no_statistic_of_a_frozen_trunk_moves_whatever_the_optimiser_and_interruptions(
    name: str,
    transforms: tuple[Transform, ...],
    trainer: Make,
    recipe: Recipe,
    large: Packed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, network = SMALL[name]
    if not isinstance(network, Segmenter):
        grades = np.arange(len(large.targets), dtype=np.uint8) % 2
        large = replace(large, targets=grades, foreground="", task="classification")
    chosen = replace(
        recipe,
        network=network,
        losses=(CrossEntropy(),),
        transforms=transforms,
        optimiser=DECAYING,
        frozen=own.trunk,
        budget=Budget(3, evaluations=3),
    )
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    kept = (tmp_path / "checkpoint", "ab" * 32)
    killed = trainer(chosen, packed=large, kept=kept)
    before = training.state(killed.network)
    kill(killed, 2)
    made = finished(trainer(chosen, packed=large, kept=kept))
    after = made.network.state_dict()
    frozen = [tensor for tensor in before if tensor.partition(".")[0] in own.trunk]
    assert frozen
    for tensor in frozen:
        assert torch.equal(before[tensor], after[tensor]), tensor
    parameters = dict(made.network.named_parameters())
    assert {parameter for parameter, values in parameters.items() if not values.requires_grad} <= set(frozen)
    trained = parameters.keys() - set(frozen)
    assert all(parameters[parameter].requires_grad for parameter in trained)
    assert any(not torch.equal(before[parameter], parameters[parameter].detach()) for parameter in trained)
