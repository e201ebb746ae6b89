"""Training batches from data that live on the training device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from harness.jobs.augmentation import draw, find, jitter
from harness.jobs.resident import Resident, normalised
from harness.jobs.seeds import generator
from harness.specs import ColourJitter, Recipe
from harness.tasks import task
from harness.tasks.warping import Windows, joined

BLOCK = 8
"""Batches that are made at once at most: on the CPU, 64 small images take hardly longer than 8."""

BLOCK_VALUES = 4_000_000
"""Grey values that a block is cut from at most, unless a single batch has more: 16 MB of floats."""


def order(seed: int, images: int, batch_size: int, iteration: int) -> npt.NDArray[np.intp]:
    """Positions of the images of one batch: an endless stream of permutations, cut into batches."""
    first = iteration * batch_size
    positions = np.arange(first, first + batch_size)
    return np.concatenate(
        [
            generator(seed, "order", int(epoch)).permutation(images)[positions[positions // images == epoch] % images]
            for epoch in np.unique(positions // images)
        ]
    )


class Batches:
    """Batches of which number ``k`` is a function of (seed, k).

    Args:
        data: The training split on the device.
        recipe: Transforms, batch size and normalisation are taken from it.
        seed: Seed of the training.
        stride: What the height and width of an input must be divisible by.
    """

    def __init__(self, data: Resident, recipe: Recipe, seed: int, stride: int) -> None:
        self.data, self.recipe, self.seed, self.stride = data, recipe, seed, stride
        self.block = max(1, min(BLOCK, BLOCK_VALUES // (recipe.batch_size * data.images[0].numel())))
        self._made: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def batch(self, iteration: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Images, float ``(B, 3, h, w)``, and targets, int64 ``(B, h, w)`` or ``(B,)``, of one iteration."""
        if iteration not in self._made:
            iterations = range(iteration, iteration + self.block)
            self._made = dict(zip(iterations, self._batches(iterations), strict=True))
        return self._made.pop(iteration)

    def _batches(self, iterations: range) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """The batches of several iterations in one pass; each is what it would be alone."""
        size = self.recipe.batch_size
        positions, windows, streams = zip(*map(self.drawn, iterations), strict=True)
        images, targets = self.cut(np.concatenate(positions), joined(windows), streams)
        return list(zip(torch.split(images, size), torch.split(targets, size), strict=True))

    def drawn(self, iteration: int) -> tuple[npt.NDArray[np.intp], Windows, np.random.Generator]:
        """Positions of a batch's images, where they are cut, and the stream that their colours are drawn from."""
        stream = generator(self.seed, "augmentation", iteration)
        positions = order(self.seed, len(self.data), self.recipe.batch_size, iteration)
        return positions, draw(self.recipe, self.data.size, self.stride, stream), stream

    def cut(
        self, positions: npt.NDArray[np.intp], windows: Windows, streams: Sequence[np.random.Generator] = ()
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and targets of one or several batches; one stream for each where colours change."""
        recipe = self.recipe
        images, targets = self.data.take(torch.from_numpy(positions).to(self.data.images.device))
        if (jittering := find(recipe, ColourJitter)) is not None:
            parts = zip(torch.split(images.float(), recipe.batch_size), streams, strict=True)
            images = torch.cat([jitter(part, jittering, stream) for part, stream in parts])
        images, targets = task(recipe.task).augmented(normalised(images, recipe.normalise), targets, windows)
        return images.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last), targets
