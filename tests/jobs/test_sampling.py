"""Which training images a training sees: draws by the seed, and trainings on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from squares import TRAIN, finished, kill

from harness.data import Packed
from harness.jobs import boosting, evaluation, training
from harness.jobs.features import FeatureBatches, sources
from harness.jobs.resident import Resident
from harness.jobs.sampling import sampled
from harness.jobs.training import Trainer
from harness.networks import family
from harness.specs import (
    Boosted,
    Bootstrap,
    Budget,
    Classifier,
    CrossEntropy,
    Data,
    RandomFlip,
    Recipe,
    Shrink,
    boosted,
)
from harness.tasks import classification

Make = Callable[..., Trainer]

GRADING = Recipe(
    Data("dr_rahim", evidence="phantom"),
    Classifier("resnet18", shrink=Shrink(8, 3)),
    Budget(5, evaluations=2),
    transforms=(RandomFlip(),),
    losses=(CrossEntropy(),),
    batch_size=4,
)
BAGGED = replace(GRADING, sample=Bootstrap(1))
SECOND, THIRD = boosted([GRADING] * 3).members[1:]


def of_grades(count: int) -> Packed:
    """Noise of three grades by turns."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 24, 32, 3), dtype=np.uint8)
    names = tuple(f"image{index:02d}" for index in range(count))
    grades = np.arange(count, dtype=np.uint8) % 3
    return Packed(images, grades, names, names, ("",) * count, tuple("abc"), "", "classification")


@pytest.fixture(scope="module")
def graded() -> Packed:
    return of_grades(15)


def mistaking(packed: Packed, train: np.ndarray, wrong: list[int]) -> np.ndarray:
    """Class probabilities of the training images by a recipe that mistakes those at these places."""
    shift = np.isin(np.arange(len(train)), wrong)
    return np.eye(3, dtype=np.float16)[(packed.targets[train] + shift) % 3]


@given(st.integers(0, 1000), st.integers(1, 5), st.integers(1, 30))
@settings(max_examples=50, deadline=None)
def test_a_bootstrap_draws_as_many_training_images_as_there_are(seed: int, number: int, images: int) -> None:
    train = np.arange(3, 3 + images)
    recipe = replace(GRADING, sample=Bootstrap(number))
    drawn = sampled(recipe, seed, of_grades(3), train)
    assert len(drawn) == images
    assert set(drawn) <= set(train)
    assert (np.diff(drawn) >= 0).all()
    assert drawn.tolist() == sampled(recipe, seed, of_grades(3), train).tolist()


def test_a_bootstrap_sees_about_two_thirds_of_the_images_and_each_equally_often(graded: Packed) -> None:
    train = np.arange(50)
    draws = [sampled(replace(GRADING, sample=Bootstrap(k)), seed, graded, train) for seed in range(40) for k in (1, 2)]
    assert len({tuple(drawn) for drawn in draws}) == 80, "seeds and numbers have draws of their own"
    assert np.mean([len(set(drawn)) / 50 for drawn in draws]) == pytest.approx(1 - 1 / np.e, abs=0.02)
    often = np.bincount(np.concatenate(draws), minlength=50) / len(draws)
    assert often == pytest.approx(1, abs=0.6), "five standard deviations"


def test_every_image_comes_once_unless_a_sample_says_otherwise(graded: Packed) -> None:
    train = np.array([1, 4, 7])
    assert sampled(GRADING, 5, graded, train) is train


def test_a_boosted_draw_has_each_image_as_often_as_samme_says(graded: Packed) -> None:
    train = np.arange(2, 14)
    before = [mistaking(graded, train, [0, 5, 7]), mistaking(graded, train, [5, 11])]
    _, shares = boosting.weights(before, graded.targets[train], 3)
    draws = [sampled(THIRD, seed, graded, train, before) for seed in range(600)]
    assert all(len(drawn) == 12 for drawn in draws)
    often = np.bincount(np.concatenate(draws), minlength=14)[2:] / (12 * 600)
    assert often == pytest.approx(shares, abs=0.02)
    assert shares[5] == shares.max() > 3 / 12
    assert draws[0].tolist() == sampled(THIRD, 0, graded, train, before).tolist()


def test_after_a_recipe_without_mistakes_the_next_draw_is_another_one_by_the_same_weights(graded: Packed) -> None:
    train = np.arange(12)
    right = mistaking(graded, train, [])
    one, two = sampled(SECOND, 0, graded, train, [right]), sampled(THIRD, 0, graded, train, [right] * 2)
    assert one.tolist() != two.tolist()


def assert_equal(one: Trainer, other: Trainer) -> None:
    """To the last bit."""
    assert one.progress.losses == other.progress.losses
    assert repr(one.progress.curve) == repr(other.progress.curve), "repr: metrics may be NaN"
    tensors = other.network.state_dict()
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in one.network.state_dict().items())


def before(packed: Packed) -> list[np.ndarray]:
    return [mistaking(packed, np.arange(TRAIN - 2), [1, 2])]


@pytest.mark.parametrize(("recipe", "earlier"), [(BAGGED, []), (SECOND, None)], ids=["bagged", "boosted"])
def test_a_training_on_a_sample_is_one_on_those_images(
    recipe: Recipe, earlier: list[np.ndarray] | None, trainer: Make, graded: Packed, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    earlier = before(graded) if earlier is None else earlier
    made = trainer(recipe, packed=graded, validation=2, before=earlier)
    drawn = sampled(recipe, 0, graded, np.arange(TRAIN - 2), earlier)
    assert made.train_data.indices.tolist() == drawn.tolist()
    assert made.seen.tolist() == sorted(set(drawn))
    assert len(made.seen) < TRAIN - 2
    assert made.iterations == 5
    made.run()
    assert made.progress.curve[-1]["epoch"] == 5 * 4 / (TRAIN - 2), "an epoch is as long as without a sample"
    plain = trainer(replace(recipe, sample=GRADING.sample), packed=graded, validation=2)
    plain.run()
    assert made.progress.losses != plain.progress.losses
    seen = Resident.place(graded, made.seen, made.device)
    counts = evaluation.confusion(made.network, seen, recipe)
    assert repr(made.splits()[0]) == repr(classification.summarise(counts, graded.classes)), "each image once"

    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    others: dict[str, Any] = {
        "packed": graded,
        "validation": 2,
        "before": earlier,
        "kept": (tmp_path / "kept", "a" * 64),
    }
    kill(trainer(recipe, **others), 3)
    torch.rand(5)
    assert_equal(finished(trainer(recipe, **others)), made)


def test_a_frozen_trunk_computes_an_image_that_is_drawn_twice_once(
    trainer: Make, graded: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = replace(BAGGED, frozen=family(BAGGED.network).trunk, transforms=(), budget=Budget(12))
    made = trainer(frozen, packed=graded)
    for name in frozen.frozen:
        made.network.get_submodule(name).eval()
    batches, _ = sources(made.network, frozen, made.train_data, 0)
    assert isinstance(batches, FeatureBatches)
    for step in range(9):
        features, targets = batches.batch(step)
        plain, expected = batches.batches.batch(step)
        assert targets.tolist() == expected.tolist()
        with torch.no_grad():
            whole = family(frozen.network).features(made.network, plain)
        torch.testing.assert_close(features.levels[0], whole.levels[0], rtol=1e-4, atol=1e-5)
    assert len(batches._kept) == len(made.seen)
    made.run()
    with monkeypatch.context() as patch:
        patch.setattr(type(family(frozen.network)), "trunk", ())
        plainly = finished(trainer(frozen, packed=graded))
    losses, expected = ([loss for _, loss in each.progress.losses] for each in (made, plainly))
    np.testing.assert_allclose(losses, expected, rtol=1e-3)


def test_a_boosted_recipe_may_follow_one_of_another_network(graded: Packed) -> None:
    other = replace(GRADING, network=Classifier("squeezenet1_1"), sample=Boosted(GRADING))
    train = np.arange(9)
    found = sampled(other, 0, graded, train, [mistaking(graded, train, [4])])
    assert len(found) == 9
