"""Image files as publishers store them, gzipped or not, and the folders where they lie."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.data.dataset import Bytes, DataError

if TYPE_CHECKING:
    from PIL.Image import Image

_DAMAGED = (OSError, EOFError, SyntaxError, ValueError, zlib.error)
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


def decoded(path: Path, image: Image, mode: str) -> Bytes:
    """The pixels of an opened file in one of Pillow's modes of bytes; raises DataError where it ends early."""
    try:
        return np.asarray(image if image.mode == mode else image.convert(mode), np.uint8)
    except _DAMAGED as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"Expected {path} to be a readable image, but it is damaged ({type(error).__name__}); extract it again."
    )
