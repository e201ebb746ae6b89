"""Draws the images that a training sees, as a function of the seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.data.dataset import Packed
from harness.jobs import boosting
from harness.jobs.seeds import generator
from harness.specs import Boosted, Bootstrap, Recipe

Indices = npt.NDArray[np.int64]


def sampled(
    recipe: Recipe, seed: int, packed: Packed, train: Indices, before: Sequence[npt.NDArray[np.floating]] = ()
) -> Indices:
    """Indices of the images of one epoch, sorted; as many as there are training images, some of them several times.

    Args:
        recipe: The recipe, whose ``sample`` says how they are drawn.
        seed: Seed of the training.
        packed: The recipe's data.
        train: Indices of the training images.
        before: Of a boosted recipe: class probabilities ``(N, C)`` of these images by the trainings before it.
    """
    sample = recipe.sample
    if isinstance(sample, Bootstrap):
        places = generator(seed, "bootstrap", sample.number).integers(len(train), size=len(train))
        return np.sort(train[places])
    if isinstance(sample, Boosted):
        assert len(before) == sum(1 for _ in sample.before())
        _, shares = boosting.weights(before, packed.targets[train], len(packed.classes))
        return np.sort(generator(seed, "boosting", len(before)).choice(train, size=len(train), p=shares))
    return train
