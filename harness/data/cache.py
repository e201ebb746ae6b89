"""The folder where derived files are kept, and small files in it that notice when they are damaged."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import platformdirs

from harness.specs import digest


def folder(cache: Path | None) -> Path:
    """Where derived files are kept: ``cache``, or the user's cache folder."""
    return cache if cache is not None else Path(platformdirs.user_cache_dir("transfer-claims")) / "data"


def keep(path: Path, content: Any) -> None:
    """Write plain values with their digest, such that a reader sees the old file or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"digest": digest(content), "content": content}, file)
            flush(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def recall(path: Path) -> Any:
    """What :func:`keep` wrote; None where there is nothing, or where it does not bear its digest."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return stored["content"] if digest(stored["content"]) == stored["digest"] else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def flush(file: int) -> None:
    """Wait until an open file's content is on the disk: after a crash a rename may be there and the content not."""
    os.fsync(file)
