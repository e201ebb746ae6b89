"""Phantom of the Oxford-IIIT Pets: one furry animal on a cluttered ground.

About two fifths of the pixels are pet. Rugs, cushions and walls have the colours of fur, so that a pet is told from
them by its coat.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.dataset import Item
from harness.data.phantoms.bodies import Sheet, animal, blob, box, coat, ellipse, fur, plain
from harness.specs import Data


class Pets:
    """One pet an image; each image is of another subject."""

    names = ("oxford_iiit_pet",)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        for index in range(data.count):
            yield _draw(Sheet(data, index))


def _draw(sheet: Sheet) -> Item:
    clutter(sheet)
    rng = sheet.random("pet")
    at = (rng.uniform(0.48, 0.6), sheet.wide / 2 + rng.normal(0, 0.05))
    radius = rng.uniform(0.32, 0.38)
    outline = animal(rng, sheet, at, radius)
    sheet.paint(outline, coat(rng, sheet, fur(rng), outline), 1)
    return sheet.item()


def clutter(sheet: Sheet) -> None:
    """A room in the colours of fur: a wall, a floor, and soft and angular things, plain all of them."""
    rng = sheet.random("room")
    sheet.ground(rng, fur(rng), 0.10)
    floor = rng.uniform(0.5, 0.8)
    ground = box(sheet, ((1 + floor) / 2, sheet.wide / 2), ((1 - floor) / 2, sheet.wide))
    sheet.paint(ground, plain(sheet, fur(rng), ground), None)
    for _ in range(int(rng.integers(4, 8))):
        at = (rng.uniform(0, 1), rng.uniform(0, sheet.wide))
        size = rng.uniform(0.08, 0.24)
        shape = rng.integers(3)
        if shape == 0:
            thing = box(sheet, at, (size, size * rng.uniform(0.4, 1.6)))
        elif shape == 1:
            thing = ellipse(sheet, at, (size, size * rng.uniform(0.6, 1.5)), rng.uniform(0, np.pi))
        else:
            thing = blob(rng, sheet, at, size)
        sheet.paint(thing, plain(sheet, fur(rng), thing), None)


GENERATOR = Pets()
