"""What a backbone makes of images: the tensors that the heads read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Features:
    """Features of a batch of images.

    Attributes:
        levels: ``(B, C, h, w)`` by level of the backbone; C is 0 where no head reads the level.
        size: Height and width of the images in pixels.
    """

    levels: tuple[torch.Tensor, ...]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.levels[0])

    @property
    def nbytes(self) -> int:
        """Memory that the features take."""
        return sum(level.nbytes for level in self.levels)

    def each(self) -> Iterator[Features]:
        """The features of one image after the other, as batches of one in memory of their own."""
        for index in range(len(self)):
            yield Features(tuple(level[index : index + 1].clone() for level in self.levels), self.size)


def joined(parts: Sequence[Features]) -> Features:
    """Several batches of features as one; the memory format stays."""
    import torch

    levels = zip(*(part.levels for part in parts), strict=True)
    return Features(tuple(torch.cat(level) for level in levels), parts[0].size)
