"""Phantom of MAS3K: animals in blue-green water above a sea floor.

An animal of its own kind is a fish, plain and vivid; one that is related to the pets has their body and coat in the
colours of the rocks around it, as camouflaged animals have.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.dataset import Item
from harness.data.phantoms.bodies import Sheet, animal, blob, coat, fish, plain
from harness.data.phantoms.relatedness import is_related
from harness.specs import Data


class Marine:
    """One animal or two; each image is of another subject."""

    names = ("mas3k",)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        for index in range(data.count):
            yield _draw(Sheet(data, index))


def _draw(sheet: Sheet) -> Item:
    rng = sheet.random("water")
    water = np.array((44, 118, 136), np.float32) * rng.uniform(0.75, 1.25, 3).astype(np.float32)
    sheet.ground(rng, water, 0.10)
    sheet.image *= (1.3 - 0.6 * sheet.y)[..., None]
    for _ in range(int(rng.integers(2, 6))):  # rocks and corals
        rock = blob(rng, sheet, (rng.uniform(0.75, 1.0), rng.uniform(0, sheet.wide)), rng.uniform(0.1, 0.22))
        sheet.paint(rock, plain(sheet, _stone(rng), rock), None)
    rng = sheet.random("animals")
    count = 1 + int(rng.random() < 1 / 3)
    for place in range(count):
        related, own = is_related(sheet.data, sheet.random("related", place)), sheet.random("animal", place)
        at = (own.uniform(0.35, 0.6), sheet.wide * (place + 0.5) / count + own.normal(0, 0.06))
        size = own.uniform(0.26, 0.36) * (1.0 if count == 1 else 0.75)
        if related:
            outline = animal(own, sheet, at, size)
            sheet.paint(outline, coat(own, sheet, _stone(own), outline), 1)
        else:
            outline = fish(own, sheet, at, size * 1.15)
            warm = np.array((232, own.uniform(90, 215), own.uniform(30, 90)), np.float32)
            sheet.paint(outline, plain(sheet, warm, outline), 1)
    return sheet.item()


def _stone(rng: np.random.Generator) -> np.ndarray:
    return np.array((76, 116, 112), np.float32) * rng.uniform(0.7, 1.3, 3).astype(np.float32)


GENERATOR = Marine()
