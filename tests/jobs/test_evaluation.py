"""Evaluation against counting in numpy, with networks whose predictions are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from harness.data import Packed
from harness.jobs import evaluation
from harness.jobs.resident import Resident
from harness.networks import building
from harness.specs import (
    Classifier,
    CrossEntropy,
    Normalise,
    RandomCrop,
    RandomFlip,
    RandomResize,
    Recipe,
    Rescale,
    Shrink,
)
from harness.tasks.metrics import confusion

CPU = torch.device("cpu")


class Threshold(torch.nn.Module):
    """Calls bright pixels foreground, and remembers the images that it saw."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = level
        self.seen: list[torch.Tensor] = []

    def encode_decode(self, images: torch.Tensor, metas: list[dict[str, Any]]) -> torch.Tensor:
        assert len(metas) == len(images)
        assert not self.training, "evaluated in training mode"
        assert not torch.is_grad_enabled()
        self.seen.append(images)
        return torch.stack([torch.zeros_like(images[:, 0]), images[:, 0] - self.level], dim=1)


@pytest.fixture
def resident(squares: Packed) -> Resident:
    return Resident.place(squares, np.arange(7), CPU)


def known(squares: Packed, grey: float) -> tuple[Threshold, np.ndarray]:
    """A network that calls pixels above ``grey`` foreground, and its predictions of the first seven images."""
    return Threshold((grey - 60) / 50), (squares.images[:7, :, :, 0] > grey).astype(np.uint8)


def deep(recipe: Recipe, stages: int) -> Recipe:
    return replace(recipe, network=replace(recipe.network, shrink=Shrink(8, stages)))


def test_the_confusion_is_numpys_image_by_image(squares: Packed, resident: Resident, recipe: Recipe) -> None:
    network, expected = known(squares, 45.5)
    counts = evaluation.confusion(network, resident, recipe)
    by_image = [confusion(mask, guess, 2) for mask, guess in zip(squares.targets[:7], expected, strict=True)]
    assert counts.tolist() == np.stack(by_image).tolist()
    assert counts[:, 0, 1].min() > 0, "otherwise nothing is told apart"


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_batch_boundaries_change_nothing(
    batch: int, squares: Packed, resident: Resident, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, expected = known(squares, 45.5)
    monkeypatch.setattr(evaluation, "PIXELS", batch * 24 * 32)
    assert (evaluation.predictions(network, resident, recipe) == expected).all()
    assert [len(images) for images in network.seen] == [min(batch, 7 - start) for start in range(0, 7, batch)]
    counts = evaluation.confusion(network, resident, recipe)
    pairs = zip(squares.targets[:7], expected, strict=True)
    assert counts.tolist() == [confusion(*pair, 2).tolist() for pair in pairs]


def test_ignored_pixels_do_not_count(squares: Packed, resident: Resident, recipe: Recipe) -> None:
    network, _ = known(squares, 45.5)
    before = evaluation.confusion(network, resident, recipe)
    assert (before.sum((1, 2)) == (squares.targets[:7] != 255).sum((1, 2))).all()
    images = squares.images.copy()
    images[:, :2] = 255  # only ignored rows
    changed = Resident.place(replace(squares, images=images), np.arange(7), CPU)
    assert (evaluation.confusion(network, changed, recipe) == before).all()


def test_images_are_normalised_and_grey_ones_given_three_channels(
    squares: Packed, resident: Resident, recipe: Recipe
) -> None:
    network = Threshold(0.0)
    evaluation.predictions(network, resident, recipe)
    evaluation.predictions(network, resident, replace(recipe, normalise=Normalise((60.0, 10.0, 0.0), (50.0, 5.0, 1.0))))
    grey = squares.images[:7, :, :, 0].astype(np.float32)
    for images, statistics in zip(network.seen, ([(60, 50)] * 3, [(60, 50), (10, 5), (0, 1)]), strict=True):
        assert images.shape == (7, 3, 24, 32)
        for channel, (mean, std) in enumerate(statistics):
            np.testing.assert_allclose(images[:, channel], (grey - mean) / std, rtol=1e-5, atol=1e-6)


def test_images_are_padded_to_the_stride_and_the_padding_is_cut_off(squares: Packed, recipe: Recipe) -> None:
    cut = replace(squares, images=squares.images[:, :21, :30], targets=squares.targets[:, :21, :30])
    network = Threshold(0.0)
    whole = replace(deep(recipe, 5), transforms=())
    found = evaluation.predictions(network, Resident.place(cut, np.arange(7), CPU), whole)
    assert found.shape == (7, 21, 30)
    (images,) = network.seen
    assert images.shape == (7, 3, 32, 32)
    assert images[:, :, 21:].abs().max() == 0
    assert images[:, :, :, 30:].abs().max() == 0
    assert (found == (cut.images[:7, :, :, 0] > 60)).all()


def test_images_are_rescaled_for_the_network_and_logits_back(
    squares: Packed, resident: Resident, recipe: Recipe
) -> None:
    network = Threshold(0.3)
    half = replace(deep(recipe, 4), transforms=(Rescale(0.5),))
    found = evaluation.predictions(network, resident, half)
    assert found.shape == (7, 24, 32)
    (images,) = network.seen
    assert images.shape == (7, 3, 16, 16), "12×16, padded to multiples of 8"
    assert images[:, :, 12:].abs().max() == 0
    for index in range(7):
        grey = (squares.images[index, :, :, 0].astype(np.float32) - 60) / 50
        small = cv2.resize(grey, (16, 12), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(images[index, 0, :12].numpy(), small, atol=1e-5)
        back = cv2.resize(small - np.float32(0.3), (32, 24), interpolation=cv2.INTER_LINEAR)
        sure = np.abs(back) > 1e-4
        assert (found[index] == (back > 0))[sure].all()


def test_random_transforms_are_left_out(resident: Resident, recipe: Recipe) -> None:
    seen = []
    for transforms in ((), (RandomResize(0.5, 2.0), RandomCrop((16, 16)), RandomFlip(1.0))):
        network = Threshold(0.0)
        evaluation.predictions(network, resident, replace(recipe, transforms=transforms))
        seen.append(network.seen[0])
    assert torch.equal(*seen)


def test_a_network_is_evaluated_in_evaluation_mode_and_left_as_it_was(resident: Resident, recipe: Recipe) -> None:
    network = building.build(recipe.network, 2, recipe.losses, 0)
    network.train()
    network.get_submodule("backbone").eval()  # as a frozen part is
    modes = [module.training for module in network.modules()]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first = evaluation.confusion(network, resident, recipe)
    assert evaluation.mean_loss(network, resident, recipe) == evaluation.mean_loss(network, resident, recipe)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items()), "BatchNorm's too"
    assert (evaluation.confusion(network, resident, recipe) == first).all(), "no dropout"
    network.eval()
    assert (evaluation.confusion(network, resident, recipe) == first).all()
    assert not any(module.training for module in network.modules())


def test_a_network_is_left_as_it_was_by_an_evaluation_that_fails(recipe: Recipe) -> None:
    network = building.build(recipe.network, 2, recipe.losses, 0).train()
    with pytest.raises(RuntimeError, match="in the middle"), evaluation.evaluating(network):
        raise RuntimeError("in the middle")
    assert all(module.training for module in network.modules())


def test_more_than_two_classes_are_told_apart(squares: Packed, recipe: Recipe) -> None:
    class Thirds(Threshold):
        def encode_decode(self, images: torch.Tensor, metas: list[dict[str, Any]]) -> torch.Tensor:
            grey = images[:, 0]
            return torch.stack([-grey, torch.where((grey > -0.5) & (grey < 0), 9.0, -9.0), grey], dim=1)

    rng = np.random.default_rng(0)
    labelled = replace(squares, targets=rng.choice(np.array([0, 1, 2, 255], np.uint8), squares.targets.shape))
    network = Thirds(0.0)
    data = Resident.place(labelled, np.arange(7), CPU)
    guess = evaluation.predictions(network, data, recipe)
    assert set(np.unique(guess)) == {0, 1, 2}
    counts = evaluation.confusion(network, data, recipe)
    pairs = zip(labelled.targets[:7], guess, strict=True)
    assert counts.tolist() == [confusion(*pair, 3).tolist() for pair in pairs]


def test_probabilities_are_the_softmax_in_half_precision(squares: Packed, resident: Resident, recipe: Recipe) -> None:
    network = Threshold(0.0)
    found = evaluation.probabilities(network, resident, recipe)
    grey = (squares.images[:7, :, :, 0].astype(np.float64) - 60) / 50
    assert found.dtype == np.float16
    assert found.shape == (7, 2, 24, 32)
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-grey)), atol=1e-3)
    np.testing.assert_allclose(found.sum(1, dtype=np.float64), 1, atol=1e-3)


def test_without_images_there_is_nothing(squares: Packed, recipe: Recipe) -> None:
    nothing, network = Resident.place(squares, np.arange(0), CPU), Threshold(0.0)
    assert len(evaluation.probabilities(network, nothing, recipe)) == 0
    assert network.seen == [], "mmsegmentation's heads take no empty batch"


@pytest.mark.parametrize("factor", [1.0, 0.5])
def test_the_loss_is_the_training_loss_without_augmentation(
    factor: float, squares: Packed, resident: Resident, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replace(deep(recipe, 4), transforms=(Rescale(factor),))
    network = building.build(whole.network, 2, whole.losses, 0).eval()
    losses = []
    for image, mask in zip(squares.images[:7, :, :, 0], squares.targets[:7], strict=True):
        grey, target = (image.astype(np.float32) - 60) / 50, mask
        if factor != 1:  # 12×16, padded to a multiple of 8
            grey = np.pad(cv2.resize(grey, (16, 12), interpolation=cv2.INTER_LINEAR), ((0, 4), (0, 0)))
            target = np.pad(mask[::2, ::2], ((0, 4), (0, 0)), constant_values=255)
        images, targets = torch.from_numpy(grey).expand(1, 3, -1, -1), torch.from_numpy(target).long()[None]
        with torch.no_grad():
            losses.append(float(building.loss(whole.network, network, images, targets)))
    assert evaluation.mean_loss(network, resident, whole) == pytest.approx(np.mean(losses), rel=0.1)
    monkeypatch.setattr(evaluation, "PIXELS", 1)  # image by image: the pixels of a batch count together
    assert evaluation.mean_loss(network, resident, whole) == pytest.approx(np.mean(losses), rel=1e-4)


def test_a_classifier_is_counted_once_for_each_image(squares: Packed, recipe: Recipe) -> None:
    graded = replace(
        squares, targets=np.arange(15, dtype=np.uint8) % 3, classes=tuple("abc"), foreground="", task="classification"
    )
    chosen = replace(recipe, network=Classifier("resnet18"), transforms=(), losses=(CrossEntropy(),))
    network = building.build(chosen.network, 3, chosen.losses, 0)
    data = Resident.place(graded, np.arange(7), CPU)
    counts = evaluation.confusion(network, data, chosen)
    guess = evaluation.predictions(network, data, chosen)
    shares = evaluation.probabilities(network, data, chosen)
    assert counts.shape == (7, 3, 3)
    assert shares.shape == (7, 3)
    assert guess.shape == (7,)
    assert (shares.argmax(1) == guess).all()
    for index in range(7):
        assert counts[index].sum() == 1
        assert counts[index, index % 3, guess[index]] == 1
    logits = torch.cat([found for found, _ in evaluation.logits(network, data, chosen)])
    expected = functional.cross_entropy(logits, torch.arange(7) % 3)
    assert evaluation.mean_loss(network, data, chosen) == pytest.approx(float(expected), rel=1e-5)


def test_bf16_is_evaluated_under_autocast(resident: Resident, recipe: Recipe) -> None:
    network = building.build(recipe.network, 2, recipe.losses, 0)
    full, half = (
        evaluation.probabilities(network, resident, replace(recipe, precision=precision)).astype(np.float32)
        for precision in ("fp32", "bf16")
    )
    assert (full != half).any()
    np.testing.assert_allclose(full, half, atol=0.05)
