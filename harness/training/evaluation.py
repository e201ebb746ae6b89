"""Predictions and confusion counts of a network on resident images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from harness.data.dataset import IGNORED
from harness.specs import Recipe
from harness.training.augmentation import padded_size
from harness.training.loader import Resident, normalise


@torch.no_grad()
def predictions(network: torch.nn.Module, data: Resident, recipe: Recipe) -> Iterator[torch.Tensor]:
    """Predicted classes, uint8 ``(B, H, W)`` at the packed resolution, batch by batch in the order of the data.

    Images are resized by ``recipe.test_resize`` and padded to the network's stride; logits are resized back.
    """
    height, width = data.size
    scaled = round(height * recipe.test_resize), round(width * recipe.test_resize)
    padded = padded_size(data.size, recipe.test_resize, recipe.model.stride)
    was_training = network.training
    network.eval()
    try:
        for chunk in torch.split(data.images, _batch(padded)):
            images = normalise(chunk, *recipe.normalise)
            if scaled != (height, width):
                images = functional.interpolate(images, scaled, mode="bilinear", align_corners=False)
            images = functional.pad(images, (0, padded[1] - scaled[1], 0, padded[0] - scaled[0]))
            images = images.contiguous(memory_format=torch.channels_last)
            meta = {"img_shape": padded, "ori_shape": padded, "pad_shape": padded}
            logits = network.encode_decode(images, [meta] * len(images))[..., : scaled[0], : scaled[1]]  # type: ignore[operator]
            if scaled != (height, width):
                logits = functional.interpolate(logits.float(), (height, width), mode="bilinear", align_corners=False)
            yield logits.argmax(dim=1).to(torch.uint8)
    finally:
        network.train(was_training)


def _batch(size: tuple[int, int]) -> int:
    """Images at once: about 8 of the published 496×768."""
    return max(1, 3_000_000 // (size[0] * size[1]))


@torch.no_grad()
def confusion(network: torch.nn.Module, data: Resident, recipe: Recipe, classes: int) -> npt.NDArray[np.int64]:
    """Confusion counts by image, ``(N, C, C)``, true class in rows; pixels labelled 255 do not count."""
    counts = []
    start = 0
    for predicted in predictions(network, data, recipe):
        truth = data.masks[start : start + len(predicted)]
        start += len(predicted)
        image = torch.arange(len(predicted), device=truth.device).view(-1, 1, 1)
        cell = (image * classes + truth.long().clamp(max=classes - 1)) * classes + predicted.long()
        cell = cell[truth != IGNORED]
        counts.append(torch.bincount(cell, minlength=len(predicted) * classes * classes).view(-1, classes, classes))
    return torch.cat(counts).cpu().numpy()
