"""Decoding a data set once, into arrays that are mapped into memory from then on."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data import packfile
from harness.data.cache import folder
from harness.data.dataset import IGNORED, Adapter, DataError, Deferred, Deferring, Item, Packed
from harness.data.fingerprints import fingerprint
from harness.data.parallel import cores, in_order
from harness.data.preparation import prepared
from harness.data.progress import Report, followed
from harness.data.registry import adapter_of, check_spec, existing, generator, is_phantom
from harness.data.resizing import fit_image, fit_mask
from harness.specs import Data, digest

GATHERED = 4 * 10**9
"""Bytes of a pack that may lie in memory where no disk holds it."""

Counts = npt.NDArray[np.int64]


def pack(
    data: Data, root: Path | None, cache: Path | None = None, workers: int | None = None, report: Report | None = None
) -> Packed:
    """The images and targets of a data set, decoded, prepared, resized, and kept for the next time.

    The arrays are read-only and mapped from files, so that several processes share their memory. They are stored
    below ``cache`` by the data's fingerprint and everything of ``data`` that changes them; two processes that want the
    same at once wait for one to pack it. What is damaged there is packed anew, with a warning. Where the cache cannot
    be written, they are returned all the same.

    Args:
        data: A resolved data set: ``evidence`` is ``"real"`` or ``"phantom"``.
        root: The data root; not needed for a phantom.
        cache: Folder for packed data; ``None``: the user's cache folder.
        workers: Threads that decode; ``None``: one for each core. The pack does not depend on their number.
        report: Hears how far it is, see :func:`harness.data.progress.followed`.

    Raises:
        ValueError: ``data`` is not resolved, or asks for what the data set does not have.
        DataError: The data cannot be used, or the disk cannot hold them.
    """
    from filelock import FileLock

    check_spec(data)
    source = adapter_of(data, root)
    labels = data.labels or next(iter(source.labels), "")
    content = fingerprint(data, root, cache)
    key = digest({"content": content, "labels": labels, "resize": data.resize, "prepare": data.prepare})
    place = folder(cache) / "packed" / f"{data.name}-{key[:32]}"
    if (packed := packfile.read(place, key, source)) is not None:
        return packed

    def following() -> Iterator[Item]:
        total = data.count if is_phantom(data) else source.images
        return followed(items(data, root, workers or cores()), source.title, total, report)

    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_suffix(".lock")):
            if (packed := packfile.read(place, key, source)) is not None:
                return packed
            if place.exists():
                warnings.warn(
                    f"Expected the packed data in {place} to be as they were written, but they are damaged; "
                    "they are packed anew.",
                    stacklevel=2,
                )
            _require_space(place.parent, data, source)
            return packfile.write(place, key, following(), source)
    except OSError as error:
        warnings.warn(
            f"{place.parent} cannot hold packed data ({error}); they are decoded again each time.", stacklevel=2
        )
    return packfile.gather(following(), source)


def _require_space(folder: Path, data: Data, source: Adapter) -> None:
    """Raises DataError where a large data set would fill the disk, before anything is decoded."""
    if is_phantom(data):
        return
    height, width = data.size or source.size
    needed = source.images * height * width * (4 if source.task == "segmentation" else 3)
    free = shutil.disk_usage(folder).free
    if needed > max(free, GATHERED):
        raise DataError(
            f"Expected about {needed / 1e9:.0f} GB free in {folder} for the {source.images} images of {source.title} "
            f"at {height}×{width}, but got {free / 1e9:.0f}; give a smaller `resize`, or a store on another disk."
        )


def items(data: Data, root: Path | None, workers: int = 1) -> Iterator[Item]:
    """The items of a data set as they are packed: checked, prepared and resized, a few at a time.

    Args:
        data: A resolved data set.
        root: The data root; not needed for a phantom.
        workers: Threads that decode, prepare and resize; the items and their order do not depend on their number.

    Raises:
        DataError: The data cannot be used, or the images differ in size and ``data`` brings them to none.
    """
    source = adapter_of(data, root)
    if is_phantom(data):
        # Phantoms are drawn at the size that is asked for, unless something is to be cut off.
        cut = data.resize is not None and data.resize.fit in ("short-side", "centre-crop")
        drawn = generator(data.name).generate(replace(data, resize=None) if cut else data)
        return _alike((_packable(item, data, source) for item in drawn), data)
    decoding = (partial(_counted, decode, data, source) for decode in _deferred(source, existing(root), data))
    return _alike(_meaningful(in_order(decoding, workers), source), data)


def _deferred(source: Adapter, root: Path, data: Data) -> Iterator[Deferred]:
    """The items of an adapter, decoded here where it cannot leave that to threads."""
    if isinstance(source, Deferring):
        return source.deferred(root, data)
    return (partial(_same, item) for item in source.read(root, data))


def _same(item: Item) -> Item:
    return item


def _counted(decode: Deferred, data: Data, source: Adapter) -> tuple[Item, Counts]:
    """An item ready to be packed, and how often each value occurs in its target as published."""
    item = decode()
    values = max(IGNORED + 1, len(source.classes))
    counts = np.bincount(np.ravel(item.target), minlength=values)
    if len(counts) > values:  # refused by whoever reads the counts: it fits no type of targets
        return item, counts
    return _packable(item, data, source), counts


def _packable(item: Item, data: Data, source: Adapter) -> Item:
    image, target = item.image if item.image.ndim == 3 else item.image[:, :, None], item.target
    for term in data.prepare:
        try:
            image, target = prepared(term, image, target)
        except ValueError as error:
            raise DataError(
                f"Expected {source.title}'s {item.id} to be an image that {term!r} fits, but {error}; extract it "
                "again, or prepare the images in another way."
            ) from error
    if data.resize is not None:
        image = fit_image(image, data.resize)
        if not isinstance(target, int):
            target = fit_mask(target, data.resize, len(source.classes))
    return replace(item, image=image, target=target)


def _meaningful(read: Iterable[tuple[Item, Counts]], source: Adapter) -> Iterator[Item]:
    """Real items; raises DataError for a target beyond the classes, and where all items show one class only."""
    seen = np.zeros(max(IGNORED + 1, len(source.classes)), dtype=np.int64)
    for item, counts in read:
        unknown = [
            value
            for value in np.flatnonzero(counts)
            if value >= len(source.classes) and (value != IGNORED or source.task == "classification")
        ]
        if unknown:
            raise DataError(
                f"Expected the target of {source.title}'s {item.id} to be one of its {len(source.classes)} classes, "
                f"but got {unknown[0]}; extract the data set again."
            )
        seen += counts
        yield item
    shown = [name for name, count in zip(source.classes, seen, strict=False) if count]
    if seen.any() and len(shown) < 2:
        raise DataError(
            f"Expected the targets of {source.title} to show several of its classes, but all of them show "
            f"{shown[0] if shown else 'nothing'} only; extract the data set again (from {source.source})."
        )


def _alike(fitted: Iterable[Item], data: Data) -> Iterator[Item]:
    """Items; raises DataError where their images differ in size, and where there are none."""
    first: Item | None = None
    for item in fitted:
        first = first or item
        if item.image.shape != first.image.shape:
            raise DataError(
                f"Expected the images of {data.name} to be equally large, but {item.id} is {item.image.shape[0]}×"
                f"{item.image.shape[1]} and {first.id} is {first.image.shape[0]}×{first.image.shape[1]}; "
                "give a `resize`."
            )
        yield item
    if first is None:
        raise DataError(f"Expected annotated images in {data.name}, but found none; extract it again.")
