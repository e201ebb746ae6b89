"""Brings images and masks to one size when they are packed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.data.dataset import IGNORED, Bytes
from harness.specs import Resize


def fit_image(image: Bytes, resize: Resize) -> Bytes:
    """An image ``(H, W, C)`` brought to ``resize.size``; black where a centre crop is larger than the image."""
    scaled = _scaled_size(image, resize)
    image = _nearest(image, scaled) if resize.fit == "nearest" else resize_image(image, scaled)
    return _centre(image, resize.size, outside=0)


def fit_mask(mask: Bytes, resize: Resize, classes: int) -> Bytes:
    """A mask ``(H, W)`` brought to ``resize.size``; ignored where a centre crop is larger than the mask."""
    scaled = _scaled_size(mask, resize)
    mask = _nearest(mask, scaled) if resize.fit == "nearest" else resize_mask(mask, scaled, classes)
    return _centre(mask, resize.size, outside=IGNORED)


def resize_image(image: Bytes, size: tuple[int, int]) -> Bytes:
    """An image ``(H, W, C)`` at ``size`` (height, width): means over areas where it shrinks, linear where it grows."""
    if size == image.shape[:2]:
        return image
    return np.rint(_areas(image.astype(np.float32), size)).astype(np.uint8)


def resize_mask(mask: Bytes, size: tuple[int, int], classes: int) -> Bytes:
    """A mask ``(H, W)`` of class indices at ``size`` (height, width).

    With two classes the foreground keeps its area: of the new pixels, those with the highest foreground share become
    foreground, as many as the foreground's area amounts to. With more, each pixel takes its most frequent class.
    At a tenth of the size, choosing the nearest pixel breaks vessels into dots, and a majority deletes them: see
    ``docs/data.md`` for the figures. A pixel is :data:`IGNORED` where half of it or more is.
    """
    if size == mask.shape:
        return mask
    # A class that the mask lacks has no share anywhere: its plane is not worth resizing (ADE20K has 150).
    present = [0, 1] if classes == 2 else np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[:IGNORED]).tolist()
    shares = [_area((mask == value).astype(np.float32), size) for value in present]
    ignored = _area((mask == IGNORED).astype(np.float32), size) >= 0.5
    if classes == 2:
        result = _highest(np.where(ignored, 0, shares[1]))
    elif present:
        result = np.array(present, np.uint8)[np.argmax(shares, axis=0)]
    else:
        result = np.full(size, IGNORED, np.uint8)
    result[ignored] = IGNORED
    return result


def _scaled_size(array: Bytes, resize: Resize) -> tuple[int, int]:
    """Height and width before anything is cut: the whole image at the scale that the fit asks for."""
    if resize.fit in ("area", "nearest"):
        return resize.size
    shape = (array.shape[0], array.shape[1])
    if resize.fit == "centre-crop":
        return shape
    factor = max(wanted / length for wanted, length in zip(resize.size, shape, strict=True))
    height, width = (max(wanted, round(length * factor)) for wanted, length in zip(resize.size, shape, strict=True))
    return height, width


def _nearest(array: Bytes, size: tuple[int, int]) -> Bytes:
    """Each new pixel takes the old one that holds its centre."""
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(size, array.shape[:2], strict=True)
    )
    picked: Bytes = array[rows[:, None], columns]
    return picked


def _centre(array: Bytes, size: tuple[int, int], outside: int) -> Bytes:
    """The middle ``size`` of an array ``(H, W, ...)``, with ``outside`` around it where the array is smaller."""
    if size == array.shape[:2]:
        return array
    result = np.full((*size, *array.shape[2:]), outside, np.uint8)
    kept, place = zip(*(_overlap(old, new) for old, new in zip(array.shape[:2], size, strict=True)), strict=True)
    result[place] = array[kept]
    return result


def _overlap(old: int, new: int) -> tuple[slice, slice]:
    """Where the middles of two lengths meet: in the old one, and in the new one."""
    common = min(old, new)
    before, after = (old - common) // 2, (new - common) // 2
    return slice(before, before + common), slice(after, after + common)


def _highest(share: npt.NDArray[np.float32]) -> Bytes:
    """1 at the highest shares, as many as they sum up to; of equal ones the first in reading order."""
    order = np.argsort(-share, axis=None, kind="stable")
    chosen = order[: round(float(share.sum(dtype=np.float64)))]
    result = np.zeros(share.shape, dtype=np.uint8)
    result.flat[chosen] = 1
    return result


def _areas(array: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """``(H, W, C)`` resized, one channel as the other; see :func:`_area`."""
    return np.stack([_area(plane, size) for plane in np.moveaxis(array, -1, 0)], axis=-1)


def _area(plane: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """``(H, W)`` resized: exact means over areas along an axis that shrinks, then linear along one that grows."""
    import cv2

    shrunk = (min(size[0], plane.shape[0]), min(size[1], plane.shape[1]))
    if shrunk != plane.shape:
        plane = np.asarray(cv2.resize(plane, shrunk[::-1], interpolation=cv2.INTER_AREA), np.float32)
    if size != plane.shape:
        plane = np.asarray(cv2.resize(plane, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    return plane
