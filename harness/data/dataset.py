"""What a data set is to the rest of the library: annotated images, and their packed form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from harness.specs import Data

IGNORED = 255
"""Mask value of a pixel that neither trains nor counts."""

Bytes = npt.NDArray[np.uint8]

Targets = npt.NDArray[np.uint8] | npt.NDArray[np.int16]
"""Class indices of many images: bytes, and 16 bits where more than 256 classes tell whole images apart."""

Target = Bytes | int
"""A mask ``(H, W)`` of class indices, :data:`IGNORED` where nothing is known; or a grade, the class of an image."""


class DataError(Exception):
    """A data set cannot be used; the message is one sentence for the user: what is wrong, where, and what to do."""


@dataclass(frozen=True)
class Item:
    """One annotated image as it is published.

    Attributes:
        image: Grey levels or RGB, uint8 ``(H, W)`` or ``(H, W, 3)``.
        target: What a network is to predict: a mask as large as the image, or a grade.
        id: Name of the image within its data set, unique.
        subject: Subject, patient or sequence that the image is of; images of one subject are not independent.
        published: ``"train"`` or ``"test"`` where the publisher (or mmsegmentation's converter) splits, else ``""``.
        companions: Ids of other images of the same subject by what they are to this one, ``{"other-eye": "7_R"}``.
    """

    image: Bytes
    target: Target
    id: str
    subject: str
    published: str = ""
    companions: Mapping[str, str] = field(default_factory=dict)


Deferred: TypeAlias = Callable[[], Item]
"""An item that is decoded when it is called."""


@dataclass(frozen=True)
class Packed:
    """A decoded data set.

    Attributes:
        images: uint8 ``(N, H, W, C)``, C = 1 or 3 channels (RGB).
        targets: Class indices: masks ``(N, H, W)``, uint8 with :data:`IGNORED`, or grades ``(N,)``, uint8, or int16
            where there are more than 256 classes.
        ids, subjects, published: As in :class:`Item`, one for each image.
        classes: Class names by index; 0 is the background where there is one (street scenes have none).
        foreground: The class that ``IoU.foreground`` is of, ``"fluid"``; ``""`` where no single class is it.
        task: What the targets are for, ``"segmentation"`` or ``"classification"``.
        companions: By name, for each image the id of its companion; ``""`` where it has none. Empty where the data set
            has no companions.
    """

    images: Bytes
    targets: Targets
    ids: tuple[str, ...]
    subjects: tuple[str, ...]
    published: tuple[str, ...]
    classes: tuple[str, ...]
    foreground: str
    task: str
    companions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def companion_of(self, name: str) -> npt.NDArray[np.int64]:
        """The index ``(N,)`` of each image's companion of this name.

        Raises:
            ValueError: There are no such companions, or an image has none.
        """
        if name not in self.companions:
            known = ", ".join(map(repr, self.companions)) or "none"
            raise ValueError(f"Expected the name of a companion that the images have, {known}, but got {name!r}.")
        places = {id: index for index, id in enumerate(self.ids)}
        for id, companion in zip(self.ids, self.companions[name], strict=True):
            if companion not in places:
                got = f"the data hold no {companion}" if companion else "it has none"
                raise ValueError(f"Expected {id} to have its {name!r} beside it, but {got}; leave both out.")
        return np.array([places[companion] for companion in self.companions[name]], dtype=np.int64)


class Adapter(Protocol):
    """Reads one data set in the layout that its publisher uses. A module of ``harness.data.sets`` holds one each."""

    name: str
    """As in ``Data.name``."""
    title: str
    """As the table names it, ``"CHASE_DB1"``."""
    version: int
    """Raise it whenever the same files would be read as other images, targets or subjects."""
    task: Literal["segmentation", "classification"]
    """What its targets are for: masks or grades."""
    size: tuple[int, int]
    """Height and width of the published images in pixels; usual ones where they vary."""
    images: int
    """How many annotated images there are; times are estimated from it."""
    classes: tuple[str, ...]
    foreground: str
    """The class that ``IoU.foreground`` is of; ``""`` where no single class is it."""
    labels: tuple[str, ...]
    """The annotations to choose from, ``Data.labels``; ``""`` means the first. Empty where there is one only."""
    annotators: tuple[str, ...]
    """Those of ``labels`` that are one person's each, at least two; empty where the data set has one annotator only.
    The report says how far they agree with one another."""
    published: bool
    """Whether the publisher, or mmsegmentation's converter, splits it into training and test."""
    source: str
    """Where to get it: the publisher's page or the paper, in a few words."""
    layout: str
    """What is expected under the data root, in one line."""

    def files(self, root: Path) -> list[Path]:
        """Every file that the data set consists of, sorted; raises :class:`DataError` where it is absent
        (nothing of it under ``root``) or incomplete (half extracted, an image without its mask)."""

    def check(self, root: Path) -> None:
        """Finds out what shows without decoding: :meth:`files`, and from the headers that every mask has its image's
        size and that no file is cut short; raises :class:`DataError`."""

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        """The annotated images in the order of their ids, one at a time; raises :class:`DataError` for a file that
        cannot be read, a mask whose size is not its image's, or one whose values mean no class."""


@runtime_checkable
class Deferring(Protocol):
    """An adapter whose items may be decoded by several threads at once; packing uses as many as there are cores."""

    def deferred(self, root: Path, data: Data) -> Iterator[Deferred]:
        """The items of :meth:`Adapter.read`, in the same order, each still to be decoded; raises DataError where
        ``read`` does, or when an item is decoded."""


@runtime_checkable
class Finding(Protocol):
    """An adapter that finds out what its classes are, and how many images there are, from the folders under a root.

    Its own ``classes`` and ``images`` are those of its phantom and of estimates.
    """

    def found(self, root: Path) -> Adapter:
        """The same adapter with the classes and the number of images under ``root``; raises DataError where the data
        set is absent."""


@runtime_checkable
class Accompanied(Protocol):
    """An adapter that knows which images are of the same subject: every item has all of these companions."""

    companions: tuple[str, ...]
    """Their names, as in :attr:`Item.companions`; a phantom of the data set has them too."""


class Generator(Protocol):
    """Makes the phantom of one data set. A module of ``harness.data.phantoms`` holds one or more."""

    names: tuple[str, ...]
    """The data sets that it stands in for; their adapters name the classes."""
    version: int
    """Raise it whenever it would draw another image."""

    def generate(self, data: Data) -> Iterator[Item]:
        """``data.count`` images of ``data.size`` (or the published size), deterministic by name, position and,
        where the generator knows of a target, ``data.related``."""
