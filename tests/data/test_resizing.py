"""Reducing masks and images."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.data import IGNORED
from harness.data.resizing import _areas, fit_image, fit_mask, resize_image, resize_mask
from harness.specs import Resize

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


@settings(deadline=None)
@given(st.data(), st.integers(3, 30), sizes, sizes)
def test_classes_that_a_mask_lacks_change_nothing(
    data: st.DataObject, classes: int, before: tuple[int, int], after: tuple[int, int]
) -> None:
    """Against the plain way, a plane for each class of the data set whether it occurs or not."""
    mask = data.draw(arrays.arrays(np.uint8, before, elements=st.sampled_from([0, 2, classes - 1, IGNORED])))
    planes = np.stack([(mask == value).astype(np.float32) for value in (*range(classes), IGNORED)], axis=-1)
    shares = _areas(planes, after)
    expected = np.where(shares[..., -1] >= 0.5, IGNORED, shares[..., :-1].argmax(axis=-1))
    np.testing.assert_array_equal(resize_mask(mask, after, classes), mask if before == after else expected)


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


@settings(deadline=None)
@given(sizes, sizes, st.sampled_from(["area", "nearest", "short-side", "centre-crop"]))
def test_every_fit_brings_image_and_mask_to_the_size(before: tuple[int, int], after: tuple[int, int], fit: str) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*before, 3), dtype=np.uint8)
    mask = rng.integers(0, 3, before, dtype=np.uint8)
    resize = Resize(after, fit)  # type: ignore[arg-type]
    assert fit_image(image, resize).shape == (*after, 3)
    fitted = fit_mask(mask, resize, 3)
    assert fitted.shape == after
    outside = fit == "centre-crop" and (after[0] > before[0] or after[1] > before[1])
    assert (fitted == IGNORED).any() == outside
    if fit == "area":
        np.testing.assert_array_equal(fitted, resize_mask(mask, after, 3))


@given(st.integers(1, 24), st.integers(1, 24))
def test_nearest_takes_the_pixel_that_holds_the_centre(before: int, after: int) -> None:
    column = np.arange(before, dtype=np.uint8)[:, None]
    taken = fit_mask(column, Resize((after, 1), "nearest"), 24)[:, 0].tolist()
    centres = [Fraction(2 * index + 1, 2 * after) for index in range(after)]
    assert taken == [max(old for old in range(before) if Fraction(old, before) <= centre) for centre in centres]
    np.testing.assert_array_equal(fit_image(column[..., None], Resize((after, 1), "nearest"))[:, 0, 0], taken)


def test_the_short_side_is_scaled_and_the_middle_kept() -> None:
    image = np.zeros((40, 100, 1), np.uint8)
    image[:, 30:70] = 200
    resize = Resize((20, 20), "short-side")
    assert (fit_image(image, resize) == 200).all()
    mask = (image[..., 0] > 0).astype(np.uint8)
    assert (fit_mask(mask, resize, 2) == 1).all()
    assert fit_image(image, Resize((20, 50), "short-side")).mean() == image.mean()


def test_a_centre_crop_scales_nothing_and_pads_with_what_does_not_count() -> None:
    image = np.arange(1, 25, dtype=np.uint8).reshape(4, 6, 1)
    assert fit_image(image, Resize((2, 4), "centre-crop"))[..., 0].tolist() == [[8, 9, 10, 11], [14, 15, 16, 17]]
    wide = Resize((2, 8), "centre-crop")
    assert fit_image(image, wide)[0, :, 0].tolist() == [0, 7, 8, 9, 10, 11, 12, 0]
    assert fit_mask(image[..., 0], wide, 30)[0].tolist() == [IGNORED, 7, 8, 9, 10, 11, 12, IGNORED]
