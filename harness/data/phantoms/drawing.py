"""What the generators draw with: seeded randomness, smooth random functions, and the size to draw at."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from harness.data.dataset import Bytes, Item
from harness.data.resizing import resize_image, resize_mask

Floats = npt.NDArray[np.float32]

DRAWN_HEIGHT = 200
"""Least height, in pixels, that a phantom is drawn at; smaller ones are reduced as real data are."""


def random(*parts: object) -> np.random.Generator:
    """A generator that depends on nothing but ``parts``, on any machine."""
    text = "/".join(map(str, parts))
    return np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest(), 16))


def canvas(size: tuple[int, int], least: int = DRAWN_HEIGHT) -> tuple[int, int]:
    """Height and width to draw at for an image of ``size``: a whole multiple of it, at least ``least`` high."""
    factor = max(1, -(-least // size[0]))
    return size[0] * factor, size[1] * factor


def smooth(rng: np.random.Generator, length: int, knots: int) -> Floats:
    """A smooth random function at ``length`` evenly spaced points, about standard normal at each of its knots."""
    import cv2

    values = rng.standard_normal((1, knots)).astype(np.float32)
    return np.asarray(cv2.resize(values, (length, 1), interpolation=cv2.INTER_CUBIC)[0], np.float32)


def texture(rng: np.random.Generator, shape: tuple[int, int], knots: tuple[int, int]) -> Floats:
    """The same in two dimensions: noise whose grain is as coarse as ``knots`` are few."""
    import cv2

    values = rng.standard_normal(knots).astype(np.float32)
    return np.asarray(cv2.resize(values, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def finished(
    image: Floats, mask: Bytes, size: tuple[int, int], classes: int, id: str, subject: str, published: str
) -> Item:
    """A drawing ``(H, W)`` or ``(H, W, 3)`` in grey levels, reduced to ``size`` with its mask."""
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    reduced = resize_image(pixels if pixels.ndim == 3 else pixels[:, :, None], size)
    reduced = reduced[:, :, 0] if pixels.ndim == 2 else reduced
    return Item(reduced, resize_mask(mask, size, classes), id, subject, published)


def published_split(index: int, count: int) -> str:
    """Phantoms test on the last fifth of their images (at least one of two)."""
    return "test" if index >= count - max(1, round(count / 5)) else "train"
