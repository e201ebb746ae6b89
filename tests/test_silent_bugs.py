"""One test for each bug that would give a wrong figure without an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from harness import data as datasets
from harness.data import Packed
from harness.jobs import evaluation
from harness.jobs.batches import Batches
from harness.jobs.resident import Resident
from harness.jobs.seeds import role_seed
from harness.jobs.training import Trainer, state
from harness.jobs.versions import versions
from harness.networks import building, weights
from harness.specs import (
    BestOnValidation,
    Budget,
    CrossEntropy,
    Data,
    Dice,
    FromJob,
    Metric,
    Normalise,
    Optimiser,
    Poly,
    RandomCrop,
    RandomFlip,
    Recipe,
    Rescale,
    Segmenter,
    Shrink,
    Split,
    Training,
    Weights,
    key,
)
from harness.tasks import segmentation
from harness.tasks.metrics import collapsed

SHA = "0123456789abcdef" * 4
RECIPE = Recipe(
    data=Data("dme", split=Split("random"), evidence="phantom"),
    network=Segmenter("unet-s5-d16", "fcn", Shrink(width=8, stages=2)),
    budget=Budget(3),
    transforms=(RandomCrop((16, 16)), RandomFlip()),
    optimiser=Optimiser("sgd", 0.01),
    batch_size=4,
)
SOURCE = replace(RECIPE, data=Data("drive", evidence="phantom"), budget=Budget(5))
FINE = replace(RECIPE, init=FromJob(SOURCE))
STILL = Optimiser("sgd", 1e-30, momentum=0.0, weight_decay=0.0)
"""Moves no weight by more than ATOL, so that the result shows what the training started from."""
ATOL = 1e-25


def drawn(classes: int = 2) -> Packed:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (10, 16, 24, 1), dtype=np.uint8)
    masks = rng.integers(0, classes, (10, 16, 24), dtype=np.uint8)
    masks[:, :3] = 255
    ids = tuple(f"image{index}" for index in range(10))
    names = ("background", "fluid", "wall")[:classes]
    return Packed(images, masks, ids, ids, ("",) * 10, names, "fluid", "segmentation")


def trained(recipe: Recipe, seed: int = 0, start: weights.State | None = None, packed: Packed | None = None) -> Trainer:
    torch.set_num_threads(1)
    packed = packed or drawn()
    parts = datasets.split(packed, recipe.data, seed)
    recipe = recipe if start is None else replace(recipe, init=FromJob(recipe))
    trainer = Trainer(
        recipe, seed, packed, parts, torch.device("cpu"), start=None if start is None else (start, "a test")
    )
    trainer.run()
    return trainer


def evaluated_on(trainer: Trainer) -> list[int]:
    return trainer.test_data.indices.tolist()


def parameters(tensors: weights.State, prefix: str = "") -> dict[str, torch.Tensor]:
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    return {
        name: tensor for name, tensor in tensors.items() if name.startswith(prefix) and not name.endswith(statistics)
    }


def equal(one: Trainer | weights.State, two: Trainer | weights.State, prefix: str = "") -> bool:
    first, second = (
        parameters(state(each.network) if isinstance(each, Trainer) else each, prefix) for each in (one, two)
    )
    assert first
    assert first.keys() == second.keys()
    return all(torch.allclose(first[name], second[name], rtol=0, atol=ATOL) for name in first)


def spied(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The images of every batch that trainings take."""
    seen: list[torch.Tensor] = []
    batch = Batches.batch

    def spy(self: Batches, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        images, targets = batch(self, step)
        seen.append(images)
        return images, targets

    monkeypatch.setattr(Batches, "batch", spy)
    return seen


def test_a_seed_is_used_in_every_role_not_only_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = trained(RECIPE, 0), trained(RECIPE, 1)
    assert evaluated_on(one) != evaluated_on(two), "split"
    assert not equal(one, two)
    # Each role alone changes the result: seed 1 for it, seed 0 for all others.
    fixed = replace(RECIPE, data=replace(RECIPE.data, split=Split("subject")))
    usual = trained(fixed, 0)
    for role in ("initialisation", "order", "augmentation", "dropout"):
        with monkeypatch.context() as patch:
            for module in ("harness.jobs.training", "harness.jobs.seeds"):
                patch.setattr(
                    f"{module}.role_seed", lambda seed, asked, role=role: role_seed(int(asked == role), asked)
                )
            assert not equal(usual, trained(fixed, 0)), role


def keyed(
    recipe: Recipe = RECIPE,
    seed: int = 0,
    content: Callable[[Data], str] = lambda data: f"content of {data.name}",
    versions: Callable[[Any], dict[str, int]] = versions,
) -> str:
    return key(Training(recipe, seed), content, versions)


def test_a_stale_result_is_not_reused() -> None:
    different = {
        "as it is": keyed(FINE),
        "another seed": keyed(FINE, 1),
        "another budget": keyed(replace(FINE, budget=Budget(4))),
        "the target's images changed": keyed(FINE, content=lambda data: f"{data.name == 'dme'}"),
        "the source's images changed": keyed(FINE, content=lambda data: f"{data.name == 'drive'}"),
        "the training code's version changed": keyed(FINE, versions=lambda job: {**versions(job), "jobs": -1}),
        "another source": keyed(replace(FINE, init=FromJob(replace(SOURCE, data=Data("stare", evidence="phantom"))))),
        "a longer source": keyed(replace(FINE, init=FromJob(replace(SOURCE, budget=Budget(6))))),
        "another seed's source": keyed(replace(FINE, init=FromJob(SOURCE, seed=3))),
        "a part of the source": keyed(replace(FINE, init=FromJob(SOURCE, part="backbone"))),
        "a file of weights": keyed(replace(FINE, init=Weights("a.pth", SHA))),
        "another file of weights": keyed(replace(FINE, init=Weights("a.pth", SHA[::-1]))),
        "no source": keyed(RECIPE),
    }
    assert len(set(different.values())) == len(different)


def test_a_change_of_the_sources_data_alone_reaches_what_starts_from_it() -> None:
    first, second = (keyed(FINE, content=lambda data, n=n: n if data.name == "drive" else "same") for n in ("a", "b"))
    assert first != second


def test_a_changed_version_of_the_sources_network_reaches_what_starts_from_it() -> None:
    """The target's own versions are the same."""
    changed = keyed(FINE, versions=lambda job: {"network": 1 + (job.recipe.data.name == "drive")})
    assert changed != keyed(FINE, versions=lambda job: {"network": 1})


def test_a_result_is_found_again_where_nothing_of_substance_changed() -> None:
    one, two = (replace(RECIPE, init=Weights(path, SHA)) for path in ("here.pth", "/there/it.pth"))
    assert keyed(one) == keyed(two)


def test_a_float_key_matches_the_equal_int() -> None:
    floats = replace(
        RECIPE, optimiser=Optimiser("sgd", 1.0, 0.0, 0.0), normalise=Normalise(100.0, 50.0), transforms=(Rescale(2.0),)
    )
    ints = replace(RECIPE, optimiser=Optimiser("sgd", 1, 0, 0), normalise=Normalise(100, 50), transforms=(Rescale(2),))
    assert keyed(floats) == keyed(ints)
    assert keyed(floats) != keyed(replace(floats, transforms=(Rescale(1.5),)))


def test_ignored_pixels_neither_train_nor_count() -> None:
    result = trained(RECIPE)
    assert result.counts.sum() == len(evaluated_on(result)) * 13 * 24
    losses = (CrossEntropy(class_weight=(1.0, 10.0)), Dice(3.0, over="foreground"))
    network = building.build(RECIPE.network, 2, losses, 0)
    logits = building.logits(RECIPE.network, network, torch.randn(2, 3, 16, 16)).detach().requires_grad_()
    target = torch.full((2, 16, 16), 255)
    target[:, :8] = 0
    total = sum(term(logits, target, ignore_index=255) for term in network.decode_head.loss_decode)
    total.backward()
    assert logits.grad[:, :, 8:].abs().max() == 0
    assert logits.grad[:, :, :8].abs().max() > 0


def test_paired_arms_start_from_the_same_head() -> None:
    """What differs between the arms of one seed must be what the claim varies, not the luck of the head's draw."""
    source = state(trained(replace(RECIPE, data=replace(RECIPE.data, name="drive")), 50, packed=drawn(3)).network)
    still = replace(RECIPE, optimiser=STILL, budget=Budget(1))
    scratch, fine = trained(still, 4), trained(still, 4, source)
    assert equal(scratch, fine, "decode_head.conv_seg")
    assert equal(scratch, fine, "auxiliary_head.conv_seg")
    assert not equal(scratch, fine, "backbone")
    assert not equal(scratch, trained(still, 5), "decode_head.conv_seg")


def test_paired_arms_see_the_same_images_in_the_same_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, dict[str, Any]] = {
        "scratch": {},
        "loss": {"losses": (Dice(),)},
        "optimiser": {"optimiser": Optimiser("adam")},
        "head": {"network": replace(RECIPE.network, head="deeplabv3")},
        "frozen": {"frozen": ("backbone",)},
    }
    seen: dict[str, list[bytes]] = {}
    for name, change in changes.items():
        with monkeypatch.context() as patch:
            batches = spied(patch)
            trained(replace(RECIPE, **change), 6)
        seen[name] = [images.contiguous().numpy().tobytes() for images in batches]
    assert len(seen["scratch"]) == 3
    assert all(batches == seen["scratch"] for batches in seen.values())


def test_evaluation_is_not_in_training_mode() -> None:
    """BatchNorm would use the statistics of the test batch, and dropout would drop."""
    result = trained(RECIPE)
    alone = []
    for index in evaluated_on(result):
        one = Resident.place(result.packed, np.array([index]), torch.device("cpu"))
        alone.append(evaluation.confusion(result.network.train(), one, RECIPE)[0].tolist())
    assert result.counts.tolist() == alone


@pytest.mark.parametrize("validation", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["random", "subject", "folds"])
def test_no_image_is_seen_in_training_that_tests_or_selects(
    kind: str, validation: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = replace(RECIPE.data, split=Split(kind, validation=validation))
    seen = spied(monkeypatch)
    result = trained(replace(RECIPE, data=data, budget=Budget(3, "epochs"), transforms=()), 2)
    packed, trains = result.packed, set(result.train_data.indices.tolist())
    assert trains.isdisjoint(evaluated_on(result))
    assert trains.isdisjoint(result.validation_data.indices.tolist())
    assert len(result.validation_data) == (round(8 * validation) if validation else 0)
    grey = torch.cat([images[:, 0] * 57 + 116 for images in seen]).round().byte().numpy()
    taken = {int(index) for image in grey for index in np.flatnonzero((packed.images[..., 0] == image).all((1, 2)))}
    assert taken == trains, "every training image, and no other"


def test_the_test_images_do_not_select_the_weights() -> None:
    """The best evaluation on the test images would flatter every recipe, most of all the one with the widest spread."""
    data = replace(RECIPE.data, split=Split("subject", validation=0.3))
    best = BestOnValidation(Metric("IoU", "foreground"))
    recipe = replace(RECIPE, data=data, budget=Budget(8, evaluations=8), select=best, optimiser=Optimiser("adam", 0.05))
    packed = drawn()
    usual = trained(recipe, packed=packed)
    targets = packed.targets.copy()
    indices = evaluated_on(usual)
    targets[indices] = np.where(targets[indices] == 255, 255, 1 - targets[indices])
    other = trained(recipe, packed=replace(packed, targets=targets))
    assert usual.progress.curve != other.progress.curve
    assert usual.progress.selected == other.progress.selected
    assert equal(usual, other)


def test_the_counts_are_of_the_selected_weights_not_of_the_last() -> None:
    data = replace(RECIPE.data, split=Split("subject", validation=0.3))
    recipe = replace(RECIPE, data=data, budget=Budget(8, evaluations=8), optimiser=Optimiser("adam", 0.05))
    selected = []
    for seed in range(4):
        result = trained(replace(recipe, select=BestOnValidation(Metric("mIoU"))), seed)
        assert (evaluation.confusion(result.network, result.test_data, recipe) == result.counts).all()
        selected.append(result.progress.selected)
    assert set(selected) != {7}, "else the test tells nothing"


def test_weights_are_loaded_and_not_initialised_again() -> None:
    source = state(trained(RECIPE, 30).network)
    still = replace(RECIPE, optimiser=STILL, budget=Budget(1))
    assert equal(trained(still, 1, source), source)
    assert not equal(trained(still, 1), source, "backbone")


def test_statistics_of_the_source_are_loaded_too() -> None:
    source = state(trained(RECIPE, 30).network)
    frozen = replace(RECIPE, optimiser=Optimiser("sgd", 0.01), budget=Budget(1), frozen=("backbone",))
    after = state(trained(frozen, 1, source).network)
    assert all(torch.equal(after[name], source[name]) for name in source if name.startswith("backbone."))


def test_the_schedule_is_of_the_training_not_of_its_checkpoint_or_evaluations() -> None:
    """A poly schedule whose end is not the training's end trains with another rate throughout."""
    poly = replace(RECIPE, schedule=Poly())
    assert not equal(trained(poly), trained(RECIPE))
    assert equal(trained(replace(poly, budget=Budget(3, evaluations=3))), trained(poly))
    assert not equal(trained(replace(poly, budget=Budget(4))), trained(replace(RECIPE, budget=Budget(4))))


def test_a_collapsed_network_does_not_score_well_by_a_mean_that_skips_nan() -> None:
    everything_background = np.array([[[100, 0, 0], [7, 0, 0], [0, 0, 0]]])
    values = segmentation.summarise(everything_background, ("background", "fluid", "wall"))
    assert values["IoU.fluid"] == 0
    assert values["mIoU"] == pytest.approx((100 / 107 + 0) / 2), "fluid counts as 0, and wall, which is nowhere, not"
    assert values["mPrecision"] == pytest.approx((100 / 107 + 0) / 2)
    assert collapsed(everything_background.sum(0))


def test_an_f_score_that_is_not_defined_counts_as_0() -> None:
    """mmsegmentation's F score of a class that is never predicted is NaN, and its mean skips it: 99.57 was printed for
    networks that find no fluid."""
    everything_background = np.array([[[9915, 0], [85, 0]]])
    values = segmentation.summarise(everything_background, ("background", "fluid"))
    assert values["Dice.background"] == pytest.approx(0.9957, abs=1e-4)
    assert values["Dice.fluid"] == 0
    assert values["mDice"] == pytest.approx(0.4979, abs=1e-4)
