"""What printed metrics must satisfy among themselves, as intervals that allow for rounding.

Everything is for two classes, foreground and background, and for counts pooled over the test set, unless a function
says otherwise. Notation: TP, FP, FN as shares of all pixels; share = TP + FN; E = FP + FN is the error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt
from typing import NamedTuple

EPSILON = 1e-9  # floating-point slack where two rounding intervals touch


class Interval(NamedTuple):
    """Closed interval of values."""

    low: float
    high: float

    def meets(self, other: Interval) -> bool:
        """Whether the two have a point in common."""
        return self.low <= other.high + EPSILON and other.low <= self.high + EPSILON

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2


def dice_from_iou(iou: float) -> float:
    """Dice = 2 IoU / (1 + IoU). F1 of pooled counts is the same.

    >>> round(dice_from_iou(0.31), 4)
    0.4733
    """
    return 2 * iou / (1 + iou)


def iou_from_dice(dice: float) -> float:
    """IoU = Dice / (2 - Dice)."""
    return dice / (2 - dice)


def f1_from(precision: float, recall: float) -> float:
    """The harmonic mean of precision and recall; 0 where both are 0."""
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else 0.0


def iou_from_parts(precision: float, recall: float) -> float:
    """IoU from 1 / IoU = 1 / precision + 1 / recall - 1; 0 where either is 0.

    >>> round(iou_from_parts(0.9, 0.8), 4)
    0.7347
    """
    return 1 / (1 / precision + 1 / recall - 1) if precision > 0 and recall > 0 else 0.0


def accuracy_bounds(iou: Interval, share: Interval) -> Interval:
    """Pixel accuracies that an IoU of the foreground permits.

    With E = FP + FN and IoU = TP / (TP + E): the error is largest with FN = 0, E = share (1 / IoU - 1), and smallest
    with FP = 0, E = share (1 - IoU).
    """
    worst = share.high * (1 / iou.low - 1) if iou.low > 0 else 1.0
    return Interval(max(0.0, 1 - worst), 1 - share.low * (1 - iou.high))


def share_from_accuracy(accuracy: float, precision: float, recall: float) -> float | None:
    """Foreground share that makes accuracy, precision and recall fit together.

    E = share (recall / precision - recall + 1 - recall), and accuracy = 1 - E. None where precision is 0 or there is
    no error to divide by.
    """
    if precision <= 0:
        return None
    per_share = recall / precision + 1 - 2 * recall
    return (1 - accuracy) / per_share if per_share > EPSILON else None


def share_from_means(mean_dice: float, mean_recall: float, mean_iou: float) -> float | None:
    """Share of the rarer class that makes the three means over two classes fit together.

    With IoUs f <= b of the two classes: f + b = 2 mIoU, and mDice gives their product, so both are known. Then
    TP = (1 - b) / (1 / f - b), and the mean recall gives a quadratic in the share. None where nothing fits. The share
    of the other class fits equally (the means do not tell the classes apart), so the smaller of the two is returned.
    """
    total = 2 * mean_iou
    product_ = (mean_dice * (1 + total) - total) / (2 - mean_dice)
    discriminant = total * total / 4 - product_
    if discriminant < 0:
        return None
    lower, upper = total / 2 - sqrt(discriminant), total / 2 + sqrt(discriminant)
    if not 0 < lower < 1 or not 0 < upper < 1:
        return None
    hits = (1 - upper) / (1 / lower - upper)
    # 2 mRecall share^2 - (hits + hits / lower + 2 mRecall - 1) share + hits = 0
    a, b = 2 * mean_recall, hits + hits / lower + 2 * mean_recall - 1
    inside = b * b - 4 * a * hits
    if inside < 0 or a <= 0:
        return None
    roots = ((b - sqrt(inside)) / (2 * a), (b + sqrt(inside)) / (2 * a))
    fitting = [root for root in roots if hits - EPSILON <= root <= hits / lower + EPSILON and root < 1]
    return min(fitting[0], 1 - fitting[0]) if len(fitting) == 1 else None


def over_rounding(function: Callable[..., float | None], arguments: Sequence[Interval]) -> Interval | None:
    """Range of a function over a box of rounding intervals, from a grid of three points a side.

    None where the function has no value somewhere in the box, since its range cannot be trusted then.
    """
    values: list[float] = []
    for point in product(*((argument.low, argument.middle, argument.high) for argument in arguments)):
        value = function(*point)
        if value is None:
            return None
        values.append(value)
    return Interval(min(values), max(values))


@dataclass(frozen=True)
class ExactRank:
    """Spearman's rho with its exact label-permutation p-values."""

    rho: float
    one_sided: float
    two_sided: float


def exact_spearman(x: Sequence[float], y: Sequence[float]) -> ExactRank | None:
    """Spearman's rho and its p by all permutations; None for more than 8 pairs.

    scipy.stats.permutation_test with ``permutation_type='pairings'``. Without ties, rho = 1 of k pairs has a
    one-sided p of 1 / k!.
    """
    if not 2 < len(x) <= 8:
        return None
    import numpy as np  # here, since loading a paper must stay light
    from scipy import stats

    ranks_x, ranks_y = stats.rankdata(x), stats.rankdata(y)
    if len(set(ranks_x)) == 1 or len(set(ranks_y)) == 1:
        return None

    def statistic(ranks: object) -> float:
        return float(np.corrcoef(np.asarray(ranks), ranks_y)[0, 1])

    def pvalue(alternative: str) -> float:
        test = stats.permutation_test(
            (ranks_x,),
            statistic,
            permutation_type="pairings",
            vectorized=False,
            n_resamples=np.inf,
            alternative=alternative,
        )
        return float(test.pvalue)

    return ExactRank(statistic(ranks_x), pvalue("greater"), pvalue("two-sided"))
