"""Image files as publishers store them, gzipped or not, and the folders where they lie."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.data.dataset import Bytes, DataError

if TYPE_CHECKING:
    from PIL.Image import Image

DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
"""Pillow's modes of one channel with more than 8 bits, which it would clip rather than scale."""
_TWELVE_BITS = 4095

_ORIENTATION = 0x0112
"""EXIF's tag for how the camera was held; values from 5 on swap height and width."""

_DAMAGED = (OSError, EOFError, SyntaxError, ValueError, IndexError, struct.error, zlib.error)
"""What Pillow and gzip raise for a file that is cut short or not what its name says."""


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
    except _DAMAGED as error:
        raise _unreadable(path, error) from error


def displayed_size(path: Path, image: Image) -> tuple[int, int]:
    """Width and height of an opened image as its EXIF orientation has it shown; raises DataError."""
    try:
        swapped = image.getexif().get(_ORIENTATION, 1) >= 5
    except _DAMAGED as error:
        raise _unreadable(path, error) from error
    return image.size[::-1] if swapped else image.size


def decoded(path: Path, image: Image, mode: str, size: tuple[int, int] | None = None) -> Bytes:
    """The pixels of an opened file, as they are stored, in one of Pillow's modes of bytes.

    Of 16 bits the upper 8 are taken, and transparency is left out, with the colours below it kept. An image is turned
    as its EXIF orientation says only where its mask tells that it was drawn on the turned image.

    Args:
        path: The file, for errors.
        image: The file, opened.
        mode: ``"L"``, ``"RGB"``, ``"RGBA"`` or ``"P"``.
        size: Width and height of its mask; ``None``: it has none.

    Returns:
        uint8 ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)``.

    Raises:
        DataError: The file ends early, is damaged, or stores more than 8 bits in a range that nothing tells.
    """
    from PIL import ImageOps

    try:
        if size not in (None, image.size) and displayed_size(path, image) == size:
            image = ImageOps.exif_transpose(image)
        if image.mode in DEEP:
            grey = _upper_bits(path, np.asarray(image))
            return np.repeat(grey[:, :, None], 3, axis=2) if mode == "RGB" else grey
        if image.mode == "P" and mode == "RGB":
            image = image.convert("RGBA")  # Pillow warns where a palette's transparency is dropped in one step.
        return np.asarray(image if image.mode == mode else image.convert(mode), np.uint8)
    except _DAMAGED as error:
        raise _unreadable(path, error) from error


def numbers(path: Path, image: Image) -> npt.NDArray[np.int64]:
    """The whole numbers ``(H, W)`` that an opened file of one of the modes :data:`DEEP` stores; raises DataError."""
    try:
        stored = np.asarray(image)
        whole: npt.NDArray[np.int64] = stored.astype(np.int64)
        if (whole == stored).all():
            return whole
    except _DAMAGED as error:
        raise _unreadable(path, error) from error
    raise DataError(f"Expected the mask {path} to store whole numbers, but it stores fractions; convert it to 8 bits.")


def _upper_bits(path: Path, stored: npt.NDArray[Any]) -> Bytes:
    """The upper 8 of 16 bits; raises DataError where the numbers do not span 16 bits, so that all would be dark."""
    low, high = stored.min(), stored.max()
    if low < 0 or high > 65535 or 0 < high <= _TWELVE_BITS or stored.dtype.kind == "f":
        raise DataError(
            f"Expected the image {path} to have 8 bits, or 16 bits that span 0 to 65535, but its numbers lie between "
            f"{low:g} and {high:g}; convert it to 8 bits."
        )
    return (stored >> 8).astype(np.uint8)


def require_content(paths: Iterable[Path]) -> None:
    """Raises DataError for a file without a byte.

    That is all that is worth finding out about 100 000 images before they are decoded: opening each takes minutes.
    """
    for path in paths:
        if not path.stat().st_size:
            raise _unreadable(path, EOFError())


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"Expected {path} to be a readable image, but it is damaged ({type(error).__name__}); extract it again."
    )
