"""Files and folders that are there whole or not at all, also after the machine went down."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

LEFTOVER_SECONDS = 24 * 3600.0
"""A hidden folder that is older belonged to a writer that was killed."""


class StoreError(Exception):
    """The store cannot be used; the message is one sentence for the user."""


def reason(error: OSError) -> str:
    """What the operating system says about a failure."""
    return error.strerror or str(error)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def beside(path: Path) -> Path:
    """A hidden name beside a path, which no other process uses: processes of two containers may have equal numbers."""
    return path.with_name(f".{path.name}.{uuid4().hex}")


def flush(path: Path) -> None:
    """Brings a file, or the names in a folder, from the system's memory to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Writes a text file, replacing an earlier one in one step.

    Args:
        path: The file; its folder is there.
        text: The content.
        durable: Whether the content is on the disk before the earlier one is gone.
    """
    temporary = beside(path)
    try:
        temporary.write_text(text, "utf-8")
        if durable:
            flush(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def swap(folder: Path, place: Path) -> None:
    """Renames a folder into its place; an earlier one goes away in one step, then its files are removed."""
    former = beside(place)
    while folder.exists():
        shutil.rmtree(former, ignore_errors=True)
        with suppress(FileNotFoundError):
            os.rename(place, former)
        try:
            os.rename(folder, place)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                continue  # written meanwhile, on a disk that does not show one machine's locks to another
            with suppress(OSError):
                os.rename(former, place)
            raise
    flush(place.parent)
    shutil.rmtree(former, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Removes the hidden folders that killed writers left, those of :func:`beside` that are old enough."""
    for leftover in parent.glob(".*"):
        with suppress(OSError):
            if time.time() - leftover.stat().st_ctime > LEFTOVER_SECONDS:
                shutil.rmtree(leftover)
