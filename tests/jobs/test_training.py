"""A training against the same training written out in plain torch, and everything that a recipe says of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from harness.models import building
from harness.training import evaluation, loop
from harness.training.loader import ResidentLoader
from harness.training.loop import Diverged, Trained, Training
from harness.training.progress import Progress
from harness.training.seeds import role_seed
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from harness import metrics
from harness.data import Packed
from harness.specs import Augmentation, Budget, Model, Optimiser, Recipe, Schedule

Make = Callable[..., Training]
POLY = Schedule("poly", power=0.9, min_lr=1e-3)


def same_tensors(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def same_result(one: Trained, two: Trained) -> bool:
    return (
        same_tensors(one.state, two.state)
        and one.progress.curve == two.progress.curve
        and one.progress.losses == two.progress.losses
        and one.counts.tolist() == two.counts.tolist()
        and one.previews.tolist() == two.previews.tolist()
    )


def by_hand(training: Training, rates: list[float]) -> tuple[dict[str, torch.Tensor], list[float]]:
    """SGD with momentum and weight decay, written out: the network's tensors at the end and the losses."""
    recipe, seed = training.recipe, training.seed
    network = building.build(recipe.model, 2, recipe.loss, role_seed(seed, "initialisation"))
    network.to(memory_format=torch.channels_last).train()
    loader = ResidentLoader(training.train_data, recipe, seed)
    velocity = {name: torch.zeros_like(parameter) for name, parameter in network.named_parameters()}
    losses = []
    torch.manual_seed(role_seed(seed, "dropout") % 2**32)
    for iteration, rate in enumerate(rates):
        images, target = loader.batch(iteration)
        samples = [SegDataSample(gt_sem_seg=PixelData(data=mask[None])) for mask in target]
        values = network.loss(images, samples)
        total = sum(value for name, value in values.items() if "loss" in name)
        network.zero_grad()
        total.backward()
        losses.append(float(total.detach()))
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                gradient = parameter.grad + recipe.optimiser.weight_decay * parameter
                velocity[name] = recipe.optimiser.momentum * velocity[name] + gradient
                parameter -= rate * velocity[name]
    return network.state_dict(), losses


@pytest.mark.parametrize("schedule", [Schedule(), POLY], ids=["constant", "poly"])
def test_a_training_is_plain_sgd_with_momentum_and_weight_decay(
    schedule: Schedule, training: Make, recipe: Recipe
) -> None:
    gentle = Optimiser("sgd", 0.01, momentum=0.9, weight_decay=0.1)  # rounding grows with the rate
    made = training(replace(recipe, optimiser=gentle, schedule=schedule), seed=5)
    result = made.run()
    poly = [1e-3 + (0.01 - 1e-3) * (1 - k / 5) ** 0.9 for k in range(6)]
    state, losses = by_hand(made, [0.01] * 6 if schedule.name == "constant" else poly)
    assert [iteration for iteration, _ in result.progress.losses] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose([loss for _, loss in result.progress.losses], losses, rtol=1e-4)
    for name, tensor in state.items():
        torch.testing.assert_close(result.state[name], tensor, rtol=1e-3, atol=1e-5, msg=name)


def test_a_small_network_learns_a_trivial_task(training: Make, recipe: Recipe) -> None:
    adam = replace(recipe, optimiser=Optimiser("adam", 1e-2, weight_decay=0.0), schedule=Schedule("poly"))
    result = training(replace(adam, budget=Budget(70, evaluations=7))).run()
    first, last = (result.progress.curve[index]["metrics"] for index in (0, -1))
    assert last["Dice.square"] > 0.9
    assert last["Dice.square"] > first["Dice.square"]
    assert not metrics.collapsed(last)
    losses = [loss for _, loss in result.progress.losses]
    assert np.median(losses[-20:]) < 0.3 * np.median(losses[:5]), "crops without a square stay high"


def test_a_run_is_evaluated_where_its_budget_says(training: Make, recipe: Recipe, squares: Packed) -> None:
    made = training(replace(recipe, budget=Budget(2, "epochs", evaluations=4)))
    result = made.run()
    assert result.iterations == 6, "two epochs of ten images in batches of four"
    assert [point["iteration"] for point in result.progress.curve] == [2, 3, 4, 6]
    assert [point["epoch"] for point in result.progress.curve] == pytest.approx([0.8, 1.2, 1.6, 2.4])
    assert result.progress.curve[-1]["metrics"] == metrics.summarise(result.counts, squares.classes)


def test_the_last_evaluation_is_of_the_weights_that_are_kept(training: Make, recipe: Recipe) -> None:
    made = training(recipe)
    result = made.run()
    again = building.build(recipe.model, 2, recipe.loss, 999)
    again.load_state_dict(result.state)
    assert (evaluation.confusion(again, made.test_data, recipe, 2) == result.counts).all()
    assert result.counts.shape == (5, 2, 2)


def test_the_previews_are_the_predictions_that_were_counted(training: Make, recipe: Recipe, squares: Packed) -> None:
    for precision in ("fp32", "bf16"):
        result = training(replace(recipe, precision=precision)).run()
        assert result.previews.shape == (4, 24, 32)
        for name, preview in zip(result.preview_ids, result.previews, strict=True):
            counted = result.counts[result.test_ids.index(name)]
            assert metrics.confusion(squares.masks[squares.ids.index(name)], preview, 2).tolist() == counted.tolist()


def test_the_previews_are_of_the_test_images_with_the_most_foreground_and_of_every_subject(
    training: Make, recipe: Recipe, squares: Packed
) -> None:
    """Four of the five test images are of one subject, the last of another."""
    subjects = (*squares.subjects[:10], "a", "a", "a", "a", "b")
    result = training(replace(recipe, budget=Budget(1)), packed=replace(squares, subjects=subjects)).run()
    sizes = {name: int((squares.masks[squares.ids.index(name)] == 1).sum()) for name in result.test_ids}
    assert result.preview_ids[-1] == "image14"
    (left,) = set(result.test_ids) - set(result.preview_ids)
    assert sizes[left] == min(sizes[name] for name in result.test_ids[:4])


def test_the_result_names_the_images_it_trained_and_tested_on(training: Make, recipe: Recipe, squares: Packed) -> None:
    result = training(replace(recipe, budget=Budget(1))).run()
    assert result.train_ids == squares.ids[:10]
    assert result.test_ids == squares.ids[10:]
    assert result.test_subjects == squares.subjects[10:]


def spied(monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], list[torch.optim.Optimizer]]:
    """The learning rate of every step, and the optimiser."""
    rates: list[float] = []
    optimisers: list[torch.optim.Optimizer] = []
    make = loop.optim_wrapper

    def wrapped(network: torch.nn.Module, recipe: Recipe):
        wrapper = make(network, recipe)
        optimisers.append(wrapper.optimizer)
        wrapper.optimizer.register_step_pre_hook(lambda used, *_: rates.append(used.param_groups[0]["lr"]))
        return wrapper

    monkeypatch.setattr(loop, "optim_wrapper", wrapped)
    return rates, optimisers


@pytest.mark.parametrize("iterations", [1, 2, 9])
def test_a_poly_schedule_falls_from_the_rate_to_its_least_over_the_whole_training(
    iterations: int, training: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates, _ = spied(monkeypatch)
    training(replace(recipe, budget=Budget(iterations), schedule=POLY)).run()
    last = max(1, iterations - 1)
    assert rates == pytest.approx([1e-3 + 0.049 * (1 - k / last) ** 0.9 for k in range(iterations)])


def test_a_constant_schedule_keeps_the_rate(training: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    rates, _ = spied(monkeypatch)
    training(recipe).run()
    assert rates == [0.05] * 6


@pytest.mark.parametrize(
    ("spec", "kind", "settings"),
    [
        (Optimiser("sgd", 0.1, 0.8, 0.01), torch.optim.SGD, {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.01}),
        (Optimiser("adam", 1e-3, weight_decay=0.02), torch.optim.Adam, {"lr": 1e-3, "weight_decay": 0.02}),
        (Optimiser("adamw", 6e-5, weight_decay=0.01), torch.optim.AdamW, {"lr": 6e-5, "weight_decay": 0.01}),
    ],
    ids=["sgd", "adam", "adamw"],
)
def test_the_optimiser_is_the_recipes(
    spec: Optimiser, kind: type, settings: dict, training: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, optimisers = spied(monkeypatch)
    made = training(replace(recipe, optimiser=spec, budget=Budget(1)))
    made.run()
    (optimiser,) = optimisers
    assert type(optimiser) is kind
    (group,) = optimiser.param_groups
    assert {name: group[name] for name in settings} == settings
    assert {id(p) for p in group["params"]} == {id(p) for p in made.network.parameters()}


def test_every_parameter_and_statistic_moves(training: Make, recipe: Recipe) -> None:
    made = training(replace(recipe, budget=Budget(2)))
    before = {name: tensor.clone() for name, tensor in made.network.state_dict().items()}
    after = made.run().state
    assert [name for name in before if torch.equal(before[name], after[name])] == []


@pytest.mark.parametrize("frozen", [("backbone",), ("backbone.encoder", "auxiliary_head")])
def test_what_is_frozen_stays_with_its_statistics_and_all_else_moves(
    frozen: tuple[str, ...], training: Make, recipe: Recipe
) -> None:
    made = training(replace(recipe, frozen=frozen, budget=Budget(4, evaluations=4)))
    before = {name: tensor.clone() for name, tensor in made.network.state_dict().items()}
    after = made.run().state
    for name in before:
        stays = any(name.startswith(f"{prefix}.") for prefix in frozen)
        assert torch.equal(before[name], after[name]) is stays, name


def test_freezing_what_is_not_there_is_refused(training: Make, recipe: Recipe) -> None:
    with pytest.raises(ValueError, match=r"`frozen` to name parts .*, but it has no 'backbone\.layer1'"):
        training(replace(recipe, frozen=("backbone.layer1",))).run()


def spoil(monkeypatch: pytest.MonkeyPatch, iteration: int) -> None:
    """Makes the images of one iteration, counted from 1, infinite."""
    batch = ResidentLoader.batch

    def spoiled(self: ResidentLoader, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        images, target = batch(self, step)
        return (images * float("inf") if step + 1 == iteration else images), target

    monkeypatch.setattr(ResidentLoader, "batch", spoiled)


@pytest.mark.parametrize("read_every", [1, 4, 25])
@pytest.mark.parametrize("iteration", [1, 3, 6])
def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_first_such_iteration(
    iteration: int, read_every: int, training: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, iteration)
    made = training(recipe)
    made.read_every = read_every  # on a GPU the loss is read now and then only
    with pytest.raises(Diverged, match=f"not finite at iteration {iteration}$") as error:
        made.run()
    assert error.value.iteration == iteration
    assert made.progress.curve == [], "nothing is evaluated after it"


def test_a_learning_rate_beyond_all_measure_diverges(training: Make, recipe: Recipe) -> None:
    with pytest.raises(Diverged):
        training(replace(recipe, optimiser=Optimiser("sgd", 1e30))).run()


def test_the_same_seed_gives_the_same_run_whatever_was_drawn_before(training: Make, recipe: Recipe) -> None:
    first = training(recipe, seed=1).run()
    torch.rand(10)
    np.random.seed(4)
    assert same_result(first, training(recipe, seed=1).run())


def test_evaluating_more_often_changes_nothing_else(training: Make, recipe: Recipe) -> None:
    often = replace(recipe, budget=Budget(6, evaluations=6))
    assert same_tensors(training(recipe).run().state, training(often).run().state)


def test_bf16_trains_under_autocast_and_keeps_full_weights(training: Make, recipe: Recipe) -> None:
    full, half = (training(replace(recipe, precision=precision)).run() for precision in ("fp32", "bf16"))
    assert all(tensor.dtype == full.state[name].dtype for name, tensor in half.state.items())
    assert not same_tensors(full.state, half.state)
    np.testing.assert_allclose(half.progress.losses[0][1], full.progress.losses[0][1], rtol=0.02)


def test_whole_images_train_without_a_crop(training: Make, recipe: Recipe) -> None:
    whole = replace(
        recipe, augmentation=Augmentation(resize=(0.5, 0.5)), test_resize=0.5, model=Model(width=8, stages=4)
    )
    result = training(replace(whole, budget=Budget(2))).run()
    assert result.counts.sum() == 5 * 22 * 32


def test_progress_is_reported_as_it_goes(training: Make, recipe: Recipe) -> None:
    seen: list[tuple[int, int, int]] = []

    def report(progress: Progress, iterations: int) -> None:
        seen.append((progress.iteration, iterations, len(progress.curve)))

    made = training(replace(recipe, budget=Budget(6, evaluations=2)), report=report)
    result = made.run()
    assert seen == [(1, 6, 0), (2, 6, 0), (3, 6, 1), (4, 6, 1), (5, 6, 1), (6, 6, 2)]
    assert 0 < result.progress.seconds < 60
    assert result.peak_memory > 2**20


def test_the_network_stays_on_the_device_of_the_run(
    training: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mmengine would move it to the first GPU, wherever the run is meant to be."""
    monkeypatch.setattr("mmengine.runner.runner.get_device", lambda: "meta")
    made = training(replace(recipe, budget=Budget(1)))
    made.run()
    assert {parameter.device.type for parameter in made.network.parameters()} == {"cpu"}


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_training_leaves_no_file_open(training: Make, recipe: Recipe) -> None:
    short = replace(recipe, budget=Budget(1))
    training(short).run()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        training(short).run()
    assert len(os.listdir("/proc/self/fd")) <= before
