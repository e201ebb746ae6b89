"""CLAHE and the circular crop."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from harness import data as datasets
from harness.data import IGNORED
from harness.data.preparation import prepared
from harness.specs import CircularCrop, Clahe, Data, Preparation, Resize, Split


def disc(centre: tuple[int, int] = (90, 60), radius: int = 40, shape: tuple[int, int] = (120, 200)) -> np.ndarray:
    rng = np.random.default_rng(0)
    image = np.full((*shape, 3), 4, np.uint8)
    cv2.circle(image, centre, radius, (190, 90, 40), -1)
    # A camera's black is noisy: single pixels of it exceed the threshold.
    noise = rng.choice(np.array([0, 30], np.uint8), shape, p=(0.98, 0.02))
    return image + noise[..., None]


def test_the_circular_crop_is_the_discs_box_with_black_corners() -> None:
    mask = np.ones((120, 200), np.uint8)
    cut, cut_mask = prepared(CircularCrop(), disc(), mask)
    assert isinstance(cut_mask, np.ndarray)
    assert cut.shape == (*cut_mask.shape, 3)
    assert all(abs(side - 81) <= 2 for side in cut_mask.shape)
    assert (cut[0, 0] == 0).all()
    assert cut[40, 40].tolist()[0] >= 190
    assert ((cut_mask == IGNORED) == (cut == 0).all(axis=2)).mean() > 0.99
    assert (cut_mask == IGNORED).mean() == pytest.approx(1 - np.pi / 4, abs=0.02)


def test_a_disc_cut_above_and_below_stays_whole() -> None:
    image = disc(centre=(100, 30), radius=50, shape=(60, 200))
    cut, grade = prepared(CircularCrop(), image, 3)
    assert grade == 3
    assert cut.shape[0] == 60
    assert abs(cut.shape[1] - 101) <= 2
    assert (cut[..., 0] > 100).sum() > 0.98 * (image[..., 0] > 100).sum()


def test_an_image_without_a_disc_stays_as_it_is() -> None:
    black = np.full((20, 30, 1), 3, np.uint8)
    assert prepared(CircularCrop(), black, 0)[0] is black


@pytest.mark.parametrize("channels", [1, 3])
def test_clahe_raises_contrast_and_keeps_hue(channels: int) -> None:
    rng = np.random.default_rng(0)
    image = (100 + rng.normal(0, 4, (64, 64, channels))).clip(0, 255).astype(np.uint8)
    image[..., 0] += 40 * (channels == 3)
    before = image.copy()
    equalised, target = prepared(Clahe(clip=4.0, tiles=4), image, 2)
    assert target == 2
    assert equalised.shape == image.shape
    assert equalised.dtype == np.uint8
    assert equalised.mean(axis=2).std() > 1.5 * image.mean(axis=2).std()
    np.testing.assert_array_equal(image, before)
    if channels == 3:
        assert equalised[..., 0].mean() - equalised[..., 1].mean() > 20
    else:
        expected = cv2.createCLAHE(4.0, (4, 4)).apply(image[..., 0])
        np.testing.assert_array_equal(equalised[..., 0], expected)


def test_terms_apply_in_order_and_are_packed_for_themselves(tmp_path: Path) -> None:
    packed = [
        datasets.pack(
            Data(
                "dr_rahim", split=Split("subject"), resize=Resize((32, 32)), prepare=terms, count=4, evidence="phantom"
            ),
            None,
            tmp_path,
        ).images
        for terms in ((), (CircularCrop(),), (CircularCrop(), Clahe()), (Clahe(), CircularCrop()))
    ]
    assert len({images.tobytes() for images in packed}) == 4


def test_a_term_that_nobody_implements() -> None:
    with pytest.raises(TypeError, match=r"that harness\.data\.preparation implements"):
        prepared(Preparation(), disc(), 0)
