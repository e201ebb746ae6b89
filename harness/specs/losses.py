"""Specs of losses: the terms of a weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.specs import checks


@dataclass(frozen=True)
class Loss:
    """Base of all losses. A subclass is a frozen dataclass; :mod:`harness.networks.losses` builds it.

    Attributes:
        weight: Factor of this term in the sum.
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        checks.positive(type(self).__name__, "weight", self.weight)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Cross entropy of the softmax.

    Attributes:
        class_weight: Weight of each class by index; ``None``: equal weights.
    """

    class_weight: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_class_weight("CrossEntropy", self.class_weight)


@dataclass(frozen=True)
class Dice(Loss):
    """Soft Dice loss of a segmentation.

    Attributes:
        over: ``"all"``: mmsegmentation's default, a sigmoid for every class; ``"foreground"``: the softmax without
            class 0.
    """

    over: Literal["all", "foreground"] = "all"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.one_of("Dice", "over", self.over, ("all", "foreground"))


@dataclass(frozen=True)
class Focal(Loss):
    """Sigmoid focal loss, Lin et al. 2017: each class against the rest, and a mean over the classes.

    There is no softmax form here: mmsegmentation has none either.

    Attributes:
        gamma: How much well classified pixels count less.
        alpha: Weight of a class where it is the true one, in [0, 1], against 1 − alpha elsewhere.
        class_weight: Weight of a pixel by its true class, as of :class:`CrossEntropy`; ``None``: equal weights.
    """

    gamma: float = 2.0
    alpha: float = 0.5
    class_weight: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.not_negative("Focal", "gamma", self.gamma)
        checks.probability("Focal", "alpha", self.alpha)
        _check_class_weight("Focal", self.class_weight)


def _check_class_weight(owner: str, weights: tuple[float, ...] | None) -> None:
    if weights is None:
        return
    checks.terms(owner, "class_weight", weights, (int, float), "(1.0, 10.0)")
    for value in weights:
        checks.not_negative(owner, "class_weight", value)
    if not any(weights):
        raise ValueError(f"Expected {owner} `class_weight` above 0 somewhere, but got {weights!r}.")
