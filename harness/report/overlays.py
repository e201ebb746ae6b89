"""Predictions of the arms laid over the same test images."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

WIDEST = 288
"""Pixels to which an image is reduced; a page of many claims must stay small."""

SEEN = 216
"""Pixels to which a smaller image is enlarged, by a whole factor."""

IGNORED = 255

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "truth": (86, 180, 233),
    "hit": (0, 158, 115),
    "missed": (86, 180, 233),
    "false alarm": (230, 120, 0),
}
"""Okabe and Ito's, apart for colour-blind readers."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """One test image with what the arms predicted for it.

    Attributes:
        title: The image's id.
        image: Grey levels ``(H, W)`` or colours ``(H, W, 3)``, uint8.
        truth: Classes ``(H, W)``; 0 is the background, 255 does not count.
        predictions: Predicted classes ``(H, W)`` by arm.
    """

    title: str
    image: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.integer[Any]]
    predictions: Mapping[str, npt.NDArray[np.integer[Any]]]

    def __post_init__(self) -> None:
        shape = self.truth.shape
        if self.image.shape[:2] != shape or self.image.shape[2:] not in ((), (3,)):
            expected = f"{shape} or {(*shape, 3)}"
            raise ValueError(f"Expected argument `image` of shape {expected}, but got {self.image.shape}.")
        for arm, prediction in self.predictions.items():
            if prediction.shape != shape:
                raise ValueError(f"Expected the prediction of {arm!r} of shape {shape}, but got {prediction.shape}.")

    def pictures(self) -> list[tuple[str, str]]:
        """Captions and PNG data URIs: the image, the truth, then each arm."""
        truth, kept = self.truth, self.truth != IGNORED
        layers: list[tuple[str, dict[str, npt.NDArray[np.bool_]]]] = [("image", {})]
        layers.append(("truth", {"truth": kept & (truth > 0)}))
        for arm, prediction in self.predictions.items():
            found = {
                "hit": kept & (truth > 0) & (prediction == truth),
                "missed": kept & (truth > 0) & (prediction != truth),
                "false alarm": kept & (truth == 0) & (prediction > 0),
            }
            layers.append((arm, found))
        return [(caption, _data_uri(_painted(self.image, masks))) for caption, masks in layers]


def _painted(image: npt.NDArray[np.uint8], masks: Mapping[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.uint8]:
    """The image ``(H, W, 3)`` with each mask in its colour, half transparent."""
    painted = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image.copy()
    for name, mask in masks.items():
        painted[mask] = (0.4 * painted[mask] + 0.6 * np.array(COLOURS[name])).astype(np.uint8)
    return painted


def _data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((WIDEST, WIDEST))
    if (factor := SEEN // picture.width) > 1:
        picture = picture.resize((factor * picture.width, factor * picture.height), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.quantize(128).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
