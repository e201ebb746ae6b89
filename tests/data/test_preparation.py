"""CLAHE, the circular crop, Graham's preparation and blurring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from harness import data as datasets
from harness.data import IGNORED, DataError, Item
from harness.data.preparation import prepared
from harness.specs import BenGraham, CircularCrop, Clahe, Data, GaussianBlur, Preparation, Resize, Split


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


@pytest.mark.parametrize("shape", [(20, 30, 1), (20, 30, 3), (1, 1, 3)])
def test_an_image_without_a_disc_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"^nothing in it is brighter than 10$"):
        prepared(CircularCrop(), np.full(shape, 3, np.uint8), 0)


def test_a_black_image_is_named_when_it_is_packed(tmp_path: Path, add_set: Callable[..., Any]) -> None:
    images = [disc(), np.zeros((120, 200, 3), np.uint8)]
    mask = np.eye(120, 200, dtype=np.uint8)
    add_set(items=[Item(image, mask, f"eye {number}", "s") for number, image in enumerate(images)])
    data = Data("toy", split=Split("random"), resize=Resize((8, 8)), prepare=(CircularCrop(),), evidence="real")
    with pytest.raises(DataError, match=r"^Expected Toy's eye 1 to be .*CircularCrop.* but nothing in it .*\.$"):
        datasets.pack(data, tmp_path, tmp_path / "cache")


@pytest.mark.parametrize("term", [CircularCrop(), Clahe(), BenGraham(), GaussianBlur(20.0)], ids=repr)
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 90, 3), (90, 1, 1), (3, 200, 3), (2, 2, 1)])
def test_images_of_few_pixels(term: Preparation, shape: tuple[int, int, int]) -> None:
    image, target = prepared(term, np.full(shape, 90, np.uint8), 1)
    assert image.shape == shape
    assert target == 1


def test_a_thin_disc_keeps_its_width() -> None:
    image = np.zeros((60, 40, 3), np.uint8)
    image[10:50, 20:23] = 200
    cut, _ = prepared(CircularCrop(), image, 0)
    assert cut.shape[1] == 3
    assert cut.shape[0] in range(36, 41)


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


def smoothed(image: np.ndarray, sigma: float) -> np.ndarray:
    """By scipy, which knows OpenCV's default border as "mirror"."""
    planes = [gaussian_filter(plane.astype(float), sigma, mode="mirror") for plane in np.moveaxis(image, -1, 0)]
    return np.stack(planes, axis=-1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("side", "sigma", "pixels"), [(60, 20.0, 2.0), (600, 3.0, 3.0), (120, 10.0, 2.0)])
def test_gaussians_are_scipys_and_grow_with_the_image(channels: int, side: int, sigma: float, pixels: float) -> None:
    rng = np.random.default_rng(1)
    grain = cv2.resize(rng.integers(90, 160, (side // 6, side // 5, channels), dtype=np.uint8), (side + 20, side))
    image = grain.reshape(side, side + 20, channels)
    blurred, target = prepared(GaussianBlur(sigma), image, 3)
    assert target == 3
    assert blurred.shape == image.shape
    expected = smoothed(image, pixels)
    assert np.abs(blurred - expected).max() < 2.5
    assert np.abs(image - expected).max() > 8  # so that blurring shows
    graham, target = prepared(BenGraham(sigma), image, 3)
    assert target == 3
    assert graham.shape == image.shape
    wanted = np.clip(4 * image.astype(float) - 4 * expected + 128, 0, 255)
    assert np.abs(graham - wanted).max() < 10  # four times the rounding and truncation of the blurred image
    assert np.abs(graham - wanted).mean() < 2


def test_ben_graham_is_the_published_line_and_takes_the_light_away() -> None:
    image = np.random.default_rng(0).integers(0, 256, (600, 640, 3), dtype=np.uint8)
    expected = cv2.addWeighted(image, 4, cv2.GaussianBlur(image, (0, 0), 10), -4, 128)
    np.testing.assert_array_equal(prepared(BenGraham(), image, 0)[0], expected)
    slope = np.broadcast_to(np.linspace(40, 200, 640).astype(np.uint8)[None, :, None], (600, 640, 3))
    flat = prepared(BenGraham(), np.ascontiguousarray(slope), 0)[0][:, 60:-60]
    assert abs(float(flat.mean()) - 128) < 2
    assert flat.std() < 3


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_a_gaussian_has_a_width(sigma: float) -> None:
    for kind in (BenGraham, GaussianBlur):
        with pytest.raises(ValueError, match=f"Expected {kind.__name__} `sigma` to be"):
            kind(sigma)
