"""Which images train, which choose, and which test."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.data.dataset import Packed
from harness.specs import Data, digest
from harness.specs.data import WHOLE

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
    """Divides a data set as ``data.share``, ``data.split`` and ``data.subset`` ask for, in this order.

    The test side of ``"published"`` is the publisher's. ``"subject"`` tests on the last subjects by name (of DME's ten
    on Subject_09 and Subject_10). ``"folds"`` does so with seed 0 and moves on to the subjects before them with each
    further seed, around the end. ``"random"`` draws images with the seed, which puts images of one subject on both
    sides. Validation subjects (images, where the split is random) and the subset are drawn with the seed. The share
    does not depend on it. A companion may lie outside the subset: it is seen, and its target is not.

    Args:
        packed: The data set.
        data: What it was packed for.
        seed: Seed of the job.

    Raises:
        ValueError: There is no such split: nobody published one, there are too few subjects or images for one on each
            side, the subset is larger than the training side, an image and its companion are on different sides, or
            all training images of a classification are of one class.
    """
    shared = _shared(packed, data)
    inner = _divided(shared, data, seed)
    parts = Parts(*(shared.indices[side] for side in (inner.train, inner.validation, inner.test)))
    if data.companion:
        _require_companions(packed, data, parts)
    if data.subset is not None:
        parts = replace(parts, train=_subset(parts.train, data.subset, data, seed))
    if packed.task == "classification":
        _require_classes(packed, data, parts)
    return parts


@dataclass(frozen=True)
class _Images:
    """The images that are divided: those of the share.

    Attributes:
        indices: Of each image in the data set, sorted.
        ids, subjects, published: As in :class:`Packed`, of these images.
    """

    indices: Indices
    ids: tuple[str, ...]
    subjects: tuple[str, ...]
    published: tuple[str, ...]


def _shared(packed: Packed, data: Data) -> _Images:
    """The images of the subjects between ``data.share`` of their order by digest of data set and subject."""
    subjects = sorted(set(packed.subjects), key=lambda subject: digest(["share", data.name, subject]))
    first, last = (round(bound * len(subjects)) for bound in data.share)
    kept = set(subjects[first:last])
    if data.share != WHOLE and len(kept) < 2:
        raise ValueError(
            f"Expected the `share` {data.share} of {data.name} to hold at least 2 of its {len(subjects)} subjects, "
            f"but it holds {len(kept)}; widen it."
        )
    indices = np.array([at for at, subject in enumerate(packed.subjects) if subject in kept], dtype=np.int64)
    texts = (tuple(every[at] for at in indices) for every in (packed.ids, packed.subjects, packed.published))
    return _Images(indices, *texts)


def _divided(some: _Images, data: Data, seed: int) -> Parts:
    """The sides before a subset is taken; indices among ``some``."""
    tested = _tested(some, data, seed)
    if data.share != WHOLE and len(set(tested)) < 2:
        raise ValueError(
            f"Expected the `share` {data.share} of {data.name} to hold images that train and images that test, but "
            f"its published split leaves it {'none that train' if tested.all() else 'none that test'}; widen it."
        )
    validating = np.zeros_like(tested)
    if data.split.validation:
        groups = _validation_groups(some, data, tested)
        names = sorted(set(groups[~tested]))
        chosen = _drawn("validation", data, seed, len(names))[: _share(len(names), data.split.validation, data)]
        validating = ~tested & np.isin(groups, [names[index] for index in chosen])
    return Parts(np.flatnonzero(~tested & ~validating), np.flatnonzero(validating), np.flatnonzero(tested))


def _subset(train: Indices, subset: int | float, data: Data, seed: int) -> Indices:
    count = subset if isinstance(subset, int) else max(1, round(subset * len(train)))
    if count > len(train):
        raise ValueError(
            f"Expected the `subset` of {data.name} to be at most its {len(train)} training images, "
            f"but got {count}; choose fewer."
        )
    # Each subset is a beginning of one order, so that a smaller one is part of a larger one.
    return np.sort(train[_drawn("subset", data, seed, len(train))[:count]])


def _require_companions(packed: Packed, data: Data, parts: Parts) -> None:
    companions = packed.companion_of(data.companion)
    for side in (parts.train, parts.validation, parts.test):
        apart = side[~np.isin(companions[side], side)]
        if len(apart):
            raise ValueError(
                f"Expected each image of {data.name} and its {data.companion!r} on one side of the split, but "
                f"{packed.ids[apart[0]]} and {packed.ids[companions[apart[0]]]} are on two; split it by subject."
            )


def _require_classes(packed: Packed, data: Data, parts: Parts) -> None:
    shown = np.unique(packed.targets[parts.train])
    if len(shown) < 2:
        only = packed.classes[shown[0]] if len(shown) else "nothing"
        raise ValueError(
            f"Expected the {len(parts.train)} training images of {data.name} to be of several classes, but all of "
            f"them are of {only!r}; use more images or another split."
        )


def _tested(some: _Images, data: Data, seed: int) -> npt.NDArray[np.bool_]:
    if data.split.kind == "published":
        if not all(some.published):
            raise ValueError(f"Expected {data.name} to have a published split, but it has none; split it by subject.")
        return np.array([part == "test" for part in some.published])
    if data.split.kind == "random":
        count = len(some.ids)
        tested = np.zeros(count, dtype=bool)
        tested[_drawn("split", data, seed, count)[: _share(count, data.split.test, data)]] = True
        return tested
    subjects = sorted(set(some.subjects))
    size = _share(len(subjects), data.split.test, data)
    first = len(subjects) - size * (seed + 1 if data.split.kind == "folds" else 1)
    return np.isin(some.subjects, [subjects[(first + offset) % len(subjects)] for offset in range(size)])


def _validation_groups(some: _Images, data: Data, tested: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    """What is held out as one, for each image: its subject, else the image itself."""
    subjects = np.array(some.subjects)
    by_image = data.split.kind == "random" or (data.split.kind == "published" and len(set(subjects[~tested])) < 2)
    return np.array(some.ids) if by_image else subjects


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
