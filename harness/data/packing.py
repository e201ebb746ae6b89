"""Decoding a data set once, into arrays that are mapped into memory from then on."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from harness.data.cache import fingerprint, folder, is_phantom
from harness.data.dataset import Bytes, DataError, Item, Packed
from harness.data.registry import adapter, check_spec, existing, generator
from harness.data.resizing import resize_image, resize_mask
from harness.specs import Data, digest

VERSION = 1
"""Raise it whenever the same files would be packed differently."""


def pack(data: Data, root: Path | None, cache: Path | None = None) -> Packed:
    """The images and masks of a data set, decoded, resized to ``data.size``, and kept for the next time.

    The arrays are read-only and mapped from files, so that several processes share their memory. They are stored
    below ``cache`` by the data's fingerprint and everything of ``data`` that changes them; two processes that want the
    same at once wait for one to pack it. Where the cache cannot be written, they are returned all the same.

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
    key = digest(
        {"version": VERSION, "content": fingerprint(data, root, cache), "labels": data.labels, "size": data.size}
    )
    place = folder(cache) / "packed" / f"{data.name}-{key[:32]}"
    if (packed := _load(place)) is not None:
        return packed
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_suffix(".lock")):
            if (packed := _load(place)) is not None:
                return packed
            decoded = _decode(data, root)
            _store(decoded, place)
    except OSError as error:
        warnings.warn(
            f"{place.parent} cannot hold packed data ({error}); they are decoded again each time.", stacklevel=2
        )
        return _decode(data, root)
    return _load(place) or decoded


def _decode(data: Data, root: Path | None) -> Packed:
    if is_phantom(data):
        made = generator(data.name)
        return packed_items(made.generate(data), made.classes(data.name), data)
    source = adapter(data.name)
    return packed_items(source.read(existing(root), data), source.classes, data)


def packed_items(items: Iterable[Item], classes: tuple[str, ...], data: Data) -> Packed:
    """Items resized to ``data.size`` and stacked; raises DataError where they differ in size and none is given."""
    images: list[Bytes] = []
    masks: list[Bytes] = []
    names: list[tuple[str, str, str]] = []
    for item in items:
        image = item.image if item.image.ndim == 3 else item.image[:, :, None]
        mask = item.mask
        if data.size is not None:
            image, mask = resize_image(image, data.size), resize_mask(mask, data.size, len(classes))
        if images and image.shape != images[0].shape:
            raise DataError(
                f"Expected the images of {data.name} to be equally large, but {item.id} is {image.shape[0]}×"
                f"{image.shape[1]} and {names[0][0]} is {images[0].shape[0]}×{images[0].shape[1]}; give a `size`."
            )
        images.append(image)
        masks.append(mask)
        names.append((item.id, item.subject, item.published))
    if not images:
        raise DataError(f"Expected annotated images in {data.name}, but found none; extract it again.")
    ids, subjects, published = zip(*names, strict=True)
    return Packed(np.stack(images), np.stack(masks), ids, subjects, published, classes)


def _store(packed: Packed, place: Path) -> None:
    """Write everything beside its place, then move it there in one step."""
    temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix="."))
    try:
        np.save(temporary / "images.npy", packed.images)
        np.save(temporary / "masks.npy", packed.masks)
        texts = {key: value for key, value in vars(packed).items() if key not in ("images", "masks")}
        (temporary / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)  # There only if damaged: _load did not take it.
        os.rename(temporary, place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _load(place: Path) -> Packed | None:
    """What is stored there; None where nothing is, or where it is damaged."""
    try:
        texts = json.loads((place / "texts.json").read_text(encoding="utf-8"))
        images = np.load(place / "images.npy", mmap_mode="r")
        masks = np.load(place / "masks.npy", mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    return Packed(images, masks, **{key: tuple(value) for key, value in texts.items()})
