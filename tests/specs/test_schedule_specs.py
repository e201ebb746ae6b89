"""harness.specs.schedules: how long a training is, when it is evaluated, and the sentence for each mistake."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.specs import BestOnValidation, Budget, Metric, Optimiser, Poly, Step


@pytest.mark.parametrize(
    ("images", "batch", "iterations"),
    [(88, 8, 2200), (88, 2, 8800), (85, 8, 2200), (1, 8, 200), (8, 8, 200), (9, 8, 400)],
)
def test_an_epoch_is_as_many_iterations_as_hold_every_image(images: int, batch: int, iterations: int) -> None:
    assert Budget(200, "epochs").iterations(images, batch) == iterations
    assert Budget(200, "iterations").iterations(images, batch) == 200


@given(st.integers(1, 3000), st.integers(1, 400))
def test_evaluations_are_evenly_spaced_and_the_last_is_at_the_end(iterations: int, evaluations: int) -> None:
    points = Budget(iterations, evaluations=evaluations).evaluated_at(iterations)
    assert len(points) == min(iterations, evaluations)
    assert points[-1] == iterations
    assert points[0] >= 1
    gaps = [after - before for before, after in zip((0, *points), points, strict=False)]
    assert max(gaps) - min(gaps) <= 1


def test_an_evaluation_is_after_the_nearest_whole_iteration() -> None:
    assert Budget(8, evaluations=3).evaluated_at(8) == (3, 5, 8)


def test_of_the_loss_the_lowest_value_is_the_best_and_of_all_else_the_highest() -> None:
    assert BestOnValidation().lowest
    assert BestOnValidation(Metric("loss")).lowest
    assert not BestOnValidation(Metric("mIoU")).lowest
    assert not BestOnValidation(Metric("kappa")).lowest


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Optimiser("rmsprop"), "optimiser `name` to be one of 'sgd', 'adam', 'adamw', but got 'rmsprop'"),
        (lambda: Optimiser(lr=0), "optimiser `lr` to be greater than 0, but got 0"),
        (lambda: Optimiser(lr=float("nan")), "optimiser `lr` to be a finite number, but got nan"),
        (lambda: Optimiser(lr="0.01"), "optimiser `lr` to be a finite number, but got '0.01'"),
        (lambda: Optimiser(momentum=1.0), "optimiser `momentum` to be at least 0 and below 1, but got 1.0"),
        (lambda: Optimiser(momentum=-0.1), "optimiser `momentum` to be at least 0 and below 1, but got -0.1"),
        (lambda: Optimiser(momentum=None), "optimiser `momentum` to be a finite number, but got None"),
        (lambda: Optimiser(weight_decay=-1), "optimiser `weight_decay` to be at least 0, but got -1"),
        (lambda: Poly(0), "Poly `power` to be greater than 0, but got 0"),
        (lambda: Poly(min_lr=-1e-4), "Poly `min_lr` to be at least 0, but got -0.0001"),
        (lambda: Step(0), "Step `every` to be a whole number above 0, but got 0"),
        (lambda: Step(1.5), "Step `every` to be a whole number above 0, but got 1.5"),
        (lambda: Step(1, 0.0), "Step `gamma` to be greater than 0, but got 0.0"),
        (lambda: Budget(0), "budget `amount` to be a whole number above 0, but got 0"),
        (lambda: Budget(10.5), "budget `amount` to be a whole number above 0, but got 10.5"),
        (lambda: Budget(10, "steps"), "budget `unit` to be one of 'epochs', 'iterations', but got 'steps'"),
        (lambda: Budget(10, evaluations=0), "budget `evaluations` to be a whole number above 0, but got 0"),
        (
            lambda: BestOnValidation("loss"),
            "BestOnValidation `metric` to be a Metric as in Metric(\"loss\"), but got 'loss'",
        ),
    ],
)
def test_a_mistake_is_one_sentence(refusal, make, words: str) -> None:
    assert words in refusal(make)
