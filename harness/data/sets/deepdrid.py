"""DeepDRiD: two fundus photographs of each eye with a grade for each eye, Liu et al. 2022 (ISBI challenge 2020)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from harness.data import grading
from harness.data.dataset import DataError, Deferred, Item
from harness.data.images import locate, opened
from harness.specs import Data

_CHALLENGE = "Online-Challenge1&2-Evaluation"
_TABLES = {
    "regular-fundus-training": ("regular-fundus-training.csv", "train"),
    "regular-fundus-validation": ("regular-fundus-validation.csv", "train"),
    _CHALLENGE: ("Challenge1_labels.csv", "test"),
}
"""By folder its table and what its images are for: those that the challenge was decided on test."""
_PATIENTS = {"regular-fundus-training": 296, "regular-fundus-validation": 100, _CHALLENGE: 100}
"""Patients by folder, without those that are left out."""
_MISNAMED = frozenset({"56", "77", "164", "167"})
"""Training patients whose file names and grades disagree on the eye (``56_r3`` has a grade of the left eye): which of
their images are of one eye is not known, so all four of each patient are left out."""
_ID = re.compile(r"(\d+)_([lr])([12])")


@dataclass(frozen=True)
class _Photograph:
    """One image of the tables; the rest is as in :class:`Item`."""

    path: Path
    id: str
    grade: int
    published: str


@dataclass(frozen=True)
class DeepDrid(grading.GradedRetinas):
    """Grades 0 (none) to 4 (proliferative) of each eye; a subject is a patient with four photographs.

    The first photograph of an eye is centred on the macula, the second on the optic disc. The ultra-widefield images
    of the same archive are not read.

    Attributes:
        patients: How many there are in each folder.
    """

    patients: Mapping[str, int] = field(default_factory=lambda: _PATIENTS)

    name = "deepdrid"
    title = "DeepDRiD"
    version = 1
    size = (1736, 1824)
    published = True
    companions = ("other-eye", "same-eye")
    source = "github.com/deepdrdoc/DeepDRiD"
    layout = (
        "regular_fundus_images/{regular-fundus-{training,validation}/{*.csv,Images/PATIENT/*.jpg},"
        "Online-Challenge1&2-Evaluation/{Challenge1_labels.csv,Images/PATIENT/*.jpg}}"
    )

    @property
    def images(self) -> int:
        """As :attr:`Adapter.images`."""
        return 4 * sum(self.patients.values())

    def files(self, root: Path) -> list[Path]:
        base = self._base(root)
        tables = [base / folder / table for folder, (table, _) in _TABLES.items()]
        return sorted([*tables, *(each.path for each in self._photographs(root))])

    def check(self, root: Path) -> None:
        for each in self._photographs(root):
            opened(each.path).close()

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        return (decode() for decode in self.deferred(root, data))

    def deferred(self, root: Path, data: Data) -> Iterator[Deferred]:
        for each in self._photographs(root):
            yield partial(_item, each)

    def _base(self, root: Path) -> Path:
        """The folder of the three; the repository around it may have its own name or the data set's."""
        cloned = root / "DeepDRiD"
        inner = cloned if cloned.is_dir() else root
        return locate(inner, self.name, "regular_fundus_images", self.title, self.layout, self.source)

    def _photographs(self, root: Path) -> list[_Photograph]:
        """Every photograph by id; raises DataError where a patient is not whole."""
        base = self._base(root)
        found: list[_Photograph] = []
        for folder, (name, published) in _TABLES.items():
            table = base / folder / name
            if not table.is_file():
                raise self._without_table(table)
            entries = self._challenge(table) if folder == _CHALLENGE else self._both_eyes(table)
            grading.require_unique((id for id, _ in entries), table)
            named = {id: base / folder / "Images" / id.partition("_")[0] / f"{id}.jpg" for id, _ in entries}
            grading.require_images(named.values(), base / folder / "Images", ".jpg", self.title, table)
            kept = {id: entry for id, entry in entries if id.partition("_")[0] not in _MISNAMED}
            self._require_patients(kept, folder, table)
            found += [_Photograph(named[id], id, grading.grade(kept[id], id, table), published) for id in kept]
        grading.require_unique((each.id for each in found), base)
        return sorted(found, key=lambda each: each.id)

    def _both_eyes(self, table: Path) -> list[tuple[str, str]]:
        """Id and grade of a table that has a column for the grade of either eye."""
        columns = (("image_id",), ("left_eye_DR_Level",), ("right_eye_DR_Level",))
        entries = grading.rows(table, columns, self.source)
        return [(id, left if "_l" in id else right) for id, left, right in entries]

    def _challenge(self, table: Path) -> list[tuple[str, str]]:
        entries = grading.rows(table, (("image_id",), ("DR_Levels", "DR_Level")), self.source)
        return [(id, grade) for id, grade in entries]

    def _without_table(self, table: Path) -> DataError:
        sheet = table.with_suffix(".xlsx")
        if sheet.is_file():
            return DataError(
                f"Expected {table.name} of {self.title} beside {sheet}, but only the spreadsheet is there, as it is "
                f"published; save it as CSV."
            )
        return DataError(
            f"Expected {self.title} as {self.layout}, but {table} is missing; get it from {self.source} (where "
            f"{_TABLES[_CHALLENGE][0]} is a spreadsheet: save it as CSV)."
        )

    def _require_patients(self, ids: Mapping[str, object], folder: str, table: Path) -> None:
        for id in ids:
            parts = _ID.fullmatch(id)
            if not parts:
                raise DataError(
                    f"Expected ids in {table} as 265_l1, 265_l2, 265_r1 and 265_r2, but got {id}; get it again from "
                    f"{self.source}."
                )
            lost = [other for eye in "lr" for view in "12" if (other := f"{parts[1]}_{eye}{view}") not in ids]
            if lost:
                raise DataError(
                    f"Expected two photographs of each eye of {self.title}'s patient {parts[1]}, but {', '.join(lost)} "
                    f"{'are' if len(lost) > 1 else 'is'} not in {table}; get it again from {self.source}."
                )
        if len(ids) != 4 * self.patients[folder]:
            raise DataError(
                f"Expected {self.patients[folder]} patients of {self.title} in {table}, but found {len(ids) // 4}; "
                f"get the whole data set again (from {self.source})."
            )


def _item(each: _Photograph) -> Item:
    patient, eye, view = _ID.fullmatch(each.id).groups()  # type: ignore[union-attr]
    companions = {
        "other-eye": f"{patient}_{'r' if eye == 'l' else 'l'}{view}",
        "same-eye": f"{patient}_{eye}{'2' if view == '1' else '1'}",
    }
    return Item(grading.photograph(each.path), each.grade, each.id, patient, each.published, companions)


ADAPTER = DeepDrid()
