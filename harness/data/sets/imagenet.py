"""ImageNet, Russakovsky et al. 2015, or any other images in a folder for each class, as a source to pretrain on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from harness.data.dataset import Adapter, DataError, Deferred, Item
from harness.data.images import decoded, locate, opened, require_content
from harness.specs import Data

_PARTS = (("train", "train"), ("val", "test"))
"""Folders and what their images are for."""
_ENDINGS = (".jpeg", ".jpg", ".png")

_TEN = (
    "n01440764", "n02102040", "n02979186", "n03000684", "n03028079", "n03394916", "n03417042", "n03425413", "n03445777",
    "n03888257",
)  # fmt: skip
"""Imagenette's ten classes, which the phantom has; real classes are found."""


@dataclass
class ImageNet:
    """Images by class folder, in torchvision's ``ImageFolder`` layout, however many of them there are.

    The classes are the names of the folders in ``train``, sorted. What is in ``val`` tests; it may lack classes, but
    has no others. Each image is its own subject.

    Attributes:
        classes: Names of the classes.
        images: Number of images; ImageNet's own until they are counted.
    """

    classes: tuple[str, ...] = _TEN
    images: int = 1_331_167
    name: str = "imagenet"
    title: str = "ImageNet"
    version: int = 1
    task: Literal["segmentation", "classification"] = "classification"
    size: tuple[int, int] = (375, 500)
    foreground: str = ""
    labels: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    published: bool = True
    source: str = "https://image-net.org"
    layout: str = "imagenet/{train,val}/CLASS/*.JPEG"

    def found(self, root: Path) -> Adapter:
        """The same with the classes under ``root`` and their images counted; see
        :class:`harness.data.dataset.Finding`."""
        by_class = self._by_class(root)
        return replace(self, classes=_classes(by_class), images=sum(map(len, by_class.values())))

    def files(self, root: Path) -> list[Path]:
        return sorted(path for paths in self._by_class(root).values() for path in paths)

    def check(self, root: Path) -> None:
        require_content(self.files(root))

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        return (decode() for decode in self.deferred(root, data))

    def deferred(self, root: Path, data: Data) -> Iterator[Deferred]:
        by_class = self._by_class(root)
        index = {name: number for number, name in enumerate(_classes(by_class))}
        published = dict(_PARTS)
        for (part, name), paths in sorted(by_class.items(), key=lambda each: "/".join(each[0]) + "/"):
            for path in paths:
                yield partial(_item, path, f"{part}/{name}/{path.name}", index[name], published[part])

    def _by_class(self, root: Path) -> dict[tuple[str, str], list[Path]]:
        """The images of each class folder by part and class, sorted; raises DataError where some are missing."""
        base = locate(root, self.name, "imagenet", self.title, self.layout, self.source)
        found = {(part, name): paths for part, _ in _PARTS for name, paths in self._folders(base / part)}
        classes = _classes(found)
        if len(classes) < 2:
            raise DataError(
                f"Expected {self.title} as {self.layout} with at least 2 classes, but {base / 'train'} holds "
                f"{len(classes)} folders with images; extract the data set again (from {self.source})."
            )
        if empty := [f"{part}/{name}" for (part, name), paths in found.items() if not paths]:
            raise DataError(
                f"Expected images ({', '.join(_ENDINGS)}) in every class folder of {self.title}, but {empty[0]} in "
                f"{base} holds none; extract it again (from {self.source})."
            )
        tested = {name for part, name in found if part == "val"}
        if unknown := sorted(tested - set(classes)):
            raise DataError(
                f"Expected the classes in val to be among the {len(classes)} of train, but {base / 'val'} has "
                f"{unknown[0]}; extract both again (from {self.source})."
            )
        if not tested:
            raise DataError(
                f"Expected {self.title} to have its validation images in class folders, val/CLASS/*.JPEG, but there "
                f"are none in {base}; extract them (from {self.source}) and sort them into folders named as in train."
            )
        return found

    @staticmethod
    def _folders(part: Path) -> Iterator[tuple[str, list[Path]]]:
        """Names and images of the class folders of one part, sorted."""
        if not part.is_dir():
            return
        for folder in sorted(each.name for each in os.scandir(part) if each.is_dir() and each.name[0] != "."):
            names = sorted(each.name for each in os.scandir(part / folder) if each.name.lower().endswith(_ENDINGS))
            yield folder, [part / folder / name for name in names if name[0] != "."]


def _classes(by_class: dict[tuple[str, str], list[Path]]) -> tuple[str, ...]:
    return tuple(name for part, name in by_class if part == "train")


def _item(path: Path, id: str, target: int, published: str) -> Item:
    with opened(path) as image:
        return Item(decoded(path, image, "RGB"), target, id, id, published)


ADAPTER = ImageNet()
