"""CHASE_DB1: retinal vessels of children, Fraz et al. 2012."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.pairs import Pair, PairedImages

_TRAINING_CHILDREN = 10
"""mmsegmentation's ``tools/dataset_converters/chase_db1.py``: the first 60 of 84 files, three for each eye."""


class ChaseDb1(PairedImages):
    """First observer; both eyes of 14 children, of which mmsegmentation trains on the first 10."""

    name = "chase_db1"
    title = "CHASE_DB1"
    size = (960, 999)
    folder = "CHASEDB1"
    source = "https://blogs.kingston.ac.uk/retinal/chasedb1"
    layout = "CHASEDB1/Image_01L{.jpg,_1stHO.png}"

    def pairs(self, base: Path) -> Iterator[Pair]:
        stems = {path.stem for path in base.glob("Image_*.jpg")}
        stems |= {path.stem.removesuffix("_1stHO") for path in base.glob("Image_*_1stHO.png")}
        for stem in stems:
            child = stem.rstrip("LR")
            published = "train" if int(child.removeprefix("Image_")) <= _TRAINING_CHILDREN else "test"
            yield Pair(base / f"{stem}.jpg", base / f"{stem}_1stHO.png", stem, child, published)


ADAPTER = ChaseDb1({"train": 20, "test": 8})
