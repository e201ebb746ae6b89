"""Phantom of the DME data: OCT b-scans of a layered retina with speckle and pockets of fluid.

Proportions and grey levels are read off the real b-scans at 496×768: retina 0.13 to 0.28 of the height, its base
between 0.3 and 0.5, layers from the inner limiting membrane to the pigment epithelium, white wedges where the
publisher turned the scan. Fluid lies between the inner nuclear and the outer nuclear layer, dark with thin septa.
Fluid differs from the real one on purpose: pockets are about twice as large and the layers around them lighter (outer
nuclear layer 73 instead of 53), so that the smoke scale's network learns the task within its budget. From version 1 to
2 the share of fluid rose from 1.4% to 2.7% (real, either expert: 1.2%).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.data.dataset import Bytes, Item
from harness.data.phantoms.drawing import Floats, canvas, finished, random, smooth, texture
from harness.specs import Data

_PUBLISHED_SIZE = (496, 768)
_SUBJECTS = 10

_DEPTHS = (-0.03, 0.0, 0.03, 0.13, 0.17, 0.36, 0.40, 0.50, 0.53, 0.58, 0.62, 0.80, 0.83, 0.87, 0.90, 0.94, 1.0, 1.04)
"""Depth in the retina, from 0 at the inner limiting membrane to 1 below the pigment epithelium, of the grey levels."""
_GREYS = (20, 62, 108, 102, 88, 88, 80, 78, 88, 88, 74, 72, 84, 122, 84, 165, 160, 92)
_FLUID = (20.0, 32.0)
"""Range of its grey level; the vitreous has 20, the outer nuclear layer 73."""


class Oct:
    """B-scans of ten subjects in turn; scans of one subject share its anatomy and its amount of fluid."""

    names = ("dme",)
    version = 2

    def generate(self, data: Data) -> Iterator[Item]:
        size = data.size or _PUBLISHED_SIZE
        for index in range(data.count):
            subject = index % _SUBJECTS
            image, mask = _scan(subject, index, canvas(size))
            yield finished(image, mask, size, 2, f"phantom_{index:04d}", f"Subject_{subject + 1:02d}", "")


def _scan(subject: int, index: int, shape: tuple[int, int]) -> tuple[Floats, Bytes]:
    import cv2

    person, rng = random("oct", subject), random("oct", subject, index)
    height, width = shape
    x = np.linspace(0, 1, width, dtype=np.float32)

    # What the subject's scans have in common.
    bend, nasal = person.uniform(-0.4, 0.9), person.choice((-1.0, 1.0))
    fovea = person.uniform(0.35, 0.65)
    severity = person.uniform(0.35, 1.1)
    gain = person.uniform(0.85, 1.15)
    thickness = person.uniform(0.14, 0.18)
    level = person.uniform(0.33, 0.46)

    # How far from the fovea the scan lies: most fluid at the centre, none at the edge.
    eccentricity = rng.uniform(-1, 1)
    amount = severity * np.exp(-((eccentricity / 0.75) ** 2)) * rng.uniform(0.7, 1.2)
    amount = 0.0 if amount < 0.17 else amount

    base = level + rng.normal(0, 0.02) - bend * (x - 0.5) ** 2 * 0.5 + rng.normal(0, 0.09) * (x - 0.5)
    base += 0.004 * smooth(rng, width, 8)
    centre = fovea + rng.normal(0, 0.06)
    swelling = 0.12 * amount * _bump(x, centre, rng.uniform(0.10, 0.2))
    pit = 0.05 * np.exp(-((eccentricity / 0.25) ** 2)) * max(0.0, 1 - 2 * amount) * _bump(x, fovea, 0.06)
    thick = thickness * (1 + 0.25 * nasal * (x - 0.5)) + swelling - pit + 0.003 * smooth(rng, width, 10)
    inner = base - np.maximum(thick, 0.06)

    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    depth = (y - inner) / (base - inner)
    layers = np.interp(depth, _DEPTHS, _GREYS).astype(np.float32)
    below = np.maximum(y - base, 0)
    choroid = 78 * (1 + 0.25 * texture(rng, shape, (40, 60))) * np.exp(-below / 0.09) + 16
    image = np.where(depth > 1.0, np.minimum(layers, choroid + 70 * np.exp(-below / 0.008)), layers)
    image *= np.maximum(0.5, 1 + 0.15 * texture(rng, shape, (8, 18)) * ((depth > 0) & (depth < 1)))
    # The nerve fibre layer is thicker towards the disc.
    nerve = (depth > 0) & (depth < 0.10 + 0.16 * np.clip(nasal * (x - 0.5) * 2, 0, 1))
    image = np.where(nerve, np.maximum(image, 100), image)

    fluid = _pockets(rng, amount, centre, x, y, depth, base - inner, inner)
    # How dark it is varies, and its rim is soft.
    inside = rng.uniform(*_FLUID) + 6 * texture(rng, shape, (20, 30))
    opacity = cv2.GaussianBlur(fluid.astype(np.float32), (0, 0), 0.004 * height)
    image += opacity * (inside - image)

    _foci(rng, image, fluid, amount, inner, base)
    image *= _shadows(rng, x, depth)
    # From a generator of its own, so that the anatomy does not depend on the size that is drawn.
    grain = random("oct", subject, index, "speckle")
    image *= gain * grain.gamma(9.0, 1 / 9.0, size=shape)
    image += 3 * grain.standard_normal(shape)
    _wedges(rng, image, x, y, inner, base)
    # Nothing is marked where the turned scan is cut off.
    return image.astype(np.float32), (fluid & (image < 254)).astype(np.uint8)


def _bump(x: Floats, centre: float, spread: float) -> Floats:
    return np.asarray(np.exp(-(((x - centre) / spread) ** 2)), np.float32)


def _pockets(
    rng: np.random.Generator,
    amount: float,
    centre: float,
    x: Floats,
    y: Floats,
    depth: Floats,
    thick: Floats,
    inner: Floats,
) -> np.typing.NDArray[np.bool_]:
    """Where fluid is: cysts side by side, parted by septa, the large ones at the centre of the swelling."""
    shape = depth.shape
    marked = np.zeros(shape, dtype=bool)
    if amount == 0:
        return marked
    wobble = texture(rng, (shape[0], shape[1]), (24, 36)) * 0.22
    height, width = shape
    for _ in range(int(rng.poisson(4 + 15 * amount))):
        offset = rng.normal(0, 0.10 + 0.06 * amount)
        at = centre + offset
        if not 0.03 < at < 0.97:
            continue
        column = min(int(at * width), width - 1)
        local = float(thick[column])
        near = np.exp(-((offset / 0.12) ** 2))
        deep = rng.uniform(0.52, 0.74) if rng.random() < 0.7 else rng.uniform(0.34, 0.5)
        tall = local * rng.uniform(0.18, 0.28) * (0.8 + 0.7 * near * amount)
        wide = rng.uniform(0.030, 0.062) * (0.75 + 0.5 * near)
        row = float(inner[column]) + deep * local
        # Only the pixels around the pocket are looked at.
        top, bottom = int(max(0, (row - 1.5 * tall) * height)), int(min(height, (row + 1.5 * tall) * height + 2))
        left, right = int(max(0, (at - 1.5 * wide) * width)), int(min(width, (at + 1.5 * wide) * width + 2))
        window = (slice(top, bottom), slice(left, right))
        reach = ((x[left:right] - at) / wide) ** 2 + ((y[top:bottom] - row) / tall) ** 2 + wobble[window]
        apart = ~_grown(marked[window], max(1, round(height / 300)))
        marked[window] |= (reach < 1) & apart
    return marked & (depth > 0.22) & (depth < 0.82)


def _grown(region: np.typing.NDArray[np.bool_], pixels: int) -> np.typing.NDArray[np.bool_]:
    import cv2

    if not region.size:
        return region
    square = np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)
    return np.asarray(cv2.dilate(region.astype(np.uint8), square), bool)


def _foci(
    rng: np.random.Generator,
    image: Floats,
    fluid: np.typing.NDArray[np.bool_],
    amount: float,
    inner: Floats,
    base: Floats,
) -> None:
    """Bright points in the retina, drawn in place and not into fluid."""
    height, width = image.shape
    radius = max(1, round(height / 250))
    for _ in range(int(rng.poisson(2 + 8 * amount))):
        column = int(rng.integers(width))
        row = int((inner[column] + rng.uniform(0.25, 0.8) * (base[column] - inner[column])) * height)
        spot = (slice(max(0, row - radius), row + radius), slice(max(0, column - radius), column + radius))
        image[spot] = np.where(fluid[spot], image[spot], 150)


def _shadows(rng: np.random.Generator, x: Floats, depth: Floats) -> Floats:
    """Transmission below the vessels of the inner retina: narrow dark columns."""
    columns = np.ones_like(x)
    for _ in range(int(rng.poisson(5))):
        columns -= rng.uniform(0.1, 0.4) * _bump(x, rng.uniform(0, 1), rng.uniform(0.003, 0.008))
    onset = np.clip((depth - 0.15) / 0.5, 0, 1) * np.exp(-np.maximum(depth - 1, 0) / 2)
    return np.asarray(1 - onset * (1 - np.maximum(columns, 0.35)), np.float32)


def _wedges(rng: np.random.Generator, image: Floats, x: Floats, y: Floats, inner: Floats, base: Floats) -> None:
    """White above and below, where the publisher turned and shifted the scan; drawn in place."""
    if rng.random() < 0.8:
        image[y < np.minimum(rng.uniform(-0.02, 0.10) + rng.normal(0, 0.06) * (x - 0.5), inner - 0.04)] = 255
    if rng.random() < 0.35:
        image[y > np.maximum(rng.uniform(0.95, 1.03) + rng.normal(0, 0.05) * (x - 0.5), base + 0.2)] = 255


GENERATOR = Oct()
