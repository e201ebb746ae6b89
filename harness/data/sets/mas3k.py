"""MAS3K: marine animals under water, Li et al. 2021."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.pairs import Pair, PairedImages


class Mas3k(PairedImages):
    """The 2910 images that show an animal, common or camouflaged, in the authors' training and test parts.

    The data set counts 3103 images; the other 193 show no animal and are in neither part (1769 + 1141 = 2910, as many
    as the wang-pets paper uses). All 37 types of animal are one class.

    Not verified, since the archive was not at hand: the usual size, that masks are black and white, and the endings of
    the files, of which JPEG and PNG are accepted. The folders are those that published code reads. Images are taken to
    be independent of one another.
    """

    name = "mas3k"
    title = "MAS3K"
    size = (480, 640)
    folder = "MAS3K"
    classes = ("background", "animal")
    foreground = "animal"
    source = "Li et al. 2021, doi.org/10.1007/978-3-030-71058-3_12"
    layout = "MAS3K/{train,test}/{Image/*.{jpg,png},Mask/*.{png,jpg}}"

    def pairs(self, base: Path) -> Iterator[Pair]:
        for part in ("train", "test"):
            images, masks = (_pictures(base / part / folder) for folder in ("Image", "Mask"))
            for stem in images.keys() | masks.keys():
                image = images.get(stem, base / part / "Image" / f"{stem}.jpg")
                mask = masks.get(stem, base / part / "Mask" / f"{stem}.png")
                id = f"{part}_{stem}"  # Nothing says that no name occurs in both parts.
                yield Pair(image, mask, id, id, part)


def _pictures(folder: Path) -> dict[str, Path]:
    """The image files of a folder by stem; of two files with one stem the last by name."""
    return {path.stem: path for path in sorted(folder.glob("*.*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")}


ADAPTER = Mas3k({"train": 1769, "test": 1141})
