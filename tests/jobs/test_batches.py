"""The order of images and the batches, as functions of the seed and the iteration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import rotate

from harness.data import Packed
from harness.jobs import batches
from harness.jobs.augmentation import draw, jitter
from harness.jobs.batches import Batches, order
from harness.jobs.resident import Resident
from harness.jobs.seeds import generator
from harness.specs import Classifier, ColourJitter, Normalise, RandomRotation, Recipe

CPU = torch.device("cpu")


@pytest.fixture
def resident(squares: Packed) -> Resident:
    return Resident.place(squares, np.arange(10), CPU)


def stream(seed: int, images: int, batch: int, iterations: int) -> list[int]:
    return [int(index) for step in range(iterations) for index in order(seed, images, batch, step)]


@given(st.integers(0, 50), st.integers(1, 12), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_every_epoch_is_a_permutation_of_all_images(seed: int, images: int, batch: int) -> None:
    seen = stream(seed, images, batch, -(-3 * images // batch))
    for epoch in range(3):
        assert sorted(seen[epoch * images : (epoch + 1) * images]) == list(range(images))


@given(st.integers(0, 50), st.integers(2, 12), st.integers(1, 8), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_arms_with_another_batch_size_see_the_images_in_the_same_order(
    seed: int, images: int, one: int, two: int
) -> None:
    assert stream(seed, images, one, 4 * two) == stream(seed, images, two, 4 * one)


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    epochs = [tuple(stream(seed, 20, 20, 3)[20 * k : 20 * k + 20]) for seed in range(5) for k in range(3)]
    assert len(set(epochs)) == 15


def test_every_image_comes_first_about_equally_often() -> None:
    first = np.bincount([order(seed, 5, 1, 0)[0] for seed in range(1000)], minlength=5)
    assert first.min() > 150


EVERYTHING = (RandomRotation(15), ColourJitter(0.4, 0.4, 0.4))


def everything(recipe: Recipe) -> Recipe:
    """The recipe with every random transform."""
    return replace(recipe, transforms=tuple(sorted((*recipe.transforms, *EVERYTHING), key=lambda each: each.stage)))


def test_a_batch_is_the_same_whenever_it_is_asked_for(resident: Resident, recipe: Recipe) -> None:
    first, other = (Batches(resident, everything(recipe), 3, 2) for _ in range(2))
    forwards = [first.batch(step) for step in range(6)]
    torch.manual_seed(99)
    np.random.seed(99)
    for step in (5, 0, 3, 3, 1):
        images, target = other.batch(step)
        assert torch.equal(images, forwards[step][0])
        assert torch.equal(target, forwards[step][1])


def test_a_batch_made_in_a_block_is_the_one_made_alone(
    resident: Resident, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = Batches(resident, everything(recipe), 3, 2)
    assert together.block == 8
    blocked = [together.batch(step) for step in range(8)]
    monkeypatch.setattr(batches, "BLOCK", 1)
    alone = Batches(resident, everything(recipe), 3, 2)
    assert alone.block == 1
    for step in range(8):
        images, target = alone.batch(step)
        assert torch.equal(images, blocked[step][0])
        assert torch.equal(target, blocked[step][1])


def test_a_block_holds_no_more_values_than_it_may(
    resident: Resident, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BLOCK_VALUES", 3 * 4 * 24 * 32)
    assert Batches(resident, recipe, 0, 2).block == 3
    monkeypatch.setattr(batches, "BLOCK_VALUES", 1)
    assert Batches(resident, recipe, 0, 2).block == 1, "one batch at least"


def test_seeds_and_iterations_differ_in_images_and_in_windows(squares: Packed, recipe: Recipe) -> None:
    for part in (np.arange(10), np.arange(1)):  # of a single image only the windows can differ
        data = Resident.place(squares, part, CPU)
        made = [Batches(data, recipe, seed, 2).batch(step)[0] for seed in range(3) for step in range(3)]
        assert len({batch.numpy().tobytes() for batch in made}) == 9


def test_a_batch_holds_the_images_of_the_order_with_their_own_masks(
    resident: Resident, recipe: Recipe, squares: Packed
) -> None:
    made = Batches(resident, replace(recipe, transforms=(), batch_size=6), 1, 2)
    for step in (0, 1, 7):
        images, target = made.batch(step)
        chosen = order(1, 10, 6, step)
        assert images.shape == (6, 3, 24, 32)
        assert images.is_contiguous(memory_format=torch.channels_last)
        expected = (torch.from_numpy(squares.images[chosen, :, :, 0]).float() - 60) / 50
        for channel in range(3):
            torch.testing.assert_close(images[:, channel], expected, atol=1e-4, rtol=0)
        assert target.dtype == torch.int64
        assert (target.numpy() == squares.targets[chosen]).all()


def test_colour_images_keep_their_channels_and_are_normalised_by_channel(squares: Packed, recipe: Recipe) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (15, 24, 32, 3), dtype=np.uint8)
    data = Resident.place(replace(squares, images=colours), np.arange(10), CPU)
    normalise = Normalise((10.0, 120.0, 60.0), (50.0, 20.0, 90.0))
    images, _ = Batches(data, replace(recipe, transforms=(), normalise=normalise), 0, 2).batch(0)
    expected = (colours[order(0, 10, 4, 0)] - np.array([10.0, 120.0, 60.0])) / np.array([50.0, 20.0, 90.0])
    np.testing.assert_allclose(images.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-4)


def test_colours_are_changed_in_grey_levels_before_they_are_normalised(resident: Resident, recipe: Recipe) -> None:
    jittering = ColourJitter(brightness=0.9, contrast=0.9)
    images, _ = Batches(resident, replace(recipe, transforms=(jittering,)), 5, 2).batch(2)
    stream = generator(5, "augmentation", 2)
    draw(recipe, (24, 32), 2, stream)  # windows are drawn first
    grey, _ = resident.take(torch.from_numpy(order(5, 10, 4, 2)))
    expected = (jitter(grey.float(), jittering, stream) - 60) / 50
    torch.testing.assert_close(images[:, :1], expected, atol=1e-4, rtol=0)
    assert images.max() <= (255 - 60) / 50 + 1e-4


def test_images_and_masks_are_cut_by_the_same_windows(resident: Resident, recipe: Recipe) -> None:
    """The squares are brighter than anything else, so that the mask can be read off the image."""
    upright = Batches(resident, recipe, 2, 2)
    for step in range(4):
        images, target = upright.batch(step)
        known = target != 255
        bright = images[:, 0] > (100 - 60) / 50
        assert ((target == 1) == bright)[known].float().mean() > 0.95, "equal but for the edges"
        assert (target == 1).any()


def test_a_classification_batch_has_a_class_for_each_image(squares: Packed, recipe: Recipe) -> None:
    grades = np.arange(15, dtype=np.uint8) % 5
    graded = replace(squares, targets=grades, classes=tuple("abcde"), foreground="", task="classification")
    data = Resident.place(graded, np.arange(10), CPU)
    images, target = Batches(
        data, replace(recipe, network=Classifier("resnet18"), losses=recipe.losses[:1]), 4, 1
    ).batch(3)
    assert images.shape == (4, 3, 16, 16)
    assert target.dtype == torch.int64
    assert target.tolist() == grades[order(4, 10, 4, 3)].tolist()


def test_images_of_a_classification_are_rotated_about_their_centre(squares: Packed, recipe: Recipe) -> None:
    grades = np.zeros(15, np.uint8)
    graded = replace(squares, targets=grades, classes=("a", "b"), foreground="", task="classification")
    turning = replace(
        recipe, network=Classifier("resnet18"), losses=recipe.losses[:1], transforms=(RandomRotation(30),), batch_size=6
    )
    made = Batches(Resident.place(graded, np.arange(10), CPU), turning, 4, 1)
    images, _ = made.batch(0)
    drawn = made.drawn(0)
    (windows,) = drawn.windows
    assert np.ptp(windows.angle) > np.deg2rad(20)
    plain = (torch.from_numpy(squares.images[drawn.positions]).permute(0, 3, 1, 2).float() - 60) / 50
    for image, whole, angle in zip(images, plain, np.rad2deg(windows.angle), strict=True):
        expected = rotate(whole, float(angle), InterpolationMode.BILINEAR)
        inside = rotate(torch.ones_like(whole), float(angle)) > 0
        inside[:, :2], inside[:, -2:], inside[:, :, :2], inside[:, :, -2:] = False, False, False, False
        assert (image[:1] - expected)[inside].abs().quantile(0.95) < 1e-3, "but for the edge of the rotated image"
