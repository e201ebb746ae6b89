"""What is done to every image before it is resized: one function for each term of ``Data.prepare``."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from harness.data.dataset import IGNORED, Bytes, Target
from harness.specs import BenGraham, CircularCrop, Clahe, GaussianBlur, Preparation

_SIDE = 600
"""Shorter side, in pixels, of the images that the sigma of a Gaussian is meant for: Graham's eyes of radius 300."""


@singledispatch
def prepared(term: Preparation, image: Bytes, target: Target) -> tuple[Bytes, Target]:
    """An image ``(H, W, C)`` and its target after one term; a function registered for the term's type does it.

    Raises:
        TypeError: No function is registered for it.
        ValueError: It cannot be done to this image; the message says why, without the image's name.
    """
    raise TypeError(f"Expected a preparation that harness.data.preparation implements, but got {term!r}.")


@prepared.register
def clahe(term: Clahe, image: Bytes, target: Target) -> tuple[Bytes, Target]:
    """OpenCV's ``CLAHE`` of the lightness in CIELAB, of a grey image of its grey levels."""
    import cv2

    equaliser = cv2.createCLAHE(clipLimit=term.clip, tileGridSize=(term.tiles, term.tiles))
    if image.shape[2] == 1:
        return equaliser.apply(image[:, :, 0])[:, :, None], target
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = equaliser.apply(lab[:, :, 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8), target


@prepared.register
def circular_crop(term: CircularCrop, image: Bytes, target: Target) -> tuple[Bytes, Target]:
    """The bounding box of what is brighter than the threshold; outside the circle around it black, masks ignored.

    The circle has the box's centre and half its longer side as radius, so that a disc that the camera cuts above and
    below stays whole.

    Raises:
        ValueError: Nothing is bright, so that there is no disc.
    """
    import cv2

    grey = image[:, :, 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    # The median keeps the disc's edge and removes the noise of the black around it.
    bright = cv2.medianBlur(np.ascontiguousarray(grey), 5) > term.threshold
    if not bright.any():
        raise ValueError(f"nothing in it is brighter than {term.threshold}")
    rows, columns = (np.flatnonzero(bright.any(axis=axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    cut = image[box].copy()
    height, width = cut.shape[:2]
    y, x = np.ogrid[:height, :width]
    outside = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2) > max(height, width) / 2
    cut[outside] = 0
    if isinstance(target, int):
        return cut, target
    mask = target[box].copy()
    mask[outside] = IGNORED
    return cut, mask


@prepared.register
def gaussian_blur(term: GaussianBlur, image: Bytes, target: Target) -> tuple[Bytes, Target]:
    """OpenCV's ``GaussianBlur``."""
    return _blurred(image, term.sigma), target


@prepared.register
def ben_graham(term: BenGraham, image: Bytes, target: Target) -> tuple[Bytes, Target]:
    """OpenCV's ``addWeighted`` of four times the image, less four times the blurred image, plus 128."""
    import cv2

    result = cv2.addWeighted(image, 4, _blurred(image, term.sigma), -4, 128)
    return np.asarray(result, np.uint8).reshape(image.shape), target


def _blurred(image: Bytes, sigma: float) -> Bytes:
    """An image ``(H, W, C)`` under a Gaussian of ``sigma`` pixels of an image with a shorter side of 600."""
    import cv2

    own = sigma * min(image.shape[:2]) / _SIDE
    return np.asarray(cv2.GaussianBlur(image, (0, 0), own), np.uint8).reshape(image.shape)
