"""Draws a recipe's random transforms for a batch, and changes colours."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch

from harness.specs import ColourJitter, RandomFlip, RandomResize, RandomRotation, Recipe, Transform
from harness.tasks.warping import Windows

T = TypeVar("T", bound=Transform)

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey level, ITU-R 601, as torchvision takes them."""


def window_size(recipe: Recipe, image: tuple[int, int], stride: int) -> tuple[int, int]:
    """Height and width of what the network is trained on: the crop, or the rescaled image padded to the stride."""
    return recipe.crop or padded_size(image, recipe.rescale, stride)


def padded_size(image: tuple[int, int], rescale: float, stride: int) -> tuple[int, int]:
    """``image`` (height, width) scaled by ``rescale`` and rounded up to a multiple of ``stride``."""
    height, width = (max(1, round(side * rescale)) for side in image)
    return -(-height // stride) * stride, -(-width // stride) * stride


def draw(recipe: Recipe, image: tuple[int, int], stride: int, rng: np.random.Generator) -> Windows:
    """Draws the windows of one batch of images of size ``image`` (height, width)."""
    batch = recipe.batch_size
    resize, flipping = find(recipe, RandomResize), find(recipe, RandomFlip)
    low, high = (resize.low, resize.high) if resize else (1.0, 1.0)
    factor = recipe.rescale * rng.uniform(low, high, size=batch)
    place = rng.random((batch, 2))
    flip = rng.random(batch) < (flipping.probability if flipping else 0.0)
    size = window_size(recipe, image, stride)
    resized = np.maximum(1, np.round(factor[:, None] * np.asarray(image)))
    room = np.maximum(0, resized - np.asarray(size))
    offset = np.floor(place * (room + 1))
    # mmsegmentation mirrors what was cut and pads it then: the padding stays at the right of a mirrored image.
    offset[:, 1] += np.where(flip, np.minimum(0, resized[:, 1] - size[1]), 0)
    rotation = find(recipe, RandomRotation)
    angle = np.deg2rad(rng.uniform(-rotation.degrees, rotation.degrees, size=batch)) if rotation else None
    return Windows(resized / np.asarray(image), offset, flip, size, angle)


def find(recipe: Recipe, kind: type[T]) -> T | None:
    """The recipe's transform of a kind, if it has one."""
    return next((each for each in recipe.transforms if isinstance(each, kind)), None)


def jitter(images: torch.Tensor, jittering: ColourJitter, rng: np.random.Generator) -> torch.Tensor:
    """Changes brightness, contrast and saturation of each image, in this order.

    Args:
        images: Grey levels 0–255, float ``(B, C, H, W)`` with C = 1 or 3.
        jittering: The ranges.
        rng: Draws a factor for each image and each of the three, whether it is used or not.

    Returns:
        Grey levels as ``torchvision.transforms.v2.functional.adjust_brightness`` and its siblings give them.
    """
    spread = np.array([jittering.brightness, jittering.contrast, jittering.saturation])
    factors = torch.from_numpy(1 + spread * rng.uniform(-1, 1, (len(images), 3))).to(images.device, images.dtype)
    brightness, contrast, saturation = factors.view(-1, 3, 1, 1, 1).unbind(1)
    images = (images * brightness).clamp(0, 255)
    images = _blend(images, _grey(images).mean((1, 2, 3), keepdim=True), contrast)
    return _blend(images, _grey(images), saturation) if images.shape[1] == 3 else images


def _grey(images: torch.Tensor) -> torch.Tensor:
    if images.shape[1] == 1:
        return images
    return (images * images.new_tensor(GREY).view(3, 1, 1)).sum(1, keepdim=True)


def _blend(images: torch.Tensor, other: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    return (share * images + (1 - share) * other).clamp(0, 255)
