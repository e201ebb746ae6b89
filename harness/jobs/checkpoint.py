"""A checkpoint from which a killed training goes on as if it had not been killed.

mmengine's own resume fails on torch ≥ 2.6 and does not keep the random state that dropout draws from. Here a file holds
plain tensors, numbers and strings only; order and augmentation need no state (they are functions of the seed and the
iteration). On the CPU a resumed training equals an undisturbed one bit for bit.

torch ignores the checksums of its own files, so a file begins with the SHA-256 of the rest, and with the key of the job
that wrote it.
"""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

HEADER = 2 * 64
"""Bytes before the tensors: SHA-256 of the key and the rest, and the key, as hexadecimal digits."""


def save(path: Path, key: str, content: dict[str, Any]) -> None:
    """Writes a checkpoint, replacing the file at once or not at all; it is on the disk before it is renamed.

    Args:
        path: The file.
        key: Key of the job, 64 hexadecimal digits.
        content: Tensors, numbers, strings, and lists and dicts of them.
    """
    buffer = io.BytesIO()
    torch.save(content, buffer)
    rest = key.encode() + buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            file.write(hashlib.sha256(rest).hexdigest().encode() + rest)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path, key: str) -> dict[str, Any] | None:
    """What :func:`save` wrote for the job of that key; ``None`` where there is nothing.

    A file that is damaged, or another job's, is deleted: the training starts anew.
    """
    try:
        content = path.read_bytes()
    except OSError:
        return None
    try:
        if hashlib.sha256(content[64:]).hexdigest().encode() != content[:64] or content[64:HEADER] != key.encode():
            raise ValueError("damaged, or of another job")
        loaded: dict[str, Any] = torch.load(io.BytesIO(content[HEADER:]), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception:  # of a broken file anything comes
        discard(path)
        return None
    return loaded


def discard(path: Path) -> None:
    """Removes a checkpoint that cannot be used."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
