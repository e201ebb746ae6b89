"""Which images train, which choose, and which test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.dataset import Packed
from harness.specs import Data, digest

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Parts:
    """The sides of a split: indices of images, sorted, none on two sides.

    Attributes:
        train: What trains; after ``Data.subset`` only some of the images that neither test nor choose.
        validation: What chooses; empty where the split holds none out.
        test: What tests.
    """

    train: Indices
    validation: Indices
    test: Indices


def split(packed: Packed, data: Data, seed: int) -> Parts:
    """Divides a data set as ``data.split`` and ``data.subset`` ask for.

    The test side of ``"published"`` is the publisher's. ``"subject"`` tests on the last subjects by name (of DME's ten
    on Subject_09 and Subject_10). ``"folds"`` does so with seed 0 and moves on to the subjects before them with each
    further seed, around the end. ``"random"`` draws images with the seed, which puts images of one subject on both
    sides. Validation subjects (images, where the split is random) and the subset are drawn with the seed.

    Args:
        packed: The data set.
        data: What it was packed for.
        seed: Seed of the job.

    Raises:
        ValueError: There is no such split: nobody published one, there are too few subjects or images for one on each
            side, or the subset is larger than the training side.
    """
    tested = _tested(packed, data, seed)
    validating = np.zeros_like(tested)
    if data.split.validation:
        groups = _validation_groups(packed, data, tested)
        names = sorted(set(groups[~tested]))
        chosen = _drawn("validation", data, seed, len(names))[: _share(len(names), data.split.validation, data)]
        validating = ~tested & np.isin(groups, [names[index] for index in chosen])
    train = np.flatnonzero(~tested & ~validating)
    if data.subset is not None:
        count = data.subset if isinstance(data.subset, int) else max(1, round(data.subset * len(train)))
        if count > len(train):
            raise ValueError(
                f"Expected the `subset` of {data.name} to be at most its {len(train)} training images, "
                f"but got {count}; choose fewer."
            )
        # Each subset is a beginning of one order, so that a smaller one is part of a larger one.
        train = np.sort(train[_drawn("subset", data, seed, len(train))[:count]])
    return Parts(train, np.flatnonzero(validating), np.flatnonzero(tested))


def _tested(packed: Packed, data: Data, seed: int) -> npt.NDArray[np.bool_]:
    if data.split.kind == "published":
        if not all(packed.published):
            raise ValueError(f"Expected {data.name} to have a published split, but it has none; split it by subject.")
        return np.array([part == "test" for part in packed.published])
    if data.split.kind == "random":
        count = len(packed.ids)
        tested = np.zeros(count, dtype=bool)
        tested[_drawn("split", data, seed, count)[: _share(count, data.split.test, data)]] = True
        return tested
    subjects = sorted(set(packed.subjects))
    size = _share(len(subjects), data.split.test, data)
    first = len(subjects) - size * (seed + 1 if data.split.kind == "folds" else 1)
    return np.isin(packed.subjects, [subjects[(first + offset) % len(subjects)] for offset in range(size)])


def _validation_groups(packed: Packed, data: Data, tested: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    """What is held out as one, for each image: its subject, else the image itself."""
    subjects = np.array(packed.subjects)
    by_image = data.split.kind == "random" or (data.split.kind == "published" and len(set(subjects[~tested])) < 2)
    return np.array(packed.ids) if by_image else subjects


def _drawn(purpose: str, data: Data, seed: int, count: int) -> Indices:
    """The numbers below ``count`` in an order that depends on purpose, data set and seed."""
    entropy = int(digest([purpose, data.name, seed])[:16], 16)
    return np.random.default_rng(entropy).permutation(count)


def _share(count: int, share: float, data: Data) -> int:
    """How many of ``count`` subjects or images a share is: at least one, and never all."""
    if count < 2:
        kind = "images" if data.split.kind == "random" else "subjects"
        raise ValueError(f"Expected at least 2 {kind} of {data.name} to split, but got {count}.")
    return min(count - 1, max(1, round(count * share)))
