"""Training batches from data that live on the training device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from harness.jobs.augmentation import draw, find, jitter
from harness.jobs.resident import Resident, normalised
from harness.jobs.seeds import Role, generator
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


@dataclass(frozen=True)
class Drawn:
    """What is drawn for a batch.

    Attributes:
        positions: Its images, ``(B,)``.
        windows: Where the images are cut, and where there are companions, where those are.
        streams: What the colours of the images, and of the companions, are drawn from.
    """

    positions: npt.NDArray[np.intp]
    windows: tuple[Windows, ...]
    streams: tuple[np.random.Generator, ...]

    def at(self, rows: Sequence[int]) -> Drawn:
        """What is drawn for some samples of the batch."""
        return Drawn(self.positions[rows], tuple(each.at(rows) for each in self.windows), self.streams)


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
        self.roles: tuple[Role, ...] = ("augmentation",)
        if data.companions is not None:
            self.roles = ("augmentation", "augmentation of companions")
        values = recipe.batch_size * data.images[0].numel() * len(self.roles)
        self.block = max(1, min(BLOCK, BLOCK_VALUES // values))
        self._made: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def batch(self, iteration: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Images, float ``(B, 3, h, w)``, and targets, int64 ``(B, h, w)`` or ``(B,)``, of one iteration.

        Where there are companions the images are ``(B, 6, h, w)``: the image's channels, then its companion's. Each is
        cut, mirrored, rotated and coloured by draws of its own; those of the image are the same without companions.
        """
        if iteration not in self._made:
            iterations = range(iteration, iteration + self.block)
            self._made = dict(zip(iterations, self._batches(iterations), strict=True))
        return self._made.pop(iteration)

    def _batches(self, iterations: range) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """The batches of several iterations in one pass; each is what it would be alone."""
        size = self.recipe.batch_size
        images, targets = self.cut([self.drawn(iteration) for iteration in iterations])
        return list(zip(torch.split(images, size), torch.split(targets, size), strict=True))

    def drawn(self, iteration: int) -> Drawn:
        """What is drawn for the batch of one iteration."""
        positions = order(self.seed, len(self.data), self.recipe.batch_size, iteration)
        streams = tuple(generator(self.seed, role, iteration) for role in self.roles)
        windows = tuple(draw(self.recipe, self.data.size, self.stride, stream) for stream in streams)
        return Drawn(positions, windows, streams)

    def cut(self, batches: Sequence[Drawn]) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and targets of one or several batches."""
        positions = torch.from_numpy(np.concatenate([each.positions for each in batches]))
        positions = positions.to(self.data.images.device)
        _, targets = self.data.take(positions)
        views = []
        for number, seen in enumerate(self.data.views(positions)):
            windows = joined(each.windows[number] for each in batches)
            views.append(self._augmented(seen, targets, windows, [each.streams[number] for each in batches]))
        (images, moved), *beside = views
        if beside:
            images = torch.cat([images, *(other for other, _ in beside)], dim=1)
        return images.contiguous(memory_format=torch.channels_last), moved

    def _augmented(
        self, images: torch.Tensor, targets: torch.Tensor, windows: Windows, streams: Sequence[np.random.Generator]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        recipe = self.recipe
        if (jittering := find(recipe, ColourJitter)) is not None:
            parts = zip(torch.split(images.float(), recipe.batch_size), streams, strict=True)
            images = torch.cat([jitter(part, jittering, stream) for part, stream in parts])
        images, targets = task(recipe.task).augmented(normalised(images, recipe.normalise), targets, windows)
        return images.expand(-1, 3, -1, -1), targets
