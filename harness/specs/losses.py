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
        if self.class_weight is None:
            return
        checks.terms("CrossEntropy", "class_weight", self.class_weight, (int, float), "(1.0, 10.0)")
        for value in self.class_weight:
            checks.not_negative("CrossEntropy", "class_weight", value)
        if not any(self.class_weight):
            raise ValueError(f"Expected CrossEntropy `class_weight` above 0 somewhere, but got {self.class_weight!r}.")


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
    """Sigmoid focal loss, Lin et al. 2017.

    Attributes:
        gamma: How much well classified pixels count less.
        alpha: Weight of the positive class, in [0, 1].
    """

    gamma: float = 2.0
    alpha: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.not_negative("Focal", "gamma", self.gamma)
        checks.probability("Focal", "alpha", self.alpha)
