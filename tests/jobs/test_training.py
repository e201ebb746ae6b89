"""A training against the same training written out in plain torch, and everything that a recipe determines of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from squares import finished, kill

from harness.data import Packed
from harness.jobs import evaluation, optimisation, training
from harness.jobs.batches import Batches
from harness.jobs.seeds import role_seed
from harness.jobs.training import Diverged, Progress, Trainer
from harness.networks import building
from harness.specs import (
    Budget,
    Constant,
    Normalise,
    Optimiser,
    Poly,
    Recipe,
    Rescale,
    Schedule,
    Segmenter,
    Shrink,
    Step,
)
from harness.tasks import segmentation
from harness.tasks.metrics import collapsed

Make = Callable[..., Trainer]
POLY = Poly(power=0.9, min_lr=1e-3)


def same_tensors(one: torch.nn.Module, two: torch.nn.Module) -> bool:
    first, second = one.state_dict(), two.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def same_result(one: Trainer, two: Trainer) -> bool:
    return (
        same_tensors(one.network, two.network)
        and one.progress.curve == two.progress.curve
        and one.progress.losses == two.progress.losses
        and one.counts.tolist() == two.counts.tolist()
    )


def by_hand(trainer: Trainer, rates: list[float]) -> tuple[dict[str, torch.Tensor], list[float]]:
    """SGD with momentum and weight decay, written out: the network's tensors at the end and the losses."""
    recipe, seed = trainer.recipe, trainer.seed
    network = building.build(recipe.network, 2, recipe.losses, role_seed(seed, "initialisation"))
    network.to(memory_format=torch.channels_last).train()
    batches = Batches(trainer.train_data, recipe, seed, stride=2)
    velocity = {name: torch.zeros_like(parameter) for name, parameter in network.named_parameters()}
    losses = []
    torch.manual_seed(role_seed(seed, "dropout") % 2**32)
    for iteration, rate in enumerate(rates):
        total = building.loss(recipe.network, network, *batches.batch(iteration))
        network.zero_grad()
        total.backward()
        losses.append(float(total.detach()))
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                gradient = parameter.grad + recipe.optimiser.weight_decay * parameter
                velocity[name] = recipe.optimiser.momentum * velocity[name] + gradient
                parameter -= rate * velocity[name]
    return network.state_dict(), losses


POLY_RATES = [1e-3 + (0.01 - 1e-3) * (1 - k / 5) ** 0.9 for k in range(6)]


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (Constant(), [0.01] * 6),
        (POLY, POLY_RATES),
        (Step(every=1, gamma=0.1), [0.01] * 3 + [0.001] * 3),  # an epoch of ten images is three batches of four
    ],
    ids=["constant", "poly", "step"],
)
def test_a_training_is_plain_sgd_with_momentum_and_weight_decay(
    schedule: Schedule, rates: list[float], trainer: Make, recipe: Recipe
) -> None:
    gentle = Optimiser("sgd", 0.01, momentum=0.9, weight_decay=0.1)  # rounding grows with the rate
    result = finished(trainer(replace(recipe, optimiser=gentle, schedule=schedule), seed=5))
    state, losses = by_hand(result, rates)
    assert [iteration for iteration, _ in result.progress.losses] == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose([loss for _, loss in result.progress.losses], losses, rtol=1e-4)
    for name, tensor in result.network.state_dict().items():
        torch.testing.assert_close(tensor, state[name], rtol=1e-3, atol=1e-5, msg=name)


def test_a_small_network_learns_a_trivial_task(trainer: Make, recipe: Recipe) -> None:
    adam = replace(recipe, optimiser=Optimiser("adam", 1e-2, weight_decay=0.0), schedule=Poly())
    result = finished(trainer(replace(adam, budget=Budget(70, evaluations=7))))
    first, last = (result.progress.curve[index]["metrics"] for index in (0, -1))
    assert last["Dice.square"] > 0.9
    assert last["Dice.square"] > first["Dice.square"]
    assert not collapsed(result.counts.sum(0))
    losses = [loss for _, loss in result.progress.losses]
    assert np.median(losses[-20:]) < 0.3 * np.median(losses[:5]), "crops without a square stay high"


def test_a_network_that_predicts_one_class_has_collapsed(trainer: Make, recipe: Recipe) -> None:
    made = trainer(replace(recipe, optimiser=Optimiser("sgd", 1e-30)))
    torch.nn.init.constant_(made.network.get_parameter("decode_head.conv_seg.bias")[1:], -1e6)
    assert collapsed(finished(made).counts.sum(0))


def test_a_training_is_evaluated_where_its_budget_says(trainer: Make, recipe: Recipe, squares: Packed) -> None:
    result = finished(trainer(replace(recipe, budget=Budget(2, "epochs", evaluations=4))))
    assert result.iterations == 6, "two epochs of ten images in batches of four"
    assert [point["iteration"] for point in result.progress.curve] == [2, 3, 4, 6]
    assert [point["epoch"] for point in result.progress.curve] == pytest.approx([0.8, 1.2, 1.6, 2.4])
    assert result.progress.curve[-1]["metrics"] == segmentation.summarise(result.counts, squares.classes)


def test_the_last_evaluation_is_of_the_weights_that_are_kept(trainer: Make, recipe: Recipe) -> None:
    result = finished(trainer(recipe))
    again = building.build(recipe.network, 2, recipe.losses, 999)
    again.load_state_dict(training.state(result.network))
    assert (evaluation.confusion(again, result.test_data, recipe) == result.counts).all()
    assert result.counts.shape == (5, 2, 2)


def spied(monkeypatch: pytest.MonkeyPatch) -> list[torch.optim.Optimizer]:
    """The optimisers that trainings make."""
    optimisers: list[torch.optim.Optimizer] = []
    make = optimisation.optimiser

    def wrapped(network: torch.nn.Module, spec: Optimiser) -> torch.optim.Optimizer:
        optimisers.append(make(network, spec))
        return optimisers[-1]

    monkeypatch.setattr(optimisation, "optimiser", wrapped)
    return optimisers


@pytest.mark.parametrize("frozen", [(), ("backbone",)])
def test_the_optimiser_is_the_recipes_and_has_what_is_trained(
    frozen: tuple[str, ...], trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    optimisers = spied(monkeypatch)
    spec = Optimiser("adamw", 6e-5, weight_decay=0.01)
    made = finished(trainer(replace(recipe, optimiser=spec, frozen=frozen, budget=Budget(1))))
    (optimiser,) = optimisers
    assert type(optimiser) is torch.optim.AdamW
    (group,) = optimiser.param_groups
    assert (group["lr"], group["weight_decay"]) == (6e-5, 0.01)
    named = made.network.named_parameters()
    assert {id(each) for each in group["params"]} == {id(each) for name, each in named if not name.startswith(frozen)}


def test_every_parameter_and_statistic_moves(trainer: Make, recipe: Recipe) -> None:
    made = trainer(replace(recipe, budget=Budget(2)))
    before = training.state(made.network)
    after = finished(made).network.state_dict()
    assert [name for name in before if torch.equal(before[name], after[name])] == []


@pytest.mark.parametrize("frozen", [("backbone",), ("backbone.encoder", "auxiliary_head")])
def test_what_is_frozen_stays_with_its_statistics_and_all_else_moves(
    frozen: tuple[str, ...], trainer: Make, recipe: Recipe
) -> None:
    made = trainer(replace(recipe, frozen=frozen, budget=Budget(4, evaluations=4)), validation=2)
    before = training.state(made.network)
    after = finished(made).network.state_dict()
    for name in before:
        stays = any(name.startswith(f"{prefix}.") for prefix in frozen)
        assert torch.equal(before[name], after[name]) is stays, name


def test_freezing_what_is_not_there_is_refused(trainer: Make, recipe: Recipe) -> None:
    with pytest.raises(ValueError, match=r"`frozen` to name parts .*, but it has no 'backbone\.layer1'"):
        trainer(replace(recipe, frozen=("backbone.layer1",))).run()


def spoil(monkeypatch: pytest.MonkeyPatch, iteration: int) -> None:
    """Makes the images of one iteration, counted from 1, infinite."""
    batch = Batches.batch

    def spoiled(self: Batches, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        images, target = batch(self, step)
        return (images * float("inf") if step + 1 == iteration else images), target

    monkeypatch.setattr(Batches, "batch", spoiled)


@pytest.mark.parametrize("read_every", [1, 4, 25])
@pytest.mark.parametrize("iteration", [1, 3, 6])
def test_a_loss_that_is_not_finite_stops_the_training_and_names_the_first_such_iteration(
    iteration: int, read_every: int, trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, iteration)
    monkeypatch.setitem(training.READ_EVERY, "cpu", read_every)  # on a GPU the loss is read now and then only
    made = trainer(recipe)
    with pytest.raises(Diverged, match=f"not finite at iteration {iteration}$"):
        made.run()
    assert made.progress.curve == [], "nothing is evaluated after it"


@pytest.mark.parametrize("optimiser", [Optimiser("sgd", 1e30), Optimiser("adam", 1e9)], ids=["sgd", "adam"])
def test_a_learning_rate_beyond_all_measure_diverges(optimiser: Optimiser, trainer: Make, recipe: Recipe) -> None:
    with pytest.raises(Diverged):
        trainer(replace(recipe, optimiser=optimiser)).run()


def test_a_loss_that_stays_finite_but_grows_a_hundredfold_diverges(
    trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = [1.0]
    loss = building.loss

    def growing(*arguments) -> torch.Tensor:
        value[0] *= factor
        return 0 * loss(*arguments) + value[0]

    monkeypatch.setattr(building, "loss", growing)
    factor = 2.6  # times 119 from the first to the last of six
    with pytest.raises(Diverged, match=r"the loss rose from 2\.6 to 309"):
        trainer(recipe).run()
    value[0], factor = 1.0, 2.4  # times 80
    trainer(recipe).run()


def test_the_same_seed_gives_the_same_training_whatever_was_drawn_before(trainer: Make, recipe: Recipe) -> None:
    first = finished(trainer(recipe, seed=1))
    torch.rand(10)
    np.random.seed(4)
    made = trainer(recipe, seed=1)
    torch.rand(3)
    assert same_result(first, finished(made))
    assert not same_result(first, finished(trainer(recipe, seed=2)))


@pytest.mark.parametrize("validation", [0, 3])
def test_evaluating_more_often_changes_nothing_else(validation: int, trainer: Make, recipe: Recipe) -> None:
    often = replace(recipe, budget=Budget(6, evaluations=6))
    once, six = (finished(trainer(each, validation=validation)) for each in (recipe, often))
    assert same_tensors(once.network, six.network)
    assert len(six.progress.validation_curve) == (6 if validation else 0)


def test_bf16_trains_under_autocast_and_keeps_full_weights(trainer: Make, recipe: Recipe) -> None:
    full, half = (finished(trainer(replace(recipe, precision=precision))) for precision in ("fp32", "bf16"))
    tensors = full.network.state_dict()
    assert all(tensor.dtype == tensors[name].dtype for name, tensor in half.network.state_dict().items())
    assert not same_tensors(full.network, half.network)
    np.testing.assert_allclose(half.progress.losses[0][1], full.progress.losses[0][1], rtol=0.02)


def test_whole_images_train_without_a_crop(trainer: Make, recipe: Recipe) -> None:
    network = Segmenter("unet-s5-d16", "fcn", Shrink(8, 4))
    result = finished(trainer(replace(recipe, transforms=(Rescale(0.5),), network=network, budget=Budget(2))))
    assert result.counts.sum() == 5 * 22 * 32


def test_each_channel_has_a_mean_of_its_own(trainer: Make, recipe: Recipe, squares: Packed) -> None:
    colours = replace(squares, images=np.repeat(squares.images, 3, axis=3))
    one, alike, other = (
        finished(trainer(replace(recipe, normalise=normalise), packed=colours)).progress.losses
        for normalise in (Normalise(60.0, 50.0), Normalise((60.0,) * 3, (50.0,) * 3), Normalise((60.0, 0.0, 9.0), 50.0))
    )
    np.testing.assert_allclose(one, alike, rtol=1e-4)
    assert one[0] != other[0]


def test_progress_is_reported_as_it_goes(trainer: Make, recipe: Recipe) -> None:
    seen: list[tuple[int, int, int]] = []

    def report(progress: Progress, iterations: int) -> None:
        seen.append((progress.iteration, iterations, len(progress.curve)))

    result = finished(trainer(replace(recipe, budget=Budget(6, evaluations=2)), report=report))
    assert seen == [(1, 6, 0), (2, 6, 0), (3, 6, 1), (4, 6, 1), (5, 6, 1), (6, 6, 2)]
    assert 0 < result.progress.seconds < 60
    assert training.peak_memory(torch.device("cpu")) > 2**20


def test_splits_are_those_of_the_finished_network(trainer: Make, recipe: Recipe, squares: Packed) -> None:
    assert finished(trainer(recipe)).splits() == ({}, {}), "no validation images"
    result = finished(trainer(recipe, validation=3))
    train, validation = result.splits()
    for data, metrics in ((result.train_data, train), (result.validation_data, validation)):
        counts = evaluation.confusion(result.network, data, recipe)
        assert metrics == segmentation.summarise(counts, squares.classes)
    last = result.progress.validation_curve[-1]["metrics"]
    assert validation == {name: value for name, value in last.items() if name != "loss"}
    assert last["loss"] == evaluation.mean_loss(result.network, result.validation_data, recipe)
    assert len(result.train_data) == 7


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_training_leaves_no_file_open(trainer: Make, recipe: Recipe) -> None:
    short = replace(recipe, budget=Budget(1))
    trainer(short).run()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        trainer(short).run()
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize("schedule", [Constant(), Step(2, 0.5)], ids=["constant", "step"])
@pytest.mark.parametrize("optimiser", [Optimiser("sgd", 0.05), Optimiser("adam", 5e-3)], ids=["sgd", "adam"])
def test_a_shorter_training_is_the_beginning_of_a_longer_one(
    schedule: Schedule, optimiser: Optimiser, trainer: Make, recipe: Recipe
) -> None:
    """So that arms of 5, 10 and 20 epochs are points of one learning curve: the schedule goes by epochs."""
    chosen = replace(recipe, schedule=schedule, optimiser=optimiser)
    short, long = (replace(chosen, budget=Budget(epochs, "epochs", epochs)) for epochs in (3, 5))
    made, longer = finished(trainer(short, validation=3)), trainer(long, validation=3)
    kill(longer, made.iterations)
    assert same_tensors(made.network, longer.network)
    for name in ("curve", "validation_curve", "losses"):
        assert repr(getattr(longer.progress, name)) == repr(getattr(made.progress, name)), name
    rest = finished(trainer(long, validation=3))
    assert repr(rest.progress.curve[:3]) == repr(made.progress.curve)
    assert not same_tensors(made.network, rest.network)
