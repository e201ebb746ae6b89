"""Phantom of Kvasir-SEG: polyps on pink mucosa with folds and highlights, seen through a round endoscope.

Of the real pixels 15% are polyp, and the corners of most images are black. A polyp has the colour of the mucosa around
it, a little redder, and is told from it by the streaks of its coat: folds are as dark, but wider, and bare.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.dataset import Item
from harness.data.phantoms.bodies import Sheet, blob, coat, ellipse
from harness.data.phantoms.drawing import smooth
from harness.specs import Data

_FOLD = 0.07
"""Width of a fold."""


class Endoscopy:
    """One polyp, or two in a third of the images; each image is of another subject."""

    names = ("kvasir_seg",)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        for index in range(data.count):
            yield _draw(Sheet(data, index))


def _draw(sheet: Sheet) -> Item:
    rng = sheet.random("mucosa")
    hue = np.array((196, 116, 96), np.float32) * rng.uniform(0.9, 1.1, 3).astype(np.float32)
    sheet.ground(rng, hue, 0.07)
    _folds(sheet, rng)
    rng = sheet.random("polyps")
    count = 1 + int(rng.random() < 1 / 3)
    for number in range(count):
        at = (rng.uniform(0.28, 0.72), sheet.wide * (0.5 if count == 1 else 0.32 + 0.36 * number) + rng.normal(0, 0.07))
        outline = blob(rng, sheet, at, rng.uniform(0.20, 0.25) * (1.0 if count == 1 else 0.75))
        colour = sheet.colour(outline) * np.array((1.06, 0.98, 0.98), np.float32) * np.float32(rng.uniform(0.95, 1.08))
        sheet.paint(outline, coat(rng, sheet, colour, outline, strength=1.25), 1)
    _view(sheet)
    return sheet.item()


def _folds(sheet: Sheet, rng: np.random.Generator) -> None:
    """Dark bands across the image, each with a lighter edge."""
    for _ in range(int(rng.integers(2, 5))):
        course = (
            rng.uniform(0, 1)
            + 0.10 * smooth(rng, sheet.shape[1], 5)[None, :]
            + rng.normal(0, 0.3) * (sheet.x - sheet.wide / 2)
        )
        away = (sheet.y - course) / _FOLD
        sheet.image *= (1 - 0.22 * np.exp(-(away**2)) + 0.11 * np.exp(-((away + 1.4) ** 2)))[..., None]


def _view(sheet: Sheet) -> None:
    """Highlights on whatever is there, light that falls off, and black corners."""
    rng = sheet.random("view")
    for _ in range(int(rng.poisson(4))):
        at, size = (rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9) * sheet.wide), rng.uniform(0.008, 0.022)
        spot = ellipse(sheet, at, (size, size * rng.uniform(1, 2.2)), rng.uniform(0, np.pi))
        sheet.image += np.exp(-(spot**2))[..., None] * (245 - sheet.image)
    lamp = (0.5 + rng.normal(0, 0.08), sheet.wide / 2 + rng.normal(0, 0.08))
    far = ellipse(sheet, lamp, (1.0, max(1.0, sheet.wide)))
    sheet.image *= (1.12 - 0.7 * far**2)[..., None] * np.float32(rng.uniform(0.88, 1.08))
    rim = ellipse(sheet, (0.5, sheet.wide / 2), (0.62, 0.62 * max(1.0, sheet.wide)))
    sheet.image[rim > 1] = 8.0


GENERATOR = Endoscopy()
