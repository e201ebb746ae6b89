"""Training batches from data that live on the training device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from harness.data.dataset import Packed
from harness.specs import Recipe
from harness.training.augmentation import draw, joined, warp
from harness.training.seeds import generator

BLOCK = 8
"""Batches that are made at once at most: on the CPU, 64 small images take hardly longer than 8."""

BLOCK_VALUES = 4_000_000
"""Grey values that a block is cut from at most, unless a single batch has more: 16 MB of floats."""


@dataclass(frozen=True)
class Resident:
    """Images and masks of one split on the device, still uint8.

    Attributes:
        images: uint8 ``(N, C, H, W)``.
        masks: uint8 ``(N, H, W)``.
    """

    images: torch.Tensor
    masks: torch.Tensor

    @classmethod
    def place(cls, packed: Packed, indices: npt.NDArray[np.intp], device: torch.device) -> Resident:
        """Copies the images at ``indices`` to ``device``."""
        images = torch.from_numpy(np.ascontiguousarray(packed.images[indices]))
        masks = torch.from_numpy(np.ascontiguousarray(packed.masks[indices]))
        return cls(images.permute(0, 3, 1, 2).contiguous().to(device), masks.to(device))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.images.shape[2]), int(self.images.shape[3])


def normalise(images: torch.Tensor, mean: float, std: float) -> torch.Tensor:
    """uint8 ``(B, C, H, W)`` with C = 1 or 3 to float ``(B, 3, H, W)``."""
    return ((images.float() - mean) / std).expand(-1, 3, -1, -1)


def order(seed: int, images: int, batch_size: int, iteration: int) -> npt.NDArray[np.intp]:
    """Indices of the images of one batch: an endless stream of permutations, cut into batches."""
    first = iteration * batch_size
    positions = np.arange(first, first + batch_size)
    return np.concatenate(
        [
            generator(seed, "order", int(epoch)).permutation(images)[positions[positions // images == epoch] % images]
            for epoch in np.unique(positions // images)
        ]
    )


class ResidentLoader:
    """An endless loader, as mmengine's Runner takes it, whose batch ``k`` is a function of (seed, k).

    Args:
        data: The training split on the device.
        recipe: Augmentation, batch size and normalisation are taken from it.
        seed: Seed of the run.
        first: Iteration of the first batch. mmengine draws and drops the batches before it when it resumes; those
            are not computed.
    """

    def __init__(self, data: Resident, recipe: Recipe, seed: int, first: int = 0) -> None:
        self.data, self.recipe, self.seed, self.first = data, recipe, seed, first
        self.dataset = data
        self.block = max(1, min(BLOCK, BLOCK_VALUES // (recipe.batch_size * data.images[0].numel())))
        self._made: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def batch(self, iteration: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Images ``(B, 3, h, w)`` and class indices ``(B, h, w)`` of one iteration."""
        if iteration not in self._made:
            iterations = range(iteration, iteration + self.block)
            self._made = dict(zip(iterations, self._batches(iterations), strict=True))
        return self._made.pop(iteration)

    def _batches(self, iterations: range) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """The batches of several iterations in one pass; each is what it would be alone."""
        recipe, size = self.recipe, self.recipe.batch_size
        chosen = np.concatenate([order(self.seed, len(self.data), size, iteration) for iteration in iterations])
        picked = torch.from_numpy(chosen).to(self.data.images.device)
        image, stride = self.data.size, recipe.model.stride
        windows = joined(
            draw(recipe.augmentation, size, image, stride, generator(self.seed, "augmentation", iteration))
            for iteration in iterations
        )
        grey = (self.data.images[picked].float() - recipe.normalise[0]) / recipe.normalise[1]
        images, target = warp(grey, self.data.masks[picked], windows)
        images = images.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        return list(zip(torch.split(images, size), torch.split(target, size), strict=True))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        iteration = 0
        while True:
            if iteration < self.first:
                yield {}
            else:
                images, target = self.batch(iteration)
                samples = [SegDataSample(gt_sem_seg=PixelData(data=mask.unsqueeze(0))) for mask in target]
                yield {"inputs": images, "data_samples": samples}
            iteration += 1
