"""Data sets that are generated and nothing else: controls know the truth about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.data.dataset import DataError, Item
from harness.specs import Data


@dataclass(frozen=True)
class Generated:
    """The adapter of a phantom that stands in for no real data set.

    Attributes:
        name, title, size, images, classes, foreground, labels: As of every :class:`harness.data.dataset.Adapter`.
    """

    name: str
    title: str
    size: tuple[int, int]
    images: int
    classes: tuple[str, ...]
    foreground: str
    labels: tuple[str, ...]
    version: int = 1
    task: Literal["segmentation", "classification"] = "segmentation"
    published: bool = True
    annotators: tuple[str, ...] = ()
    source: str = "generated"
    layout: str = "no files: generated only"

    def files(self, root: Path) -> list[Path]:
        """Raises DataError: there are no files."""
        raise DataError(f"Expected files of {self.title} in {root}, but it is generated only; use it as a phantom.")

    def check(self, root: Path) -> None:
        """Raises DataError: there are no files."""
        self.files(root)

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        """Raises DataError: there are no files."""
        del data
        self.files(root)
        yield from ()
