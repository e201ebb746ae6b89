"""Graded test images, and where the networks looked: heat maps laid over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.report.overlays import Picture

COLOURS = "cividis"
"""Matplotlib's map: light means much, also to colour-blind readers, and blue and yellow stand out from a retina."""

OPACITY = (0.1, 0.6)
"""Of the colour where the network did not look and where it looked most, so that the image stays visible."""

CHOICE = (
    "Predictions are kept of the test images with the highest classes, the subjects by turns. Of each arm stands the "
    "run whose final {metric} is nearest the arm's median and, where runs collapsed, one of those; where the test "
    "images change with the seed, the runs of one seed."
)

MEANING = (
    "Heat maps are Grad-CAM (Selvaraju et al. 2017) of the last feature map for the predicted class, each scaled to "
    "its own largest value: they compare places of one picture, not pictures. One that is dark throughout means that "
    "no place spoke for the class more than another."
)


@dataclass(frozen=True, eq=False)
class Look:
    """What one run made of an image.

    Attributes:
        arm: Name of the arm.
        run: Which run it is, as in ``"seed 0, kappa 0.15"``.
        image: As this arm's network sees it after its preparation: ``(H, W)`` or ``(H, W, 3)``, uint8.
        predicted: The predicted class.
        heat: Where the network looked, ``(h, w)``, 0 to 255; ``None``: not known.
    """

    arm: str
    run: str
    image: npt.NDArray[np.uint8]
    predicted: str
    heat: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Graded:
    """One test image with what the arms made of it.

    Attributes:
        title: The image's id.
        truth: Its class.
        looks: By run, in the order of the arms.
    """

    title: str
    truth: str
    looks: Sequence[Look]

    def pictures(self) -> list[tuple[Picture, str, bool]]:
        """The image, then each run: with the predicted class, and whether it is right."""
        plain = Picture.of("image", "", self.looks[0].image)
        seen = [(Picture.of(each.arm, each.run, heated(each.image, each.heat)), each) for each in self.looks]
        return [(plain, "", True), *((picture, each.predicted, each.predicted == self.truth) for picture, each in seen)]

    @property
    def unexplained(self) -> tuple[str, ...]:
        """Arms without a heat map."""
        return tuple(dict.fromkeys(each.arm for each in self.looks if each.heat is None))


def heated(image: npt.NDArray[np.uint8], heat: npt.NDArray[np.uint8] | None) -> npt.NDArray[np.uint8]:
    """An image ``(H, W, 3)`` with a heat map of any size over it; the image alone where there is none."""
    colours = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    if heat is None:
        return colours
    from matplotlib import colormaps
    from PIL import Image

    height, width = image.shape[:2]
    share = np.asarray(Image.fromarray(heat).resize((width, height), Image.Resampling.BILINEAR)) / 255
    opacity = (OPACITY[0] + (OPACITY[1] - OPACITY[0]) * share)[..., None]
    painted = (1 - opacity) * colours + opacity * 255 * colormaps[COLOURS](share)[..., :3]
    return np.asarray(np.rint(painted), np.uint8)


def legend() -> str:
    """The colours from nothing to the most as a CSS gradient."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    stops = ", ".join(to_hex(colormaps[COLOURS](share)) for share in np.linspace(0, 1, 9))
    return f"linear-gradient(to right, {stops})"
