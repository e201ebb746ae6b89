"""Which images train and which test."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.data.dataset import Packed
from harness.specs import Data, digest

Indices = npt.NDArray[np.int64]

_TEST_SHARE = 5
"""One in five is tested with, as the papers do (80/20)."""


def split(packed: Packed, data: Data, seed: int) -> tuple[Indices, Indices]:
    """Indices of the training and of the test images, each sorted.

    ``data.split`` says how: ``"published"``, as the publisher or mmsegmentation's converter splits; ``"subject"``, the
    last fifth of the subjects by name is tested with (DME: Subject_09 and Subject_10); ``"random"``, a fifth of the
    images, drawn anew for each seed, which puts images of one subject on both sides.

    Args:
        packed: The data set.
        data: What it was packed for.
        seed: Seed of the random split; the others do not depend on it.

    Raises:
        ValueError: There is no such split: nobody published one, or there is one subject or image only.
    """
    if data.split == "published":
        tested = np.array([part == "test" for part in packed.published])
        if not all(packed.published):
            raise ValueError(f"Expected {data.name} to have a published split, but it has none; split it by subject.")
    elif data.split == "subject":
        subjects = sorted(set(packed.subjects))
        tested = np.isin(packed.subjects, subjects[-_held_out(len(subjects), "subjects", data) :])
    else:
        count = len(packed.ids)
        entropy = int(digest(["split", data.name, seed])[:16], 16)
        tested = np.zeros(count, dtype=bool)
        tested[np.random.default_rng(entropy).permutation(count)[: _held_out(count, "images", data)]] = True
    return np.flatnonzero(~tested), np.flatnonzero(tested)


def _held_out(count: int, kind: str, data: Data) -> int:
    if count < 2:
        raise ValueError(f"Expected at least 2 {kind} of {data.name} to split, but got {count}.")
    return max(1, round(count / _TEST_SHARE))
