"""The manifest of an entry: size and SHA-256 of each of its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.store.files import file_digest, flush, replace_text

MANIFEST = "manifest.json"


def write(folder: Path) -> None:
    """Lists every file of a new entry, and brings all of it to the disk."""
    files = sorted(folder.iterdir())
    for file in files:
        flush(file)
    replace_text(folder / MANIFEST, json.dumps({file.name: _describe(file) for file in files}), durable=True)
    flush(folder)


def add(folder: Path, name: str, file: Path) -> None:
    """Lists a file that is about to become the file ``name`` of an entry."""
    content = {**_read(folder), name: _describe(file)}
    replace_text(folder / MANIFEST, json.dumps(content), durable=True)


def check(folder: Path, *names: str) -> None:
    """Checks files of an entry. One that is neither listed nor there is in order: a failed job has no counts.

    Raises:
        ValueError: A file is not what was written, or the manifest is not.
        OSError: A file that the manifest lists cannot be read.
    """
    content = _read(folder)
    for name in names:
        if (name in content or (folder / name).exists()) and content.get(name) != _describe(folder / name):
            raise ValueError(f"{name} is not what was written")


def _read(folder: Path) -> dict[str, Any]:
    content = json.loads((folder / MANIFEST).read_text("utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{MANIFEST} is not what was written")  # noqa: TRY004
    return content


def _describe(file: Path) -> dict[str, Any]:
    return {"bytes": file.stat().st_size, "sha256": file_digest(file)}
