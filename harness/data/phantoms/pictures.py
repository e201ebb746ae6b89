"""Phantom of ImageNet: one object an image, whose class is the kind of its outline and surface.

Objects that are related to the targets are animals and blobs in the colours of what lies around, with the targets' coat
or bare: a class is told by its outline and coat. All others are things in one of four colours, told by these.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.dataset import Item
from harness.data.phantoms.bodies import Sheet, animal, blob, box, coat, ellipse, fur, plain
from harness.data.phantoms.drawing import Floats
from harness.data.phantoms.pets import clutter
from harness.data.phantoms.relatedness import is_related
from harness.specs import Data

_PAINTS = ((206, 52, 44), (44, 86, 200), (52, 168, 66), (228, 196, 40))
"""RGB grey levels of things, by class."""

KINDS = 4 + len(_PAINTS)
"""Classes that occur, whatever their names: animals and blobs, bare and with a coat, then things."""


class Pictures:
    """Each image is of another subject."""

    names = ("imagenet",)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        for index in range(data.count):
            yield _draw(Sheet(data, index))


def _draw(sheet: Sheet) -> Item:
    clutter(sheet)
    related, rng = is_related(sheet.data, sheet.random("related")), sheet.random("object")
    kind = int(rng.integers(4))
    at = (rng.uniform(0.45, 0.58), sheet.wide / 2 + rng.normal(0, 0.06))
    size = rng.uniform(0.28, 0.36)
    outline = _outline(rng, sheet, kind, at, size, related)
    if not related:
        colour: Floats = np.array(_PAINTS[kind], np.float32)
        sheet.paint(outline, plain(sheet, colour, outline), None)
        return sheet.item(4 + kind)
    surface = coat if kind % 2 else _bare
    sheet.paint(outline, surface(rng, sheet, fur(rng), outline), None)
    return sheet.item(kind)


def _outline(
    rng: np.random.Generator, sheet: Sheet, kind: int, at: tuple[float, float], size: float, related: bool
) -> Floats:
    if related:
        return animal(rng, sheet, at, size) if kind < 2 else blob(rng, sheet, at, size)
    radii = (size * rng.uniform(0.7, 1.1), size * rng.uniform(0.7, 1.1))
    return box(sheet, at, radii) if rng.random() < 0.5 else ellipse(sheet, at, radii)


def _bare(rng: np.random.Generator, sheet: Sheet, colour: Floats, outline: Floats) -> Floats:
    return coat(rng, sheet, colour, outline, strength=0.0)


GENERATOR = Pictures()
