"""Files of weights: found and checked before anything trains, without torch."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from harness.specs import Weights


class WeightsError(ValueError):
    """Weights cannot be used; the message is one sentence for the user."""


def verify(weights: Weights) -> None:
    """Checks that a file of weights is there and is the one that is meant.

    Raises:
        WeightsError: The file is missing, cannot be read, or its SHA-256 is another; or it is a name's whose file
            nobody has looked for.
    """
    if not weights.sha256:
        raise WeightsError(
            f"Expected the file of {weights.name} to be known, but got its name alone; find it by "
            "harness.networks.library.Library, or give the path and the `sha256` of a file."
        )
    path = Path(weights.file)
    content = hash_of(path)
    if content != weights.sha256:
        raise WeightsError(
            f"Expected the weights {path} to have the SHA-256 {weights.sha256}, but got {content}; "
            "download them again, or give the hash of the file that is meant."
        )


def hash_of(path: Path) -> str:
    """The SHA-256 of a file; one that stays as it is is read once by each process.

    Raises:
        WeightsError: The file is missing or cannot be read.
    """
    if not path.is_file():
        raise WeightsError(f"Expected weights at {path}, but there is no such file; give the path of the weights.")
    try:
        status = path.stat()
        return _hash(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise WeightsError(f"Expected weights at {path}, but they cannot be read ({error.strerror}).") from error


@cache
def _hash(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
