"""Segmentation metrics from confusion counts, pooled over the data set and as means over images.

Names and meaning are mmsegmentation's ``IoUMetric``: ``Acc`` of a class is its recall, ``aAcc`` the share of all
pixels that are right. Two differences, both on purpose: values are fractions, and a mean over classes does not skip
a class without a value, because skipping turns a network that finds nothing into a perfect one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

COLLAPSE_SHARE = 1e-4
"""A run that predicts foreground on fewer than this share of the truth's foreground pixels has collapsed."""


def confusion(truth: npt.NDArray[np.integer], prediction: npt.NDArray[np.integer], classes: int) -> Counts:
    """Counts ``(C, C)`` of pixels by true class (rows) and predicted class; a truth of 255 does not count.

    >>> confusion(np.array([0, 1, 255]), np.array([0, 0, 1]), 2).tolist()
    [[1, 0], [1, 0]]
    """
    valid = truth != 255
    joint = truth[valid].astype(np.int64) * classes + prediction[valid]
    return np.bincount(joint, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def by_class(counts: Counts) -> dict[str, Values]:
    """Metrics of each class.

    Args:
        counts: Confusion counts ``(..., C, C)``.

    Returns:
        ``IoU``, ``Dice``, ``Acc``, ``Precision``, each ``(..., C)`` in [0, 1]; NaN where the metric has no value
        (a class that is neither in the truth nor predicted).
    """
    hit = np.diagonal(counts, axis1=-2, axis2=-1).astype(float)
    truth, predicted = counts.sum(-1).astype(float), counts.sum(-2).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "IoU": hit / (truth + predicted - hit),
            "Dice": 2 * hit / (truth + predicted),
            "Acc": hit / truth,
            "Precision": hit / predicted,
        }


def summarise(counts: Counts, classes: Sequence[str]) -> dict[str, float]:
    """All metrics of one evaluation.

    Args:
        counts: Confusion counts by test image, ``(N, C, C)``.
        classes: Class names by index, 0 is the background.

    Returns:
        ``"IoU.fluid"`` and the like for every class, pooled over images; ``mIoU``, ``mDice``, ``mAcc`` means over
        classes; ``aAcc``; ``"image_IoU.fluid"`` and ``"image_Dice.fluid"``: means over the images in which the class
        occurs or is predicted; ``foreground``: pixels predicted as foreground over true foreground pixels.
    """
    pooled = counts.sum(0)
    values: dict[str, float] = {}
    for metric, by_index in by_class(pooled).items():
        for name, value in zip(classes, by_index, strict=True):
            values[f"{metric}.{name}"] = float(value)
    for metric in ("IoU", "Dice", "Acc"):
        values[f"m{metric}"] = float(np.mean([values[f"{metric}.{name}"] for name in classes]))
    values["aAcc"] = float(np.trace(pooled) / max(1, pooled.sum()))
    images = by_class(counts)
    for metric in ("IoU", "Dice"):
        for index, name in enumerate(classes):
            column = images[metric][:, index]
            values[f"image_{metric}.{name}"] = _mean(column[~np.isnan(column)])
    truth = int(pooled[1:].sum())
    values["foreground"] = float(pooled[:, 1:].sum() / truth) if truth else float("nan")
    return values


def _mean(values: Values) -> float:
    return float(values.mean()) if values.size else float("nan")


def collapsed(metrics: Mapping[str, float]) -> bool:
    """Whether a run's predictions hold (nearly) no foreground."""
    return not metrics["foreground"] > COLLAPSE_SHARE
