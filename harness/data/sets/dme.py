"""DME: OCT b-scans with diabetic macular edema, Chiu et al. 2015."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.data import matfile
from harness.data.dataset import IGNORED, Bytes, DataError, Item
from harness.data.images import locate
from harness.specs import Data

_SUBJECTS = tuple(f"Subject_{number:02d}" for number in range(1, 11))
_EXPERTS = {
    "union": ("manualFluid1", "manualFluid2"),
    "expert1": ("manualFluid1",),
    "expert2": ("manualFluid2",),
}
_VARIABLES = ("images", "manualFluid1", "manualFluid2")


class Dme:
    """Fluid as one expert or either of them marked it, on the 11 annotated b-scans of each subject.

    A volume has 61 frames; those that nobody annotated are NaN in ``manualFluid1`` and ``manualFluid2``, and left out.
    In an annotated frame fluid is what is above 0.
    """

    name = "dme"
    title = "DME"
    version = 1
    task: Literal["segmentation"] = "segmentation"
    size = (496, 768)
    images = 110
    classes = ("background", "fluid")
    foreground = "fluid"
    labels = tuple(_EXPERTS)
    annotators = ("expert1", "expert2")
    published = False
    source = "https://people.duke.edu/~sf59/Chiu_BOE_2014_dataset.htm"
    layout = "2015_BOE_Chiu/Subject_{01..10}.mat"

    def files(self, root: Path) -> list[Path]:
        base = locate(root, self.name, "2015_BOE_Chiu", self.title, self.layout, self.source)
        expected = [base / f"{subject}.mat" for subject in _SUBJECTS]
        missing = [path.name for path in expected if not path.is_file()]
        if missing:
            raise DataError(
                f"Expected the {len(expected)} files Subject_01.mat to Subject_10.mat of {self.title} in {base}, but "
                f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing; extract the data set again "
                f"(from {self.source})."
            )
        return expected

    def check(self, root: Path) -> None:
        for path in self.files(root):
            try:
                shapes = matfile.shapes(path)
            except (OSError, matfile.Truncated) as error:
                raise _damaged(path, str(error)) from error
            _require_variables(path, shapes, _VARIABLES)

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        from scipy.io import loadmat

        names = ("images", *_EXPERTS[data.labels or self.labels[0]])
        for path in self.files(root):
            try:
                volume: dict[str, Any] = loadmat(path, variable_names=names)
            except Exception as error:  # scipy raises whatever the damaged bytes lead to
                raise _damaged(path, type(error).__name__) from error
            _require_variables(path, {name: volume[name].shape for name in names if name in volume}, names)
            experts = [volume[name] for name in names[1:]]
            for frame in range(volume["images"].shape[2]):
                marks = [expert[:, :, frame] for expert in experts]
                if all(np.isnan(mark).all() for mark in marks):
                    continue
                # A copy, so that an item does not keep the 70 MB volume alive.
                image = np.array(volume["images"][:, :, frame], dtype=np.uint8, order="C")
                yield Item(image, _united(marks), f"{path.stem}_{frame + 1:02d}", path.stem)


def _united(marks: list[npt.NDArray[np.floating[Any]]]) -> Bytes:
    """1 where any expert marked fluid, ignored where none of them annotated."""
    fluid = np.any([mark > 0 for mark in marks], axis=0)
    unknown = np.all([np.isnan(mark) for mark in marks], axis=0)
    return np.where(unknown, IGNORED, fluid).astype(np.uint8, order="C")


def _require_variables(path: Path, shapes: dict[str, tuple[int, ...]], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in shapes]
    if missing:
        raise DataError(
            f"Expected {path} to hold the variables {', '.join(names)}, but {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing; get the file again."
        )
    for name in names[1:]:
        if shapes[name] != shapes["images"]:
            raise DataError(
                f"Expected {name} of {path} to be as large as its images, {_times(shapes['images'])}, but it is "
                f"{_times(shapes[name])}; get the file again."
            )


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _damaged(path: Path, reason: str) -> DataError:
    return DataError(
        f"Expected {path} to be a whole MATLAB 5 file, but it is cut short or damaged ({reason}); extract it again."
    )


ADAPTER = Dme()
