"""Phantoms of natural scenes, PASCAL VOC 2012, COCO 2017 and ADE20K: animals and things before a wall and a floor.

An object is an animal like the pets or, where it is not related to them, a person, a car or a bottle. Few of the
classes that the data sets name occur, so that small networks learn them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from harness.data.dataset import Item
from harness.data.phantoms.bodies import Colour, Sheet, animal, box, coat, ellipse, fur, nearest, numbered, plain, vivid
from harness.data.phantoms.drawing import Floats
from harness.data.phantoms.relatedness import is_related
from harness.specs import Data


@dataclass(frozen=True)
class _Look:
    """What a data set's scenes show.

    Attributes:
        objects: Fewest and most of an image.
        surroundings: Names of the classes of a scene's upper and lower part: outdoors, then indoors; empty where both
            are background.
        animal: Name of the class of animals.
    """

    objects: tuple[int, int]
    surroundings: tuple[tuple[str, str], ...]
    animal: str


_LOOKS: Mapping[str, _Look] = {
    "voc2012": _Look((1, 2), (), "cat"),
    "coco2017": _Look((1, 3), (), "cat"),
    "ade20k": _Look((1, 3), (("sky", "grass"), ("wall", "floor")), "animal"),
}

_COLOURS: tuple[tuple[Colour, Colour], ...] = (((176, 188, 200), (118, 124, 90)), ((172, 160, 144), (124, 108, 92)))
"""RGB grey levels of the upper and lower part, outdoors and indoors."""


class Scenes:
    """Each image is of another subject."""

    names = tuple(_LOOKS)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        for index in range(data.count):
            yield _draw(Sheet(data, index), _LOOKS[data.name])


def _draw(sheet: Sheet, look: _Look) -> Item:
    _surroundings(sheet, look)
    rng = sheet.random("objects")
    count = int(rng.integers(look.objects[0], look.objects[1] + 1))
    for place in rng.permutation(count):
        related = is_related(sheet.data, sheet.random("related", place))
        own = sheet.random("object", place)
        at = (own.uniform(0.4, 0.65), sheet.wide * (place + 0.5) / count + own.normal(0, 0.06))
        size = own.uniform(0.26, 0.34) * (1.0, 0.85, 0.7)[count - 1]
        if related:
            _animal(sheet, look, own, at, size)
        else:
            _thing(sheet, own, at, size)
    sheet.image *= sheet.random("light").uniform(0.7, 1.25, 3).astype(np.float32)  # white differs between photographs
    return sheet.item()


def _surroundings(sheet: Sheet, look: _Look) -> None:
    rng = sheet.random("surroundings")
    place = int(rng.integers(2))
    upper, lower = (
        [numbered(sheet.data.name, name) for name in look.surroundings[place]] if look.surroundings else (0, 0)
    )
    tones = [np.array(colour, np.float32) * np.float32(rng.uniform(0.75, 1.2)) for colour in _COLOURS[place]]
    sheet.ground(rng, tones[0], 0.12)
    sheet.mask[:] = upper
    horizon = rng.uniform(0.45, 0.75)
    ground = box(sheet, ((1 + horizon) / 2, sheet.wide / 2), ((1 - horizon) / 2, sheet.wide))
    sheet.paint(ground, plain(sheet, tones[1], ground), lower)


def _animal(sheet: Sheet, look: _Look, rng: np.random.Generator, at: tuple[float, float], size: float) -> None:
    colour = fur(rng)
    outline = animal(rng, sheet, at, size)
    sheet.paint(outline, coat(rng, sheet, colour, outline), numbered(sheet.data.name, look.animal))


def _thing(sheet: Sheet, rng: np.random.Generator, at: tuple[float, float], size: float) -> None:
    """A person, a car or a bottle, plain and in vivid colours."""
    y, x = at
    colour, kind = vivid(rng), ("person", "car", "bottle")[rng.integers(3)]
    number = numbered(sheet.data.name, kind)
    dark: Floats = np.array((44, 46, 52), np.float32)
    if kind == "person":
        trunk = box(sheet, (y, x), (0.55 * size, 0.38 * size))
        legs = nearest(
            [box(sheet, (y + 0.95 * size, x + leg * 0.2 * size), (0.5 * size, 0.15 * size)) for leg in (-1, 1)]
        )
        head = ellipse(sheet, (y - 0.85 * size, x), (0.32 * size, 0.27 * size))
        sheet.paint(legs, plain(sheet, vivid(rng), legs), number)
        sheet.paint(trunk, plain(sheet, colour, trunk), number)
        sheet.paint(head, plain(sheet, np.array((206, 160, 130), np.float32), head), number)
    elif kind == "car":
        body = box(sheet, (y + 0.3 * size, x), (0.33 * size, 1.15 * size))
        cabin = box(sheet, (y - 0.25 * size, x), (0.32 * size, 0.65 * size))
        shell = nearest([body, cabin])
        sheet.paint(shell, plain(sheet, colour, shell), number)
        sheet.paint(box(sheet, (y - 0.22 * size, x), (0.2 * size, 0.5 * size)), dark, number)
        for wheel in (-0.7, 0.7):
            place = (y + 0.65 * size, x + wheel * size)
            sheet.paint(ellipse(sheet, place, (0.24 * size, 0.24 * size)), 0.8 * dark, number)
    else:
        body = box(sheet, (y + 0.25 * size, x), (0.85 * size, 0.36 * size))
        neck = box(sheet, (y - 0.8 * size, x), (0.4 * size, 0.14 * size))
        glass = nearest([body, neck])
        sheet.paint(glass, plain(sheet, colour, glass), number)
        label = box(sheet, (y + 0.3 * size, x), (0.3 * size, 0.36 * size))
        sheet.paint(label, plain(sheet, np.array((226, 222, 206), np.float32), label), number)


GENERATOR = Scenes()
