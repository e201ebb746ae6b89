"""What identifies a data set's content."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from harness.data.cache import folder, keep, recall
from harness.data.registry import adapter, existing, generator, is_phantom
from harness.specs import Data, digest

PACKING_VERSION = 1
"""Raise it whenever all data sets would be packed differently: masks and images read, prepared, resized or stored."""


def fingerprint(data: Data, root: Path | None, cache: Path | None = None) -> str:
    """SHA-256, as hexadecimal, of what a data set consists of and of the versions of what reads it.

    For real data: the names of its files below the root and their content, whichever annotation or size ``data`` asks
    for, and the adapter's version. The files' hash is remembered by path, size and time of change of every file. For a
    phantom: its name, size, count and relatedness, and the generator's version. For both the version of packing.

    Args:
        data: A resolved data set: ``evidence`` is ``"real"`` or ``"phantom"``.
        root: The data root; not needed for a phantom.
        cache: Folder to remember hashes in; ``None``: the user's cache folder.

    Raises:
        ValueError: ``data`` is not resolved, or there is no data set of that name.
        DataError: The data set is absent or incomplete.
    """
    if is_phantom(data):
        version = generator(data.name).version
        drawn: dict[str, object] = {"phantom": data.name, "size": data.size, "count": data.count}
        # Left out where it is not set, so that phantoms that know of no target keep their fingerprint.
        content: object = drawn if data.related is None else {**drawn, "related": data.related}
    else:
        version = adapter(data.name).version
        content = _of_files(adapter(data.name).files(existing(root)), existing(root), cache)
    return digest({"content": content, "version": version, "packing": PACKING_VERSION})


def _of_files(files: list[Path], root: Path, cache: Path | None) -> str:
    states = [(path, path.stat()) for path in files]
    key = digest([[str(path.resolve()), state.st_size, state.st_mtime_ns] for path, state in states])
    remembered = folder(cache) / "fingerprints" / f"{key[:32]}.json"
    known = recall(remembered)
    if isinstance(known, dict) and known.get("key") == key:
        return str(known["sha256"])
    result = digest([[path.relative_to(root).as_posix(), _sha256(path)] for path in files])
    with suppress(OSError):  # An unwritable cache costs time only.
        keep(remembered, {"key": key, "sha256": result})
    return result


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
