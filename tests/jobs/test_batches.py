"""The order of images and the batches, as functions of the seed and the iteration."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from harness.training.loader import Resident, ResidentLoader, normalise, order
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data import Packed
from harness.specs import Augmentation, Recipe


@pytest.fixture
def resident(squares: Packed) -> Resident:
    return Resident.place(squares, np.arange(10), torch.device("cpu"))


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


def test_a_batch_is_the_same_whenever_it_is_asked_for(resident: Resident, recipe: Recipe) -> None:
    loader, other = ResidentLoader(resident, recipe, 3), ResidentLoader(resident, recipe, 3)
    forwards = [loader.batch(step) for step in range(6)]
    torch.manual_seed(99)
    np.random.seed(99)
    for step in (5, 0, 3, 3, 1):
        images, target = other.batch(step)
        assert torch.equal(images, forwards[step][0])
        assert torch.equal(target, forwards[step][1])


def test_seeds_and_iterations_differ_in_images_and_in_windows(resident: Resident, recipe: Recipe) -> None:
    batches = [ResidentLoader(resident, recipe, seed).batch(step)[0] for seed in range(3) for step in range(3)]
    assert len({batch.numpy().tobytes() for batch in batches}) == 9
    one = Resident(resident.images[:1], resident.masks[:1])  # a single image, so that only the windows can differ
    batches = [ResidentLoader(one, recipe, seed).batch(step)[0] for seed in range(3) for step in range(3)]
    assert len({batch.numpy().tobytes() for batch in batches}) == 9


def test_a_batch_holds_the_images_of_the_order_with_their_own_masks(
    resident: Resident, recipe: Recipe, squares: Packed
) -> None:
    plain = replace(recipe, augmentation=Augmentation(), batch_size=6)
    loader = ResidentLoader(resident, plain, 1)
    for step in (0, 1, 7):
        images, target = loader.batch(step)
        chosen = order(1, 10, 6, step)
        assert images.shape == (6, 3, 24, 32)
        assert images.is_contiguous(memory_format=torch.channels_last)
        expected = (torch.from_numpy(squares.images[chosen, :, :, 0]).float() - 60) / 50
        for channel in range(3):
            torch.testing.assert_close(images[:, channel], expected, atol=1e-4, rtol=0)
        assert (target.numpy() == squares.masks[chosen]).all()


def test_training_and_evaluation_normalise_alike(resident: Resident, recipe: Recipe) -> None:
    plain = replace(recipe, augmentation=Augmentation(), batch_size=10)
    images, _ = ResidentLoader(resident, plain, 0).batch(0)
    expected = normalise(resident.images[torch.from_numpy(order(0, 10, 10, 0))], *plain.normalise)
    torch.testing.assert_close(images, expected, atol=1e-4, rtol=0)


def test_colour_images_keep_their_channels(recipe: Recipe) -> None:
    images = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    data = Resident(images, torch.zeros(4, 16, 16, dtype=torch.uint8))
    found, _ = ResidentLoader(data, replace(recipe, augmentation=Augmentation()), 0).batch(0)
    torch.testing.assert_close(
        found, ((images.float() - 60) / 50)[torch.from_numpy(order(0, 4, 4, 0))], atol=1e-4, rtol=0
    )


def test_the_loader_gives_mmengine_the_batches_in_order(resident: Resident, recipe: Recipe) -> None:
    loader = ResidentLoader(resident, recipe, 2)
    for step, entry in enumerate(islice(loader, 5)):
        images, target = loader.batch(step)
        assert torch.equal(entry["inputs"], images)
        assert torch.equal(torch.stack([sample.gt_sem_seg.data[0] for sample in entry["data_samples"]]), target)


def test_batches_before_the_first_of_a_resumed_run_are_not_computed(resident: Resident, recipe: Recipe) -> None:
    entries = list(islice(ResidentLoader(resident, recipe, 2, first=3), 5))
    assert [bool(entry) for entry in entries] == [False, False, False, True, True]
    assert torch.equal(entries[3]["inputs"], ResidentLoader(resident, recipe, 2).batch(3)[0])


def test_only_the_images_of_the_split_are_placed(squares: Packed) -> None:
    chosen = np.array([2, 5, 11])
    data = Resident.place(squares, chosen, torch.device("cpu"))
    assert len(data) == 3
    assert data.size == (24, 32)
    assert (data.images.permute(0, 2, 3, 1).numpy() == squares.images[chosen]).all()
    assert (data.masks.numpy() == squares.masks[chosen]).all()
