"""Predictions of the arms laid over the same test images."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

WIDEST = 240
"""Pixels to which an image is reduced; a page of many claims must stay small."""

COARSE = 128
"""An image of so many pixels' width at most is shown enlarged, pixel by pixel."""

QUALITY = 70
"""Of the JPEG of a larger image: a third of the size of a PNG of 128 colours, since OCT images are noisy."""

IGNORED = 255

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "truth": (240, 228, 66),
    "hit": (0, 158, 115),
    "missed": (86, 180, 233),
    "false alarm": (230, 120, 0),
}
"""Okabe and Ito's, apart for colour-blind readers."""

CHOICE = (
    "Predictions are kept of the test images with the most foreground; shown are some of those, of different subjects "
    "where they are of several. Of each arm stands the run whose final {metric} is nearest the arm's median and, where "
    "runs collapsed, one of those. Where the test images change with the seed, the runs of one seed stand instead, and "
    "arms that were tested on other images are left out."
)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one run predicted.

    Attributes:
        arm: Name of the arm.
        run: Which run it is, as in ``"seed 0, IoU.fluid 0.15"``.
        classes: Predicted classes ``(H, W)``.
    """

    arm: str
    run: str
    classes: npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Picture:
    """One picture with its captions; ``coarse`` ones are enlarged pixel by pixel."""

    caption: str
    run: str
    source: str
    coarse: bool

    @classmethod
    def of(cls, caption: str, run: str, pixels: npt.NDArray[np.uint8]) -> Picture:
        """The picture of some pixels, ``(H, W)`` or ``(H, W, 3)``."""
        coarse = pixels.shape[1] <= COARSE
        return cls(caption, run, _data_uri(pixels, coarse), coarse)


@dataclass(frozen=True, eq=False)
class Overlay:
    """One test image with what the arms predicted for it.

    Attributes:
        title: The image's id.
        image: Grey levels ``(H, W)`` or colours ``(H, W, 3)``, uint8.
        truth: Classes ``(H, W)``; 0 is the background, 255 does not count.
        predictions: By run, in the order of the arms.
    """

    title: str
    image: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.integer[Any]]
    predictions: Sequence[Prediction]

    def __post_init__(self) -> None:
        shape = self.truth.shape
        if self.image.shape[:2] != shape or self.image.shape[2:] not in ((), (3,)):
            expected = f"{shape} or {(*shape, 3)}"
            raise ValueError(f"Expected argument `image` of shape {expected}, but got {self.image.shape}.")
        for each in self.predictions:
            if each.classes.shape != shape:
                raise ValueError(
                    f"Expected a prediction of {each.arm!r} of shape {shape}, but got {each.classes.shape}."
                )

    def pictures(self) -> list[Picture]:
        """The image, the truth, then each run."""
        truth, kept = self.truth, self.truth != IGNORED
        pictures = [self._picture("image", "", {}), self._picture("truth", "", {"truth": kept & (truth > 0)})]
        for each in self.predictions:
            masks = {
                "hit": kept & (truth > 0) & (each.classes == truth),
                "missed": kept & (truth > 0) & (each.classes != truth),
                "false alarm": kept & (truth == 0) & (each.classes > 0),
            }
            pictures.append(self._picture(each.arm, each.run, masks))
        return pictures

    def _picture(self, caption: str, run: str, masks: Mapping[str, npt.NDArray[np.bool_]]) -> Picture:
        return Picture.of(caption, run, _painted(self.image, masks))


def _painted(image: npt.NDArray[np.uint8], masks: Mapping[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.uint8]:
    """The image ``(H, W, 3)`` with each mask in its colour, half transparent."""
    painted = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image.copy()
    for name, mask in masks.items():
        painted[mask] = (0.4 * painted[mask] + 0.6 * np.array(COLOURS[name])).astype(np.uint8)
    return painted


def _data_uri(pixels: npt.NDArray[np.uint8], coarse: bool) -> str:
    from PIL import Image

    picture, buffer = Image.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    if coarse:
        picture.quantize(128).save(buffer, "PNG", optimize=True)
    else:
        picture.thumbnail((WIDEST, WIDEST))
        picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    kind = "png" if coarse else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
