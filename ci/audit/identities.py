"""What printed metrics must satisfy among themselves, as intervals that allow for rounding.

Everything is for two classes, foreground and background, and for counts pooled over the test set, unless a function
says otherwise. Notation: TP, FP, FN as shares of all pixels; share = TP + FN; E = FP + FN is the error.
"""

from __future__ import annotations

from typing import NamedTuple

EPSILON = 1e-9  # floating-point slack where two rounding intervals touch


class Interval(NamedTuple):
    """Closed interval of values."""

    low: float
    high: float

    def meets(self, other: Interval) -> bool:
        """Whether the two have a point in common."""
        return self.low <= other.high + EPSILON and other.low <= self.high + EPSILON


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
