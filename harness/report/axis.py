"""A horizontal axis: from values to positions, and its ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CLIPPED = 4.0
"""What is wider than so many times the median does not set the axis: it runs off it."""


@dataclass(frozen=True)
class Axis:
    """An axis from ``low`` to ``high`` (their decadic logarithms on a logarithmic one), drawn from left to right."""

    low: float
    high: float
    log: bool
    left: float
    right: float

    @classmethod
    def around(
        cls, fixed: Sequence[Sequence[float]], whole: Sequence[Sequence[float]], log: bool, left: float, right: float
    ) -> Axis:
        """An axis that holds all of ``fixed``, and of ``whole`` what is not much wider than the others.

        Args:
            fixed: Finite values that must be on it.
            whole: Finite values by track, with the ends of its interval.
            log: Whether it is logarithmic; values from 0 down are not on it then.
            left, right: Where it is drawn.
        """
        ranges = [(min(values), max(values)) for values in (_placed(each, log) for each in whole) if values]
        widths = sorted(high - low for low, high in ranges if high > low)
        usual = CLIPPED * widths[(len(widths) - 1) // 2] if widths else 0.0
        numbers = [value for values in fixed for value in _placed(values, log)]
        numbers += [end for low, high in ranges if high - low <= usual for end in (low, high)]
        low, high = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
        room = 0.06 * (high - low) or max(0.05, 0.1 * abs(high))
        return cls(low - room, high + room, log, left, right)

    def __call__(self, value: float) -> float:
        """Where a value is drawn; at the edge where it is beyond it."""
        share = (self._place(value) - self.low) / (self.high - self.low)
        return round(self.left + min(1.0, max(0.0, share)) * (self.right - self.left), 1)

    def beyond(self, value: float) -> int:
        """−1 left of the axis, 1 right of it, 0 on it."""
        place = self._place(value)
        return (place > self.high) - (place < self.low)

    def ticks(self) -> list[float]:
        """Round values on the axis, about five."""
        if self.log:
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            for digits in ((1, 2, 5), (1, 3), (1,)):
                found = [digit * 10.0**power for power in powers for digit in digits]
                found = [value for value in found if self.low <= math.log10(value) <= self.high]
                if len(found) < 8:
                    break
            return found[:: 1 + len(found) // 8]
        step: float = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
        step *= next(m for m in (1, 2, 5, 10) if (self.high - self.low) / (step * m) <= 6)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(index * step, 12) for index in range(first, last + 1)]

    def _place(self, value: float) -> float:
        if not self.log or math.isinf(value):
            return value
        return math.log10(value) if value > 0 else -math.inf


def _placed(values: Sequence[float], log: bool) -> list[float]:
    return [math.log10(value) for value in values if value > 0] if log else list(values)
