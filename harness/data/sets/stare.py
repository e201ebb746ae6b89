"""STARE: retinal vessels, Hoover et al. 2000."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.pairs import Pair, PairedImages


class Stare(PairedImages):
    """First observer (Adam Hoover, ``labels-ah``), packed with gzip or not, in whichever folders below ``STARE``.

    mmsegmentation (``tools/dataset_converters/stare.py``) trains on the first 10 of the 20 images by name.
    """

    name = "stare"
    title = "STARE"
    size = (605, 700)
    folder = "STARE"
    source = "https://cecas.clemson.edu/~ahoover/stare/probing"
    layout = "STARE/{stare-images/im*.ppm[.gz],labels-ah/im*.ah.ppm[.gz]}"

    def pairs(self, base: Path) -> Iterator[Pair]:
        images: dict[str, Path] = {}
        masks: dict[str, Path] = {}
        # Sorted, so that of a file and its packed twin the same one is taken everywhere.
        for path in sorted((*base.rglob("im*.ppm"), *base.rglob("im*.ppm.gz"))):
            number, *kind = path.name.removesuffix(".gz").removesuffix(".ppm").split(".")
            if kind in ([], ["ah"]):  # The second observer's end in ".vk".
                (masks if kind else images).setdefault(number, path)
        numbers = sorted(images.keys() | masks.keys())
        for index, number in enumerate(numbers):
            image = images.get(number, base / "stare-images" / f"{number}.ppm.gz")
            mask = masks.get(number, base / "labels-ah" / f"{number}.ah.ppm.gz")
            yield Pair(image, mask, number, number, "train" if index < len(numbers) // 2 else "test")


ADAPTER = Stare({"train": 10, "test": 10})
