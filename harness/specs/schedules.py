"""Specs of optimiser, learning-rate schedule, budget, and which evaluation of a training counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.specs import checks
from harness.specs.measures import Metric


@dataclass(frozen=True)
class Optimiser:
    """torch's optimiser of that name; ``momentum`` is SGD's."""

    name: Literal["sgd", "adam", "adamw"] = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0005

    def __post_init__(self) -> None:
        checks.one_of("optimiser", "name", self.name, ("sgd", "adam", "adamw"))
        checks.positive("optimiser", "lr", self.lr)
        checks.not_negative("optimiser", "weight_decay", self.weight_decay)
        checks.number("optimiser", "momentum", self.momentum)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"Expected optimiser `momentum` to be at least 0 and below 1, but got {self.momentum!r}.")


@dataclass(frozen=True)
class Constant:
    """The learning rate stays."""


@dataclass(frozen=True)
class Poly:
    """mmengine's ``PolyLR`` over the whole training, down to ``min_lr``."""

    power: float = 0.9
    min_lr: float = 0.0

    def __post_init__(self) -> None:
        checks.positive("Poly", "power", self.power)
        checks.not_negative("Poly", "min_lr", self.min_lr)


@dataclass(frozen=True)
class Step:
    """torch's ``StepLR``: times ``gamma`` after every ``every`` epochs."""

    every: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        checks.whole("Step", "every", self.every)
        checks.positive("Step", "gamma", self.gamma)


Schedule = Constant | Poly | Step


@dataclass(frozen=True)
class Budget:
    """Length of a training, in epochs or iterations, and how often it is evaluated on the way.

    Attributes:
        amount: Number of epochs or iterations.
        unit: An epoch is ``ceil(training images / batch size)`` iterations.
        evaluations: Evenly spaced evaluations; the last one is at the end. On the test split they draw the learning
            curve and choose nothing.
    """

    amount: int
    unit: Literal["epochs", "iterations"] = "iterations"
    evaluations: int = 1

    def __post_init__(self) -> None:
        checks.whole("budget", "amount", self.amount)
        checks.whole("budget", "evaluations", self.evaluations)
        checks.one_of("budget", "unit", self.unit, ("epochs", "iterations"))

    def iterations(self, train_images: int, batch_size: int) -> int:
        """Iterations that the budget amounts to."""
        if self.unit == "iterations":
            return self.amount
        return self.amount * epoch(train_images, batch_size)

    def evaluated_at(self, iterations: int) -> tuple[int, ...]:
        """Iterations, counted from 1, after which the training is evaluated; the last is ``iterations``.

        >>> Budget(100, evaluations=4).evaluated_at(100)
        (25, 50, 75, 100)
        """
        count = min(self.evaluations, iterations)
        return tuple(sorted({round(iterations * (k + 1) / count) for k in range(count)}))


def epoch(train_images: int, batch_size: int) -> int:
    """Iterations of one epoch."""
    return -(-train_images // batch_size)


@dataclass(frozen=True)
class Last:
    """The network as it is at the end of the budget."""


@dataclass(frozen=True)
class BestOnValidation:
    """The network as it was at the evaluation that did best on the validation split; the earliest of equal ones.

    Attributes:
        metric: The highest value of this metric counts; of ``Metric("loss")`` the lowest.
    """

    metric: Metric = Metric("loss")

    def __post_init__(self) -> None:
        if not isinstance(self.metric, Metric):
            raise ValueError(  # noqa: TRY004
                f'Expected BestOnValidation `metric` to be a Metric as in Metric("loss"), but got {self.metric!r}.'
            )

    @property
    def lowest(self) -> bool:
        """Whether the lowest value is the best."""
        return self.metric == Metric("loss")


Selection = Last | BestOnValidation
