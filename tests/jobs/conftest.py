"""A task that is learned within seconds, bright squares on a dark ground, and a factory of trainings on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from squares import HEIGHT, TEST, TRAIN, WIDTH, parts

from harness.data import Packed
from harness.jobs.running import Runner
from harness.jobs.training import Trainer
from harness.specs import (
    Arm,
    Budget,
    CrossEntropy,
    Data,
    Dice,
    Normalise,
    Optimiser,
    RandomCrop,
    RandomFlip,
    RandomResize,
    Recipe,
    Segmenter,
    Shrink,
    canonical,
    digest,
    job,
)
from harness.store import Record, Store


@pytest.fixture(scope="session", autouse=True)
def quiet_runner() -> Iterator[None]:
    """mmengine's Runner without its survey of the machine, its copy of the config and its picture of it: 1 s each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmengine.runner.Runner._log_env", lambda self, env_cfg: None)
        patch.setattr("mmengine.runner.Runner.dump_config", lambda self: None)
        patch.setattr("mmengine.visualization.Visualizer.add_config", lambda self, config, **others: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def squares() -> Packed:
    """Fifteen images 24×32; the last five are for testing. Two rows of each mask are ignored."""
    rng = np.random.default_rng(0)
    count = TRAIN + TEST
    images = rng.integers(20, 60, (count, HEIGHT, WIDTH, 1), dtype=np.uint8)
    masks = np.zeros((count, HEIGHT, WIDTH), np.uint8)
    for image, mask in zip(images, masks, strict=True):
        top, left, side = rng.integers(3, 12), rng.integers(1, 18), rng.integers(7, 11)
        image[top : top + side, left : left + side] += 120
        mask[top : top + side, left : left + side] = 1
    masks[:, :2] = 255
    ids = tuple(f"image{index:02d}" for index in range(count))
    subjects = tuple(f"subject{index // 3}" for index in range(count))
    published = ("train",) * TRAIN + ("test",) * TEST
    return Packed(images, masks, ids, subjects, published, ("background", "square"), "square", "segmentation")


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """A recipe that takes some milliseconds an iteration; tests replace what they are about."""
    return Recipe(
        data=Data("drive", evidence="phantom"),
        budget=Budget(6),
        network=Segmenter("unet-s5-d16", "fcn", Shrink(width=8, stages=2)),
        transforms=(RandomResize(0.75, 1.5), RandomCrop((16, 16)), RandomFlip(0.5)),
        losses=(CrossEntropy(), Dice(3.0, over="foreground")),
        optimiser=Optimiser("sgd", 0.05, momentum=0.9, weight_decay=0.01),
        batch_size=4,
        normalise=Normalise(60.0, 50.0),
    )


@pytest.fixture(scope="session")
def trainer(squares: Packed) -> Callable[..., Trainer]:
    """Makes a training on the squares: ``trainer(recipe, seed=0, validation=0, **others)``."""

    def make(recipe: Recipe, seed: int = 0, packed: Packed = squares, validation: int = 0, **others: Any) -> Trainer:
        return Trainer(recipe, seed, packed, parts(validation), torch.device("cpu"), **others)

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def runner(store: Store, squares: Packed) -> Runner:
    return Runner(store, SimpleNamespace(load=lambda data: squares), "cpu", "a session")


@pytest.fixture
def make(runner: Runner) -> Callable[[Packed], Callable[..., Record]]:
    """Makes what :func:`do` is for other data."""

    def of(packed: Packed) -> Callable[..., Record]:
        def do(arm: Arm, seed: int = 0, key: str = "", **others: Any) -> Record:
            chosen = job(arm, seed)
            key = key or digest([canonical(chosen)])
            inputs, asked = others.get("inputs", {}), frozenset(others.get("asked", ()))
            catalogue = SimpleNamespace(load=lambda data: packed)
            working = replace(runner, catalogue=catalogue, report=others.get("report", runner.report))
            with runner.store.lock(key) as held:
                assert held
                return working.run(chosen, key, inputs, asked)

        return do

    return of


@pytest.fixture
def do(make: Callable[[Packed], Callable[..., Record]], squares: Packed) -> Callable[..., Record]:
    """Does an arm's job on the squares: ``do(arm, seed=0, key=…, inputs={}, asked=(), report=…)``."""
    return make(squares)
