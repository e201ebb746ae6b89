"""Oxford-IIIT Pet: cats and dogs, Parkhi et al. 2012, in the layout of torchvision's ``OxfordIIITPet``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.data.dataset import IGNORED, DataError
from harness.data.pairs import Pair, PairedImages

_BORDER = {"border-as-pet": 1, "border-ignored": IGNORED, "border-as-background": 0}
"""What the trimaps' third number becomes. 1 is "foreground", 2 "background", 3 "not classified" (the archive's
``annotations/README``): a band along the outline."""

_LISTS = {"train": "trainval.txt", "test": "test.txt"}


class OxfordIiitPet(PairedImages):
    """Pet or not, with the publisher's training and test images; the breed and the head's box are not read.

    The border counts as pet by default. The wang-pets paper does not say which rule its masks follow, but its table
    does: accuracy is 1 - p (1 - recall + recall (1 / precision - 1)) where a share p of the pixels is pet, and its
    seven rows give p from .39 to .43. Pets with their border cover about so much, without it about .3 (from memory:
    neither these shares nor the usual size were verified on the archive).

    The paper trains on 2210 images of a subset with 3686 that its authors were given, whose names are not published.
    Images that no list names, 41 of 7390, are not read. Some files are no JPEG whatever their name says
    (``Abyssinian_34.jpg`` is a GIF, ``Egyptian_Mau_14.jpg`` a PNG, others CMYK): they are read all the same.
    """

    name = "oxford_iiit_pet"
    title = "Oxford-IIIT Pet"
    size = (375, 500)
    folder = "oxford-iiit-pet"
    classes = ("background", "pet")
    foreground = "pet"
    labels = tuple(_BORDER)
    source = "https://www.robots.ox.ac.uk/~vgg/data/pets"
    layout = "oxford-iiit-pet/{images/*.jpg,annotations/{trimaps/*.png,trainval.txt,test.txt}}"

    def meant(self, labels: str) -> Mapping[int, int]:
        return {1: 1, 2: 0, 3: _BORDER[labels or self.labels[0]]}

    def pairs(self, base: Path) -> Iterator[Pair]:
        seen: set[str] = set()
        for published, file in _LISTS.items():
            for stem in self._listed(base / "annotations" / file):
                if stem in seen:
                    raise DataError(
                        f"Expected {self.title}'s lists in {base / 'annotations'} to name each image once, but {file} "
                        f"names {stem} twice or after another list; extract the data set again."
                    )
                seen.add(stem)
                image, mask = base / "images" / f"{stem}.jpg", base / "annotations" / "trimaps" / f"{stem}.png"
                yield Pair(image, mask, stem, stem, published)

    def files(self, root: Path) -> list[Path]:
        # The lists are part of the content: they say which image trains.
        return sorted([*super().files(root), *(self.base(root) / "annotations" / file for file in _LISTS.values())])

    def _listed(self, path: Path) -> list[str]:
        """The images that a list names, one a line, before its class, species and breed; raises DataError."""
        try:
            lines = path.read_text("utf-8", "replace").splitlines()
        except OSError as error:
            raise DataError(
                f"Expected {self.title}'s list of images {path}, but it is missing; extract the data set again (from "
                f"{self.source})."
            ) from error
        return [line.split()[0] for line in lines if line.strip()]


ADAPTER = OxfordIiitPet({"train": 3680, "test": 3669})
