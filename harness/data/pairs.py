"""Data sets of image files with a mask file each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from harness.data import masks
from harness.data.dataset import Bytes, DataError, Deferred, Item
from harness.data.images import decoded, displayed_size, locate, opened
from harness.specs import Data


@dataclass(frozen=True)
class Pair:
    """An image file and its mask file; either may be missing on the disk. The rest is as in :class:`Item`."""

    image: Path
    mask: Path
    id: str
    subject: str
    published: str = ""


@dataclass(frozen=True)
class PairedImages:
    """Adapter of a data set of image and mask files: a subclass says which files belong together.

    Attributes:
        folder: Name of the folder that the publisher's archive extracts to.
        counts: Number of images by published split.
        meaning: Class index of each number that a mask stores; empty: masks are black and white, white is class 1.
    """

    counts: Mapping[str, int]
    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[int] = 1
    task: ClassVar[Literal["segmentation", "classification"]] = "segmentation"
    folder: ClassVar[str]
    classes: ClassVar[tuple[str, ...]] = ("background", "vessel")
    foreground: ClassVar[str] = "vessel"
    meaning: ClassVar[Mapping[int, int]] = {}
    labels: ClassVar[tuple[str, ...]] = ()
    annotators: ClassVar[tuple[str, ...]] = ()
    published: ClassVar[bool] = True
    source: ClassVar[str]
    layout: ClassVar[str]

    @property
    def images(self) -> int:
        """As :attr:`Adapter.images`."""
        return sum(self.counts.values())

    def pairs(self, base: Path) -> Iterator[Pair]:
        """Every image of ``base`` with the mask that belongs to it, and every mask without an image."""
        raise NotImplementedError

    def meant(self, labels: str) -> Mapping[int, int]:
        """:attr:`meaning` by one of :attr:`labels`; a subclass with several annotations says which is what."""
        return self.meaning

    def base(self, root: Path) -> Path:
        """The folder that holds the data set; raises DataError where there is none."""
        return locate(root, self.name, self.folder, self.title, self.layout, self.source)

    def complete_pairs(self, root: Path) -> list[Pair]:
        """All pairs by id, each of them on the disk and as many as published; raises DataError."""
        base = self.base(root)
        pairs = sorted(self.pairs(base), key=lambda pair: pair.id)
        for pair in pairs:
            for file, other, kind in ((pair.mask, pair.image, "mask"), (pair.image, pair.mask, "image")):
                if not file.is_file():
                    raise DataError(
                        f"Expected {self.title}'s {other.relative_to(base)} to have the {kind} "
                        f"{file.relative_to(base)}, but {base} does not hold it; extract the data set again."
                    )
        for split, count in self.counts.items():
            found = sum(pair.published == split for pair in pairs)
            if found != count:
                expected = f"{count} {split}".rstrip()
                raise DataError(
                    f"Expected {expected} images of {self.title} as {self.layout}, but found {found} in {base}; "
                    f"extract the whole data set again (from {self.source})."
                )
        return pairs

    def files(self, root: Path) -> list[Path]:
        return sorted({file for pair in self.complete_pairs(root) for file in (pair.image, pair.mask)})

    def check(self, root: Path) -> None:
        for pair in self.complete_pairs(root):
            with opened(pair.image) as image, opened(pair.mask) as mask:
                # Pillow decodes some files to find their EXIF data, so it is asked only where the sizes differ.
                if image.size != mask.size and displayed_size(pair.image, image) != mask.size:
                    raise _other_size(pair, image.size, mask.size)

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        return (decode() for decode in self.deferred(root, data))

    def deferred(self, root: Path, data: Data) -> Iterator[Deferred]:
        pairs = self.complete_pairs(root)
        meaning = self.meant(data.labels)
        ones = not meaning and masks.of_ones(pair.mask for pair in pairs)
        for pair in pairs:
            yield partial(self._item, pair, meaning, ones)

    def mask(self, path: Path, meaning: Mapping[int, int], ones: bool) -> Bytes:
        """Class indices ``(H, W)`` of a mask file; a subclass whose masks are stored in another way overrides it."""
        return masks.classes(path, meaning) if meaning else masks.foreground(path, ones)

    def _item(self, pair: Pair, meaning: Mapping[int, int], ones: bool) -> Item:
        mask = self.mask(pair.mask, meaning, ones)
        size = (mask.shape[1], mask.shape[0])
        with opened(pair.image) as image:
            pixels = decoded(pair.image, image, "RGB", size)
        if pixels.shape[:2] != mask.shape:
            raise _other_size(pair, (pixels.shape[1], pixels.shape[0]), size)
        return Item(pixels, mask, pair.id, pair.subject, pair.published)


def _other_size(pair: Pair, image: tuple[int, int], mask: tuple[int, int]) -> DataError:
    """The error for a mask of another size; sizes are width and height."""
    return DataError(
        f"Expected the mask {pair.mask} to be as large as its image, {image[1]}×{image[0]} pixels (height × "
        f"width), but it is {mask[1]}×{mask[0]}; extract both again."
    )
