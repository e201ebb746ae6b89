"""Training and evaluating from features that were computed once against the plain way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from squares import finished, kill

from harness.data import Packed
from harness.jobs import evaluation, features, training
from harness.jobs.batches import Batches
from harness.jobs.features import FeatureBatches, FrozenBackbone
from harness.jobs.training import Trainer
from harness.networks import building, family
from harness.specs import (
    BestOnValidation,
    Budget,
    Classifier,
    ColourJitter,
    CrossEntropy,
    Optimiser,
    Poly,
    RandomCrop,
    RandomFlip,
    Recipe,
    Rescale,
    Segmenter,
    Shrink,
)

Make = Callable[..., Trainer]


@pytest.fixture
def recipe(recipe: Recipe) -> Recipe:
    """A frozen U-Net whose images are mirrored at most; three epochs, of which each is evaluated."""
    data = replace(recipe.data, split=replace(recipe.data.split, validation=0.3))
    return replace(
        recipe,
        data=data,
        transforms=(RandomFlip(),),
        optimiser=Optimiser("sgd", 0.01, momentum=0.9, weight_decay=0.1),  # rounding grows with the rate
        frozen=("backbone",),
        budget=Budget(12, evaluations=3),
    )


@pytest.fixture
def graded(squares: Packed) -> Packed:
    """The squares with one of three grades for each image."""
    grades = np.arange(15, dtype=np.uint8) % 3
    return replace(squares, targets=grades, classes=tuple("abc"), foreground="", task="classification")


def plainly(make: Callable[[], Trainer], recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """A training whose backbone runs in every iteration."""
    with monkeypatch.context() as patch:
        patch.setattr(type(family(recipe.network)), "trunk", ())
        return finished(make())


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each call of the backbone is for."""
    calls: list[int] = []
    compute = building.features

    def counting(network: Any, module: torch.nn.Module, images: torch.Tensor) -> Any:
        calls.append(len(images))
        return compute(network, module, images)

    monkeypatch.setattr(building, "features", counting)
    return calls


def assert_same(made: Trainer, other: Trainer) -> None:
    """Equal to the last bit."""
    assert_close(made, other, rtol=0, atol=0)
    assert repr(made.progress.curve) == repr(other.progress.curve), "repr: metrics may be NaN"
    assert repr(made.progress.validation_curve) == repr(other.progress.validation_curve)
    assert made.counts.tolist() == other.counts.tolist()


def assert_close(made: Trainer, plain: Trainer, rtol: float, atol: float) -> None:
    assert [step for step, _ in made.progress.losses] == [step for step, _ in plain.progress.losses]
    losses, expected = ([loss for _, loss in each.progress.losses] for each in (made, plain))
    np.testing.assert_allclose(losses, expected, rtol=rtol)
    tensors = plain.network.state_dict()
    for name, tensor in made.network.state_dict().items():
        torch.testing.assert_close(
            tensor, tensors[name], rtol=rtol, atol=atol, msg=lambda text, name=name: f"{name}: {text}"
        )


CHANGES: dict[str, dict[str, Any]] = {
    "flip": {},
    "as they are": {"transforms": (), "schedule": Poly()},
    "half the size, padded": {
        "transforms": (Rescale(0.5), RandomFlip()),
        "network": Segmenter("unet-s5-d16", "pspnet", Shrink(8, 4)),
    },
    "a crop of whole images": {"transforms": (RandomCrop((24, 40)), RandomFlip(0.2))},
    "batches larger than the data": {"batch_size": 9},
    "best on validation": {"select": BestOnValidation()},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_heads_trained_from_features_are_those_trained_the_plain_way(
    changes: dict[str, Any], trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(recipe, **changes)
    plain = plainly(lambda: trainer(chosen, seed=3, validation=3), chosen, monkeypatch)
    calls = counted(monkeypatch)
    made = finished(trainer(chosen, seed=3, validation=3))
    assert_close(made, plain, rtol=1e-3, atol=1e-5)
    views = 2 if any(isinstance(each, RandomFlip) for each in chosen.transforms) else 1
    assert calls.count(1) <= views * 7, "each view of the seven training images once"
    assert sorted(calls)[-2:] == [3, 5], "validation and test images once"
    for curve in ("curve", "validation_curve"):
        for one, other in zip(getattr(made.progress, curve), getattr(plain.progress, curve), strict=True):
            assert one["metrics"] == pytest.approx(other["metrics"], rel=0.02, nan_ok=True)


def test_bf16_comes_to_the_same_within_its_precision(
    trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(recipe, precision="bf16")
    plain = plainly(lambda: trainer(chosen, seed=3, validation=3), chosen, monkeypatch)
    made = finished(trainer(chosen, seed=3, validation=3))
    assert_close(made, plain, rtol=0.02, atol=2e-3)
    batches, _ = features.sources(made.network, chosen, made.train_data, 3)
    assert {level.dtype for level in batches.batch(0)[0].levels} == {torch.bfloat16}


@pytest.mark.parametrize("backbone", ["resnet18", "squeezenet1_1"])
def test_a_classifiers_head_trained_from_features_is_that_trained_the_plain_way(
    backbone: str, trainer: Make, recipe: Recipe, graded: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Classifier(backbone, dropout=0.5)
    chosen = replace(recipe, network=network, losses=(CrossEntropy(),), frozen=family(network).trunk)
    plain = plainly(lambda: trainer(chosen, packed=graded, validation=3), chosen, monkeypatch)
    calls = counted(monkeypatch)
    made = finished(trainer(chosen, packed=graded, validation=3))
    assert_close(made, plain, rtol=1e-3, atol=1e-5)
    assert calls.count(1) <= 14


def test_dropout_of_heads_is_drawn_as_in_the_plain_way(
    trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = (finished(trainer(recipe, validation=3)).progress.losses for _ in range(2))
    assert first == other
    monkeypatch.setattr(torch.nn.Dropout2d, "forward", lambda self, images: images)
    assert finished(trainer(recipe, validation=3)).progress.losses != first, "otherwise the other tests show nothing"


def test_with_random_crops_only_the_evaluations_are_computed_once(
    trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = replace(recipe, transforms=(RandomCrop((16, 16)), RandomFlip()))
    plain = plainly(lambda: trainer(chosen, validation=3), chosen, monkeypatch)
    calls = counted(monkeypatch)
    made = finished(trainer(chosen, validation=3))
    assert sorted(calls) == [3, 5]
    assert made.progress.losses == plain.progress.losses, "to the last bit"
    assert_close(made, plain, rtol=0, atol=0)


@pytest.mark.parametrize(
    "changes",
    [{"frozen": ()}, {"frozen": ("backbone.encoder",)}, {"frozen": ("backbone.encoder", "auxiliary_head")}],
    ids=["nothing", "a part", "parts"],
)
def test_without_a_frozen_backbone_no_features_are_computed(
    changes: dict[str, Any], trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch)
    made = finished(trainer(replace(recipe, **changes), validation=3))
    assert calls == []
    assert made.inputs is evaluation.inputs


def test_colours_that_change_leave_no_views_that_repeat(trainer: Make, recipe: Recipe) -> None:
    made = trainer(replace(recipe, transforms=(RandomFlip(), ColourJitter(0.1))))
    batches, _ = features.sources(made.network, made.recipe, made.train_data, 0)
    assert isinstance(batches, Batches)


@pytest.mark.parametrize("images", [0, 4.5])
def test_what_finds_no_room_is_computed_again_and_comes_to_the_same_bits(
    images: float, trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(monkeypatch)
    whole = finished(trainer(recipe, validation=3))
    with_room = sum(calls)
    of_one = 4 * (8 * 24 * 32 + 16 * 12 * 16)  # the two levels that heads read
    monkeypatch.setattr(features, "free_memory", lambda device: int(images * of_one))
    backbones = []
    keep = FrozenBackbone.takes
    monkeypatch.setattr(FrozenBackbone, "takes", lambda self, each: backbones.append(self) or keep(self, each))
    calls.clear()
    made = finished(trainer(recipe, validation=3))
    assert_same(made, whole)
    assert backbones[0].taken == int(images) * of_one
    assert with_room < sum(calls)
    assert {id(each) for each in backbones} == {id(backbones[0])}, "training and evaluation share what there is"
    if images == 0:
        drawn = [Batches(made.train_data, recipe, 0, stride=2).drawn(step) for step in range(12)]
        views = [{*zip(each.positions, each.windows[0].flip, strict=True)} for each in drawn]
        assert sum(calls) == sum(map(len, views)) + 3 * (5 + 2 * 3), "and the loss of validation images"


@pytest.mark.parametrize("changes", [{}, {"precision": "bf16"}, {"select": BestOnValidation()}], ids=str)
def test_a_killed_training_from_features_ends_as_if_it_had_not_been_killed(
    changes: dict[str, Any], trainer: Make, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    kept, chosen = (tmp_path / "checkpoint", "ab" * 32), replace(recipe, **changes)
    undisturbed = finished(trainer(chosen, seed=2, validation=3))
    for iteration in (2, 5, 11):
        kill(trainer(chosen, seed=2, validation=3, kept=kept), iteration)
        torch.rand(7)
    assert_same(finished(trainer(chosen, seed=2, validation=3, kept=kept)), undisturbed)


def test_a_batch_of_features_is_that_of_the_images_of_the_plain_batch(trainer: Make, recipe: Recipe) -> None:
    made = trainer(replace(recipe, transforms=(Rescale(0.75), RandomFlip())))
    made.network.eval()
    batches, _ = features.sources(made.network, made.recipe, made.train_data, 4)
    plain = Batches(made.train_data, made.recipe, 4, stride=2)
    assert isinstance(batches, FeatureBatches)
    for iteration in (0, 3, 4, 5, 1, 0):
        found, targets = batches.batch(iteration)
        images, expected = plain.batch(iteration)
        assert torch.equal(targets, expected)
        with torch.no_grad():
            whole = building.features(recipe.network, made.network, images)
        assert found.size == whole.size == tuple(images.shape[2:])
        for one, other in zip(found.levels, whole.levels, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
