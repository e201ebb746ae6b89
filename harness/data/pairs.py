"""Data sets of image files with a mask file each."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from harness.data.dataset import Bytes, DataError, Item
from harness.specs import Data

if TYPE_CHECKING:
    from PIL.Image import Image

DAMAGED = (OSError, EOFError, SyntaxError, ValueError, zlib.error)
"""What Pillow and gzip raise for a file that is cut short or not what its name says."""


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
    """

    counts: Mapping[str, int]
    name: ClassVar[str]
    title: ClassVar[str]
    folder: ClassVar[str]
    classes: ClassVar[tuple[str, ...]] = ("background", "vessel")
    labels: ClassVar[tuple[str, ...]] = ("",)
    published: ClassVar[bool] = True
    source: ClassVar[str]
    layout: ClassVar[str]

    def pairs(self, base: Path) -> Iterator[Pair]:
        """Every image of ``base`` with the mask that belongs to it, and every mask without an image."""
        raise NotImplementedError

    def classified(self, mask: Bytes) -> Bytes:
        """Class indices of a mask as it is stored, here: a vessel from 128 up, as mmsegmentation converts them."""
        return (mask >= 128).astype(np.uint8)

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
                raise DataError(
                    f"Expected {count} {split} images of {self.title} as {self.layout}, but found {found} in {base}; "
                    f"extract the whole data set again (from {self.source})."
                )
        return pairs

    def files(self, root: Path) -> list[Path]:
        return sorted({file for pair in self.complete_pairs(root) for file in (pair.image, pair.mask)})

    def check(self, root: Path) -> None:
        for pair in self.complete_pairs(root):
            with opened(pair.image) as image, opened(pair.mask) as mask:
                _require_same_size(pair, image.size, mask.size)

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        for pair in self.complete_pairs(root):
            with opened(pair.image) as image, opened(pair.mask) as mask:
                _require_same_size(pair, image.size, mask.size)
                try:
                    pixels = np.asarray(image.convert("RGB"))
                    # A palette or bilevel mask becomes the grey levels it shows; class indices are grey already.
                    stored = np.asarray(mask if mask.mode == "L" else mask.convert("L"))
                except DAMAGED as error:
                    raise unreadable(pair.image, error) from error
            yield Item(pixels, self.classified(stored), pair.id, pair.subject, pair.published)


def locate(root: Path, name: str, folder: str, title: str, layout: str, source: str) -> Path:
    """The folder of a data set: ``root/folder``, ``root/name/folder`` or ``root/name``, the first that exists."""
    for candidate in (root / folder, root / name / folder, root / name):
        if candidate.is_dir():
            return candidate
    raise DataError(
        f"Expected {title} as {layout} under {root}, but there is no {folder} in it nor in {root / name}; "
        f"get it from {source}."
    )


def opened(path: Path) -> Image:
    """An image file, gzipped or not, of which only the header has been decoded; raises DataError."""
    from PIL import Image

    try:
        if path.suffix == ".gz":
            return Image.open(io.BytesIO(gzip.decompress(path.read_bytes())))
        return Image.open(path)
    except DAMAGED as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"Expected {path} to be a readable image, but it is damaged ({type(error).__name__}); extract it again."
    )


def _require_same_size(pair: Pair, image: tuple[int, int], mask: tuple[int, int]) -> None:
    if image != mask:
        raise DataError(
            f"Expected the mask {pair.mask} to be as large as its image, {image[1]}×{image[0]} pixels (height × "
            f"width), but it is {mask[1]}×{mask[0]}; extract both again."
        )
