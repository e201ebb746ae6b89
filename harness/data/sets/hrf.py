"""HRF: retinal vessels in high resolution, Budai et al. 2013."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.pairs import Pair, PairedImages

_TRAINING = 5
"""mmsegmentation's ``tools/dataset_converters/hrf.py``: the first 5 of the 15 images of each group."""


class Hrf(PairedImages):
    """15 healthy (``_h``), 15 glaucomatous (``_g``) and 15 diabetic (``_dr``) eyes; some names end in ``.JPG``."""

    name = "hrf"
    title = "HRF"
    size = (2336, 3504)
    folder = "HRF"
    source = "https://www5.cs.fau.de/research/data/fundus-images"
    layout = "HRF/{images/01_{h,g,dr}.jpg,manual1/01_{h,g,dr}.tif}"

    def pairs(self, base: Path) -> Iterator[Pair]:
        images = {path.stem: path for path in (base / "images").glob("*_*") if path.suffix.lower() == ".jpg"}
        masks = {path.stem: path for path in (base / "manual1").glob("*_*") if path.suffix.lower() == ".tif"}
        for stem in images.keys() | masks.keys():
            image = images.get(stem, base / "images" / f"{stem}.jpg")
            mask = masks.get(stem, base / "manual1" / f"{stem}.tif")
            published = "train" if int(stem.partition("_")[0]) <= _TRAINING else "test"
            yield Pair(image, mask, stem, stem, published)


ADAPTER = Hrf({"train": 15, "test": 30})
