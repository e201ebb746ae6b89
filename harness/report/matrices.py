"""Confusion matrices of a classification: which classes the networks of an arm take for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_CLASSES = 12
"""A matrix of more classes is no picture any more."""


@dataclass(frozen=True)
class Cell:
    """One cell as it is shown: its count, its share of the true class in percent, and whether it is right."""

    count: int
    percent: int
    right: bool


@dataclass(frozen=True)
class Matrix:
    """The matrix of one arm, pooled over its seeds.

    Attributes:
        arm: Name of the arm.
        seeds: How many runs are pooled.
        classes: Names by index.
        counts: Images by true class (rows) and predicted class.
        metrics: Figures of the pooled counts by name, fractions: ``"kappa"``, ``"accuracy"``.
    """

    arm: str
    seeds: int
    classes: Sequence[str]
    counts: Sequence[Sequence[int]]
    metrics: Mapping[str, float]

    @property
    def rows(self) -> list[tuple[str, int, list[Cell]]]:
        """Each true class with its images and its cells."""
        found = []
        for index, (name, row) in enumerate(zip(self.classes, self.counts, strict=True)):
            images = sum(row)
            cells = [
                Cell(count, round(100 * count / images) if images else 0, column == index)
                for column, count in enumerate(row)
            ]
            found.append((name, images, cells))
        return found

    @property
    def never(self) -> list[str]:
        """Classes that occur and are never predicted."""
        guessed = [sum(column) for column in zip(*self.counts, strict=True)]
        return [name for (name, images, _), times in zip(self.rows, guessed, strict=True) if images and not times]
