"""The packed form on the disk: a folder with two arrays, and a manifest that says what they must hold.

Arrays are written one image at a time, so that memory holds one image however large the data set is. A manifest bears
its own digest and those of the arrays, so that a damaged or foreign folder is never taken for the right one.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from harness.data.cache import flush, keep, recall
from harness.data.dataset import IGNORED, Adapter, Bytes, Item, Packed, Targets

_ARRAYS = ("images", "targets")
_MANIFEST = "manifest.json"

_verified: set[tuple[str, ...]] = set()
"""Folder and digests of the packs whose content this process has compared with their manifest."""


def write(place: Path, key: str, items: Iterable[Item], source: Adapter) -> Packed:
    """Packs items beside their place, then moves them there in one step; what lay there before is removed.

    Args:
        place: Folder of the pack.
        key: What the pack is found by.
        items: Equally large images.
        source: Names classes, foreground and task.

    Returns:
        The pack, mapped from its files.

    Raises:
        OSError: It cannot be written.
    """
    staging = Path(tempfile.mkdtemp(dir=place.parent, prefix="."))
    try:
        with (staging / "images.npy").open("w+b") as images, (staging / "targets.npy").open("w+b") as targets:
            manifest = {"key": key, **_stream(items, images, targets, source)}
            for file in (images, targets):
                file.flush()
                flush(file.fileno())
        for name in _ARRAYS:
            manifest[name]["sha256"] = _sha256(staging / f"{name}.npy")
        keep(staging / _MANIFEST, manifest)
        shutil.rmtree(place, ignore_errors=True)
        os.rename(staging, place)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _verified.add(_proof(place, manifest))
    return _mapped(place, manifest, source)


def read(place: Path, key: str, source: Adapter) -> Packed | None:
    """The pack in a folder, or None where there is none, it is damaged, or it is another one.

    The arrays are compared with the manifest once in each process: that takes a second for each GB or two.
    """
    manifest = recall(place / _MANIFEST)
    try:
        if manifest is None or manifest["key"] != key or manifest["targets"]["highest"] >= len(source.classes):
            return None
        if _proof(place, manifest) not in _verified:
            if any(_sha256(place / f"{name}.npy") != manifest[name]["sha256"] for name in _ARRAYS):
                return None
            _verified.add(_proof(place, manifest))
        packed = _mapped(place, manifest, source)
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        return None
    arrays = ((packed.images, manifest["images"]), (packed.targets, manifest["targets"]))
    whole = all([*array.shape] == entry["shape"] and str(array.dtype) == entry["dtype"] for array, entry in arrays)
    return packed if whole else None


def gather(items: Iterable[Item], source: Adapter) -> Packed:
    """The same in memory, where no folder can be written."""
    images, targets = io.BytesIO(), io.BytesIO()
    manifest = _stream(items, images, targets, source)
    for file in (images, targets):
        file.seek(0)
    return _packed(np.load(images), np.load(targets), manifest, source)


def _stream(items: Iterable[Item], images: IO[bytes], targets: IO[bytes], source: Adapter) -> dict[str, Any]:
    """Writes two ``.npy`` files item by item; returns what a manifest holds but its digests."""
    graded = source.task == "classification"  # so that every number is a class, 255 too
    wide = graded and len(source.classes) > 256
    arrays = _Growing(images), _Growing(targets, np.dtype("<i2" if wide else "u1"))
    texts: dict[str, list[str]] = {"ids": [], "subjects": [], "published": []}
    companions: list[Mapping[str, str]] = []
    lowest, highest = len(source.classes), 0
    for item in items:
        target = np.asarray(item.target, arrays[1].dtype)
        known = target if graded else target[target != IGNORED]
        if known.size:
            lowest, highest = min(lowest, int(known.min())), max(highest, int(known.max()))
        for array, entry in zip(arrays, (item.image, target), strict=True):
            array.append(entry)
        for values, value in zip(texts.values(), (item.id, item.subject, item.published), strict=True):
            values.append(value)
        companions.append(item.companions)
    shapes = [array.finish() for array in arrays]
    content = {"images": shapes[0], "targets": {**shapes[1], "lowest": lowest, "highest": highest}, **texts}
    if names := sorted({name for each in companions for name in each}):  # Packs of other data stay as they were.
        content["companions"] = {name: [each.get(name, "") for each in companions] for name in names}
    return content


class _Growing:
    """A ``.npy`` file of whole numbers that grows by one entry at a time.

    numpy leaves room in a file's header for its first axis to grow, so the header is written again at the end.
    """

    def __init__(self, file: IO[bytes], dtype: np.dtype[Any] = np.dtype("u1")) -> None:  # noqa: B008
        self.file = file
        self.dtype = dtype
        self.count = 0
        self.shape: tuple[int, ...] = ()

    def append(self, entry: Bytes | Targets) -> None:
        if not self.count:
            self.shape = entry.shape
            self._header()
        elif entry.shape != self.shape:
            raise ValueError(f"Expected an entry of shape {self.shape}, but got {entry.shape}.")
        self.file.write(entry.tobytes())
        self.count += 1

    def finish(self) -> dict[str, Any]:
        self.file.seek(0)
        self._header()
        return {"shape": [self.count, *self.shape], "dtype": self.dtype.name}

    def _header(self) -> None:
        shape = (self.count, *self.shape)
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)


def _mapped(folder: Path, manifest: dict[str, Any], source: Adapter) -> Packed:
    images, targets = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS)
    return _packed(images, targets, manifest, source)


def _packed(images: Bytes, targets: Targets, manifest: dict[str, Any], source: Adapter) -> Packed:
    ids, subjects, published = (tuple(manifest[name]) for name in ("ids", "subjects", "published"))
    companions = {name: tuple(each) for name, each in manifest.get("companions", {}).items()}
    names = (source.classes, source.foreground, source.task)
    return Packed(images, targets, ids, subjects, published, *names, companions)


def _proof(place: Path, manifest: dict[str, Any]) -> tuple[str, ...]:
    return (str(place), *(manifest[name]["sha256"] for name in _ARRAYS))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
