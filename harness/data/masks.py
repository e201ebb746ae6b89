"""What the values of mask files mean: foreground or not, or class by class; and which files are no masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from harness.data.dataset import IGNORED, Bytes, DataError
from harness.data.images import DEEP, decoded, numbers, opened

_BETWEEN = (64, 191)
"""Grey levels that are neither black nor white. Kvasir-SEG's JPEG masks have none of them (1000 masks)."""
_SHADES, _SHARE = 8, 0.05
"""A mask has at most so many of them, or on no more than this share of its pixels: soft edges are no photograph."""
_COLOUR = 32
"""Channels of a grey picture differ by less, after JPEG too."""


def levels(path: Path) -> Bytes:
    """The grey levels ``(H, W)`` that a mask file shows; raises DataError for one with colours."""
    with opened(path) as mask:
        if mask.mode in DEEP:
            stored = numbers(path, mask)
            return stored.astype(np.uint8) if 0 <= stored.min() <= stored.max() <= 255 else decoded(path, mask, "L")
        if mask.mode in ("1", "L"):
            return decoded(path, mask, "L")
        channels = decoded(path, mask, "RGBA" if mask.mode in ("LA", "RGBA") else "RGB")
    channels, opacity = channels[:, :, :3], channels[:, :, 3:]
    if int(np.ptp(channels, axis=2).max()) >= _COLOUR:
        raise DataError(
            f"Expected the mask {path} to be black and white, but its three channels differ; "
            "extract it again, or convert it to one channel."
        )
    if opacity.size and np.ptp(opacity) > 0 and np.ptp(channels) == 0:
        raise DataError(
            f"Expected the mask {path} to mark something by its grey levels, but it does so by its transparency only; "
            "convert it to one channel."
        )
    return channels[:, :, 0]


def indices(path: Path) -> Bytes:
    """The numbers ``(H, W)`` that a mask file stores, of a palette its entries; raises DataError for colours."""
    with opened(path) as mask:
        if mask.mode == "P":
            return decoded(path, mask, "P")
        if mask.mode in DEEP:
            stored = numbers(path, mask)
            if stored.min() < 0 or stored.max() > 255:
                raise DataError(
                    f"Expected the mask {path} to store numbers from 0 to 255, but got numbers between {stored.min()} "
                    f"and {stored.max()}; convert it to 8 bits."
                )
            return stored.astype(np.uint8)
    return levels(path)


def of_ones(paths: Iterable[Path]) -> bool:
    """Whether the masks of a data set are of 0 and 1, so that 1 is the foreground, rather than black and white.

    One mask alone cannot tell: a mask that is black but for a little JPEG noise holds 0 and 1 as well. Reading stops
    at the first mask with a higher value.
    """
    seen = False
    for path in paths:
        highest = int(levels(path).max())
        if highest > 1:
            return False
        seen |= highest == 1
    return seen


def foreground(path: Path, ones: bool) -> Bytes:
    """1 where a mask of two values marks something, else 0.

    Args:
        path: The mask file.
        ones: As :func:`of_ones` answers for its data set; else what is 128 and above is foreground, as mmsegmentation
            converts vessels.

    Raises:
        DataError: It has colours, or as many shades of grey as a photograph.
    """
    shown = levels(path)
    if ones:
        return shown
    between = shown[(shown >= _BETWEEN[0]) & (shown <= _BETWEEN[1])]
    shades = len(np.unique(between))
    if shades > _SHADES and between.size > _SHARE * shown.size:
        raise DataError(
            f"Expected the mask {path} to be black and white, but it has {shades} shades of grey in between, as a "
            "photograph has; put the mask in its place."
        )
    return (shown >= 128).astype(np.uint8)


def classes(path: Path, meaning: Mapping[int, int]) -> Bytes:
    """Class indices of a mask file.

    Args:
        path: The mask file.
        meaning: Class index, or :data:`IGNORED`, of each number that a mask may store; 255 is always ignored.

    Raises:
        DataError: It has colours, or numbers that mean no class.
    """
    stored = indices(path)
    table = np.full(256, IGNORED, np.uint8)
    table[list(meaning)] = list(meaning.values())
    unknown = sorted(set(np.unique(stored).tolist()) - {*meaning, IGNORED})
    if unknown:
        raise DataError(
            f"Expected the mask {path} to hold the numbers {min(meaning)} to {max(meaning)} of its classes, or "
            f"{IGNORED} where nothing is known, but got {', '.join(map(str, unknown[:4]))}; extract it again."
        )
    return table[stored]
