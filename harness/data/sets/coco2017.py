"""COCO 2017: everyday scenes with 80 kinds of things, Lin et al. 2014, as a semantic segmentation."""

from __future__ import annotations

import json
import mmap
import os
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from harness.data.dataset import Bytes, DataError, Deferred, Item
from harness.data.images import decoded, locate, opened, require_content
from harness.specs import Data

_PARTS = (("train2017", "train"), ("val2017", "test"))
"""Folders of images and what these are for."""

_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
"""COCO's category ids run from 1 to 90; these ten are not used."""
_CLASS = {id: index for index, id in enumerate((id for id in range(1, 91) if id not in _GAPS), 1)}
"""Class index by category id."""

_FILE_NAME = re.compile(rb'"file_name"\s*:\s*"([^"]+)"')


class _Object(NamedTuple):
    """One annotated object, with its outline in a tenth of the memory that JSON takes."""

    image: int
    category: int
    area: float
    id: int
    outline: list[array[float]] | dict[str, Any]
    """Polygons ``x, y, x, y, …`` in pixels, or a run-length encoding."""


@dataclass(frozen=True)
class Coco2017:
    """The images of ``train2017`` and ``val2017``; the latter are tested with, since nobody published test annotations.

    A pixel belongs to the smallest object, by the annotated area, that covers it: objects are drawn over one another
    from the largest to the smallest, so that a cup stays visible on its table. A crowd is drawn as its class. What no
    object covers is background, and so is a whole image without annotations.

    Attributes:
        counts: Number of images by published split.
    """

    counts: Mapping[str, int]
    name: str = "coco2017"
    title: str = "COCO 2017"
    version: int = 1
    task: Literal["segmentation"] = "segmentation"
    size: tuple[int, int] = (480, 640)
    classes: tuple[str, ...] = (
        "background", "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
        "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep",
        "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
        "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
        "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich",
        "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed",
        "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven",
        "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier",
        "toothbrush",
    )  # fmt: skip
    foreground: str = ""
    labels: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    published: bool = True
    source: str = "https://cocodataset.org"
    layout: str = "[coco/]{{train2017,val2017}/*.jpg,annotations/instances_{train,val}2017.json}"

    @property
    def images(self) -> int:
        """As :attr:`Adapter.images`."""
        return sum(self.counts.values())

    def files(self, root: Path) -> list[Path]:
        base = self._base(root)
        return sorted(path for part, _ in _PARTS for path in (self._annotations(base, part), *self._images(base, part)))

    def check(self, root: Path) -> None:
        base = self._base(root)
        for part, _ in _PARTS:
            images, file = self._images(base, part), self._annotations(base, part)
            require_content(images)
            self._require_match(file, _named(file), {path.name for path in images}, part)

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        return (decode() for decode in self.deferred(root, data))

    def deferred(self, root: Path, data: Data) -> Iterator[Deferred]:
        base = self._base(root)
        for part, published in _PARTS:
            file, paths = self._annotations(base, part), self._images(base, part)
            numbers, objects = _parsed(file)
            self._require_match(file, set(numbers), {path.name for path in paths}, part)
            for path in paths:
                # Taken out, so that memory is free again while other images are decoded.
                yield partial(_item, path, objects.pop(numbers[path.name], []), file, f"{part}_{path.stem}", published)

    def _base(self, root: Path) -> Path:
        # The publisher's archives have no folder around train2017 and annotations.
        if (root / "train2017").is_dir():
            return root
        return locate(root, self.name, "coco", self.title, self.layout, self.source)

    def _images(self, base: Path, part: str) -> list[Path]:
        """The images of one part, sorted; raises DataError where there are not as many as published."""
        folder = base / part
        names = sorted(each.name for each in os.scandir(folder)) if folder.is_dir() else []
        images = [folder / name for name in names if name.endswith(".jpg") and name[0] != "."]
        count = self.counts[dict(_PARTS)[part]]
        if len(images) != count:
            raise DataError(
                f"Expected {count} images of {self.title} in {part}, but found {len(images)} in {base}; extract the "
                f"whole data set again (from {self.source})."
            )
        return images

    def _annotations(self, base: Path, part: str) -> Path:
        file = base / "annotations" / f"instances_{part}.json"
        if not file.is_file():
            raise DataError(
                f"Expected the annotations of {self.title} in {file.relative_to(base)}, but the file is missing in "
                f"{base}; extract annotations_trainval2017.zip there (from {self.source})."
            )
        return file

    def _require_match(self, file: Path, named: set[str], there: set[str], part: str) -> None:
        """Raises DataError where the annotations are of other images than those that are there."""
        if named == there:
            return
        strange = sorted(named - there)
        what = f"names {strange[0]}, which is not there" if strange else f"lacks {min(there - named)}"
        raise DataError(
            f"Expected {file} to annotate the {len(there)} images of {part}, but it {what} ({len(named & there)} of "
            f"its {len(named)} images are); put the annotations of {part} in its place (from {self.source})."
        )


def _named(file: Path) -> set[str]:
    """The images that an annotation file names, found without parsing its 450 MB; raises DataError."""
    with file.open("rb") as opened_file:
        if not file.stat().st_size:
            raise _damaged(file, "it is empty")
        with mmap.mmap(opened_file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if not content[-64:].rstrip().endswith(b"}"):
                raise _damaged(file, "it ends early")
            return {match[1].decode("utf-8", "replace") for match in _FILE_NAME.finditer(content)}


def _parsed(file: Path) -> tuple[dict[str, int], dict[int, list[_Object]]]:
    """The id of each image by file name, and the objects of each image by its id; raises DataError."""
    try:
        content = json.loads(file.read_bytes(), object_hook=_compact)
        numbers = {str(image["file_name"]): int(image["id"]) for image in content["images"]}
        known, objects = set(numbers.values()), dict[int, list[_Object]]()
        for each in content["annotations"]:
            if not isinstance(each, _Object):
                raise _damaged(file, f"annotation {each.get('id')} lacks an image, a category or an outline")
            if each.image not in known:
                raise DataError(
                    f"Expected the annotations in {file} to be of its own images, but annotation {each.id} is of image "
                    f"{each.image}, which it does not list; get the file again."
                )
            if each.category not in _CLASS:
                raise DataError(
                    f"Expected the categories in {file} to be COCO's 80, with ids from 1 to 90, but annotation "
                    f"{each.id} has the category {each.category}; get the file again."
                )
            objects.setdefault(each.image, []).append(each)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(file, type(error).__name__) from error
    return numbers, objects


def _compact(entry: dict[str, Any]) -> dict[str, Any] | _Object:
    """A JSON object, or what it takes of it where it is an annotation."""
    if not {"segmentation", "image_id", "category_id"} <= entry.keys():
        return entry
    outline = entry["segmentation"]
    if isinstance(outline, list):
        outline = [array("d", polygon) for polygon in outline]
    elif isinstance(outline["counts"], list):
        outline = {"size": outline["size"], "counts": array("l", outline["counts"])}
    area, id = float(entry.get("area", 0)), int(entry.get("id", 0))
    return _Object(int(entry["image_id"]), int(entry["category_id"]), area, id, outline)


def _item(path: Path, objects: list[_Object], file: Path, id: str, published: str) -> Item:
    with opened(path) as image:
        pixels = decoded(path, image, "RGB")
    return Item(pixels, _drawn(objects, pixels.shape[:2], path, file), id, id, published)


def _drawn(objects: list[_Object], size: tuple[int, ...], path: Path, file: Path) -> Bytes:
    """Class indices ``(H, W)``: the objects over one another, the smallest on top, of equal ones the last one."""
    from pycocotools import mask as coco

    height, width = size
    result = np.zeros(size, np.uint8)
    for each in sorted(objects, key=lambda each: (-each.area, each.id)):
        if isinstance(each.outline, dict):
            if list(each.outline["size"]) != [height, width]:
                raise _misfit(each, path, file, f"a mask of {'×'.join(map(str, each.outline['size']))}", size)
            encoded = each.outline
            if isinstance(encoded["counts"], array):
                if sum(encoded["counts"]) != height * width:
                    raise _misfit(each, path, file, f"runs of {sum(encoded['counts'])} pixels in all", size)
                encoded = coco.frPyObjects({"size": [height, width], "counts": list(encoded["counts"])}, height, width)
        elif each.outline:
            if any(len(polygon) < 6 or len(polygon) % 2 for polygon in each.outline):
                raise _misfit(each, path, file, "a polygon of fewer than 3 points", size)
            encoded = coco.merge(coco.frPyObjects([list(polygon) for polygon in each.outline], height, width))
        else:
            continue
        result[coco.decode(encoded).astype(bool)] = _CLASS[each.category]
    return result


def _misfit(each: _Object, path: Path, file: Path, got: str, size: tuple[int, ...]) -> DataError:
    return DataError(
        f"Expected annotation {each.id} in {file} to fit the image {path}, which is {size[0]}×{size[1]}, but got "
        f"{got}; get both again."
    )


def _damaged(file: Path, reason: str) -> DataError:
    return DataError(f"Expected {file} to be COCO's annotations of instances, but {reason}; get the file again.")


ADAPTER = Coco2017({"train": 118287, "test": 5000})
