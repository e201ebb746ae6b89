"""Phantoms of the retinal vessel data: fundus photographs with branching vessels, in four looks.

What differs between the looks is what differs between the real sets: framing and position of the disc, colour,
illumination, contrast, width, number and tortuosity of the vessels, and the background's grain and lesions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.data.dataset import Bytes, Item
from harness.data.phantoms.drawing import Floats, finished, published_split, random, texture
from harness.specs import Data

_DRAWN_HEIGHT = 400
"""Finer than other phantoms: a small vessel is a two hundredth of the height wide."""

_THINNEST = 0.0046
"""Width, in heights, at which a vessel ends."""


@dataclass(frozen=True)
class Look:
    """A way to photograph a retina; lengths in heights of the image.

    Attributes:
        size: Published height and width in pixels.
        field: Radius of the field of view.
        disc: Horizontal distance of the optic disc from the centre, and its radius.
        colour: RGB grey levels of the fundus in full light.
        light: Lightness at the rim of the field, where the centre has 1.
        absorption: Share of the light in each RGB channel that a wide vessel takes away.
        width: Of the trunks.
        trunks: Number of vessels leaving the disc.
        tortuosity: Standard deviation of the change of direction at each step, in radians; the vessel returns.
        arcades: How strongly trunks bend towards the macula, in radians per height.
        grain: Amplitude of the background's texture.
        lesions: Mean number of bright spots.
    """

    size: tuple[int, int]
    field: float
    disc: tuple[float, float]
    colour: tuple[float, float, float]
    light: float
    absorption: tuple[float, float, float]
    width: float
    trunks: int
    tortuosity: float
    arcades: float
    grain: float
    lesions: float


_LOOKS = {
    "drive": Look(
        (584, 565), 0.465, (0.33, 0.055), (232, 128, 76), 0.72, (0.22, 0.40, 0.30), 0.022, 8, 0.09, 1.9, 0.05, 0
    ),
    "chase_db1": Look(
        (960, 999), 0.485, (0.04, 0.075), (196, 84, 28), 0.35, (0.38, 0.52, 0.35), 0.0225, 8, 0.08, 0.5, 0.10, 1
    ),
    "stare": Look(
        (605, 700), 0.56, (0.36, 0.065), (214, 156, 72), 0.80, (0.20, 0.34, 0.38), 0.0225, 8, 0.16, 1.8, 0.06, 14
    ),
    "hrf": Look(
        (2336, 3504), 0.62, (0.42, 0.080), (204, 90, 64), 0.62, (0.30, 0.55, 0.45), 0.024, 10, 0.06, 1.7, 0.04, 2
    ),
}


class Fundus:
    """Left and right eyes in turn, the disc on either side; each image is of another subject."""

    names = tuple(_LOOKS)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        look = _LOOKS[data.name]
        size = data.size or look.size
        # Drawn in the published proportions, whatever those of `size`: real images are squeezed all the same.
        height = max(_DRAWN_HEIGHT, size[0])
        shape = (height, round(height * look.size[1] / look.size[0]))
        for index in range(data.count):
            image, mask = photograph(look, random(data.name, index), shape, mirrored=index % 2 == 1)
            name = f"phantom_{index:04d}"
            yield finished(image, mask, size, 2, name, name, published_split(index, data.count))


def photograph(look: Look, rng: np.random.Generator, shape: tuple[int, int], mirrored: bool) -> tuple[Floats, Bytes]:
    """A retina ``(H, W, 3)`` in grey levels and the mask ``(H, W)`` of its vessels.

    Args:
        look: How it is photographed.
        rng: What it is drawn with.
        shape: Height and width in pixels.
        mirrored: Whether the optic disc is on the other side than the look has it.
    """
    height, width = shape
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height - 0.5)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / height - 0.5 * width / height)[None, :]
    radius = np.sqrt(x**2 + y**2)
    field = radius < look.field

    disc = (look.disc[0] + rng.normal(0, 0.02), rng.normal(0, 0.03))
    vessels, mask = _draw(_tree(look, rng, disc), shape)
    mask[~field] = 0

    falloff = 1 - (1 - look.light) * (radius / look.field) ** 2.5
    falloff = falloff * (1 + rng.normal(0, 0.16) * x + rng.normal(0, 0.16) * y) * rng.uniform(0.85, 1.12)
    relief = 1 + look.grain * (texture(rng, shape, (9, 9)) + 0.5 * texture(rng, shape, (40, 40)))
    macula = 1 - 0.3 * np.exp(-((x - disc[0] + 0.42) ** 2 + (y - disc[1]) ** 2) / 0.004)
    lightness = falloff * relief * macula
    glow = np.exp(-((((x - disc[0]) ** 2 + (y - disc[1]) ** 2 / 1.2) / look.disc[1] ** 2) ** 2))
    for _ in range(int(rng.poisson(look.lesions))):
        at, spread = rng.uniform(-0.35, 0.35, 2), rng.uniform(0.006, 0.022)
        glow = np.maximum(glow, 0.6 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / spread**2))

    hue = np.array(look.colour, np.float32) * rng.uniform(0.93, 1.07, 3).astype(np.float32)
    bright = np.array((252, 225, 140), np.float32)
    image = lightness[..., None] * (hue + glow[..., None] * (bright - hue) * 0.8)
    image = image * (1 - vessels[..., None] * np.array(look.absorption, np.float32))
    image = np.where(field[..., None], image, 6.0)
    image += 2.5 * rng.standard_normal(shape, dtype=np.float32)[..., None]
    if mirrored:
        image, mask = image[:, ::-1], mask[:, ::-1]
    return np.ascontiguousarray(image, np.float32), np.ascontiguousarray(mask)


_Segment = tuple[float, float, float, float, float, float]
"""From x, y to x, y, in heights from the centre; width in heights; opacity."""


def _tree(look: Look, rng: np.random.Generator, disc: tuple[float, float]) -> list[_Segment]:
    """Vessels that leave the disc, wander and branch by Murray's law, until they are thin or out of sight."""
    step = 0.012
    segments: list[_Segment] = []
    growing: list[tuple[float, float, float, float, float, float, float]] = []
    for trunk in range(look.trunks):
        # Up and down in turn, spread around the vertical; every other one towards the nose.
        upward = 1 if trunk % 2 == 0 else -1
        spread = rng.normal(0.15, 0.25) + (trunk // 2) * 0.42 * (1 if trunk % 4 < 2 else -1)
        heading = upward * (math.pi / 2 + spread)
        bend = upward * look.arcades * rng.uniform(0.6, 1.3) * (1 if spread > -0.4 else -0.3)
        vein = trunk % 4 < 2
        width = look.width * (rng.uniform(0.9, 1.15) if vein else rng.uniform(0.6, 0.8))
        width *= 1 if trunk < 6 else 0.75
        growing.append((disc[0], disc[1], heading, bend, width, 1.0 if vein else 0.75, rng.uniform(0.6, 0.95)))
    while growing:
        px, py, heading, bend, width, opacity, remaining = growing.pop()
        wiggle = 0.0
        since = 0
        while remaining > 0 and width > _THINNEST:
            wiggle = 0.8 * wiggle + rng.normal(0, look.tortuosity)
            heading += bend * step
            qx, qy = px + step * math.cos(heading + wiggle), py - step * math.sin(heading + wiggle)
            if qx**2 + qy**2 > (look.field * 1.05) ** 2:
                break
            segments.append((px, py, qx, qy, width, opacity))
            px, py = qx, qy
            remaining -= step
            width *= 0.993
            bend *= 0.99
            since += 1
            if since > 4 and rng.random() < 0.13:
                since = 0
                share = rng.uniform(0.15, 0.5)
                side = 1 if rng.random() < 0.5 else -1
                child = width * share ** (1 / 3) * 0.8
                growing.append(
                    (px, py, heading + side * rng.uniform(0.5, 1.1), -side * rng.uniform(0, 1.5), child, opacity, 0.45)
                )
                width *= (1 - share) ** (1 / 3)
                heading -= side * 0.15 * share
    return segments


def _draw(segments: list[_Segment], shape: tuple[int, int]) -> tuple[Floats, Bytes]:
    """Share of the light that vessels take away, ``(H, W)`` in 0–1, and their mask.

    A vessel is what is nearer to its course than half its width. OpenCV's lines are wider than asked for, by an amount
    that depends on its version (5.0 draws 5 pixels for 3), so each is a row of discs here.
    """
    import cv2

    height, width = shape
    depth = np.zeros(shape, np.float32)
    mask = np.zeros(shape, np.uint8)
    x0, y0, x1, y1, across, opacity = np.array(segments, np.float64).T
    radius = across * height / 2
    # A thin vessel holds less blood.
    dark = opacity * np.minimum(1.0, 0.35 + 0.65 * across / 0.016)
    discs = np.ceil(np.hypot(x1 - x0, y1 - y0) * height / np.maximum(radius / 2, 0.5)).astype(int)
    along = np.concatenate([np.arange(count) / count for count in discs])
    x, y = (np.repeat(start, discs) + np.repeat(end - start, discs) * along for start, end in ((x0, x1), (y0, y1)))
    x, y = x * height + width / 2, (y + 0.5) * height
    radius, dark = np.repeat(radius, discs), np.repeat(dark, discs)
    for reach in np.unique(np.ceil(radius)):  # from thin to thick, which lies on top
        group = np.ceil(radius) == reach
        steps = np.arange(-reach, reach + 1)
        columns = np.floor(x[group])[:, None, None] + steps
        rows = np.floor(y[group])[:, None, None] + steps[:, None]
        distance = np.hypot(columns + 0.5 - x[group, None, None], rows + 0.5 - y[group, None, None])
        inside = distance <= radius[group, None, None]
        inside &= (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        at = np.broadcast_to(rows * width + columns, inside.shape)[inside].astype(np.int64)
        mask.flat[at] = 1
        depth.flat[at] = np.broadcast_to(dark[group, None, None], inside.shape)[inside]
    return np.asarray(cv2.GaussianBlur(depth, (0, 0), height * 0.0018), np.float32), mask


GENERATOR = Fundus()
