"""Contrasts: differences between two arms that are printed beside a claim and decide nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.relations.relation import Collapsed, Samples, check_arm
from harness.relations.t_test import LEAST_SEEDS, bounds, of_two_samples

TAIL = 0.05
"""One-sided level of each bound: together they are a 90% interval."""


@dataclass(frozen=True)
class Contrast:
    """A difference of interest beside a claim, of a minus b: how much a leaking split flatters, for example.

    An arm that only contrasts name is trained with the claim's seeds and takes no part in its relation.

    Args:
        name: What the difference is, in a word: ``"leak"``.
        a, b: Names of the arms.
        words: What is compared, ``"random split less by subject"``; ``""``: the arms by name.

    Raises:
        ValueError: The name is empty, or the arms are the same or no names.
    """

    name: str
    a: str
    b: str
    words: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"Expected argument `name` of a contrast to be a word, but got {self.name!r}; name it.")
        check_arm("a", self.a)
        check_arm("b", self.b)
        if self.a == self.b:
            raise ValueError(f"Expected arguments `a` and `b` of a contrast to be two arms, but got {self.a!r} twice.")
        if not isinstance(self.words, str):
            raise ValueError(f"Expected argument `words` of a contrast to be text, but got {self.words!r}.")  # noqa: TRY004

    @property
    def phrase(self) -> str:
        """What is compared, in words."""
        return self.words or f"{self.a} less {self.b}"

    def measured(self, samples: Samples, metric: str) -> MeasuredContrast:
        """The difference with its 90% interval, among the runs that converged, of two samples (Welch).

        Args:
            samples: Per-seed values by arm, and its collapsed runs; NaN where a run failed.
            metric: What the values are.
        """
        first, second = (np.asarray(samples[arm], np.float64) for arm in (self.a, self.b))
        lost = tuple(int(np.isnan(values).sum()) for values in (first, second))
        flags = [
            np.asarray(samples.get(Collapsed(arm), np.zeros_like(values)), np.bool_)
            for arm, values in ((self.a, first), (self.b, second))
        ]
        kept = [np.where(flag, np.nan, values) for flag, values in zip(flags, (first, second), strict=True)]
        collapsed = (int(flags[0].sum()), int(flags[1].sum()))
        result = MeasuredContrast(self.name, self.phrase, self.a, self.b, metric, collapsed=collapsed)
        if any(lost):
            return result.because(f"{sum(lost)} of {first.size + second.size} runs failed")
        if any(np.isnan(values).all() for values in kept):
            return result.because("every run of an arm collapsed")
        estimate = of_two_samples(*kept)
        effect = float(estimate.effect)
        if not estimate.applies:
            why = "without an interval: " + (
                "the values have no spread" if estimate.n >= LEAST_SEEDS else f"fewer than {LEAST_SEEDS} runs converged"
            )
            return result.because(why, effect)
        return result.because("", effect, bounds(estimate, TAIL, TAIL))


@dataclass(frozen=True)
class MeasuredContrast:
    """A contrast as measured.

    Attributes:
        name, words: As in :class:`Contrast`.
        a, b: Names of the arms.
        metric: What is compared, in its printed form.
        effect: The mean of a less that of b, of the runs that converged; ``None`` where there is none.
        interval: Its 90% interval, Welch's; ``None`` without a spread, or with fewer than 3 runs of an arm.
        collapsed: Collapsed runs of each arm, which do not count.
        reason: Why effect or interval is missing; else empty.
    """

    name: str
    words: str
    a: str
    b: str
    metric: str
    effect: float | None = None
    interval: tuple[float, float] | None = None
    collapsed: tuple[int, int] = (0, 0)
    reason: str = ""

    def because(
        self, reason: str, effect: float | None = None, interval: tuple[float, float] | None = None
    ) -> MeasuredContrast:
        """The same contrast with its figures, and why one of them is missing."""
        return MeasuredContrast(
            self.name, self.words, self.a, self.b, self.metric, effect, interval, self.collapsed, reason
        )
