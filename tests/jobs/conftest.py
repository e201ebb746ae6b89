"""A task that is learned within seconds, bright squares on a dark ground, and a factory of trainings on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from harness.training.loop import Training

from harness.data import Packed
from harness.specs import Augmentation, Budget, Data, Loss, Model, Optimiser, Recipe

HEIGHT, WIDTH = 24, 32
TRAIN, TEST = 10, 5


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
    return Packed(images, masks, ids, subjects, published, ("background", "square"))


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """A recipe that takes some milliseconds an iteration; tests replace what they are about."""
    return Recipe(
        data=Data("dme", evidence="phantom"),
        budget=Budget(6),
        model=Model(width=8, stages=2),
        augmentation=Augmentation(resize=(0.75, 1.5), crop=(16, 16), flip=0.5),
        loss=Loss(cross_entropy=1.0, dice=3.0, dice_classes="foreground"),
        optimiser=Optimiser("sgd", 0.05, momentum=0.9, weight_decay=0.01),
        batch_size=4,
        normalise=(60.0, 50.0),
    )


@pytest.fixture(scope="session")
def training(squares: Packed) -> Callable[..., Training]:
    """Makes a training on the squares: ``training(recipe, seed=0, **others)``."""
    split = np.arange(TRAIN), np.arange(TRAIN, TRAIN + TEST)

    def make(recipe: Recipe, seed: int = 0, packed: Packed = squares, **others: Any) -> Training:
        return Training(recipe, seed, packed, split, torch.device("cpu"), **others)

    return make
