"""APTOS 2019: fundus photographs from rural India with a grade each, from the Kaggle competition on blindness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.data import grading
from harness.data.dataset import DataError, Deferred, Item
from harness.data.images import locate, opened
from harness.specs import Data

_TABLES = (
    (("train.csv", "train_images"),),
    (
        ("train_1.csv", "train_images/train_images"),
        ("valid.csv", "val_images/val_images"),
        ("test.csv", "test_images/test_images"),
    ),
)
"""Tables and folders of images, as the competition has them and as a copy does that divides its training images."""


@dataclass(frozen=True)
class Aptos2019(grading.GradedRetinas):
    """The competition's training images, since the grades of its test images are not public.

    Nobody published a split of them: the copy that divides them is read as a whole. Each image is its own subject:
    which of them are of one patient is not published either.

    Attributes:
        images: How many there are.
    """

    images: int = 3662

    name = "aptos2019"
    title = "APTOS 2019"
    version = 1
    size = (2136, 3216)
    published = False
    source = "www.kaggle.com/c/aptos2019-blindness-detection"
    layout = "aptos2019-blindness-detection/{train.csv,train_images/*.png}"

    def files(self, root: Path) -> list[Path]:
        return sorted([*self._tables(root), *(path for path, _, _ in self._graded(root))])

    def check(self, root: Path) -> None:
        for path, _, _ in self._graded(root):
            opened(path).close()

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        return (decode() for decode in self.deferred(root, data))

    def deferred(self, root: Path, data: Data) -> Iterator[Deferred]:
        for path, id, grade in self._graded(root):
            yield partial(_item, path, id, grade)

    def _tables(self, root: Path) -> dict[Path, Path]:
        """The folder of the images that each table names."""
        base = locate(root, self.name, "aptos2019-blindness-detection", self.title, self.layout, self.source)
        for layout in _TABLES:
            if all((base / table).is_file() for table, _ in layout):
                return {base / table: base / folder for table, folder in layout}
        raise DataError(
            f"Expected {self.title} as {self.layout}, but neither train.csv nor all of train_1.csv, valid.csv and "
            f"test.csv are in {base}; get it from {self.source}."
        )

    def _graded(self, root: Path) -> list[tuple[Path, str, int]]:
        """File, id and grade of every image by id; raises DataError."""
        found: dict[str, tuple[Path, str, int]] = {}
        for table, folder in self._tables(root).items():
            entries = grading.rows(table, (("id_code",), ("diagnosis",)), self.source)
            grading.require_unique((*found, *(id for id, _ in entries)), table)
            paths = {id: folder / f"{id}.png" for id, _ in entries}
            grading.require_images(paths.values(), folder, ".png", self.title, table)
            found |= {id: (paths[id], id, grading.grade(entry, id, table)) for id, entry in entries}
        if len(found) != self.images:
            raise DataError(
                f"Expected {self.images} images of {self.title} as {self.layout}, but found {len(found)}; extract the "
                f"whole data set again (from {self.source})."
            )
        return [found[id] for id in sorted(found)]


def _item(path: Path, id: str, grade: int) -> Item:
    return Item(grading.photograph(path), grade, id, id)


ADAPTER = Aptos2019()
