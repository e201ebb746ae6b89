"""DRIVE: retinal vessels, Staal et al. 2004."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.pairs import Pair, PairedImages


class Drive(PairedImages):
    """First observer, with the publisher's training and test images.

    Pixels outside the field of view are background, as in mmsegmentation; the published field-of-view masks are not
    read.
    """

    name = "drive"
    title = "DRIVE"
    size = (584, 565)
    folder = "DRIVE"
    source = "https://drive.grand-challenge.org"
    layout = "DRIVE/{training,test}/{images/*.tif,1st_manual/*.gif}"

    def pairs(self, base: Path) -> Iterator[Pair]:
        for folder, published in (("training", "train"), ("test", "test")):
            images, masks = base / folder / "images", base / folder / "1st_manual"
            numbers = {path.name.partition("_")[0] for path in (*images.glob("*.tif"), *masks.glob("*.gif"))}
            for number in numbers:
                image, mask = images / f"{number}_{folder}.tif", masks / f"{number}_manual1.gif"
                yield Pair(image, mask, number, number, published)


ADAPTER = Drive({"train": 20, "test": 20})
