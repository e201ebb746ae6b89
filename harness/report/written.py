"""Which files of its folder a report wrote itself, so that a later one removes those and no others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from harness.converter import build
from harness.report.document import replace_text

NAME = ".written.json"


def sweep(folder: Path, written: Iterable[Path]) -> None:
    """Removes what an earlier report wrote and this one did not, and notes what this one wrote.

    A file that somebody changed since is theirs and stays.

    Args:
        folder: The report's folder.
        written: The files of this report, all beneath the folder.
    """
    files = {file.relative_to(folder).as_posix(): file for file in written}
    for name, digest in _former(folder).items():
        file = folder / name
        ours = file.is_file() and file.resolve().is_relative_to(folder.resolve()) and _digest(file) == digest
        if ours and name not in files:
            file.unlink()
    content = {name: _digest(file) for name, file in files.items()}
    replace_text(folder / NAME, json.dumps(content, indent=1) + "\n")


def _former(folder: Path) -> dict[str, str]:
    """What the last report noted; nothing where there is no note that can be read."""
    with suppress(OSError, ValueError):
        return build(json.loads((folder / NAME).read_text("utf-8")), dict[str, str])
    return {}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
