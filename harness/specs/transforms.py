"""Specs of what is done to images on the way into a network; a recipe lists them in one order, so that equal recipes
are equal.

:class:`Rescale` is no augmentation: it applies at evaluation too. All others are random and apply in training only,
with parameters drawn for each sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.specs import checks


class Transform:
    """Base of all transforms. A subclass is a frozen dataclass.

    Attributes:
        stage: Where in a recipe's ``transforms`` it stands: these numbers rise along the tuple.
    """

    stage: ClassVar[int]


@dataclass(frozen=True)
class Rescale(Transform):
    """Scales every image by one factor, in training and at evaluation; metrics are taken at the packed resolution."""

    factor: float
    stage: ClassVar[int] = 0

    def __post_init__(self) -> None:
        checks.positive("Rescale", "factor", self.factor)


@dataclass(frozen=True)
class RandomResize(Transform):
    """Scales by a factor drawn uniformly from ``[low, high]``, the aspect ratio kept."""

    low: float
    high: float
    stage: ClassVar[int] = 1

    def __post_init__(self) -> None:
        checks.positive("RandomResize", "low", self.low)
        checks.number("RandomResize", "high", self.high)
        if self.high < self.low:
            raise ValueError(f"Expected RandomResize `high` to be at least `low`, {self.low}, but got {self.high}.")


@dataclass(frozen=True)
class RandomRotation(Transform):
    """Rotates about the centre by an angle drawn uniformly from ``[-degrees, degrees]``."""

    degrees: float
    stage: ClassVar[int] = 2

    def __post_init__(self) -> None:
        checks.positive("RandomRotation", "degrees", self.degrees)


@dataclass(frozen=True)
class RandomCrop(Transform):
    """Cuts a window at a random place; an image that is smaller is padded with ignored pixels.

    Attributes:
        size: ``(height, width)`` in pixels.
    """

    size: tuple[int, int]
    stage: ClassVar[int] = 3

    def __post_init__(self) -> None:
        checks.size("RandomCrop", "size", self.size)


@dataclass(frozen=True)
class RandomFlip(Transform):
    """Mirrors left and right with a probability."""

    probability: float = 0.5
    stage: ClassVar[int] = 4

    def __post_init__(self) -> None:
        checks.probability("RandomFlip", "probability", self.probability)


@dataclass(frozen=True)
class ColourJitter(Transform):
    """Changes brightness, contrast and saturation by factors drawn uniformly from ``[1 - x, 1 + x]``.

    Colours change in the whole image, before a window is cut out of it: contrast is about the mean of the image.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    stage: ClassVar[int] = 5

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            checks.probability("ColourJitter", name, getattr(self, name))


def check_order(transforms: tuple[Transform, ...]) -> None:
    """Raises ValueError unless each kind of transform stands at most once and in the order in which they apply."""
    stages = [transform.stage for transform in transforms]
    if stages != sorted(set(stages)):
        order = ", ".join(kind.__name__ for kind in sorted(Transform.__subclasses__(), key=lambda kind: kind.stage))
        actual = ", ".join(type(transform).__name__ for transform in transforms)
        raise ValueError(f"Expected recipe `transforms` in the order {order}, each at most once, but got {actual}.")
