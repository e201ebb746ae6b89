"""Losses against mmsegmentation's and torch's where those are defined, and on ignored pixels."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

import harness.models.openmmlab  # noqa: F401  isort: skip
from mmseg.models.losses import DiceLoss

from harness.models.losses import MaskedDiceLoss, WeightedCrossEntropyLoss

VARIANTS = [{"use_sigmoid": True, "ignore_index": 255}, {"use_sigmoid": False, "ignore_index": 0}]
NAMES = ["all classes", "foreground"]


def sample(seed: int, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(4, classes, 7, 9, generator=draw, dtype=torch.float64)
    return logits, torch.randint(0, classes, (4, 7, 9), generator=draw)


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
@pytest.mark.parametrize("classes", [2, 3])
def test_dice_is_mmsegs_where_nothing_is_ignored(variant: dict, classes: int) -> None:
    for seed in range(5):
        logits, target = sample(seed, classes)
        ours = MaskedDiceLoss(loss_weight=3.0, **variant)(logits, target, ignore_index=255)
        theirs = DiceLoss(loss_weight=3.0, **variant)(logits, target)
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_dice_with_an_ignored_region_is_mmsegs_dice_of_the_rest(variant: dict) -> None:
    for seed in range(5):
        logits, target = sample(seed)
        target[:, 5:] = 255
        target[:, :, 6:] = 255
        ours = MaskedDiceLoss(**variant)(logits, target, ignore_index=255)
        theirs = DiceLoss(**variant)(logits[:, :, :5, :6], target[:, :5, :6])
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_dice_is_by_hand_in_a_small_case(variant: dict) -> None:
    logits = torch.tensor([[[[2.0, -1.0, 0.5]], [[0.0, 1.0, 3.0]]]])
    target = torch.tensor([[[0, 1, 255]]])
    p = (logits.sigmoid() if variant["use_sigmoid"] else logits.softmax(1))[0, :, 0, :2]
    one_hot = torch.eye(2)
    if not variant["use_sigmoid"]:
        p, one_hot = p[1:], one_hot[1:]
    expected = 1 - 2 * (p * one_hot).sum() / ((p**2).sum() + one_hot.sum() + 2e-3)
    torch.testing.assert_close(MaskedDiceLoss(**variant)(logits, target), expected)


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_no_gradient_reaches_an_ignored_pixel(variant: dict) -> None:
    logits, target = sample(0)
    target[:, 2] = 255
    logits.requires_grad_(True)
    loss = MaskedDiceLoss(**variant)(logits, target) + WeightedCrossEntropyLoss([1.0, 10.0, 2.0])(logits, target)
    loss.backward()
    assert logits.grad[:, :, 2].abs().max() == 0
    assert logits.grad[:, :, :2].abs().min() > 0


def test_weighted_cross_entropy_is_torchs() -> None:
    logits, target = sample(1)
    target[:, :2] = 255
    ours = WeightedCrossEntropyLoss([1.0, 10.0, 0.5], loss_weight=0.4)(logits, target, ignore_index=255)
    log = logits.log_softmax(1)
    weights = torch.tensor([1.0, 10.0, 0.5], dtype=torch.float64)
    total = norm = 0.0
    for n, y, x in (target != 255).nonzero().tolist():
        label = target[n, y, x]
        total, norm = total - weights[label] * log[n, label, y, x], norm + weights[label]
    torch.testing.assert_close(ours, 0.4 * total / norm)
    torch.testing.assert_close(ours, 0.4 * functional.cross_entropy(logits, target, weights, ignore_index=255))
