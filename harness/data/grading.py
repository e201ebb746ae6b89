"""What data sets of graded photographs share: tables of grades, and photographs that must show something."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from harness.data.dataset import Bytes, DataError
from harness.data.images import decoded, opened

GRADES = ("none", "mild", "moderate", "severe", "proliferative")
"""Classes of diabetic retinopathy by their number, the international scale of 0 to 4."""

_DARKEST = 10
"""A photograph without any pixel brighter than this is black: JPEG's black is not exactly 0."""


class GradedRetinas:
    """What adapters of graded fundus photographs have in common, see :class:`harness.data.dataset.Adapter`."""

    task: ClassVar[Literal["segmentation", "classification"]] = "classification"
    classes: ClassVar[tuple[str, ...]] = GRADES
    foreground: ClassVar[str] = ""
    labels: ClassVar[tuple[str, ...]] = ()
    annotators: ClassVar[tuple[str, ...]] = ()


def rows(path: Path, columns: Iterable[Sequence[str]], source: str) -> list[list[str]]:
    """The entries of some columns of a CSV file, without blanks around them; rows without a first entry are left out.

    Args:
        path: The file.
        columns: Of each column the names that it may have, in any case.
        source: Where to get the file, for errors.

    Raises:
        DataError: The file cannot be read as text, or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = [[entry.strip() for entry in row] for row in csv.reader(file, strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"Expected {path} to be a readable table of grades, but it is not ({type(error).__name__}); "
            f"get it again from {source}."
        ) from error
    header = [name.lower() for name in table[0]] if table else []
    places = []
    for names in columns:
        found = [header.index(name.lower()) for name in names if name.lower() in header]
        if not found:
            got = ", ".join(table[0]) if table else "no line"
            raise DataError(
                f"Expected {path} to have the column {names[0]}, but got {got}; get it again from {source}."
            )
        places.append(found[0])
    padded = [row + [""] * len(header) for row in table[1:]]
    return [[row[place] for place in places] for row in padded if row[places[0]]]


def grade(entry: str, id: str, path: Path) -> int:
    """The grade 0 to 4 that a table gives an image, ``"2"`` or ``"2.0"``; raises DataError."""
    try:
        value = float(entry)
    except ValueError:
        value = -1.0
    if value not in range(len(GRADES)):
        raise DataError(
            f"Expected the grade of {id} in {path} to be a whole number from 0 to {len(GRADES) - 1}, but got "
            f"{entry or 'nothing'}; correct the table, or get it again."
        )
    return int(value)


def require_unique(ids: Iterable[str], path: Path) -> None:
    """Raises DataError where a table names an image twice."""
    seen: set[str] = set()
    for id in ids:
        if id in seen:
            raise DataError(f"Expected {path} to name each image once, but {id} is in it twice; get it again.")
        seen.add(id)


def require_images(named: Iterable[Path], folder: Path, ending: str, title: str, table: Path) -> None:
    """Raises DataError where a table names an image that is not there, or there is one that it does not name."""
    wanted, there = set(named), {path for path in folder.rglob(f"*{ending}") if path.name[0] != "."}
    for lost, holder, lacking in ((wanted - there, table.name, folder), (there - wanted, folder.name, table)):
        if lost:
            name = min(lost).name
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            raise DataError(
                f"Expected {title}'s images and {table.name} to name one another, but {name}{more} of {holder} "
                f"{'are' if more else 'is'} not in {lacking}; extract the data set again."
            )


def photograph(path: Path) -> Bytes:
    """A photograph ``(H, W, 3)``; raises DataError where it cannot be read or is all black."""
    with opened(path) as image:
        pixels = decoded(path, image, "RGB")
    if np.max(pixels, initial=0) <= _DARKEST:
        raise DataError(f"Expected {path} to show a retina, but all of it is black; extract it again.")
    return pixels
