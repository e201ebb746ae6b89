"""Reducing masks and images."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.data import IGNORED
from harness.data.resizing import resize_image, resize_mask

sizes = st.tuples(st.integers(1, 24), st.integers(1, 24))


@settings(deadline=None)
@given(st.data(), st.integers(2, 5), sizes, sizes)
def test_masks_hold_valid_values_only(
    data: st.DataObject, classes: int, before: tuple[int, int], after: tuple[int, int]
) -> None:
    values = st.sampled_from([*range(classes), IGNORED])
    mask = data.draw(arrays.arrays(np.uint8, before, elements=values))
    resized = resize_mask(mask, after, classes)
    assert resized.shape == after
    assert resized.dtype == np.uint8
    assert set(np.unique(resized)) <= {*np.unique(mask), 0}


@settings(deadline=None)
@given(arrays.arrays(np.uint8, (24, 36), elements=st.integers(0, 1)), st.sampled_from([(12, 12), (5, 7), (8, 36)]))
def test_the_foreground_keeps_its_area(mask: np.ndarray, size: tuple[int, int]) -> None:
    expected = mask.mean() * size[0] * size[1]
    assert abs(int(resize_mask(mask, size, 2).sum()) - expected) <= 0.51


def test_a_thin_vessel_is_kept_where_a_majority_deletes_it() -> None:
    full = np.zeros((480, 480), np.uint8)
    cv2.line(full, (20, 40), (450, 400), 1, 2)
    small = resize_mask(full, (48, 48), 2)
    share = cv2.resize(full.astype(np.float32), (48, 48), interpolation=cv2.INTER_AREA)
    assert small.sum() >= 15 > 5 * (share >= 0.5).sum()
    assert ((share > 0) | (small == 0)).all()


def test_several_classes_take_the_majority_and_half_ignored_is_ignored() -> None:
    mask = np.array([[0, 2, 1, 1], [2, 2, IGNORED, IGNORED]], np.uint8)
    assert resize_mask(mask, (1, 2), 3).tolist() == [[2, IGNORED]]


def test_same_size_changes_nothing_and_growing_is_linear() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (7, 9, 3), dtype=np.uint8)
    mask = rng.integers(0, 2, (7, 9), dtype=np.uint8)
    np.testing.assert_array_equal(resize_image(image, (7, 9)), image)
    np.testing.assert_array_equal(resize_mask(mask, (7, 9), 2), mask)
    grown = resize_image(np.array([[[0], [100]]], np.uint8), (1, 4))
    assert grown[0, :, 0].tolist() == [0, 25, 75, 100]


def test_shrinking_is_the_mean_over_areas() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(4, 6, 1)
    expected = image.reshape(2, 2, 2, 3, 1).mean((1, 3))
    np.testing.assert_allclose(resize_image(image, (2, 2)), np.rint(expected))
