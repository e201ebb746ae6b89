"""Images that a network sees with their companions: the channels of both, each by draws of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from squares import TRAIN, finished

from harness.data import Packed
from harness.jobs import evaluation
from harness.jobs.augmentation import draw, jitter
from harness.jobs.batches import Batches, order
from harness.jobs.features import FeatureBatches, sources
from harness.jobs.resident import Resident
from harness.jobs.seeds import generator
from harness.jobs.training import Trainer
from harness.networks import family
from harness.specs import (
    BestOnValidation,
    Budget,
    Classifier,
    ColourJitter,
    CrossEntropy,
    Data,
    Metric,
    Normalise,
    Optimiser,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Recipe,
    Rescale,
    Shrink,
    Split,
)

Make = Callable[..., Trainer]

CPU = torch.device("cpu")
NORMALISE = Normalise((100.0, 120.0, 60.0), (50.0, 20.0, 90.0))
DATA = Data("deepdrid", split=Split("subject", validation=0.25), companion="other-eye", evidence="phantom")
PAIRS = Recipe(
    DATA,
    Classifier("resnet18", shrink=Shrink(8, 3), views=2),
    Budget(6, evaluations=2),
    normalise=NORMALISE,
    losses=(CrossEntropy(),),
    optimiser=Optimiser("sgd", 1e-3),
    batch_size=4,
)
SINGLE = replace(PAIRS, data=replace(DATA, companion=""), network=replace(PAIRS.network, views=1))
EVERYTHING = (
    RandomResize(0.75, 1.25),
    RandomRotation(20),
    RandomCrop((16, 20)),
    RandomFlip(),
    ColourJitter(0.3, 0.3, 0.3),
)


@pytest.fixture(scope="module")
def eyes() -> Packed:
    """Images of three grades in pairs, left and right, each beside the other."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16, 24, 32, 3), dtype=np.uint8)
    names = tuple(f"{index // 2}_{'lr'[index % 2]}" for index in range(16))
    others = tuple(f"{index // 2}_{'rl'[index % 2]}" for index in range(16))
    subjects = tuple(name[:-2] for name in names)
    grades = (np.arange(16, dtype=np.uint8) // 2) % 3
    return Packed(
        images, grades, names, subjects, ("",) * 16, tuple("abc"), "", "classification", {"other-eye": others}
    )


def other(places: np.ndarray) -> np.ndarray:
    """Places of the other eyes."""
    return places ^ 1


def placed(packed: Packed, indices: np.ndarray, companion: str = "other-eye") -> Resident:
    return Resident.place(packed, indices, CPU, companion)


def normal(images: np.ndarray) -> torch.Tensor:
    """Normalised, channels first."""
    mean, std = (np.array(value, np.float32) for value in (NORMALISE.mean, NORMALISE.std))
    return torch.from_numpy(((images.astype(np.float32) - mean) / std).transpose(0, 3, 1, 2))


def test_a_part_shows_each_image_and_its_companion(eyes: Packed) -> None:
    data = placed(eyes, np.array([4, 5, 10]))
    one, two = data.views(torch.tensor([2, 0]))
    assert (one.numpy() == eyes.images[[10, 4]].transpose(0, 3, 1, 2)).all()
    assert (two.numpy() == eyes.images[[11, 5]].transpose(0, 3, 1, 2)).all(), "though 11 is not of this part"
    assert data.take(torch.tensor([2, 0]))[1].tolist() == eyes.targets[[10, 4]].tolist()
    (alone,) = placed(eyes, np.array([4]), "").views(torch.tensor([0]))
    assert (alone.numpy() == eyes.images[[4]].transpose(0, 3, 1, 2)).all()


def test_an_image_without_a_companion_is_one_sentence(eyes: Packed) -> None:
    alone = replace(eyes, companions={"other-eye": ("", *eyes.companions["other-eye"][1:])})
    with pytest.raises(ValueError, match=r"\AExpected [^\n]*0_l[^\n]*\.\Z"):
        placed(alone, np.arange(4))


@pytest.mark.parametrize(("data", "network", "words"), [
    (SINGLE.data, PAIRS.network, "`companion` to name what a network with views=2 sees beside each image of deepdrid"),
    (PAIRS.data, SINGLE.network, "a network with views=2 for images of deepdrid that are seen with their other-eye"),
])  # fmt: skip
def test_two_views_and_a_companion_go_together(data: Data, network: Classifier, words: str) -> None:
    with pytest.raises(ValueError, match=r"\AExpected [^\n]*\.\Z") as error:
        replace(PAIRS, data=data, network=network)
    assert words in str(error.value)


def test_a_plain_batch_is_the_images_channels_then_their_companions(eyes: Packed) -> None:
    made = Batches(placed(eyes, np.arange(10)), PAIRS, 3, 1)
    for step in (0, 2, 7):
        images, targets = made.batch(step)
        chosen = order(3, 10, 4, step)
        assert images.shape == (4, 6, 24, 32)
        assert images.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(images[:, :3], normal(eyes.images[chosen]), atol=1e-4, rtol=0)
        torch.testing.assert_close(images[:, 3:], normal(eyes.images[other(chosen)]), atol=1e-4, rtol=0)
        assert targets.tolist() == eyes.targets[chosen].tolist(), "the image's grade, not its companion's"


def test_the_image_is_drawn_as_without_its_companion_and_the_companion_by_itself(eyes: Packed) -> None:
    """So that arms with one and with two images share the draws of a seed."""
    pairs, single = (replace(recipe, transforms=EVERYTHING) for recipe in (PAIRS, SINGLE))
    both = Batches(placed(eyes, np.arange(10)), pairs, 3, 1)
    alone = Batches(placed(eyes, np.arange(10), ""), single, 3, 1)
    for step in range(3):
        images, targets = both.batch(step)
        expected, of_image = alone.batch(step)
        assert torch.equal(images[:, :3], expected)
        assert torch.equal(targets, of_image)
        drawn = both.drawn(step)
        for name in ("scale", "offset", "angle"):
            one, two = (getattr(windows, name) for windows in drawn.windows)
            assert (one != two).any(), name
    flips = [[windows.flip for windows in both.drawn(step).windows] for step in range(20)]
    one, two = np.concatenate(flips, axis=1)
    assert {*zip(one.tolist(), two.tolist(), strict=True)} == {(a, b) for a in (True, False) for b in (True, False)}


def test_colours_of_a_companion_are_its_own_draws(eyes: Packed) -> None:
    jittering = ColourJitter(0.4, 0.4, 0.4)
    images, _ = Batches(placed(eyes, np.arange(10)), replace(PAIRS, transforms=(jittering,)), 5, 1).batch(2)
    chosen = order(5, 10, 4, 2)
    for number, (role, places) in enumerate((("augmentation", chosen), ("augmentation of companions", other(chosen)))):
        stream = generator(5, role, 2)
        draw(PAIRS, (24, 32), 1, stream)
        changed = jitter(torch.from_numpy(eyes.images[places].transpose(0, 3, 1, 2)).float(), jittering, stream)
        expected = normal(changed.numpy().transpose(0, 2, 3, 1))
        torch.testing.assert_close(images[:, 3 * number : 3 * number + 3], expected, atol=1e-4, rtol=0)


def test_a_batch_of_pairs_made_in_a_block_is_the_one_made_alone(eyes: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(PAIRS, transforms=EVERYTHING)
    together = Batches(placed(eyes, np.arange(10)), recipe, 3, 1)
    blocked = [together.batch(step) for step in range(4)]
    assert together.block == 8
    monkeypatch.setattr("harness.jobs.batches.BLOCK_VALUES", 2 * 4 * 3 * 24 * 32)
    alone = Batches(placed(eyes, np.arange(10)), recipe, 3, 1)
    assert alone.block == 1, "companions count"
    for step, (images, targets) in enumerate(blocked):
        found, expected = alone.batch(step)
        assert torch.equal(found, images)
        assert torch.equal(expected, targets)


def test_at_evaluation_both_are_scaled_and_padded_alike(eyes: Packed) -> None:
    halved = [replace(recipe, transforms=(Rescale(0.5),)) for recipe in (PAIRS, SINGLE)]
    places = torch.arange(5)
    images, targets = evaluation.batch(placed(eyes, np.arange(5)), halved[0], places)
    assert images.is_contiguous(memory_format=torch.channels_last)
    for channels, shown in ((slice(3), np.arange(5)), (slice(3, 6), other(np.arange(5)))):
        alone, _ = evaluation.batch(placed(eyes, shown, ""), halved[1], places)
        torch.testing.assert_close(images[:, channels], alone, atol=1e-6, rtol=0)
    assert targets.tolist() == eyes.targets[:5].tolist()


CHANGES: dict[str, dict[str, Any]] = {
    "as they are": {},
    "everything random": {"transforms": EVERYTHING},
    "best on validation": {"select": BestOnValidation(Metric("kappa"))},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_a_network_of_two_views_trains_and_is_measured_on_pairs(
    changes: dict[str, Any], eyes: Packed, trainer: Make
) -> None:
    recipe = replace(PAIRS, **changes)
    made = finished(trainer(recipe, packed=eyes, validation=2))
    assert made.counts.sum() == 5
    found = evaluation.probabilities(made.network, placed(eyes, np.arange(10, 15)), recipe)
    assert (found.argmax(1) == made.counts.sum(1).argmax(1)).all()
    turned = replace(eyes, images=np.ascontiguousarray(eyes.images[other(np.arange(16))]))
    swapped = evaluation.probabilities(made.network, placed(turned, np.arange(10, 15)), recipe)
    assert not np.allclose(found, swapped, atol=1e-4), "which image is whose matters"


def test_a_frozen_trunk_sees_each_pair_in_four_ways_at_most(
    trainer: Make, eyes: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = replace(PAIRS, frozen=family(PAIRS.network).trunk, transforms=(RandomFlip(),), budget=Budget(40))
    made = trainer(frozen, packed=eyes)
    batches, _ = sources(made.network, frozen, made.train_data, 0)
    assert isinstance(batches, FeatureBatches)
    for name in frozen.frozen:
        made.network.get_submodule(name).eval()
    for step in range(40):
        features, _ = batches.batch(step)
        with torch.no_grad():
            whole = family(frozen.network).features(made.network, batches.batches.batch(step)[0])
        torch.testing.assert_close(features.levels[0], whole.levels[0], rtol=1e-3, atol=1e-4)
    assert 2 * TRAIN < len(batches._kept) <= 4 * TRAIN
    made.run()
    with monkeypatch.context() as patch:
        patch.setattr(type(family(frozen.network)), "trunk", ())
        plainly = finished(trainer(frozen, packed=eyes))
    losses, expected = ([loss for _, loss in each.progress.losses] for each in (made, plainly))
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
