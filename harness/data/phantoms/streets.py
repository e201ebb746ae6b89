"""Phantoms of street scenes: a road in perspective between façades, with cars, people, trees, poles and signs.

One scene serves both data sets; each names the things of it as its adapter does, and CamVid, which has no class for
some of them, merges them (terrain into pavement) or leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from harness.data.dataset import IGNORED, Bytes, Item
from harness.data.phantoms.drawing import Floats, canvas, finished, published_split, random, texture
from harness.data.sets import camvid, cityscapes
from harness.specs import Data

_Colour = tuple[float, float, float]

_COLOURS: Mapping[str, _Colour] = {
    "sky": (206, 216, 226),
    "vegetation": (70, 92, 48),
    "terrain": (122, 128, 84),
    "road": (98, 96, 98),
    "sidewalk": (142, 136, 130),
    "fence": (112, 104, 92),
    "pole": (86, 86, 84),
    "traffic light": (60, 60, 50),
    "traffic sign": (60, 84, 168),
}
"""RGB grey levels; buildings, cars, people and riders have one each of their own."""

_CAMVID_NAMES = {
    "sidewalk": "pavement",
    "terrain": "pavement",
    "vegetation": "tree",
    "traffic sign": "sign symbol",
    "traffic light": "sign symbol",
    "person": "pedestrian",
    "rider": "bicyclist",
    "bicycle": "bicyclist",
    "truck": "car",
    "bus": "car",
}


@dataclass(frozen=True)
class _Camera:
    """How a data set's scenes are taken: published size, brightness, tint, and sequences or cities."""

    size: tuple[int, int]
    classes: tuple[str, ...]
    gain: float
    tint: _Colour
    sequences: tuple[str, ...]


_CAMERAS = {
    "cityscapes": _Camera(
        (1024, 2048), cityscapes.ADAPTER.classes, 0.72, (0.94, 1.04, 0.98), ("aachen", "bremen", "cologne", "ulm")
    ),
    "camvid": _Camera(
        (360, 480), camvid.ADAPTER.classes, 0.95, (1.0, 1.0, 1.03), ("0001TP", "0006R0", "0016E5", "Seq05VD")
    ),
}


class Streets:
    """Scenes of four sequences in turn, which share their houses' colours and the road's width."""

    names = tuple(_CAMERAS)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        camera = _CAMERAS[data.name]
        size = data.size or camera.size
        for index in range(data.count):
            sequence = camera.sequences[index % len(camera.sequences)]
            scene = _Scene(data.name, sequence, index, canvas(size))
            image, mask = scene.image * camera.gain * np.array(camera.tint, np.float32), scene.mask
            name = f"phantom_{index:04d}"
            published = published_split(index, data.count)
            yield finished(image, mask, size, len(camera.classes), name, sequence, published)


class _Scene:
    """A scene drawn from far to near: ``image`` (H, W, 3) in grey levels and ``mask`` (H, W).

    Lengths and positions are in heights of the image, depths in metres; what stands on the ground ``z`` metres away
    has its foot ``focal / z`` below the horizon.
    """

    def __init__(self, name: str, sequence: str, index: int, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.classes = _CAMERAS[name].classes
        self.rng = random(name, index)
        self.image: Floats = np.zeros((*shape, 3), np.float32)
        self.mask: Bytes = np.full(shape, IGNORED, np.uint8)
        self.wide = shape[1] / shape[0]
        town = random(name, sequence)
        self.horizon = 0.42 + self.rng.normal(0, 0.02)
        self.vanishing = self.wide / 2 + self.rng.normal(0, 0.08)
        self.focal = 1.25  # heights times metres: the camera is 1.25 m above the road
        self.road = town.uniform(3.2, 4.6)
        self.pavement = self.road + town.uniform(1.6, 3.0)
        self.houses = town.uniform(100, 165) * town.uniform(0.85, 1.12, 3)

        self._ground()
        for z in np.geomspace(60, 7, 14):
            for side in (-1, 1):
                self._roadside(float(z), side)
        for z in sorted(self.rng.uniform(6, 40, self.rng.poisson(7)), reverse=True):
            self._traffic(float(z))
        light = 1 + 0.04 * texture(self.rng, shape, (12, 16))
        grain = random(name, index, "grain").standard_normal(shape, dtype=np.float32)
        self.image *= light[..., None] * np.float32(self.rng.uniform(0.8, 1.15))
        self.image += 4 * grain[..., None]

    def _polygon(self, kind: str, points: list[tuple[float, float]], colour: _Colour | None = None) -> None:
        """Fill a polygon of points (x, y); a kind that this data set does not know hides what is behind it."""
        import cv2

        fine = 16  # cv2 takes positions in sixteenths of a pixel with shift=4
        corners = np.array(np.rint(np.clip(np.array(points), -20, 20) * self.shape[0] * fine), np.int32)
        shade = colour if colour is not None else _COLOURS[kind]
        name = kind if kind in self.classes else _CAMVID_NAMES.get(kind, kind)
        number = self.classes.index(name) if name in self.classes else IGNORED
        cv2.fillPoly(self.image, [corners], shade, cv2.LINE_8, 4)
        cv2.fillPoly(self.mask, [corners], (number,), cv2.LINE_8, 4)

    def _ellipse(
        self, kind: str, x: float, y: float, across: float, down: float, colour: _Colour | None = None
    ) -> None:
        angles = np.linspace(0, 2 * np.pi, 20)
        ragged = 1 + (0.12 * self.rng.standard_normal(20) if kind == "vegetation" else 0.0)
        points = zip(x + across * ragged * np.cos(angles), y + down * ragged * np.sin(angles), strict=True)
        self._polygon(kind, [(float(px), float(py)) for px, py in points], colour)

    def _at(self, lateral: float, up: float, z: float) -> tuple[float, float]:
        """Where a point ``lateral`` metres to the right, ``up`` above the ground and ``z`` away is seen."""
        return self.vanishing + lateral * self.focal / 1.25 / z, self.horizon + (self.focal - up) / z

    def _ground(self) -> None:
        self._polygon("sky", [(0, 0), (self.wide, 0), (self.wide, self.horizon + 0.02), (0, self.horizon + 0.02)])
        whole = [(0.0, self.horizon), (self.wide, self.horizon), (self.wide, 1.0), (0.0, 1.0)]
        self._polygon("terrain", whole)
        for kind, half in (("sidewalk", self.pavement), ("road", self.road)):
            far, near = 80.0, 1.2
            left, right = self._at(-half, 0, far), self._at(half, 0, far)
            self._polygon(kind, [left, right, self._at(half, 0, near), self._at(-half, 0, near)])
        for z in np.geomspace(4, 40, 8):  # broken centre line
            ends = [
                self._at(-0.08, 0, z),
                self._at(0.08, 0, z),
                self._at(0.08, 0, 1.2 * z),
                self._at(-0.08, 0, 1.2 * z),
            ]
            self._polygon("road", ends, (190, 190, 186))

    def _roadside(self, z: float, side: int) -> None:
        """A house, a tree, or a gap with a fence, ``z`` metres away; perhaps a pole before it."""
        rng, edge = self.rng, side * self.pavement
        near = z / 1.18
        kind = rng.choice(3, p=(0.62, 0.26, 0.12))
        if kind == 0:
            high = rng.uniform(6, 14)
            tone = self.houses * rng.uniform(0.75, 1.25)
            wall = (float(tone[0]), float(tone[1]), float(tone[2]))
            front = [self._at(edge, 0, z), self._at(edge, high, z), self._at(edge, high, near), self._at(edge, 0, near)]
            self._polygon("building", front, wall)
            back = [
                self._at(edge, 0, z),
                self._at(edge, high, z),
                self._at(edge * 6, high, z),
                self._at(edge * 6, 0, z),
            ]
            self._polygon("building", back, (0.8 * wall[0], 0.8 * wall[1], 0.8 * wall[2]))
            dark = (0.5 * wall[0], 0.5 * wall[1], 0.55 * wall[2])
            for floor in np.arange(1.2, high - 1.5, 3.0):
                for part in (0.15, 0.6):
                    far, close = z - part * (z - near), z - (part + 0.25) * (z - near)
                    pane = [(floor, far), (floor + 1.5, far), (floor + 1.5, close), (floor, close)]
                    self._polygon("building", [self._at(edge, up, depth) for up, depth in pane], dark)
        elif kind == 1:
            x, foot = self._at(edge * 0.95, 0, z)
            self._polygon("vegetation", [(x - 0.2 / z, foot), (x + 0.2 / z, foot), (x, self.horizon)], (66, 56, 44))
            for _ in range(4):
                crown = self._at(edge * 0.95 + rng.normal(0, 1.0), rng.uniform(3.2, 6.0), z)
                green = rng.uniform(0.75, 1.25)
                self._ellipse("vegetation", *crown, 1.7 / z, 1.5 / z, (70 * green, 94 * green, 46 * green))
        else:
            ends = [(0, z), (1.3, z), (1.3, near), (0, near)]
            self._polygon("fence", [self._at(edge, up, depth) for up, depth in ends])
        if rng.random() < 0.35:
            self._pole(side * (self.road + 0.4), near)

    def _pole(self, lateral: float, z: float) -> None:
        rng, high = self.rng, self.rng.uniform(3.0, 6.0)
        half = 0.09
        column = [(-half, 0.0), (half, 0.0), (half, high), (-half, high)]
        self._polygon("pole", [self._at(lateral + across, up, z) for across, up in column])
        x, top = self._at(lateral, high, z)
        if rng.random() < 0.4:
            red = (184.0, 50.0, 48.0) if rng.random() < 0.5 else None
            self._ellipse("traffic sign", x, top, 0.42 / z, 0.42 / z, red)
        elif rng.random() < 0.5:
            box = [(x - 0.2 / z, top), (x + 0.2 / z, top), (x + 0.2 / z, top + 0.9 / z), (x - 0.2 / z, top + 0.9 / z)]
            self._polygon("traffic light", box)

    def _traffic(self, z: float) -> None:
        """A car, a truck or bus, a cyclist, or a person on the pavement, ``z`` metres away."""
        rng = self.rng
        tone = rng.uniform(30, 210) * rng.uniform(0.75, 1.25, 3)
        paint = (float(tone[0]), float(tone[1]), float(tone[2]))
        kind = rng.choice(4, p=(0.5, 0.08, 0.12, 0.3))
        if kind <= 1:
            lane = float(rng.choice((-0.95, -0.5, 0.5, 0.95))) * (self.road - 0.9)
            half, high = (0.9, 1.5) if kind == 0 else (1.25, 3.1)
            name = "car" if kind == 0 else str(rng.choice(("truck", "bus")))
            x, foot = self._at(lane, 0, z)
            body = [(-half, 0.25), (half, 0.25), (half, 0.55 * high), (0.75 * half, high), (-0.75 * half, high)]
            body.append((-half, 0.55 * high))
            shadow = [(-half, 0.0), (half, 0.0), (half, 0.3), (-half, 0.3)]
            for points, colour in ((shadow, (28.0, 28.0, 30.0)), (body, paint)):
                self._polygon(name, [self._at(lane + across, up, z) for across, up in points], colour)
            glass = [(-0.8 * half, 0.6 * high), (0.8 * half, 0.6 * high), (0.65 * half, 0.92 * high)]
            glass.append((-0.65 * half, 0.92 * high))
            self._polygon(name, [self._at(lane + across, up, z) for across, up in glass], (52, 60, 68))
            for across in (-0.75, 0.75):
                self._ellipse(name, x + across * half / z, foot - 0.65 / z, 0.14 / z, 0.09 / z, (190, 44, 40))
            return
        walks = kind == 3
        lateral = float(rng.choice((-1, 1))) * (
            rng.uniform(self.road + 0.3, self.pavement) if walks else 0.8 * self.road
        )
        rise = 0.0 if walks else 0.35
        if not walks:
            for off in (-0.35, 0.35):
                wheel = self._at(lateral + off, 0.33, z)
                self._ellipse("bicycle", *wheel, 0.33 / z, 0.33 / z, (40, 40, 44))
        name = "person" if walks else "rider"
        legs = [(-0.17, rise), (0.17, rise), (0.2, 0.85 + rise), (-0.2, 0.85 + rise)]
        self._polygon(name, [self._at(lateral + across, up, z) for across, up in legs], (44, 46, 62))
        trunk = [(-0.24, 0.8 + rise), (0.24, 0.8 + rise), (0.22, 1.45 + rise), (-0.22, 1.45 + rise)]
        self._polygon(name, [self._at(lateral + across, up, z) for across, up in trunk], paint)
        self._ellipse(name, *self._at(lateral, 1.6 + rise, z), 0.12 / z, 0.15 / z, (188, 146, 122))


GENERATOR = Streets()
