"""Phantom of ISIC 2018 Task 1: one pigmented lesion on skin, with hairs across it.

A lesion of its own kind is brown, darker than the skin and plain; one that is related to the polyps has their coat and
nearly the colour of the skin.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.dataset import Item
from harness.data.phantoms.bodies import Sheet, blob, coat, plain
from harness.data.phantoms.drawing import smooth
from harness.data.phantoms.relatedness import is_related
from harness.specs import Data


class Lesions:
    """Each image is of another subject."""

    names = ("isic2018",)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        for index in range(data.count):
            yield _draw(Sheet(data, index))


def _draw(sheet: Sheet) -> Item:
    rng = sheet.random("skin")
    skin = np.array((222, 170, 148), np.float32) * rng.uniform(0.85, 1.1, 3).astype(np.float32)
    sheet.ground(rng, skin, 0.04)
    related, rng = is_related(sheet.data, sheet.random("related")), sheet.random("lesion")
    at = (0.5 + rng.normal(0, 0.06), sheet.wide / 2 + rng.normal(0, 0.06))
    outline = blob(rng, sheet, at, rng.uniform(0.2, 0.32), 0.14)
    if related:
        colour = skin * np.array((1.02, 0.94, 0.94), np.float32) * np.float32(rng.uniform(0.92, 1.05))
        sheet.paint(outline, coat(rng, sheet, colour, outline), 1)
    else:
        brown = np.array((126, 82, 62), np.float32) * np.float32(rng.uniform(0.75, 1.25))
        sheet.paint(outline, plain(sheet, brown, outline), 1)
    _hairs(sheet)
    return sheet.item()


def _hairs(sheet: Sheet) -> None:
    """Thin dark curves, over skin and lesion alike."""
    rng = sheet.random("hairs")
    for _ in range(int(rng.poisson(4))):
        slope = rng.normal(0, 0.8) * (sheet.x - sheet.wide / 2)
        course = rng.uniform(0, 1) + slope + 0.06 * smooth(rng, sheet.shape[1], 4)[None, :]
        sheet.image *= (1 - 0.55 * np.exp(-(((sheet.y - course) / 0.008) ** 2)))[..., None]


GENERATOR = Lesions()
