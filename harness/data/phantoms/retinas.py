"""Phantom of the graded retinas: left and right eyes of patients, with lesions that grow with the grade.

Grade 1 has microaneurysms only; from 2 on there are haemorrhages and exudates as well, more of them with each grade;
grade 4 adds large haemorrhages before the retina. They are larger than real ones, so that they show at 64×64 pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.data.dataset import Item
from harness.data.phantoms.drawing import Floats, random
from harness.data.phantoms.fundus import Look, photograph
from harness.data.resizing import resize_image
from harness.specs import Data

_LOOK = Look(
    (428, 640), 0.58, (0.38, 0.075), (204, 108, 48), 0.62, (0.24, 0.42, 0.32), 0.020, 6, 0.07, 1.8, 0.05, 0
)  # fmt: skip
_DRAWN_HEIGHT = 128
"""Vessels may break here: nothing is to be learned from them."""
_SHARES = (0.36, 0.16, 0.24, 0.13, 0.11)
"""Patients by grade; of the real eyes .47, .17, .28, .05 and .03, too few of the last for 40 images."""
_OTHER_EYE = 0.25
"""Share of the patients whose eyes differ by one grade, as of the real patients."""


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


class Retinas:
    """The left and the right eye of one patient after another; the optic disc lies towards the nose."""

    names = ("dr_rahim",)
    version = 1

    def generate(self, data: Data) -> Iterator[Item]:
        size = data.size or _LOOK.size
        height = max(_DRAWN_HEIGHT, size[0])
        shape = (height, round(height * _LOOK.size[1] / _LOOK.size[0]))
        for index in range(data.count):
            patient, right = divmod(index, 2)
            subject = f"Phantom{patient + 1:03d}"
            grade = _grades(data.name, patient)[right]
            rng = random(data.name, patient, right)
            image, _ = photograph(_LOOK, rng, shape, mirrored=right == 0)
            _draw(image, rng, grade)
            pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
            yield Item(resize_image(pixels, size), grade, f"{subject}_{'LR'[right]}", subject)


def _grades(name: str, patient: int) -> tuple[int, int]:
    """Grades of the left and the right eye."""
    rng = random(name, patient, "grades")
    grade = int(rng.choice(len(_SHARES), p=_SHARES))
    if rng.random() >= _OTHER_EYE:
        return grade, grade
    other = grade + (1 if grade == 0 else -1)
    return (grade, other) if rng.random() < 0.5 else (other, grade)


def _draw(image: Floats, rng: np.random.Generator, grade: int) -> None:
    """Lesions of a grade, drawn in place, anywhere in the field of view."""
    height, width = image.shape[:2]
    for lesion in _LESIONS:
        for _ in range(int(rng.poisson(lesion.counts[grade]))):
            radius = float(rng.uniform(*lesion.radius)) * height
            angle, away = rng.uniform(0, 2 * np.pi), 0.48 * np.sqrt(rng.random()) * height
            x, y = width / 2 + away * np.cos(angle), height / 2 + away * np.sin(angle)
            top, left = max(0, int(y - 2 * radius)), max(0, int(x - 2 * radius))
            window = image[top : int(y + 2 * radius) + 1, left : int(x + 2 * radius) + 1]
            rows, columns = np.ogrid[top : top + window.shape[0], left : left + window.shape[1]]
            distance = np.hypot(rows + 0.5 - y, columns + 0.5 - x)
            cover = lesion.opacity * np.clip(radius + 0.5 - distance, 0, 1)[..., None]
            window += cover * (np.array(lesion.colour, np.float32) - window)


GENERATOR = Retinas()
