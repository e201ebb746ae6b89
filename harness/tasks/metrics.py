"""Metrics as functions of pooled confusion counts, which stores, relations and intervals over subjects share.

Counts are ``(..., C, C)``, the true class in rows. Every function takes leading axes. Values are fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Function = Callable[[Counts], Values]

COLLAPSE_SHARE = 1e-4
"""A job that predicts all other classes than one on fewer than this share of their true pixels has collapsed. Of
fewer than 10 000 images that share is none: a classification has collapsed where it gives every image one class."""


def iou(counts: Counts) -> Values:
    """Intersection over union by class, ``(..., C)``; NaN for a class that neither occurs nor is predicted."""
    hit, truth, predicted = _sums(counts)
    return _ratio(hit, truth + predicted - hit)


def dice(counts: Counts) -> Values:
    """Dice coefficient, which is the F1 score, by class, ``(..., C)``; NaN as in :func:`iou`."""
    hit, truth, predicted = _sums(counts)
    return _ratio(2 * hit, truth + predicted)


def recall(counts: Counts) -> Values:
    """Recall by class, ``(..., C)``, mmsegmentation's ``Acc``; NaN for a class that does not occur."""
    hit, truth, _ = _sums(counts)
    return _ratio(hit, truth)


def precision(counts: Counts) -> Values:
    """Precision by class, ``(..., C)``; NaN for a class that is never predicted."""
    hit, _, predicted = _sums(counts)
    return _ratio(hit, predicted)


def accuracy(counts: Counts) -> Values:
    """Share of what is right, ``(...)``."""
    return _ratio(np.trace(counts, axis1=-2, axis2=-1).astype(float), counts.sum((-1, -2)).astype(float))


def kappa(counts: Counts) -> Values:
    """Cohen's kappa, ``(...)``, Cohen 1960; 0 where truth and predictions are one class.

    >>> float(kappa(np.array([[2, 1], [1, 2]])))  # 4 of 6 agree, 3 of 6 by chance
    0.3333333333333333
    """
    return _kappa(counts, 1 - np.eye(counts.shape[-1]))


def quadratic_kappa(counts: Counts) -> Values:
    """Cohen's kappa with quadratic weights, ``(...)``, Cohen 1968; 0 where truth and predictions are one class.

    >>> float(quadratic_kappa(np.array([[2, 0], [0, 2]])))
    1.0
    """
    grades = np.arange(counts.shape[-1])
    return _kappa(counts, np.subtract.outer(grades, grades) ** 2)


def _kappa(counts: Counts, weight: npt.NDArray[np.number]) -> Values:
    """Cohen's kappa, ``(...)``, where disagreements ``(C, C)`` weigh as given."""
    truth, predicted = counts.sum(-1).astype(float), counts.sum(-2).astype(float)
    total = counts.sum((-1, -2)).astype(float)
    observed = (weight * counts).sum((-1, -2)) * total
    chance = np.einsum("...i,ij,...j->...", truth, weight, predicted)
    return np.where(chance > 0, 1 - _ratio(observed, chance), np.where(total > 0, 0.0, np.nan))


def mean_over_classes(by_class: Function) -> Function:
    """The mean of a metric over the classes, ``(...)``.

    A class that occurs but has no value, because it is never predicted, counts as 0: a network that finds nothing
    must not look perfect. A class that neither occurs nor has a value is left out.
    """

    def mean(counts: Counts) -> Values:
        values, occurs = by_class(counts), counts.sum(-1) > 0
        values = np.where(np.isnan(values) & occurs, 0.0, values)
        known = ~np.isnan(values)
        return _ratio(np.where(known, values, 0.0).sum(-1), known.sum(-1).astype(float))

    return mean


def by_name(
    by_class: Mapping[str, Function], overall: Mapping[str, Function], classes: Sequence[str]
) -> dict[str, Function]:
    """All metrics by printed name: ``"IoU.fluid"`` of each class, ``"mIoU"`` over the classes, and the overall ones."""
    singles = {
        f"{name}.{of}": of_class(function, index)
        for name, function in by_class.items()
        for index, of in enumerate(classes)
    }
    return {**singles, **{f"m{name}": mean_over_classes(function) for name, function in by_class.items()}, **overall}


def of_class(by_class: Function, index: int) -> Function:
    """A metric of one class, ``(...)``."""

    def single(counts: Counts) -> Values:
        return by_class(counts)[..., index]

    return single


def collapsed(counts: Counts) -> bool:
    """Whether predictions are of (nearly) one class although the truth is not.

    Args:
        counts: Pooled counts ``(C, C)``.

    >>> collapsed(np.array([[990, 0], [10, 0]])), collapsed(np.array([[0, 990], [0, 10]]))
    (True, True)
    """
    truth, predicted = counts.sum(1), counts.sum(0)
    one, total = int(predicted.argmax()), counts.sum()
    return bool(total - predicted[one] < COLLAPSE_SHARE * (total - truth[one]))


def confusion(truth: npt.NDArray[np.integer], prediction: npt.NDArray[np.integer], classes: int) -> Counts:
    """Counts ``(C, C)`` by true class (rows) and predicted class; a truth of 255 counts only where it is a class.

    >>> confusion(np.array([0, 1, 255]), np.array([0, 0, 1]), 2).tolist()
    [[1, 0], [1, 0]]
    """
    valid = (truth != 255) | (classes > 255)
    joint = truth[valid].astype(np.int64) * classes + prediction[valid]
    return np.bincount(joint, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def _sums(counts: Counts) -> tuple[Values, Values, Values]:
    """Hits, true and predicted counts of each class."""
    hit = np.diagonal(counts, axis1=-2, axis2=-1).astype(float)
    return hit, counts.sum(-1).astype(float), counts.sum(-2).astype(float)


def _ratio(part: Values, whole: Values) -> Values:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.divide(part, whole), np.float64)
