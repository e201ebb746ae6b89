"""What a backbone is to the families that are built on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from harness.specs import Shrink

STAGES = 4
"""Outputs of every backbone in its published size."""


class Backbone(ABC):
    """A backbone of mmsegmentation's registry in its published size and smaller.

    Sizes are ``(height, width)`` in pixels of the image; ``shrink`` is ``None`` for the published size.

    Attributes:
        name: As in the names of mmsegmentation's configs, ``"r50-d8"``.
        file: The published config that it is read from.
        published: The published size as a `Shrink`.
        stages: The values of `Shrink.stages` that it takes.
        pools_all: Whether a classifier pools all of its outputs, not only the last.
    """

    name: str
    file: str
    published: Shrink
    stages: ClassVar[tuple[int, ...]] = (STAGES,)
    pools_all: ClassVar[bool] = False

    def scale(self, shrink: Shrink | None) -> Shrink:
        """The size, the published one included."""
        return shrink or self.published

    def check(self, shrink: Shrink | None) -> None:
        """Raises ValueError, one sentence, where there is no backbone of that size."""
        if (stages := self.scale(shrink).stages) not in self.stages:
            known = " or ".join(map(str, self.stages))
            raise ValueError(f"Expected shrink `stages` of {self.name} to be {known}, but got {stages!r}.")

    def stride(self, shrink: Shrink | None) -> int:
        """What the height and width of an image must be divisible by."""
        del shrink
        return 1

    def check_size(self, shrink: Shrink | None, size: tuple[int, int]) -> None:
        """Raises ValueError, one sentence, where images of that size do not suit the backbone."""
        del shrink, size

    @abstractmethod
    def channels(self, shrink: Shrink | None) -> tuple[int, ...]:
        """Channels of each output."""

    @abstractmethod
    def reductions(self, shrink: Shrink | None) -> tuple[int, ...]:
        """Pixels of the image along a side for one value of each output."""

    @abstractmethod
    def norms(self, shrink: Shrink | None) -> dict[str, int]:
        """Pixels of the image along a side for one value of a part's coarsest batch normalisation, by part."""

    @abstractmethod
    def cost(self, shrink: Shrink | None, size: tuple[int, int]) -> float:
        """Multiply-adds of one forward pass of one image of ``size``."""

    @abstractmethod
    def config(self, shrink: Shrink | None) -> dict[str, Any]:
        """The ``backbone`` entry of an mmsegmentation config, for one device."""


def pixels(size: tuple[int, int], reduction: int) -> int:
    """Values of one channel of a feature map: an image of ``size``, ``reduction`` times smaller along each side."""
    height, width = (-(-side // reduction) for side in size)
    return height * width


def share(blocks: int, depth: float) -> int:
    """How many blocks of a stage stay: at least one; halves are rounded up.

    >>> [share(blocks, 0.25) for blocks in (2, 3, 6, 23)]
    [1, 1, 2, 6]
    """
    return max(1, int(blocks * depth + 0.5))


def attention_heads(channels: int, published: int, least: int) -> int:
    """The most attention heads, up to the published number, that divide the channels into at least ``least`` each.

    >>> attention_heads(768, 12, 8), attention_heads(32, 12, 8)
    (12, 4)
    """
    return next((n for n in range(published, 1, -1) if channels % n == 0 and channels // n >= least), 1)
