"""PASCAL VOC 2012: everyday scenes with 20 kinds of objects, Everingham et al. 2015."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from harness.data.dataset import IGNORED, Bytes, DataError
from harness.data.images import decoded, opened
from harness.data.pairs import Pair, PairedImages

_LISTS = (("train", "train"), ("val", "test"))
"""Files of ``ImageSets/Segmentation`` and what their images are for."""


class Voc2012(PairedImages):
    """The images of the publisher's lists ``train`` and ``val``; the latter are tested with.

    A mask is a palette image whose numbers are the classes; 255, the border of an object, is ignored. A mask that
    somebody saved in the palette's colours is read by VOC's own colour map, exactly.
    """

    name = "voc2012"
    title = "PASCAL VOC 2012"
    size = (375, 500)
    folder = "VOCdevkit/VOC2012"
    classes = (
        "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
        "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    )  # fmt: skip
    foreground = ""
    meaning = {index: index for index in range(21)}  # noqa: RUF012
    source = "http://host.robots.ox.ac.uk/pascal/VOC/voc2012"
    layout = "VOCdevkit/VOC2012/{JPEGImages/*.jpg,SegmentationClass/*.png,ImageSets/Segmentation/{train,val}.txt}"

    def pairs(self, base: Path) -> Iterator[Pair]:
        for name, published in _LISTS:
            for stem in self._list(base, name).read_text(encoding="utf-8", errors="replace").split():
                image, mask = base / "JPEGImages" / f"{stem}.jpg", base / "SegmentationClass" / f"{stem}.png"
                yield Pair(image, mask, stem, stem, published)

    def files(self, root: Path) -> list[Path]:
        base = self.base(root)
        return sorted([*super().files(root), *(self._list(base, name) for name, _ in _LISTS)])

    def mask(self, path: Path, meaning: Mapping[int, int], ones: bool) -> Bytes:
        with opened(path) as image:
            coloured = image.mode in ("RGB", "RGBA") and decoded(path, image, "RGB")
        if coloured is False or (np.ptp(coloured, axis=2) == 0).all():
            return super().mask(path, meaning, ones)
        return _of_colours(path, coloured, len(self.classes))

    def _list(self, base: Path, name: str) -> Path:
        path = base / "ImageSets" / "Segmentation" / f"{name}.txt"
        if not path.is_file():
            raise DataError(
                f"Expected {self.title} to list its {name} images in {path.relative_to(base)}, but the file is missing "
                f"in {base}; extract the whole data set again (from {self.source})."
            )
        return path


def colour_map() -> Bytes:
    """VOC's colours ``(256, 3)`` by number: the bits of a number, three by three, become the high bits of RGB."""
    numbers = np.arange(256)
    channels = [sum((numbers >> (3 * bit + channel) & 1) << (7 - bit) for bit in range(3)) for channel in range(3)]
    return np.stack(channels, axis=1).astype(np.uint8)


def _of_colours(path: Path, shown: Bytes, classes: int) -> Bytes:
    """Class indices of a mask ``(H, W, 3)`` in VOC's colours; raises DataError for a colour that is none of them."""
    colours = colour_map().astype(np.int64) @ (1 << 16, 1 << 8, 1)
    packed = shown.astype(np.int64) @ (1 << 16, 1 << 8, 1)
    result = np.full(packed.shape, IGNORED, np.uint8)
    left = packed != colours[IGNORED]
    for index in range(classes):
        of_class = packed == colours[index]
        result[of_class] = index
        left &= ~of_class
    if left.any():
        row, column = np.argwhere(left)[0]
        raise DataError(
            f"Expected the mask {path} to hold numbers of classes, or the colours of VOC's colour map, but its pixel "
            f"at row {row}, column {column} is RGB {tuple(shown[row, column].tolist())}; extract it again."
        )
    return result


ADAPTER = Voc2012({"train": 1464, "test": 1449})
