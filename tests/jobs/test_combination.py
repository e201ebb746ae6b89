"""Combinations of members against straightforward numpy, image by image and pixel by pixel."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

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


@pytest.mark.parametrize("task", SHAPES)
def test_weights_are_in_proportion_to_the_accuracy_on_the_validation_images(task: str) -> None:
    images = 30 if task == "classification" else 4
    for seed in range(3):
        validation = members(3, SHAPES[task], seed, images)
        truth = np.random.default_rng(seed).integers(0, CLASSES, validation[0].argmax(1).shape).astype(np.uint8)
        truth.flat[:2] = 255
        known = truth.ravel() != 255
        right = [accuracy_score(truth.ravel()[known], member.argmax(1).ravel()[known]) for member in validation]
        np.testing.assert_allclose(member_weights(validation, truth), np.array(right) / sum(right))


def test_members_that_are_never_right_have_equal_weights() -> None:
    validation = [np.eye(CLASSES, dtype=np.float16)[[0] * IMAGES]] * 2
    assert member_weights(validation, np.ones(IMAGES, np.uint8)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("task", SHAPES)
def test_weighted_is_the_mean_with_those_weights_and_sees_no_test_image(task: str) -> None:
    validation = members(3, SHAPES[task], 5)
    truth = validation[1].argmax(1).astype(np.uint8)
    weights = member_weights(validation, truth)
    assert weights.argmax() == 1
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


class Finished(ClassifierMixin, BaseEstimator):
    """A member to scikit-learn: it predicts columns of what it is given, which are its probabilities."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.classes_ = np.arange(CLASSES)

    def fit(self, columns: np.ndarray, truth: np.ndarray) -> Finished:
        return self

    def predict_proba(self, columns: np.ndarray) -> np.ndarray:
        return columns[:, CLASSES * self.number : CLASSES * (self.number + 1)]

    def predict(self, columns: np.ndarray) -> np.ndarray:
        return self.predict_proba(columns).argmax(1)


def graded(seed: int, count: int, images: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Members that are right now and then, and the truth, of which each class occurs."""
    rng = np.random.default_rng(seed)
    truth = np.r_[np.arange(CLASSES), rng.integers(0, CLASSES, images - CLASSES)].astype(np.uint8)
    made = [rng.dirichlet(np.ones(CLASSES), images) for _ in range(count)]
    return [(0.7 * each + 0.3 * np.eye(CLASSES)[truth]).astype(np.float16) for each in made], truth


@given(st.integers(2, 4), st.integers(6, 40), st.integers(0, 2**16))
@settings(max_examples=10, deadline=None)
def test_stacking_is_scikit_learns_over_finished_members(count: int, images: int, seed: int) -> None:
    validation, truth = graded(seed, count, images)
    test, _ = graded(seed + 1, count, 20)
    named = [(str(number), Finished(number)) for number in range(count)]
    stack = StackingClassifier(named, LogisticRegression(tol=1e-8, max_iter=10_000), cv="prefit", passthrough=False)
    columns = [np.concatenate(part, axis=1).astype(float) for part in (validation, test)]
    stack.fit(columns[0], truth)
    for part, found in zip(columns[::-1], combined("stacking", test, validation, truth), strict=True):
        np.testing.assert_allclose(found, stack.predict_proba(part), atol=1e-4)


@given(st.sampled_from(["soft", "hard"]), st.integers(2, 5), st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_voting_is_scikit_learns_over_finished_members(method: str, count: int, seed: int) -> None:
    test, truth = graded(seed, count, 30)
    vote = VotingClassifier([(str(number), Finished(number)) for number in range(count)], voting=method)
    vote.estimators_ = [each for _, each in vote.estimators]
    vote.le_, vote.classes_ = type("Same", (), {"inverse_transform": staticmethod(np.asarray)}), np.arange(CLASSES)
    expected = vote.predict(np.concatenate(test, axis=1).astype(float))
    shares, _ = combined(method, test, [np.zeros(0, np.float16)] * count, np.zeros(0, np.uint8))
    votes = np.stack([np.eye(CLASSES)[member.argmax(1)] for member in test]).sum(0)
    tied = np.sort(votes, axis=1)[:, -2] == votes.max(1)
    clear = ~tied if method == "hard" else np.ones(len(truth), bool)  # scikit-learn takes the first of equal classes
    assert shares.argmax(1)[clear].tolist() == expected[clear].tolist()


def test_stacking_never_predicts_a_class_that_no_validation_image_is_of() -> None:
    validation, truth = graded(0, 2, 30)
    kept = truth != 1
    shares, held_out = combined("stacking", validation, [each[kept] for each in validation], truth[kept])
    for part in (shares, held_out):
        assert (part[:, 1] == 0).all()
        np.testing.assert_allclose(part.sum(1), 1, rtol=1e-6)
    assert set(shares.argmax(1)) == {0, 2}


def test_stacking_finds_the_member_that_knows() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, 200)
    knows = np.eye(CLASSES)[(truth + 1) % CLASSES].astype(np.float16)  # always the next class
    guesses = rng.dirichlet(np.ones(CLASSES), 200).astype(np.float16)
    shares, _ = combined("stacking", [knows, guesses], [knows, guesses], truth.astype(np.uint8))
    assert shares.argmax(1).tolist() == truth.tolist()


def test_stacking_on_a_single_class_is_refused_in_one_sentence() -> None:
    validation, truth = graded(0, 2, 6)
    with pytest.raises(ValueError, match=r"\AExpected validation images of several classes .* all 6 .*\.\Z"):
        combined("stacking", validation, validation, np.zeros_like(truth))


@given(st.integers(2, 5), st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_boosting_is_the_class_with_the_greatest_weight(count: int, seed: int) -> None:
    test, _ = graded(seed, count, 30)
    votes = np.random.default_rng(seed).uniform(0.1, 3, count)
    shares, _ = combined("boosting", test, [np.zeros(0, np.float16)] * count, np.zeros(0, np.uint8), votes)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-3)
    for image in range(30):
        weight = Counter()
        for vote, member in zip(votes, test, strict=True):
            weight[int(member[image].argmax())] += vote
        assert int(shares[image].argmax()) == max(weight, key=weight.get)


def test_without_any_vote_the_members_are_alike() -> None:
    test = members(4, (), images=30)
    nothing = [np.zeros(0, np.float16)] * 4
    boosted, _ = combined("boosting", test, nothing, np.zeros(0, np.uint8), np.zeros(4))
    hard, _ = combined("hard", test, nothing, np.zeros(0, np.uint8))
    assert boosted.argmax(1).tolist() == hard.argmax(1).tolist()
