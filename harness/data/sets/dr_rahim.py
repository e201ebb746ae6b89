"""Diabetic retinopathy: fundus photographs of both eyes with a grade each, Rahim et al. 2016."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from harness.data.dataset import DataError, Deferred, Item
from harness.data.grading import GradedRetinas, photograph
from harness.data.images import locate, opened
from harness.specs import Data

_GRADES = {"No": 0, "Mild": 1, "Moderate": 2, "Severe": 3, "PDR": 4}
"""Grade by the first word of a class folder's name, after its number: ``"3 - Mild DR with maculopathy"``."""
_LEFT_OUT = "ADED"
"""Advanced diabetic eye disease is none of the five grades; a patient with one such eye is left out with both, so that
each image has its other eye."""
_PATIENTS = range(1, 299)
"""Patients 299 and 300 are left out: their images are identical byte by byte, and their labels contradict."""
_FILE = re.compile(r"Patient(\d{3})[_-]([LR])\.jpg")


class DrRahim(GradedRetinas):
    """Grades 0 (none) to 4 (proliferative), with and without maculopathy as one; a subject is a patient."""

    name = "dr_rahim"
    title = "DR Rahim"
    version = 2
    size = (428, 640)
    images = 588
    published = False
    companions = ("other-eye",)
    source = "Rahim et al. 2016, doi.org/10.1007/s40708-016-0045-3"
    layout = "dr_rahim/{1 - No DR,…,10 - ADED}/Patient{001..298}_{L,R}.jpg"

    def files(self, root: Path) -> list[Path]:
        return sorted(path for path, _, _ in self._graded(root))

    def check(self, root: Path) -> None:
        for path in self.files(root):
            opened(path).close()

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        return (decode() for decode in self.deferred(root, data))

    def deferred(self, root: Path, data: Data) -> Iterator[Deferred]:
        for path, id, grade in self._graded(root):
            yield partial(_item, path, id, grade)

    def _graded(self, root: Path) -> list[tuple[Path, str, int]]:
        """File, id and grade of both eyes of every graded patient, by id; raises DataError where an eye is missing."""
        base = locate(root, self.name, "dr_rahim", self.title, self.layout, self.source)
        eyes: dict[str, Path] = {}
        for path in sorted(base.glob("* - */*.jpg")):
            match = _FILE.fullmatch(path.name)
            if match and int(match[1]) in _PATIENTS:
                eyes[f"Patient{match[1]}_{match[2]}"] = path
        missing = [name for n in _PATIENTS for eye in "LR" if (name := f"Patient{n:03d}_{eye}") not in eyes]
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise DataError(
                f"Expected both eyes of {len(_PATIENTS)} patients of {self.title} as {self.layout}, but "
                f"{', '.join(missing[:3])}{more} {'is' if len(missing) == 1 else 'are'} missing in {base}; "
                "extract the data set again."
            )
        graded = {id: grade for id, path in sorted(eyes.items()) if (grade := _grade(path)) is not None}
        return [(eyes[id], id, grade) for id, grade in graded.items() if _other(id) in graded]


def _item(path: Path, id: str, grade: int) -> Item:
    subject = id.partition("_")[0]
    return Item(photograph(path), grade, id, subject, companions={"other-eye": _other(id)})


def _other(id: str) -> str:
    """The same patient's other eye."""
    return id[:-1] + ("R" if id.endswith("L") else "L")


def _grade(path: Path) -> int | None:
    """The grade that a file's folder stands for; None for a class that is left out; raises DataError."""
    word = path.parent.name.partition(" - ")[2].partition(" ")[0]
    if word == _LEFT_OUT:
        return None
    if word not in _GRADES:
        raise DataError(
            f"Expected the folder of {path} to name one of the classes {', '.join((*_GRADES, _LEFT_OUT))}, "
            f"but got {path.parent.name!r}; extract the data set again."
        )
    return _GRADES[word]


ADAPTER = DrRahim()
