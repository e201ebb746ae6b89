"""Identities against counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.audit.identities import Interval, accuracy_bounds, dice_from_iou, f1_from, iou_from_dice, iou_from_parts

PIXELS = 1_000_000
COUNTS = st.tuples(
    st.integers(2_000, 998_000), st.floats(0.01, 1.0), st.floats(0.0, 1.0)
)  # foreground pixels, share of them found, share of the background taken for foreground


def _confusion(counts: tuple[int, float, float]) -> tuple[int, int, int, int]:
    positive, recall, fall_out = counts
    tp = max(1, round(positive * recall))
    fp = round((PIXELS - positive) * fall_out)
    return tp, fp, positive - tp, PIXELS - positive - fp


@given(COUNTS)
def test_dice_iou_and_f1_of_counts(counts: tuple[int, float, float]) -> None:
    tp, fp, fn, _ = _confusion(counts)
    iou, dice = tp / (tp + fp + fn), 2 * tp / (2 * tp + fp + fn)
    assert dice_from_iou(iou) == pytest.approx(dice)
    assert iou_from_dice(dice) == pytest.approx(iou)
    assert f1_from(tp / (tp + fp), tp / (tp + fn)) == pytest.approx(dice)
    assert iou_from_parts(tp / (tp + fp), tp / (tp + fn)) == pytest.approx(iou)


@given(st.floats(0.001, 1), st.floats(0.001, 1))
def test_iou_and_f1_of_one_image_lie_between_what_means_may_be(precision: float, recall: float) -> None:
    least = max(0.0, precision + recall - 1)
    iou, f1 = iou_from_parts(precision, recall), f1_from(precision, recall)
    assert least - 1e-12 <= iou <= f1 + 1e-12
    assert iou <= min(precision, recall) + 1e-12


def test_means_of_iou_lie_on_either_side_of_what_the_means_of_its_parts_give() -> None:
    def mean(parts: list[tuple[float, float]]) -> tuple[float, float]:
        precision, recall = (sum(values) / len(parts) for values in zip(*parts, strict=True))
        return sum(iou_from_parts(p, r) for p, r in parts) / len(parts), iou_from_parts(precision, recall)

    above, below = mean([(1.0, 1.0), (0.5, 0.5)]), mean([(1.0, 0.5), (0.5, 1.0)])
    assert above[0] > above[1]
    assert below[0] < below[1]


def test_no_iou_from_parts_of_nothing() -> None:
    assert iou_from_parts(0.0, 0.5) == iou_from_parts(0.5, 0.0) == 0.0


@given(COUNTS)
def test_accuracy_bounds_hold_for_counts_and_are_reached(counts: tuple[int, float, float]) -> None:
    tp, fp, fn, tn = _confusion(counts)
    iou, share = tp / (tp + fp + fn), (tp + fn) / PIXELS
    bounds = accuracy_bounds(Interval(iou, iou), Interval(share, share))
    assert bounds.low - 1e-9 <= (tp + tn) / PIXELS <= bounds.high + 1e-9
    if fn == 0:
        assert (tp + tn) / PIXELS == pytest.approx(bounds.low)
    if fp == 0:
        assert (tp + tn) / PIXELS == pytest.approx(bounds.high)
