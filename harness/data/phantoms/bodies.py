"""What phantoms with objects share: outlines, surfaces, and the sheet that both are drawn on.

An outline is a field ``(H, W)`` that is below 1 inside, 0 in the middle, and grows outwards. Lengths and positions are
in heights of the image, so that another size shows the same scene.

The targets, polyps and pets, are told from what surrounds them by their coat, fine wavy streaks, and hardly by their
colour. Things are told by their colour: they are plain, and more saturated than any ground.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from harness.data.dataset import Bytes, Item
from harness.data.phantoms.drawing import Floats, canvas, finished, published_split, random, texture
from harness.data.registry import adapter
from harness.specs import Data

Colour = tuple[float, float, float]

_DRAWN_HEIGHT = 96
"""Least height, in pixels, that objects are drawn at: twice the smoke scale's."""
_STREAK = 0.1
"""Period of a coat's streaks."""
_FUR = (
    (164, 128, 92), (120, 96, 72), (176, 164, 148), (110, 108, 106), (196, 172, 134), (88, 76, 68), (190, 116, 84),
    (196, 132, 118),
)  # fmt: skip
"""RGB grey levels of coats, and of what pets lie on."""


class Sheet:
    """An image ``(H, W, 3)`` in grey levels with its mask ``(H, W)``, drawn from far to near.

    Attributes:
        image, mask: As drawn so far.
        y, x: Positions of rows ``(H, 1)`` and columns ``(1, W)``.
        wide: Width of the image.
    """

    def __init__(self, data: Data, index: int, number: int = 0) -> None:
        """A blank sheet for image ``index``, everywhere of class ``number``."""
        known = adapter(data.name)
        self.data, self.index = data, index
        self.size = data.size or known.size
        height, width = self.shape = canvas(self.size, _DRAWN_HEIGHT)
        self.wide = width / height
        self.image: Floats = np.zeros((height, width, 3), np.float32)
        self.mask: Bytes = np.full(self.shape, number, np.uint8)
        self.y: Floats = np.asarray((np.arange(height) + 0.5) / height, np.float32)[:, None]
        self.x: Floats = np.asarray((np.arange(width) + 0.5) / height, np.float32)[None, :]

    def random(self, *parts: object) -> np.random.Generator:
        """A generator for one part of the drawing: what it draws changes nothing of the others."""
        return random(self.data.name, self.index, *parts)

    def ground(self, rng: np.random.Generator, colour: Floats, grain: float) -> None:
        """Fill the image with a colour whose lightness varies coarsely, by the share ``grain``."""
        relief = 1 + grain * (0.7 * texture(rng, self.shape, (4, 5)) + 0.5 * texture(rng, self.shape, (9, 11)))
        self.image[:] = relief[..., None] * colour

    def paint(self, outline: Floats, surface: Floats, number: int | None) -> None:
        """Draw a surface ``(H, W, 3)`` or ``(3,)`` inside an outline; ``number``: its class, ``None``: what was."""
        inside = outline < 1
        self.image[inside] = surface[inside] if surface.ndim == 3 else surface
        if number is not None:
            self.mask[inside] = number

    def colour(self, outline: Floats) -> Floats:
        """Mean RGB of what is there inside an outline; of the whole image where nothing is inside."""
        inside = outline < 1
        return np.asarray(self.image[inside if inside.any() else ...].reshape(-1, 3).mean(axis=0), np.float32)

    def item(self, target: int | None = None, noise: float = 5.0) -> Item:
        """The drawing with ``noise`` grey levels of grain, reduced to its size; ``target``: a class for a mask."""
        grain = self.random("grain").standard_normal(self.shape, dtype=np.float32)
        # Only as many classes as there are have to be reduced, not 150 planes of a mask.
        present = np.unique(self.mask)
        codes = np.searchsorted(present, self.mask).astype(np.uint8)
        name, known = f"phantom_{self.index:04d}", adapter(self.data.name)
        published = published_split(self.index, self.data.count) if known.published else ""
        image = self.image + noise * grain[..., None]
        item = finished(image, codes, self.size, max(2, len(present)), name, name, published)
        return replace(item, target=present[np.asarray(item.target)] if target is None else target)


def numbered(name: str, *wanted: str) -> int:
    """Index of the first of some classes that a data set names, without regard to synonyms after a comma.

    Raises:
        ValueError: It names none of them.
    """
    classes = [each.replace(";", ",").partition(",")[0].strip() for each in adapter(name).classes]
    for each in wanted:
        if each in classes:
            return classes.index(each)
    raise ValueError(f"Expected {name} to have one of the classes {', '.join(wanted)}, but got {', '.join(classes)}.")


def fur(rng: np.random.Generator) -> Floats:
    """A colour of coats."""
    return np.array(_FUR[rng.integers(len(_FUR))], np.float32) * np.float32(rng.uniform(0.85, 1.15))


def vivid(rng: np.random.Generator) -> Floats:
    """A saturated colour, ``(3,)``."""
    angle = rng.uniform(0, 2 * np.pi) + np.array((0.0, 2.1, 4.2))
    return np.asarray(rng.uniform(105, 165) + 82 * np.cos(angle), np.float32)


def coat(rng: np.random.Generator, sheet: Sheet, colour: Floats, outline: Floats, strength: float = 1.0) -> Floats:
    """The surface ``(H, W, 3)`` of a target: wavy streaks on a body that is lighter where it bulges."""
    direction = rng.uniform(0, np.pi)
    along = math.cos(direction) * sheet.y + math.sin(direction) * sheet.x
    phase = 2 * np.pi * along / _STREAK + 1.1 * texture(rng, sheet.shape, (5, 6)) + rng.uniform(0, 2 * np.pi)
    depth = strength * (0.22 + 0.05 * texture(rng, sheet.shape, (4, 4)))
    lightness = bulge(outline, 0.16) + depth * np.sin(phase)
    return np.asarray(lightness[..., None] * colour, np.float32)


def plain(sheet: Sheet, colour: Floats, outline: Floats) -> Floats:
    """The surface ``(H, W, 3)`` of a thing: one colour, lighter above."""
    lightness = 1.12 - 0.25 * (sheet.y - float(sheet.y.mean())) + 0 * outline
    return np.asarray(lightness[..., None] * colour, np.float32)


def bulge(outline: Floats, height: float) -> Floats:
    """Lightness of a body: ``1 + height`` in the middle, ``1 - height`` at the rim."""
    return np.asarray(1 + height - 2 * height * np.clip(outline, 0, 1) ** 2, np.float32)


def ellipse(sheet: Sheet, at: tuple[float, float], radii: tuple[float, float], turned: float = 0.0) -> Floats:
    """An ellipse around ``at`` (y, x) with radii (down, across), turned by an angle in radians."""
    down, across = sheet.y - at[0], sheet.x - at[1]
    sine, cosine = math.sin(turned), math.cos(turned)
    one, two = cosine * down - sine * across, sine * down + cosine * across
    return np.asarray(np.sqrt((one / radii[0]) ** 2 + (two / radii[1]) ** 2), np.float32)


def box(sheet: Sheet, at: tuple[float, float], radii: tuple[float, float]) -> Floats:
    """A rectangle around ``at`` (y, x) with half its height and width."""
    return np.asarray(np.maximum(np.abs(sheet.y - at[0]) / radii[0], np.abs(sheet.x - at[1]) / radii[1]), np.float32)


def blob(rng: np.random.Generator, sheet: Sheet, at: tuple[float, float], radius: float, rough: float = 0.1) -> Floats:
    """A round outline with bumps; ``rough``: how far the radius varies."""
    down, across = sheet.y - at[0], sheet.x - at[1]
    angle, reach = np.arctan2(down, across), np.ones(sheet.shape, np.float32)
    for wave in range(2, 5):
        reach += (
            np.float32(rough * rng.standard_normal()) * np.sin(wave * angle + rng.uniform(0, 2 * np.pi)) * 1.4 / wave
        )
    return np.asarray(np.sqrt(down**2 + across**2) / (radius * np.maximum(reach, 0.4)), np.float32)


def animal(rng: np.random.Generator, sheet: Sheet, at: tuple[float, float], radius: float) -> Floats:
    """A four-legged animal from the side: body, head with ears, legs and tail; its area is about ``2.4 radius²``."""
    side = rng.choice((-1, 1))
    y, x = at
    head = (y - radius * rng.uniform(0.45, 0.75), x + side * radius * rng.uniform(0.75, 1.0))
    size = radius * rng.uniform(0.40, 0.50)
    parts = [ellipse(sheet, at, (0.58 * radius, 1.0 * radius), rng.normal(0, 0.12)), ellipse(sheet, head, (size, size))]
    parts += [
        ellipse(
            sheet, (head[0] - size, head[1] + ear * 0.6 * size), (0.5 * size, 0.26 * size), ear * rng.uniform(0.1, 0.7)
        )
        for ear in (-1, 1)
    ]
    parts += [
        ellipse(sheet, (y + 0.65 * radius, x + leg * radius * rng.uniform(0.85, 1.0)), (0.55 * radius, 0.17 * radius))
        for leg in (-0.75, -0.4, 0.45, 0.75)
    ]
    tail = (y - 0.25 * radius, x - side * 1.15 * radius)
    parts.append(ellipse(sheet, tail, (0.11 * radius, 0.5 * radius), side * rng.uniform(0.2, 0.9)))
    return nearest(parts)


def fish(rng: np.random.Generator, sheet: Sheet, at: tuple[float, float], radius: float) -> Floats:
    """A fish: a slender body with a tail and a fin."""
    side, slim = rng.choice((-1, 1)), rng.uniform(0.35, 0.6)
    tail = box(sheet, (at[0], at[1] - side * 1.1 * radius), (0.5 * slim * radius, 0.22 * radius))
    fin = ellipse(
        sheet, (at[0] - 0.85 * slim * radius, at[1] + side * 0.1 * radius), (0.4 * radius, 0.22 * radius), side * 0.6
    )
    return nearest([ellipse(sheet, at, (slim * radius, radius), rng.normal(0, 0.15)), tail, fin])


def nearest(parts: Sequence[Floats]) -> Floats:
    """Several outlines as one."""
    return np.asarray(np.minimum.reduce(list(parts)), np.float32)
