"""Random resize, crop and flip of a whole batch as one warp on the device, with parameters per sample.

The geometry is that of mmsegmentation's ``RandomResize(keep_ratio=True)``, ``RandomCrop``, ``RandomFlip`` and padding:
the image is scaled, a window is cut at a whole pixel, and the window is mirrored. What lies outside the image is 0
after normalisation and ignored in the mask. ``RandomCrop``'s ``cat_max_ratio`` has no counterpart: where one class
covers nearly everything, as background does here, it redraws ten times and keeps the last window anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from harness.data.dataset import IGNORED
from harness.specs import Augmentation


@dataclass(frozen=True)
class Windows:
    """Where each sample of a batch is cut.

    Attributes:
        scale: Factor of height and of width, ``(B, 2)``: the resized size, in whole pixels, over the size.
        offset: Top and left of the window in the resized image, in pixels, ``(B, 2)``; the left is negative where a
            mirrored window is wider than the image.
        flip: Whether the window is mirrored, ``(B,)``.
        size: Height and width of every window in pixels.
    """

    scale: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    flip: npt.NDArray[np.bool_]
    size: tuple[int, int]


def window_size(augmentation: Augmentation, image: tuple[int, int], stride: int) -> tuple[int, int]:
    """Height and width of what the network is trained on: the crop, or the resized image padded to the stride."""
    if augmentation.crop is not None:
        return augmentation.crop
    return padded_size(image, augmentation.resize[0], stride)


def padded_size(image: tuple[int, int], resize: float, stride: int) -> tuple[int, int]:
    """``image`` (height, width) scaled by ``resize`` and rounded up to a multiple of ``stride``."""
    height, width = (max(1, round(side * resize)) for side in image)
    return -(-height // stride) * stride, -(-width // stride) * stride


def draw(
    augmentation: Augmentation, batch: int, image: tuple[int, int], stride: int, rng: np.random.Generator
) -> Windows:
    """Draws the windows of one batch of ``batch`` images of size ``image`` (height, width)."""
    factor = rng.uniform(*augmentation.resize, size=batch)
    place = rng.random((batch, 2))
    flip = rng.random(batch) < augmentation.flip
    size = window_size(augmentation, image, stride)
    resized = np.maximum(1, np.round(factor[:, None] * np.asarray(image)))
    room = np.maximum(0, resized - np.asarray(size))
    offset = np.floor(place * (room + 1))
    # mmsegmentation mirrors what was cut and pads it then: the padding stays at the right of a mirrored image.
    offset[:, 1] += np.where(flip, np.minimum(0, resized[:, 1] - size[1]), 0)
    return Windows(resized / np.asarray(image), offset, flip, size)


def joined(windows: Iterable[Windows]) -> Windows:
    """The windows of several batches as those of one."""
    parts = list(windows)
    return Windows(
        np.concatenate([part.scale for part in parts]),
        np.concatenate([part.offset for part in parts]),
        np.concatenate([part.flip for part in parts]),
        parts[0].size,
    )


def warp(images: torch.Tensor, masks: torch.Tensor, windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
    """Cuts one window out of each image.

    Args:
        images: Normalised, float ``(B, C, H, W)``.
        masks: Class indices, uint8 ``(B, H, W)``, :data:`~harness.data.dataset.IGNORED` where nothing is known.
        windows: The windows, of height h and width w.

    Returns:
        Images ``(B, C, h, w)`` by bilinear interpolation, 0 outside; masks, int64 ``(B, h, w)``, by nearest pixel,
        ignored outside.
    """
    device = images.device
    grid = functional.affine_grid(
        _theta(windows, (images.shape[2], images.shape[3])).to(device, images.dtype),
        [images.shape[0], 1, *windows.size],
        align_corners=False,
    )
    # 0 means outside: labels move up by one while they are warped (uint8 would wrap 255 around).
    labels = functional.grid_sample(masks.unsqueeze(1).to(images.dtype) + 1, grid, mode="nearest", align_corners=False)
    outside = labels == 0
    cut = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    target = torch.where(outside, float(IGNORED + 1), labels).squeeze(1).long() - 1
    return cut.masked_fill(outside, 0.0), target


def _theta(windows: Windows, image: tuple[int, int]) -> torch.Tensor:
    """The affine maps ``(B, 2, 3)`` from window to image in ``affine_grid``'s normalised coordinates (x first)."""
    whole = windows.scale * np.asarray(image)
    gain = np.asarray(windows.size) / whole
    shift = (2 * windows.offset + np.asarray(windows.size)) / whole - 1
    theta = np.zeros((len(whole), 2, 3))
    theta[:, 0, 0] = np.where(windows.flip, -gain[:, 1], gain[:, 1])
    theta[:, 0, 2] = shift[:, 1]
    theta[:, 1, 1] = gain[:, 0]
    theta[:, 1, 2] = shift[:, 0]
    return torch.from_numpy(theta)
