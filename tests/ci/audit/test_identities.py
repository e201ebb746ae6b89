"""Identities against counts, and exact ranks against another way of counting."""

from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from ci.audit.identities import (
    Interval,
    accuracy_bounds,
    dice_from_iou,
    exact_spearman,
    f1_from,
    iou_from_dice,
    iou_from_parts,
    over_rounding,
    share_from_accuracy,
    share_from_means,
)

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


@given(COUNTS)
def test_the_share_comes_back_from_accuracy_precision_and_recall(counts: tuple[int, float, float]) -> None:
    tp, fp, fn, tn = _confusion(counts)
    assume(fp + fn > 100)
    share = share_from_accuracy((tp + tn) / PIXELS, tp / (tp + fp), tp / (tp + fn))
    assert share == pytest.approx((tp + fn) / PIXELS, rel=1e-6)


@given(COUNTS)
def test_the_share_comes_back_from_the_means_over_classes(counts: tuple[int, float, float]) -> None:
    tp, fp, fn, tn = _confusion(counts)
    assume(tn > 0 and fp + fn > 0)
    ious = tp / (tp + fp + fn), tn / (tn + fp + fn)
    assume(abs(ious[0] - ious[1]) > 0.01)
    share = share_from_means(
        sum(2 * iou / (1 + iou) for iou in ious) / 2,
        (tp / (tp + fn) + tn / (tn + fp)) / 2,
        sum(ious) / 2,
    )
    actual = min(tp + fn, tn + fp) / PIXELS
    assert share is None or share == pytest.approx(actual, rel=1e-3, abs=1e-6)


def test_a_task_like_fluid_gives_back_its_share() -> None:
    tp, fp, fn, tn = 5_000, 5_000, 3_500, 986_500
    ious = tp / (tp + fp + fn), tn / (tn + fp + fn)
    share = share_from_means(
        sum(2 * iou / (1 + iou) for iou in ious) / 2, (tp / (tp + fn) + tn / (tn + fp)) / 2, sum(ious) / 2
    )
    assert share == pytest.approx(0.0085, rel=1e-6)


def test_no_share_where_the_means_cannot_be() -> None:
    assert share_from_means(0.9, 0.8, 0.5) is None
    assert share_from_accuracy(0.9, 0.0, 0.0) is None
    assert share_from_accuracy(1.0, 1.0, 1.0) is None


def test_a_range_is_not_given_where_a_corner_has_no_value() -> None:
    assert over_rounding(lambda x: x if x > 0 else None, [Interval(-1, 1)]) is None
    assert over_rounding(lambda x, y: x * y, [Interval(1, 2), Interval(3, 4)]) == Interval(3, 8)


@pytest.mark.parametrize(("models", "one_sided"), [(3, 1 / 6), (4, 1 / 24), (5, 1 / 120)])
def test_a_perfect_order_of_k_models_has_p_of_one_in_k_factorial(models: int, one_sided: float) -> None:
    exact = exact_spearman(range(models), range(models))
    assert exact is not None
    assert exact.rho == pytest.approx(1)
    assert exact.one_sided == pytest.approx(one_sided)
    assert exact.two_sided == pytest.approx(2 * one_sided)


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_exact_p_equals_counting(order: tuple[int, ...]) -> None:
    exact = exact_spearman(range(4), order)
    rhos = [stats.spearmanr(range(4), other).statistic for other in permutations(order)]
    assert exact is not None
    assert exact.one_sided == pytest.approx(sum(rho >= exact.rho - 1e-9 for rho in rhos) / 24)
    assert exact.rho == pytest.approx(stats.spearmanr(range(4), order).statistic)


def test_no_exact_rank_for_too_few_too_many_or_equal_values() -> None:
    assert exact_spearman([1, 2], [1, 2]) is None
    assert exact_spearman(range(9), range(9)) is None
    assert exact_spearman([1, 1, 1], [1, 2, 3]) is None
