"""Losses against mmsegmentation's, torch's and torchvision's where those are defined, and on ignored pixels."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

import harness.networks.openmmlab  # noqa: F401  isort: skip
from mmseg.models.losses import DiceLoss

from harness.networks import losses
from harness.networks.losses import Term
from harness.networks.term_loss import TermLoss
from harness.specs import CrossEntropy, Dice, Focal, Loss

DICE = [Dice(), Dice(over="foreground")]
NAMES = ["all classes", "foreground"]
MMSEG = {"all": {"use_sigmoid": True, "ignore_index": 255}, "foreground": {"use_sigmoid": False, "ignore_index": 0}}
ALL = [CrossEntropy(), CrossEntropy(class_weight=(1.0, 10.0, 2.0)), *DICE, Focal(), Focal(gamma=0.0, alpha=0.25)]
ALL += [Focal(class_weight=(1.0, 10.0, 2.0))]


def sample(seed: int, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(4, classes, 7, 9, generator=draw, dtype=torch.float64)
    return logits, torch.randint(0, classes, (4, 7, 9), generator=draw)


def value(spec: Loss, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return TermLoss(spec)(logits, targets, ignore_index=255)


@pytest.mark.parametrize("spec", DICE, ids=NAMES)
@pytest.mark.parametrize("classes", [2, 3])
def test_dice_is_mmsegs_where_nothing_is_ignored(spec: Dice, classes: int) -> None:
    for seed in range(5):
        logits, targets = sample(seed, classes)
        theirs = DiceLoss(loss_weight=3.0, **MMSEG[spec.over])(logits, targets)
        torch.testing.assert_close(value(Dice(3.0, spec.over), logits, targets), theirs)


@pytest.mark.parametrize("spec", DICE, ids=NAMES)
def test_dice_with_an_ignored_region_is_mmsegs_dice_of_the_rest(spec: Dice) -> None:
    for seed in range(5):
        logits, targets = sample(seed)
        targets[:, 5:] = 255
        targets[:, :, 6:] = 255
        theirs = DiceLoss(**MMSEG[spec.over])(logits[:, :, :5, :6], targets[:, :5, :6])
        torch.testing.assert_close(value(spec, logits, targets), theirs)


@pytest.mark.parametrize("spec", DICE, ids=NAMES)
def test_dice_is_by_hand_in_a_small_case(spec: Dice) -> None:
    logits = torch.tensor([[[[2.0, -1.0, 0.5]], [[0.0, 1.0, 3.0]]]])
    targets = torch.tensor([[[0, 1, 255]]])
    p = (logits.sigmoid() if spec.over == "all" else logits.softmax(1))[0, :, 0, :2]
    one_hot = torch.eye(2)
    if spec.over == "foreground":
        p, one_hot = p[1:], one_hot[1:]
    expected = 1 - 2 * (p * one_hot).sum() / ((p**2).sum() + one_hot.sum() + 2e-3)
    torch.testing.assert_close(value(spec, logits, targets), expected)


def test_weighted_cross_entropy_is_torchs() -> None:
    logits, targets = sample(1)
    targets[:, :2] = 255
    ours = value(CrossEntropy(0.4, (1.0, 10.0, 0.5)), logits, targets)
    log = logits.log_softmax(1)
    weights = torch.tensor([1.0, 10.0, 0.5], dtype=torch.float64)
    total = norm = 0.0
    for n, y, x in (targets != 255).nonzero().tolist():
        label = targets[n, y, x]
        total, norm = total - weights[label] * log[n, label, y, x], norm + weights[label]
    torch.testing.assert_close(ours, 0.4 * total / norm)
    torch.testing.assert_close(ours, 0.4 * functional.cross_entropy(logits, targets, weights, ignore_index=255))


@pytest.mark.parametrize("spec", [Focal(), Focal(3.0, gamma=1.5, alpha=0.25), Focal(gamma=0.0, alpha=1.0)])
def test_focal_is_torchvisions_on_valid_pixels(spec: Focal) -> None:
    for seed in range(5):
        logits, targets = sample(seed)
        targets[torch.rand(targets.shape, generator=torch.Generator().manual_seed(seed)) < 0.3] = 255
        valid = targets != 255
        chosen = logits.movedim(1, -1)[valid]
        one_hot = functional.one_hot(targets[valid], 3).double()
        theirs = sigmoid_focal_loss(chosen, one_hot, alpha=spec.alpha, gamma=spec.gamma, reduction="mean")
        torch.testing.assert_close(value(spec, logits, targets), spec.weight * theirs)


@given(
    st.lists(st.lists(st.floats(-8, 8), min_size=3, max_size=3), min_size=1, max_size=6),
    st.data(),
    st.floats(0, 5),
    st.floats(0, 1),
)
def test_focal_is_torchvisions_for_any_pixels(rows: list[list[float]], data: Any, gamma: float, alpha: float) -> None:
    """Per pixel and class, a mean over what counts, or with class weights the mean that they weigh."""
    logits = torch.tensor(rows, dtype=torch.float64)
    labels = data.draw(st.lists(st.sampled_from([0, 1, 2, 255]), min_size=len(rows), max_size=len(rows)))
    weights = data.draw(st.none() | st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, 10.0])] * 3).filter(any))
    targets = torch.tensor(labels)
    total = norm = 0.0
    for pixel, label in zip(logits, labels, strict=True):
        if label != 255:
            truth = torch.eye(3, dtype=torch.float64)[label]
            weight = 1.0 if weights is None else weights[label]
            total += weight * float(sigmoid_focal_loss(pixel, truth, alpha=alpha, gamma=gamma, reduction="sum"))
            norm += 3 * weight
    ours = value(Focal(2.0, gamma, alpha, weights), logits.T[None, :, None], targets[None, None])
    assert float(ours) == pytest.approx(2 * total / norm if norm else 0.0, abs=1e-12)


def test_focal_with_equal_weights_is_focal_without() -> None:
    logits, targets = sample(2)
    targets[:, :2] = 255
    weighted = value(Focal(class_weight=(3.0, 3.0, 3.0)), logits, targets)
    torch.testing.assert_close(weighted, value(Focal(), logits, targets))


def test_focal_calls_no_compiled_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    """mmsegmentation's needs one on a GPU; mmcv-lite has none."""
    import mmcv.ops

    def refuse(*_: Any) -> None:
        raise AssertionError("an operator of mmcv was called")

    monkeypatch.setattr(mmcv.ops, "sigmoid_focal_loss", refuse)
    monkeypatch.setattr(sys.modules["mmseg.models.losses.focal_loss"], "_sigmoid_focal_loss", refuse)
    logits, targets = sample(0)
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        assert value(Focal(), logits.to(device), targets.to(device)) > 0


def test_focal_is_by_hand_in_a_small_case() -> None:
    logits, targets = torch.tensor([[[[2.0, 0.5]], [[-1.0, 3.0]]]]), torch.tensor([[[0, 255]]])
    right = torch.tensor([2.0, 1.0]).sigmoid()
    weights = torch.tensor([0.25, 0.75])  # the class that it is, and the one that it is not
    expected = (-weights * (1 - right) ** 2 * right.log()).mean()
    torch.testing.assert_close(value(Focal(alpha=0.25), logits, targets), expected)


def test_focal_of_pixels_that_are_all_ignored_is_0() -> None:
    logits, targets = sample(0)
    assert value(Focal(), logits, torch.full_like(targets, 255)) == 0


@pytest.mark.parametrize("spec", ALL, ids=str)
def test_no_gradient_reaches_an_ignored_pixel(spec: Loss) -> None:
    logits, targets = sample(0)
    targets[:, 2] = 255
    logits.requires_grad_(True)
    value(spec, logits, targets).backward()
    reached = logits.grad.abs().amax(dim=1)
    assert reached[:, 2].max() == 0
    assert reached[:, :2].min() > 0


@pytest.mark.parametrize(("spec"), [CrossEntropy(2.0), CrossEntropy(class_weight=(1.0, 2.0, 3.0)), Focal(2.0)], ids=str)
def test_the_grade_of_an_image_is_the_class_of_one_pixel(spec: Loss) -> None:
    logits, targets = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])
    of_pixels = value(spec, logits[:, :, None, None], targets[:, None, None])
    torch.testing.assert_close(TermLoss(spec)(logits, targets), of_pixels)


@pytest.mark.parametrize("spec", [each for each in ALL if each != CrossEntropy()], ids=str)
def test_a_config_builds_the_loss_of_its_spec(spec: Loss) -> None:
    from mmengine.config import Config
    from mmseg.registry import MODELS

    entry = losses.term(spec).config(spec, 0.4 * spec.weight)
    read = Config.fromstring(Config({"loss": entry}).pretty_text, ".py").loss
    built = MODELS.build(read)
    logits, targets = sample(3)
    torch.testing.assert_close(built(logits, targets, ignore_index=255), 0.4 * value(spec, logits, targets))
    assert built.loss_name.startswith("loss_")


def test_plain_cross_entropy_is_mmsegmentations_own_in_a_config() -> None:
    assert losses.term(CrossEntropy()).config(CrossEntropy(), 0.4) == {
        "type": "CrossEntropyLoss",
        "use_sigmoid": False,
        "loss_name": "loss_ce",
        "loss_weight": 0.4,
    }


def test_a_loss_without_a_module_is_one_sentence() -> None:
    class Other(Loss):
        """Nothing computes it."""

    with pytest.raises(ValueError, match=r"one of CrossEntropy, Dice, Focal, but got .*Other"):
        losses.term(Other())
    with pytest.raises(ValueError, match=r"one of 'ce', 'dice', 'focal', but got 'other'"):
        losses.named("other")


def test_a_loss_that_does_not_suit_is_one_sentence() -> None:
    losses.check_task((CrossEntropy(), Focal()), "classification")
    losses.check_task((CrossEntropy(), Dice(), Focal()), "segmentation")
    with pytest.raises(ValueError, match="losses of a classification, but got Dice, which is defined for segmentation"):
        losses.check_task((CrossEntropy(), Dice()), "classification")
    losses.check_classes((CrossEntropy(class_weight=(1.0, 2.0)), Dice()), 2)
    with pytest.raises(ValueError, match=r"a weight for each of 3 classes, but got 2\."):
        losses.check_classes((CrossEntropy(class_weight=(1.0, 2.0)),), 3)
    with pytest.raises(ValueError, match=r"Expected Focal `class_weight` to hold a weight for each of 3 classes"):
        losses.check_classes((Focal(class_weight=(1.0, 2.0)),), 3)


def test_a_loss_is_added_with_one_module(monkeypatch: pytest.MonkeyPatch) -> None:
    class Margin(Loss):
        """A spec of one's own."""

    class MarginTerm(Term[Margin]):
        name, version, spec = "margin", 1, Margin

        def value(self, spec: Margin, logits: torch.Tensor, targets: torch.Tensor, ignored: int) -> torch.Tensor:
            return functional.multi_margin_loss(logits, targets)

    module = types.ModuleType("harness.networks.losses.margin")
    module.TERM = MarginTerm()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    found = [types.SimpleNamespace(name=name) for name in ("focal", "margin")]
    monkeypatch.setattr(losses.pkgutil, "iter_modules", lambda path: found)
    monkeypatch.setattr(losses, "terms", losses.terms.__wrapped__)
    logits, targets = torch.randn(5, 3), torch.tensor([0, 2, 1, 1, 0])
    assert value(Margin(2.0), logits, targets) == 2 * functional.multi_margin_loss(logits, targets)
