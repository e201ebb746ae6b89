"""Combinations of members against straightforward numpy, image by image and pixel by pixel."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.jobs.combination import combined, confusion, member_weights

IMAGES, CLASSES = 6, 3
SHAPES = {"classification": (), "segmentation": (4, 5)}


def members(count: int, place: tuple[int, ...], seed: int = 0, images: int = IMAGES) -> list[np.ndarray]:
    """Class probabilities of each member, in half precision as they are stored."""
    logits = np.random.default_rng(seed).normal(0, 2, (count, images, CLASSES, *place))
    shares = np.exp(logits) / np.exp(logits).sum(2, keepdims=True)
    return list(shares.astype(np.float16))


def places(shares: np.ndarray) -> list[tuple[int, ...]]:
    """Index of every prediction: image, and row and column where there are pixels."""
    return list(itertools.product(*(range(side) for side in (shares.shape[0], *shares.shape[2:]))))


def at(shares: np.ndarray, place: tuple[int, ...]) -> list[float]:
    return [float(value) for value in shares[(place[0], slice(None), *place[1:])]]


@pytest.mark.parametrize("task", SHAPES)
def test_soft_is_the_mean_of_the_probabilities(task: str) -> None:
    test, validation = members(3, SHAPES[task], 1), members(3, SHAPES[task], 2)
    found = combined("soft", test, validation, np.zeros((IMAGES, *SHAPES[task]), np.uint8))
    for part, shares in zip((test, validation), found, strict=True):
        for place in places(shares):
            expected = np.mean([at(member, place) for member in part], axis=0)
            np.testing.assert_allclose(at(shares, place), expected, atol=1e-6)


def majority_by_hand(votes: list[int], means: np.ndarray) -> int:
    counts = Counter(votes)
    return max(range(CLASSES), key=lambda each: (counts[each], means[each], -each))


@pytest.mark.parametrize("task", SHAPES)
@pytest.mark.parametrize("count", [2, 3, 4])
def test_hard_is_the_majority_and_of_equal_ones_the_higher_mean(task: str, count: int) -> None:
    test, validation = members(count, SHAPES[task], 3), members(count, SHAPES[task], 4)
    found = combined("hard", test, validation, np.zeros((IMAGES, *SHAPES[task]), np.uint8))
    ties = 0
    for part, shares in zip((test, validation), found, strict=True):
        np.testing.assert_allclose(shares.sum(1), 1, atol=1e-3)
        for place in places(shares):
            each = np.array([at(member, place) for member in part])
            votes = [int(member.argmax()) for member in each]
            assert int(np.argmax(at(shares, place))) == majority_by_hand(votes, each.mean(0))
            ranked = sorted(Counter(votes).values())
            ties += len(ranked) > 1 and ranked[-1] == ranked[-2]
    assert ties > 0 or count == 3


@given(st.integers(2, 6), st.integers(0, 2**16))
@settings(max_examples=60, deadline=None)
def test_no_mean_probability_outweighs_a_vote(count: int, seed: int) -> None:
    """A member that is nearly sure, against a majority that is nearly undecided, loses."""
    rng = np.random.default_rng(seed)
    sure = rng.dirichlet(np.full(CLASSES, 0.05), (count, 40)).astype(np.float16)
    test = list(sure)
    shares, _ = combined("hard", test, [np.zeros(0, np.float16)] * count, np.zeros(0, np.uint8))
    for image in range(40):
        votes = Counter(int(member[image].argmax()) for member in test)
        assert votes[int(shares[image].argmax())] == max(votes.values())


def log_loss(weights: np.ndarray, validation: list[np.ndarray], truth: np.ndarray) -> float:
    mixed = sum(weight * member.astype(np.float64) for weight, member in zip(weights, validation, strict=True))
    values = [-np.log(max(at(mixed, place)[int(truth[place])], 1e-6)) for place in places(mixed) if truth[place] != 255]
    return float(np.mean(values))


@pytest.mark.parametrize("task", SHAPES)
def test_weights_have_the_least_log_loss_on_the_validation_images(task: str) -> None:
    images = 30 if task == "classification" else 4
    for seed in range(3):
        validation = members(3, SHAPES[task], seed, images)
        rng = np.random.default_rng(seed)
        # The first member is often right, the last never: its weight must be 0.
        guess = validation[0].argmax(1)
        truth = np.where(rng.random(guess.shape) < 0.6, guess, rng.integers(0, CLASSES, guess.shape)).astype(np.uint8)
        truth.flat[:2] = 255
        validation[2] = np.full_like(validation[2], 1e-4)
        weights = member_weights(validation, truth)
        assert weights.sum() == pytest.approx(1)
        assert weights.min() >= 0
        assert weights[2] == pytest.approx(0, abs=1e-3)
        least = log_loss(weights, validation, truth)
        for first, second in itertools.product(np.linspace(0, 1, 21), repeat=2):
            if first + second <= 1:
                other = np.array([first, second, 1 - first - second])
                assert least <= log_loss(other, validation, truth) + 1e-6


@pytest.mark.parametrize("task", SHAPES)
def test_weighted_is_the_mean_with_those_weights_and_sees_no_test_image(task: str) -> None:
    validation = members(3, SHAPES[task], 5)
    truth = validation[1].argmax(1).astype(np.uint8)
    weights = member_weights(validation, truth)
    assert weights[1] > 0.5
    for seed in (6, 7):
        test = members(3, SHAPES[task], seed)
        shares, held_out = combined("weighted", test, validation, truth)
        for part, found in ((test, shares), (validation, held_out)):
            expected = sum(weight * member.astype(np.float64) for weight, member in zip(weights, part, strict=True))
            np.testing.assert_allclose(found, expected, atol=1e-6)


def test_members_that_agree_have_equal_weights() -> None:
    validation = [members(1, ())[0]] * 4
    np.testing.assert_allclose(member_weights(validation, np.zeros(IMAGES, np.uint8)), 0.25, atol=1e-6)


def test_without_validation_images_only_the_test_images_are_combined() -> None:
    nothing = [np.zeros(0, np.float16)] * 2
    for method in ("soft", "hard"):
        shares, held_out = combined(method, members(2, (4, 5)), nothing, np.zeros((0, 4, 5), np.uint8))
        assert shares.shape == (IMAGES, CLASSES, 4, 5)
        assert len(held_out) == 0


@pytest.mark.parametrize("task", SHAPES)
def test_counts_are_by_image_and_leave_ignored_pixels_out(task: str) -> None:
    (shares,) = members(1, SHAPES[task])
    truth = np.random.default_rng(0).integers(0, CLASSES, (IMAGES, *SHAPES[task]), dtype=np.uint8)
    if task == "segmentation":
        truth[:, 0] = 255
    counts = np.zeros((IMAGES, CLASSES, CLASSES), np.int64)
    for place in places(shares):
        if truth[place] != 255:
            counts[place[0], truth[place], int(np.argmax(at(shares, place)))] += 1
    assert confusion(shares, truth).tolist() == counts.tolist()
