"""Cityscapes: street scenes, Cordts et al. 2016, fine annotations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.dataset import IGNORED
from harness.data.pairs import Pair, PairedImages

_TRAINED_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""The label ids of the 19 classes that are evaluated (cityscapesScripts, ``labels.py``)."""
_MEANING = {**dict.fromkeys(range(34), IGNORED), **{label: index for index, label in enumerate(_TRAINED_IDS)}}

_IMAGE, _MASK = "_leftImg8bit.png", "_gtFine_labelIds.png"


class Cityscapes(PairedImages):
    """Training and validation cities; the latter are tested with, since the test annotations are withheld."""

    name = "cityscapes"
    title = "Cityscapes"
    size = (1024, 2048)
    folder = "cityscapes"
    classes = (
        "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation",
        "terrain", "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
    )  # fmt: skip
    foreground = ""
    meaning = _MEANING
    source = "https://www.cityscapes-dataset.com"
    layout = "[cityscapes/]{leftImg8bit,gtFine}/{train,val}/CITY/*{_leftImg8bit,_gtFine_labelIds}.png"

    def base(self, root: Path) -> Path:
        # The publisher's archives have no folder around leftImg8bit and gtFine.
        return root if (root / "leftImg8bit").is_dir() else super().base(root)

    def pairs(self, base: Path) -> Iterator[Pair]:
        for folder, published in (("train", "train"), ("val", "test")):
            images, masks = base / "leftImg8bit" / folder, base / "gtFine" / folder
            found = {path.relative_to(images).as_posix().removesuffix(_IMAGE) for path in images.glob(f"*/*{_IMAGE}")}
            found |= {path.relative_to(masks).as_posix().removesuffix(_MASK) for path in masks.glob(f"*/*{_MASK}")}
            for stem in found:
                city, _, name = stem.partition("/")
                yield Pair(images / f"{stem}{_IMAGE}", masks / f"{stem}{_MASK}", name, city, published)


ADAPTER = Cityscapes({"train": 2975, "test": 500})
