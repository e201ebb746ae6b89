"""Checkpoint files: found and checked before anything trains, without torch."""

from __future__ import annotations

from pathlib import Path

from harness.specs import Checkpoint
from harness.store import file_digest


class WeightsError(ValueError):
    """Weights cannot be used; the message is one sentence for the user."""


def verify(checkpoint: Checkpoint) -> None:
    """Checks that a checkpoint file is there and is the one that is meant.

    Raises:
        WeightsError: The file is missing or its SHA-256 is another.
    """
    path = Path(checkpoint.path)
    if not path.is_file():
        raise WeightsError(f"Expected a checkpoint at {path}, but there is no such file; give the path of the weights.")
    found = file_digest(path)
    if found != checkpoint.sha256:
        raise WeightsError(
            f"Expected the checkpoint {path} to have the SHA-256 {checkpoint.sha256}, but got {found}; "
            "download it again, or give the hash of the file that is meant."
        )
