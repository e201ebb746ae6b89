"""SAMME against scikit-learn's AdaBoostClassifier, and where it says otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from harness.jobs.boosting import weights


def shares(classes: np.ndarray, count: int) -> np.ndarray:
    """Class probabilities whose largest is that of the predicted class."""
    return np.full((len(classes), count), 0.1) + 0.6 * np.eye(count)[classes]


@given(st.integers(2, 5), st.integers(1, 5), st.integers(0, 2**16))
@settings(max_examples=25, deadline=None)
def test_votes_and_weights_of_images_are_scikit_learns(classes: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(60, 3))
    truth = np.r_[np.arange(classes), rng.integers(0, classes, 60 - classes)]
    points[:, 0] += truth  # something to learn, so that members are better than chance
    boosted = AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=count).fit(points, truth)
    made = [shares(member.predict(points), classes) for member in boosted.estimators_]
    votes, images = weights(made, truth, classes)
    np.testing.assert_allclose(votes, boosted.estimator_weights_[: len(made)])
    of_images = np.ones(60)
    for vote, member in zip(boosted.estimator_weights_, made, strict=False):
        of_images *= np.exp(vote * (member.argmax(1) != truth))
    np.testing.assert_allclose(images, of_images / of_images.sum())
    decided = sum(vote * np.eye(classes)[member.argmax(1)] for vote, member in zip(votes, made, strict=True))
    assert decided.argmax(1).tolist() == boosted.predict(points).tolist()


def test_before_the_first_member_all_images_weigh_the_same() -> None:
    votes, images = weights([], np.arange(5), 5)
    assert len(votes) == 0
    assert images.tolist() == [0.2] * 5


def test_what_a_member_mistakes_comes_more_often() -> None:
    truth = np.array([0, 0, 1, 1, 2, 2])
    member = shares(np.array([0, 0, 1, 1, 2, 0]), 3)  # the last one is wrong
    votes, images = weights([member], truth, 3)
    assert votes[0] == pytest.approx(np.log(5) + np.log(2))
    assert images[-1] == pytest.approx(10 / 15), "5 · 2 times the others'"
    assert images[:-1] == pytest.approx(1 / 15)


def test_a_member_without_a_mistake_counts_as_one_with_half_a_mistake() -> None:
    truth = np.array([0, 1, 2, 0])
    votes, images = weights([shares(truth, 3)] * 2, truth, 3)
    assert votes == pytest.approx(np.log(7) + np.log(2)), "an error of 1 in 8"
    assert images.tolist() == [0.25] * 4


@pytest.mark.parametrize("guess", [[0, 0, 0], [1, 2, 0]], ids=["chance", "worse than chance"])
def test_a_member_that_is_no_better_than_chance_has_no_vote_and_changes_no_weight(guess: list[int]) -> None:
    truth = np.array([0, 1, 2])
    good = shares(np.array([0, 1, 0]), 3)
    votes, images = weights([shares(np.array(guess), 3), good], truth, 3)
    alone, of_alone = weights([good], truth, 3)
    assert votes.tolist() == [0.0, *alone]
    assert images.tolist() == of_alone.tolist()


@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 2**16))
@settings(max_examples=50, deadline=None)
def test_weights_stay_finite_and_add_up_to_one(classes: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, 12)
    made = [np.where(rng.random((12, 1)) < rng.random(), shares(truth, classes), rng.dirichlet(np.ones(classes), 12))
            for _ in range(count)]  # fmt: skip
    votes, images = weights(made, truth, classes)
    assert (votes >= 0).all()
    assert np.isfinite(votes).all()
    assert (images > 0).all()
    assert images.sum() == pytest.approx(1)
