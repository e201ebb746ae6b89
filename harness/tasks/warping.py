"""Resize, rotation, crop and flip of a whole batch as one warp on the device, with parameters per sample.

The geometry is that of mmsegmentation's ``RandomResize(keep_ratio=True)``, ``RandomRotate``, ``RandomCrop``,
``RandomFlip`` and padding: the image is scaled, rotated about its centre, a window is cut at a whole pixel, and the
window is mirrored. What lies outside the image is 0 after normalisation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional


@dataclass(frozen=True)
class Windows:
    """Where each sample of a batch is cut.

    Attributes:
        scale: Factor of height and of width, ``(B, 2)``: the resized size, in whole pixels, over the size.
        offset: Top and left of the window in the resized image, in pixels, ``(B, 2)``; the left is negative where a
            mirrored window is wider than the image.
        flip: Whether the window is mirrored, ``(B,)``.
        size: Height and width of every window in pixels.
        angle: Anti-clockwise rotation of the resized image, in radians, ``(B,)``; ``None``: none.
    """

    scale: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    flip: npt.NDArray[np.bool_]
    size: tuple[int, int]
    angle: npt.NDArray[np.float64] | None = None

    def at(self, rows: Sequence[int]) -> Windows:
        """The windows of some samples of the batch."""
        angle = self.angle[rows] if self.angle is not None else None
        return Windows(self.scale[rows], self.offset[rows], self.flip[rows], self.size, angle)


def joined(windows: Iterable[Windows]) -> Windows:
    """The windows of several batches as those of one."""
    parts = list(windows)
    angles = [part.angle for part in parts if part.angle is not None]
    return Windows(
        np.concatenate([part.scale for part in parts]),
        np.concatenate([part.offset for part in parts]),
        np.concatenate([part.flip for part in parts]),
        parts[0].size,
        np.concatenate(angles) if angles else None,
    )


def warp(images: torch.Tensor, labels: torch.Tensor | None, windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
    """Cuts one window out of each image.

    Args:
        images: Normalised, float ``(B, C, H, W)``.
        labels: Float ``(B, H, W)``, above 0 everywhere; ``None``: all 1.
        windows: The windows, of height h and width w.

    Returns:
        Images ``(B, C, h, w)`` by bilinear interpolation, 0 outside; labels ``(B, h, w)`` by nearest pixel, 0 outside.
    """
    device = images.device
    grid = functional.affine_grid(
        _theta(windows, (images.shape[2], images.shape[3])).to(device, images.dtype),
        [images.shape[0], 1, *windows.size],
        align_corners=False,
    )
    planes = torch.ones_like(images[:, :1]) if labels is None else labels.unsqueeze(1)
    moved = functional.grid_sample(planes, grid, mode="nearest", align_corners=False)
    cut = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return cut.masked_fill(moved == 0, 0.0), moved.squeeze(1)


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
    if windows.angle is not None:
        aspect = whole[:, 1] / whole[:, 0]  # normalised coordinates stretch the longer side less
        cos, sin = np.cos(windows.angle), np.sin(windows.angle)
        turn = np.stack([np.stack([cos, -sin / aspect], -1), np.stack([sin * aspect, cos], -1)], -2)
        theta = turn @ theta
    return torch.from_numpy(theta)
