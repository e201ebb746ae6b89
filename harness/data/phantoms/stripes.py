"""Phantoms with a planted truth: striped patches of which the stripes' direction, or the light, makes the class.

No real data set looks like them. Controls (``claims/test_controls.py``) train on them, because what can be learnt from
them, and what cannot, is known by construction:

* An image shows four patches. In two of them the stripes rise to the right, and those are the target; in the other two
  they fall. A mirrored image shows targets as decoys and decoys as targets.
* Images are dim and bright by turns. With the labels ``"bright"`` all patches of a bright image are the target,
  whatever their stripes, so that whoever changes brightness and contrast at random destroys the class.
* ``discs`` and ``bars`` share the stripes and nothing else: patches, background and light differ.
* Test images are annotated alike with all labels but ``"bright"``; training images wrongly with ``"decoys"`` (the
  other two patches) and with ``"shuffled"`` (the patches of another training image).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.data.dataset import Item
from harness.data.phantoms.drawing import Floats, published_split, random, texture
from harness.specs import Data

_PERIOD = 0.17
"""Of the stripes, in heights of the image."""
_NOISE = 10.0
"""Standard deviation of each pixel's own noise, in grey levels."""


@dataclass(frozen=True)
class _Look:
    """How patches look; lengths in heights of the image.

    Attributes:
        half: Half of a patch's height and width; ``round`` ones are ellipses.
        round: Whether a patch is an ellipse or a rectangle.
        ground: Grey level of the background.
        grain: Amplitude of the background's texture.
        stripes: Amplitude of the stripes.
        light: By how much a patch of a dim and of a bright image is brighter than the background.
    """

    half: tuple[float, float]
    round: bool
    ground: float
    grain: float
    stripes: float
    light: tuple[float, float]


_LOOKS = {
    "discs": _Look((0.20, 0.20), True, 90.0, 10.0, 28.0, (14.0, 50.0)),
    "bars": _Look((0.15, 0.21), False, 100.0, 8.0, 32.0, (10.0, 40.0)),
}


class Stripes:
    """Grey images; each is of another subject."""

    names = tuple(_LOOKS)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        size = data.size or (48, 48)
        splits = [published_split(index, data.count) for index in range(data.count)]
        wrong = _shuffled([index for index, split in enumerate(splits) if split == "train"])
        for index, split in enumerate(splits):
            wrongly = split == "train" and data.labels in ("decoys", "shuffled")
            item = _draw(data.name, index, size, data.labels if wrongly or data.labels == "bright" else "rising")
            if wrongly and data.labels == "shuffled":
                item = replace(item, target=_draw(data.name, wrong[index], size, "rising").target)
            yield replace(item, published=split)


def _shuffled(images: list[int]) -> dict[int, int]:
    """For each training image another one, at some distance, whose target it takes."""
    moved = images[len(images) // 2 :] + images[: len(images) // 2]
    return dict(zip(images, moved, strict=True))


def _draw(name: str, index: int, size: tuple[int, int], labels: str) -> Item:
    """One image with its target."""
    look, rng = _LOOKS[name], random("stripes", name, index)
    height, width = size
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width)[None, :]
    bright = index % 2
    image = look.ground + look.grain * texture(rng, size, (5, 5))
    target = np.zeros(size, np.uint8)
    rises = rng.permutation([1, 1, 0, 0])
    for place, rising in enumerate(rises):
        centre = 0.26 + 0.48 * np.array(divmod(place, 2)) + rng.uniform(-0.03, 0.03, 2)
        patch = _patch(look, y - centre[0], x - centre[1])
        wave = np.sin(2 * np.pi * ((x + y if rising else x - y) / (_PERIOD * np.sqrt(2)) + rng.random()))
        image = np.where(patch, look.ground + look.light[bright] + look.stripes * wave, image)
        target[patch] = bright if labels == "bright" else rising != (labels == "decoys")
    image = image + _NOISE * rng.standard_normal(size, dtype=np.float32)
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    id = f"phantom_{index:04d}"
    return Item(pixels, target, id, id)


def _patch(look: _Look, y: Floats, x: Floats) -> npt.NDArray[np.bool_]:
    """Where a patch is, ``(H, W)``, from the distances to its centre."""
    down, across = np.abs(y) / look.half[0], np.abs(x) / look.half[1]
    return down**2 + across**2 < 1 if look.round else np.maximum(down, across) < 1


GENERATOR = Stripes()
