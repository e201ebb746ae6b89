"""Files of weights: found and checked before anything trains, without torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.specs import Weights


class WeightsError(ValueError):
    """Weights cannot be used; the message is one sentence for the user."""


def verify(weights: Weights) -> None:
    """Checks that a file of weights is there and is the one that is meant.

    Raises:
        WeightsError: The file is missing, cannot be read, or its SHA-256 is another.
    """
    path = Path(weights.path)
    if not path.is_file():
        raise WeightsError(f"Expected weights at {path}, but there is no such file; give the path of the weights.")
    try:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"Expected weights at {path}, but they cannot be read ({error.strerror}).") from error
    if content != weights.sha256:
        raise WeightsError(
            f"Expected the weights {path} to have the SHA-256 {weights.sha256}, but got {content}; "
            "download them again, or give the hash of the file that is meant."
        )
