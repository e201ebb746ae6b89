"""What is drawn for a batch, and colours against torchvision's functions. The warp's own tests are of harness.tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms.v2 import functional

from harness.jobs.augmentation import draw, jitter, padded_size, window_size
from harness.specs import (
    Budget,
    ColourJitter,
    Data,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Recipe,
    Rescale,
    Segmenter,
    Transform,
)
from harness.tasks.warping import Windows


def recipe(*transforms: Transform, batch: int = 8) -> Recipe:
    return Recipe(Data("dme"), Segmenter("unet-s5-d16", "fcn"), Budget(1), transforms=transforms, batch_size=batch)


def drawn(*transforms: Transform, batch: int, image: tuple[int, int], stride: int = 1, seed: int = 0) -> Windows:
    return draw(recipe(*transforms, batch=batch), image, stride, np.random.default_rng(seed))


def test_without_transforms_the_window_is_the_image() -> None:
    windows = drawn(batch=3, image=(48, 72))
    assert windows.size == (48, 72)
    assert (windows.scale == 1).all()
    assert (windows.offset == 0).all()
    assert not windows.flip.any()
    assert windows.angle is None


def test_an_image_that_shrinks_below_the_crop_starts_at_its_corner() -> None:
    """DME at half its size is 248 high, its crop is 256."""
    windows = drawn(RandomResize(0.5, 0.5), RandomCrop((256, 256)), batch=20, image=(496, 768))
    assert windows.size == (256, 256)
    assert (windows.offset[:, 0] == 0).all()
    assert windows.offset[:, 1].max() > 100


@pytest.mark.parametrize(
    ("transforms", "expected"),
    [
        ((), True),
        ((RandomFlip(),), True),
        ((Rescale(0.5), RandomFlip(0.1)), True),
        ((RandomCrop((48, 72)), RandomFlip()), True),
        ((RandomCrop((64, 80)),), True),
        ((Rescale(0.5), RandomCrop((24, 36))), True),
        ((Rescale(0.55), RandomCrop((24, 36))), False),
        ((RandomCrop((48, 64)),), False),
        ((RandomCrop((32, 72)), RandomFlip()), False),
        ((RandomResize(0.9, 1.1), RandomCrop((96, 96))), False),
        ((RandomRotation(5),), False),
        ((RandomFlip(), ColourJitter(0.1)), False),
    ],
)
def test_two_views_repeat_where_nothing_but_the_flip_is_random(
    transforms: tuple[Transform, ...], expected: bool
) -> None:
    chosen, image = recipe(*transforms), (48, 72)
    assert chosen.mirrors_only(image) is expected
    windows = draw(chosen, image, 1, np.random.default_rng(0)), draw(chosen, image, 1, np.random.default_rng(1))
    views = {tuple(map(float, row)) for each in windows for row in np.c_[each.scale, each.offset, each.flip]}
    random_colours = any(isinstance(each, (ColourJitter, RandomRotation)) for each in transforms)
    assert (len(views) <= 2) is (expected or random_colours)


def test_each_sample_has_parameters_of_its_own() -> None:
    transforms = (RandomResize(0.5, 2.0), RandomRotation(20), RandomCrop((32, 32)), RandomFlip())
    windows = drawn(*transforms, batch=200, image=(48, 72), stride=4)
    assert len(np.unique(windows.scale[:, 0])) > 30
    assert len(np.unique(windows.offset, axis=0)) > 100
    assert len(np.unique(windows.angle)) == 200
    assert 0 < windows.flip.sum() < 200


def test_scales_are_uniform_over_the_range_and_alike_in_both_directions() -> None:
    windows = drawn(RandomResize(0.5, 2.0), RandomCrop((32, 32)), batch=5000, image=(4960, 7680), stride=4)
    assert stats.kstest(windows.scale[:, 0], stats.uniform(0.5, 1.5).cdf).pvalue > 0.001
    np.testing.assert_allclose(windows.scale[:, 0], windows.scale[:, 1], atol=2e-4)
    sizes = windows.scale * np.array([4960, 7680])
    np.testing.assert_allclose(sizes, np.round(sizes), atol=1e-6, err_msg="resized images have whole pixels")


def test_a_rescale_and_a_random_resize_multiply() -> None:
    windows = drawn(Rescale(0.5), RandomResize(1.0, 2.0), RandomCrop((32, 32)), batch=2000, image=(4960, 7680))
    assert stats.kstest(windows.scale[:, 0], stats.uniform(0.5, 0.5).cdf).pvalue > 0.001


def test_offsets_cover_every_position_equally_often() -> None:
    windows = drawn(RandomCrop((8, 8)), batch=6000, image=(11, 13))
    for column, places in ((0, 4), (1, 6)):
        values, counts = np.unique(windows.offset[:, column], return_counts=True)
        assert values.tolist() == list(range(places)), "the last position included"
        assert stats.chisquare(counts).pvalue > 0.001
    assert abs(np.corrcoef(windows.offset.T)[0, 1]) < 0.05


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_flip_rate_is_the_probability(rate: float) -> None:
    flip = drawn(RandomCrop((8, 8)), RandomFlip(rate), batch=4000, image=(11, 13)).flip
    assert flip.mean() == pytest.approx(rate, abs=0.03 if 0 < rate < 1 else 0)


def test_angles_are_uniform_over_the_range_on_both_sides() -> None:
    angle = drawn(RandomRotation(30), batch=5000, image=(11, 13)).angle
    assert angle is not None
    assert stats.kstest(np.rad2deg(angle), stats.uniform(-30, 60).cdf).pvalue > 0.001


def test_a_rotation_changes_no_other_draw() -> None:
    """Arms that differ in rotation alone see the same windows."""
    others: tuple[Any, ...] = (RandomCrop((8, 8)), RandomFlip())
    plain = drawn(RandomResize(0.8, 1.5), *others, batch=50, image=(11, 13))
    turned = drawn(RandomResize(0.8, 1.5), RandomRotation(10), *others, batch=50, image=(11, 13))
    for name in ("scale", "offset", "flip"):
        assert (getattr(plain, name) == getattr(turned, name)).all(), name


def test_without_a_crop_the_window_is_the_rescaled_image_padded_to_the_stride() -> None:
    half = recipe(Rescale(0.5), batch=3)
    assert window_size(half, (496, 768), 16) == padded_size((496, 768), 0.5, 16) == (256, 384)
    assert window_size(recipe(), (48, 72), 4) == (48, 72)
    assert window_size(recipe(), (49, 72), 4) == (52, 72)
    assert window_size(recipe(RandomCrop((32, 64))), (49, 72), 4) == (32, 64)
    windows = draw(half, (496, 768), 16, np.random.default_rng(0))
    assert (windows.offset == 0).all()
    assert (windows.scale == 0.5).all()


def factors(jittering: ColourJitter, images: int, seed: int) -> np.ndarray:
    """What the stream of that seed draws: brightness, contrast and saturation of each image."""
    spread = np.array([jittering.brightness, jittering.contrast, jittering.saturation])
    return 1 + spread * np.random.default_rng(seed).uniform(-1, 1, (images, 3))


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_change_as_torchvision_changes_them(channels: int) -> None:
    images = torch.from_numpy(np.random.default_rng(1).uniform(0, 255, (12, channels, 9, 7))).float()
    jittering = ColourJitter(brightness=0.6, contrast=0.7, saturation=0.9)
    changed = jitter(images, jittering, np.random.default_rng(3))
    for image, found, (brightness, contrast, saturation) in zip(
        images, changed, factors(jittering, 12, 3), strict=True
    ):
        # torchvision takes floats between 0 and 1.
        expected = functional.adjust_brightness(image / 255, brightness)
        expected = functional.adjust_contrast(expected, contrast)
        expected = functional.adjust_saturation(expected, saturation)
        torch.testing.assert_close(found / 255, expected, atol=2e-4, rtol=0)
    assert changed.min() >= 0
    assert changed.max() == 255, "some are clipped"


@pytest.mark.parametrize(
    ("jittering", "change"),
    [
        (ColourJitter(brightness=0.5), functional.adjust_brightness),
        (ColourJitter(contrast=0.5), functional.adjust_contrast),
        (ColourJitter(saturation=0.5), functional.adjust_saturation),
    ],
    ids=["brightness", "contrast", "saturation"],
)
def test_each_property_changes_alone(jittering: ColourJitter, change: Any) -> None:
    images = torch.from_numpy(np.random.default_rng(1).uniform(60, 150, (4, 3, 9, 7))).float()
    changed = jitter(images, jittering, np.random.default_rng(3))
    column = [jittering.brightness, jittering.contrast, jittering.saturation].index(0.5)
    for image, found, all_three in zip(images, changed, factors(jittering, 4, 3), strict=True):
        expected = change(image / 255, all_three[column])
        torch.testing.assert_close(found / 255, expected, atol=2e-4, rtol=0)
        assert not torch.equal(found, image)


def test_a_jitter_of_nothing_changes_nothing() -> None:
    images = torch.arange(3 * 16 * 16).view(1, 3, 16, 16).remainder(256).float()
    changed = jitter(images, ColourJitter(), np.random.default_rng(0))
    torch.testing.assert_close(changed, images, atol=1e-4, rtol=0)
