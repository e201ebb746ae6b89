"""Headers of MATLAB 5 files: what a file holds, and whether it is whole, without decompressing it.

The format is described in "MAT-File Format", MathWorks; :func:`scipy.io.whosmat` decompresses everything to tell as
much (0.3 s a file of the DME data against 0.1 ms here).
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

_HEADER = 128
_COMPRESSED = 15
_PREFIX = 512
"""Bytes of a variable that hold its flags, shape and name: more than enough for names of 63 characters."""


class Truncated(ValueError):
    """The file ends within a variable, or is no MATLAB 5 file."""


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape of each variable of a MATLAB 5 file by its name.

    Raises:
        Truncated: The file is cut short or not of this format.
    """
    size = path.stat().st_size
    found: dict[str, tuple[int, ...]] = {}
    with path.open("rb") as file:
        header = file.read(_HEADER)
        if len(header) < _HEADER or header[126:128] not in (b"IM", b"MI"):
            raise Truncated("no MATLAB 5 header")
        order = "<" if header[126:128] == b"IM" else ">"
        while (start := file.tell()) < size:
            tag = file.read(8)
            if len(tag) < 8:
                raise Truncated(f"{size} bytes, cut within a tag")
            kind, length = struct.unpack(f"{order}II", tag)
            if start + 8 + length > size:
                raise Truncated(f"{size} bytes where {start + 8 + length} are announced")
            body = file.read(min(length, _PREFIX))
            if kind == _COMPRESSED:
                # Inside is the same element again, with a tag of its own.
                body = zlib.decompressobj().decompress(body, _PREFIX)[8:]
            try:
                name, shape = _name_and_shape(body, order)
            except (struct.error, UnicodeDecodeError) as error:
                raise Truncated("an unreadable variable") from error
            found[name] = shape
            file.seek(start + 8 + length)
    return found


def _name_and_shape(body: bytes, order: str) -> tuple[str, tuple[int, ...]]:
    _, rest = _element(body, order)
    dimensions, rest = _element(rest, order)
    name, _ = _element(rest, order)
    return name.decode("ascii"), struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)


def _element(body: bytes, order: str) -> tuple[bytes, bytes]:
    """The data of the first sub-element, and what follows it."""
    (first,) = struct.unpack_from(f"{order}I", body)
    if first >> 16:  # small format: length and data share the tag
        return body[4 : 4 + (first >> 16)], body[8:]
    (length,) = struct.unpack_from(f"{order}I", body, 4)
    return body[8 : 8 + length], body[8 + length + -length % 8 :]
