"""Phantoms of the graded retinas: photographs of patients' eyes, with lesions that grow with the grade.

Grade 1 has microaneurysms only; from 2 on there are haemorrhages and exudates as well, more of them with each grade;
grade 4 adds large haemorrhages before the retina. They are larger than real ones, so that they show at 64×64 pixels.
The disease is the same in all data sets; cameras, fields, grades and patients are each one's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from harness.data.dataset import Bytes, Item
from harness.data.phantoms.drawing import Floats, published_split, random
from harness.data.phantoms.flaws import spoil
from harness.data.phantoms.fundus import Look, photograph
from harness.data.resizing import resize_image
from harness.specs import Data

_REACH = 0.48
"""How far lesions lie from the centre of an eye, in heights of the image."""


@dataclass(frozen=True)
class _Camera:
    """How a data set photographs its patients.

    Attributes:
        look: The camera; its disc is that of an eye's middle, halfway between macula and optic disc.
        height: Least height, in pixels, that is drawn; vessels may break there: nothing is to be learned from them.
        grades: Share of the patients by grade; flatter than real ones, which leave too few of the last for 40 images.
        other: Share of the patients whose eyes differ by one grade.
        patient: What a patient's name begins with.
        views: Of each eye the names of its photographs and how far each looks towards the optic disc, in heights.
        eyes: Names of the eyes that are photographed.
        flaws: Share of the photographs of which something hides a part.
        tested: Whether the last patients are those that the publisher tests on.
    """

    look: Look
    height: int
    grades: tuple[float, float, float, float, float]
    other: float
    patient: str
    views: Mapping[str, float]
    eyes: tuple[str, ...] = ("",)
    flaws: float = 0.0
    tested: bool = False

    @property
    def photographs(self) -> list[tuple[int, str]]:
        """Eye, by its number, and view of each photograph of a patient."""
        return [(eye, view) for eye in range(len(self.eyes)) for view in self.views]


_CAMERAS = {
    "dr_rahim": _Camera(
        Look(
            (428, 640), 0.58, (0.38, 0.075), (204, 108, 48), 0.62, (0.24, 0.42, 0.32), 0.020, 6, 0.07, 1.8, 0.05, 0
        ),
        128, (0.36, 0.16, 0.24, 0.13, 0.11), 0.25, "Phantom", {"": 0.0}, ("L", "R"),
    ),
    "deepdrid": _Camera(
        Look(
            (1736, 1824), 0.49, (0.20, 0.080), (188, 84, 40), 0.55, (0.22, 0.38, 0.30), 0.022, 3, 0.06, 1.8, 0.05, 0
        ),
        80, (0.36, 0.15, 0.20, 0.17, 0.12), 0.4, "PhantomD", {"1": -0.14, "2": 0.14}, ("l", "r"), 0.8, True,
    ),
    "aptos2019": _Camera(
        Look(
            (2136, 3216), 0.56, (0.34, 0.070), (214, 126, 70), 0.70, (0.22, 0.36, 0.30), 0.021, 3, 0.07, 1.6, 0.06, 0
        ),
        80, (0.38, 0.14, 0.26, 0.11, 0.11), 0.0, "PhantomA", {"": 0.0}, flaws=0.5,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class _Lesion:
    """One kind of lesion; lengths in heights of the image.

    Attributes:
        counts: Mean number by grade.
        radius: Smallest and largest.
        colour: RGB grey levels.
        opacity: Share of the retina's colour that it hides.
    """

    counts: tuple[float, float, float, float, float]
    radius: tuple[float, float]
    colour: tuple[float, float, float]
    opacity: float


_LESIONS = (
    _Lesion((0, 14, 16, 18, 18), (0.015, 0.020), (110, 18, 14), 0.85),  # microaneurysms
    _Lesion((0, 0, 7, 22, 22), (0.020, 0.034), (92, 14, 10), 0.9),  # haemorrhages
    _Lesion((0, 0, 9, 12, 18), (0.014, 0.026), (252, 232, 120), 0.9),  # exudates
    _Lesion((0, 0, 0, 0, 3), (0.090, 0.140), (78, 8, 8), 0.9),  # preretinal haemorrhages
)

_Spot = tuple[_Lesion, float, float, float]
"""A lesion in an eye: its kind, its radius, and where it lies from the eye's centre, in heights."""


class Retinas:
    """One patient after another, each eye in each view; the optic disc lies towards the nose.

    The photographs of an eye show the same lesions, each as far as its field and its own flaws let one see them.
    """

    names = tuple(_CAMERAS)
    version = 2

    def generate(self, data: Data) -> Iterator[Item]:
        camera = _CAMERAS[data.name]
        each = len(camera.photographs)
        ids = [_id(camera, *divmod(index, each)) for index in range(data.count)]
        for index, id in enumerate(ids):
            patient, place = divmod(index, each)
            eye, view = camera.photographs[place]
            grade = _grades(data.name, patient)[eye]
            image = _photograph(data.name, patient, eye, view, grade, data.size)
            companions = {name: other for name, other in _companions(camera, patient, place).items() if other in ids}
            published = published_split(patient, -(-data.count // each)) if camera.tested else ""
            yield Item(image, grade, id, _name(camera, patient), published, companions)


def _photograph(
    name: str, patient: int, eye: int, view: str, grade: int, size: tuple[int, int] | None, flawless: bool = False
) -> Bytes:
    """One photograph ``(H, W, 3)`` of ``size``, of an eye with this grade; ``flawless`` leaves out what hides it."""
    camera = _CAMERAS[name]
    look = camera.look
    size = size or look.size
    shape = (max(camera.height, size[0]), round(max(camera.height, size[0]) * look.size[1] / look.size[0]))
    towards = camera.views[view]
    rng = random(name, patient, eye, view) if view else random(name, patient, eye)
    seen = replace(look, disc=(look.disc[0] - towards, look.disc[1]))
    mirrored = eye == 0 if len(camera.eyes) > 1 else bool(random(name, patient, "side").random() < 0.5)
    image, _ = photograph(seen, rng, shape, mirrored)
    # Several views of an eye share its lesions; a single one has them of its own generator.
    spots = _spots(random(name, patient, eye, "lesions") if view else rng, grade)
    _paint(image, spots, (towards if mirrored else -towards), look.field)
    if not flawless and (own := random(name, patient, eye, view, "flaws")).random() < camera.flaws:
        spoil(image, own, look.field)
    return resize_image(np.clip(np.rint(image), 0, 255).astype(np.uint8), size)


def _name(camera: _Camera, patient: int) -> str:
    return f"{camera.patient}{patient + 1:03d}"


def _id(camera: _Camera, patient: int, place: int) -> str:
    eye, view = camera.photographs[place]
    ending = f"{camera.eyes[eye]}{view}"
    return _name(camera, patient) + (f"_{ending}" if ending else "")


def _companions(camera: _Camera, patient: int, place: int) -> dict[str, str]:
    """Ids of the other eye in the same view, and of the same eye in the other view."""
    count = len(camera.views)
    found = {}
    if len(camera.eyes) > 1:
        found["other-eye"] = _id(camera, patient, (place + count) % (2 * count))
    if count > 1:
        found["same-eye"] = _id(camera, patient, place ^ 1)
    return found


def _grades(name: str, patient: int) -> tuple[int, int]:
    """Grades of the left and the right eye."""
    camera = _CAMERAS[name]
    rng = random(name, patient, "grades")
    grade = int(rng.choice(len(camera.grades), p=camera.grades))
    if rng.random() >= camera.other:
        return grade, grade
    other = grade + (1 if grade == 0 else -1)
    return (grade, other) if rng.random() < 0.5 else (other, grade)


def _spots(rng: np.random.Generator, grade: int) -> list[_Spot]:
    """The lesions of an eye with this grade."""
    spots = []
    for lesion in _LESIONS:
        for _ in range(int(rng.poisson(lesion.counts[grade]))):
            radius = float(rng.uniform(*lesion.radius))
            angle, away = rng.uniform(0, 2 * np.pi), _REACH * np.sqrt(rng.random())
            spots.append((lesion, radius, float(away * np.cos(angle)), float(away * np.sin(angle))))
    return spots


def _paint(image: Floats, spots: list[_Spot], shift: float, field: float) -> None:
    """Draws lesions in place, moved to the right by ``shift``, as far as they lie within the field of view."""
    height, width = image.shape[:2]
    for lesion, size, right, down in spots:
        radius = size * height
        x, y = width / 2 + (right + shift) * height, height / 2 + down * height
        top, left = max(0, int(y - 2 * radius)), max(0, int(x - 2 * radius))
        window = image[top : max(0, int(y + 2 * radius) + 1), left : max(0, int(x + 2 * radius) + 1)]
        rows, columns = np.ogrid[top : top + window.shape[0], left : left + window.shape[1]]
        distance = np.hypot(rows + 0.5 - y, columns + 0.5 - x)
        cover = lesion.opacity * np.clip(radius + 0.5 - distance, 0, 1)
        cover *= np.hypot(rows + 0.5 - height / 2, columns + 0.5 - width / 2) < field * height
        window += cover[..., None] * (np.array(lesion.colour, np.float32) - window)


GENERATOR = Retinas()
