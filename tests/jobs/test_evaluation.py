"""Evaluation against counting in numpy, with networks whose predictions are known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from harness.models import building
from harness.training import evaluation
from harness.training.loader import Resident

from harness import metrics
from harness.data import Packed
from harness.specs import Loss, Model, Recipe

CPU = torch.device("cpu")


class Threshold(torch.nn.Module):
    """Calls bright pixels foreground, and remembers what it was given."""

    def __init__(self, level: float) -> None:
        super().__init__()
        self.level = level
        self.seen: list[torch.Tensor] = []

    def encode_decode(self, images: torch.Tensor, metas: list[dict]) -> torch.Tensor:
        assert len(metas) == len(images)
        assert not self.training, "evaluated in training mode"
        assert not torch.is_grad_enabled()
        self.seen.append(images)
        return torch.stack([torch.zeros_like(images[:, 0]), images[:, 0] - self.level], dim=1)


@pytest.fixture
def resident(squares: Packed) -> Resident:
    return Resident.place(squares, np.arange(7), CPU)


def known(squares: Packed, recipe: Recipe, grey: float) -> tuple[Threshold, np.ndarray]:
    """A network that calls pixels above ``grey`` foreground, and its predictions of the first seven images."""
    mean, std = recipe.normalise
    return Threshold((grey - mean) / std), (squares.images[:7, :, :, 0] > grey).astype(np.uint8)


def test_the_confusion_is_numpys_image_by_image(squares: Packed, resident: Resident, recipe: Recipe) -> None:
    network, expected = known(squares, recipe, 45.5)
    counts = evaluation.confusion(network, resident, recipe, 2)
    by_image = [metrics.confusion(mask, guess, 2) for mask, guess in zip(squares.masks[:7], expected, strict=True)]
    assert counts.tolist() == np.stack(by_image).tolist()
    assert counts[:, 0, 1].min() > 0, "otherwise nothing is told apart"


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_batch_boundaries_change_nothing(
    batch: int, squares: Packed, resident: Resident, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, expected = known(squares, recipe, 45.5)
    monkeypatch.setattr(evaluation, "_batch", lambda size: batch)
    found = list(evaluation.predictions(network, resident, recipe))
    assert [len(part) for part in found] == [min(batch, 7 - start) for start in range(0, 7, batch)]
    assert (torch.cat(found).numpy() == expected).all()
    counts = evaluation.confusion(network, resident, recipe, 2)
    assert counts.tolist() == [
        metrics.confusion(*pair, 2).tolist() for pair in zip(squares.masks[:7], expected, strict=True)
    ]


def test_ignored_pixels_do_not_count(squares: Packed, resident: Resident, recipe: Recipe) -> None:
    network, _ = known(squares, recipe, 45.5)
    before = evaluation.confusion(network, resident, recipe, 2)
    assert (before.sum((1, 2)) == (squares.masks[:7] != 255).sum((1, 2))).all()
    resident.images[:, :, :2] = 255  # only ignored rows
    assert (evaluation.confusion(network, resident, recipe, 2) == before).all()


def test_images_are_normalised_and_grey_ones_given_three_channels(resident: Resident, recipe: Recipe) -> None:
    network = Threshold(0.0)
    list(evaluation.predictions(network, resident, recipe))
    (images,) = network.seen
    expected = (resident.images.float() - 60) / 50
    assert images.shape == (7, 3, 24, 32)
    for channel in range(3):
        torch.testing.assert_close(images[:, channel], expected[:, 0])


def test_images_are_padded_to_the_stride_and_the_padding_is_cut_off(squares: Packed, recipe: Recipe) -> None:
    cut = replace(squares, images=squares.images[:, :21, :30], masks=squares.masks[:, :21, :30])
    network = Threshold(0.0)
    data = Resident.place(cut, np.arange(7), CPU)
    deep = replace(
        recipe, augmentation=replace(recipe.augmentation, crop=None, resize=(1.0, 1.0)), model=Model(stages=5)
    )
    (found,) = evaluation.predictions(network, data, deep)
    assert found.shape == (7, 21, 30)
    (images,) = network.seen
    assert images.shape == (7, 3, 32, 32)
    assert images[:, :, 21:].abs().max() == 0
    assert images[:, :, :, 30:].abs().max() == 0
    assert (found.numpy() == (cut.images[:7, :, :, 0] > 60)).all()


def test_images_are_resized_for_the_network_and_predictions_back(squares: Packed, recipe: Recipe) -> None:
    data = Resident.place(squares, np.arange(7), CPU)
    network = Threshold(0.3)
    half = replace(recipe, test_resize=0.5, model=Model(stages=4))
    (found,) = evaluation.predictions(network, data, half)
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
        assert (found[index].numpy() == (back > 0))[sure].all()


def test_a_network_is_evaluated_in_evaluation_mode_and_left_as_it_was(resident: Resident, recipe: Recipe) -> None:
    network = building.build(recipe.model, 2, Loss(), 0)
    network.train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    first = evaluation.confusion(network, resident, recipe, 2)
    assert network.training
    assert network.backbone.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items()), "BatchNorm's too"
    assert (evaluation.confusion(network, resident, recipe, 2) == first).all(), "no dropout"
    network.eval()
    assert (evaluation.confusion(network, resident, recipe, 2) == first).all()
    assert not network.training


def test_more_than_two_classes_are_told_apart(squares: Packed, recipe: Recipe) -> None:
    class Thirds(Threshold):
        def encode_decode(self, images: torch.Tensor, metas: list[dict]) -> torch.Tensor:
            grey = images[:, 0]
            return torch.stack([-grey, torch.where((grey > -0.5) & (grey < 0), 9.0, -9.0), grey], dim=1)

    rng = np.random.default_rng(0)
    labelled = replace(squares, masks=rng.choice(np.array([0, 1, 2, 255], np.uint8), squares.masks.shape))
    network = Thirds(0.0)
    data = Resident.place(labelled, np.arange(7), CPU)
    guess = torch.cat(list(evaluation.predictions(network, data, recipe))).numpy()
    assert set(np.unique(guess)) == {0, 1, 2}
    counts = evaluation.confusion(network, data, recipe, 3)
    expected = [
        metrics.confusion(mask, image, 3).tolist() for mask, image in zip(labelled.masks[:7], guess, strict=True)
    ]
    assert counts.tolist() == expected
