"""Decoding a data set once, into arrays that are mapped into memory from then on."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.data import packfile
from harness.data.cache import folder
from harness.data.dataset import IGNORED, Adapter, DataError, Item, Packed
from harness.data.fingerprints import fingerprint
from harness.data.preparation import prepared
from harness.data.registry import adapter, check_spec, existing, generator, is_phantom
from harness.data.resizing import fit_image, fit_mask
from harness.specs import Data, digest


def pack(data: Data, root: Path | None, cache: Path | None = None) -> Packed:
    """The images and targets of a data set, decoded, prepared, resized, and kept for the next time.

    The arrays are read-only and mapped from files, so that several processes share their memory. They are stored
    below ``cache`` by the data's fingerprint and everything of ``data`` that changes them; two processes that want the
    same at once wait for one to pack it. What is damaged there is packed anew, with a warning. Where the cache cannot
    be written, they are returned all the same.

    Args:
        data: A resolved data set: ``evidence`` is ``"real"`` or ``"phantom"``.
        root: The data root; not needed for a phantom.
        cache: Folder for packed data; ``None``: the user's cache folder.

    Raises:
        ValueError: ``data`` is not resolved, or asks for what the data set does not have.
        DataError: The data cannot be used.
    """
    from filelock import FileLock

    check_spec(data)
    source = adapter(data.name)
    labels = data.labels or next(iter(source.labels), "")
    content = fingerprint(data, root, cache)
    key = digest({"content": content, "labels": labels, "resize": data.resize, "prepare": data.prepare})
    place = folder(cache) / "packed" / f"{data.name}-{key[:32]}"
    if (packed := packfile.read(place, key, source)) is not None:
        return packed
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
            return packfile.write(place, key, items(data, root), source)
    except OSError as error:
        warnings.warn(
            f"{place.parent} cannot hold packed data ({error}); they are decoded again each time.", stacklevel=2
        )
    return packfile.gather(items(data, root), source)


def items(data: Data, root: Path | None) -> Iterator[Item]:
    """The items of a data set as they are packed: checked, prepared and resized, one at a time.

    Raises:
        DataError: The data cannot be used, or the images differ in size and ``data`` brings them to none.
    """
    source = adapter(data.name)
    if is_phantom(data):
        # Phantoms are drawn at the size that is asked for, unless something is to be cut off.
        cut = data.resize is not None and data.resize.fit in ("short-side", "centre-crop")
        drawn = generator(data.name).generate(replace(data, resize=None) if cut else data)
        return _alike((_packable(item, data, source) for item in drawn), data)
    read = _meaningful(source.read(existing(root), data), source)
    return _alike((_packable(item, data, source) for item in read), data)


def _packable(item: Item, data: Data, source: Adapter) -> Item:
    image, target = item.image if item.image.ndim == 3 else item.image[:, :, None], item.target
    for term in data.prepare:
        image, target = prepared(term, image, target)
    if data.resize is not None:
        image = fit_image(image, data.resize)
        if not isinstance(target, int):
            target = fit_mask(target, data.resize, len(source.classes))
    return replace(item, image=image, target=target)


def _meaningful(read: Iterable[Item], source: Adapter) -> Iterator[Item]:
    """Real items; raises DataError for a target beyond the classes, and where all items show one class only."""
    seen = np.zeros(256, dtype=np.int64)
    for item in read:
        seen += np.bincount(np.ravel(item.target), minlength=256)
        unknown = [value for value in np.flatnonzero(seen) if value >= len(source.classes) and value != IGNORED]
        if unknown:
            raise DataError(
                f"Expected the target of {source.title}'s {item.id} to be one of its {len(source.classes)} classes, "
                f"but got {unknown[0]}; extract the data set again."
            )
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
