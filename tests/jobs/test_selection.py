"""Which evaluation of a training counts: the last, or the best on the validation images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from squares import finished, kill

from harness.data import Packed
from harness.jobs import evaluation, training
from harness.jobs.training import Trainer
from harness.specs import BestOnValidation, Budget, Last, Metric, Optimiser, Recipe
from harness.tasks import segmentation

Make = Callable[..., Trainer]
IOU = BestOnValidation(Metric("IoU", "foreground"))
LOSS = BestOnValidation()


@pytest.fixture
def recipe(recipe: Recipe) -> Recipe:
    """A training whose six evaluations go up and down."""
    data = replace(recipe.data, split=replace(recipe.data.split, validation=0.3))
    return replace(recipe, data=data, budget=Budget(12, evaluations=6), optimiser=Optimiser("adam", 0.05))


def weights_by_evaluation(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """The network's tensors at every evaluation of a training, which runs."""
    states: list[dict[str, torch.Tensor]] = []
    evaluate = Trainer._evaluate
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_evaluate", lambda self: (states.append(training.state(self.network)), evaluate(self)))
        trainer.run()
    return states


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("select", [IOU, LOSS], ids=["IoU", "loss"])
def test_weights_and_counts_and_metrics_are_of_the_evaluation_that_did_best_on_validation(
    select: BestOnValidation, trainer: Make, recipe: Recipe, squares: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = set()
    for seed in range(4):
        made = trainer(replace(recipe, select=select), seed, validation=3)
        states = weights_by_evaluation(made, monkeypatch)
        curve = [point["metrics"] for point in made.progress.validation_curve]
        values = [point["loss"] if select is LOSS else -point["IoU.square"] for point in curve]
        best = made.progress.selected
        assert best == int(np.argmin(values))
        inside.add(best)
        assert same(states[best], training.state(made.network))
        assert made.progress.curve[best]["metrics"] == segmentation.summarise(made.counts, squares.classes)
        assert (evaluation.confusion(made.network, made.test_data, recipe) == made.counts).all()
        validation = {name: value for name, value in curve[best].items() if name != "loss"}
        assert made.splits()[1] == validation
    assert inside - {5}, "the last is not always the best"


def test_the_last_evaluation_counts_otherwise(trainer: Make, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trainer(replace(recipe, select=Last()), validation=3)
    states = weights_by_evaluation(made, monkeypatch)
    assert made.progress.selected == -1
    assert same(states[-1], training.state(made.network))
    assert len(made.progress.validation_curve) == 6


def test_selecting_changes_nothing_of_the_training(trainer: Make, recipe: Recipe) -> None:
    last, best = (finished(trainer(replace(recipe, select=select), validation=3)) for select in (Last(), IOU))
    assert last.progress.losses == best.progress.losses
    assert last.progress.curve == best.progress.curve


def test_test_images_choose_nothing(trainer: Make, recipe: Recipe, squares: Packed) -> None:
    """With the test masks upside down every figure on them is another one, and the same weights are selected."""
    targets = squares.targets.copy()
    targets[10:] = np.where(targets[10:] == 255, 255, 1 - targets[10:])
    for select in (IOU, LOSS):
        chosen = replace(recipe, select=select)
        one, two = (
            finished(trainer(chosen, packed=replace(squares, targets=each), validation=3))
            for each in (squares.targets, targets)
        )
        assert one.progress.selected == two.progress.selected
        assert one.progress.validation_curve == two.progress.validation_curve
        assert one.progress.curve != two.progress.curve
        assert same(training.state(one.network), training.state(two.network))


def curve(*values: float, name: str = "IoU.square") -> list[dict]:
    return [{"metrics": {name: value}} for value in values]


@pytest.mark.parametrize(
    ("values", "select", "expected"),
    [
        ((0.1, 0.5, 0.3), IOU, 1),
        ((0.1, 0.5, 0.5), IOU, 1),
        ((float("nan"), 0.0, 0.0), IOU, 1),
        ((float("nan"), float("nan")), IOU, 0),
        ((3.0, 1.0, 2.0), LOSS, 1),
        ((1.0, 1.0), LOSS, 0),
        ((float("nan"), 9.0), LOSS, 1),
    ],
)
def test_the_earliest_of_equal_evaluations_is_the_best_and_nan_never_is(
    values: tuple[float, ...], select: BestOnValidation, expected: int
) -> None:
    name = "loss" if select is LOSS else "IoU.square"
    assert training.best(curve(*values, name=name), select, "square") == expected


def test_a_metric_of_a_named_class_or_of_all_is_as_good() -> None:
    first, second = {"IoU.square": 0.1, "mIoU": 0.9, "IoU.foreground": 0.0}, {"IoU.square": 0.2, "mIoU": 0.8}
    points = [{"metrics": first}, {"metrics": {**second, "IoU.foreground": 1.0}}]
    for metric, foreground, expected in (
        (Metric("IoU", "square"), "", 1),
        (Metric("mIoU"), "square", 0),
        (Metric("IoU", "foreground"), "", 1),
    ):
        assert training.best(points, BestOnValidation(metric), foreground) == expected


@pytest.mark.parametrize("killed_at", [3, 7, 11])
def test_a_resumed_training_keeps_the_best_so_far(
    killed_at: int, trainer: Make, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the evaluations, at 2, 4, … iterations, the second is the best: before, at and after the kill."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    kept = (tmp_path / "checkpoint", "ab" * 32)
    undisturbed, killed, resumed = (
        trainer(replace(recipe, select=LOSS), validation=3, kept=each) for each in (None, kept, kept)
    )
    losses = [3.0, 1.0, 2.0, 1.0, 5.0, 4.0]

    def let(first: int) -> None:
        following = iter(losses[first:])
        monkeypatch.setattr(evaluation, "mean_loss", lambda *_: next(following))

    let(0)
    undisturbed.run()
    let(0)
    kill(killed, killed_at)
    let((killed_at - 1) // 2)
    resumed.run()
    assert resumed.progress.selected == undisturbed.progress.selected == 1
    assert resumed.counts.tolist() == undisturbed.counts.tolist()
    assert same(training.state(resumed.network), training.state(undisturbed.network))
