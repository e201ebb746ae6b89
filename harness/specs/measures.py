"""Measures: one number of a record each, and the one parser of their printed form.

A :class:`Metric` names a figure of one evaluation. A measure says what a run's number is: the metric at the end, the
trend of its curve, the gap between splits, or the time until a threshold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A figure of one evaluation.

    Attributes:
        name: Such as ``"IoU"`` or ``"mIoU"``.
        of: The class that it is of; empty for a metric of all classes.

    >>> str(Metric("IoU", "foreground")), str(Metric("mIoU"))
    ('IoU.foreground', 'mIoU')
    """

    name: str
    of: str = ""

    def __str__(self) -> str:
        return f"{self.name}.{self.of}" if self.of else self.name


@dataclass(frozen=True)
class Final:
    """The metric of the evaluation that is kept."""

    metric: Metric

    def __str__(self) -> str:
        return str(self.metric)


@dataclass(frozen=True)
class Trend:
    """The rank correlation of the metric's learning curve with time, in [-1, 1]."""

    metric: Metric

    def __str__(self) -> str:
        return f"trend:{self.metric}"


@dataclass(frozen=True)
class Gap:
    """The metric on the training split less that on the validation split."""

    metric: Metric

    def __str__(self) -> str:
        return f"gap:{self.metric}"


@dataclass(frozen=True)
class TimeTo:
    """Epochs until the metric's learning curve first is at least ``threshold``; infinite where it never is."""

    metric: Metric
    threshold: float

    def __str__(self) -> str:
        return f"time:{self.metric}>={self.threshold!r}"


Measure = Final | Trend | Gap | TimeTo

PRINTED = re.compile(
    r"(?:(?P<kind>trend|gap|time):)?(?P<name>[^\W\d]\w*)(?:\.(?P<of>[^.:>=]+))?"
    r"(?:>=(?P<threshold>[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?))?"
)


@dataclass(frozen=True)
class Value:
    """One arm's figure.

    >>> str(Value("scratch", parse("mIoU")))
    'mIoU of scratch'
    """

    arm: str
    measure: Measure

    def __str__(self) -> str:
        return f"{self.measure} of {self.arm}"


def parse(text: str | Metric | Measure) -> Measure:
    """The measure that a text prints.

    Args:
        text: As in ``"IoU.foreground"``, ``"trend:mIoU"``, ``"gap:mIoU"`` or ``"time:Dice.foreground>=0.4"``; a metric
            stands for its value at the end, and a measure for itself.

    Raises:
        ValueError: It is none of these forms.

    >>> parse("time:Dice.foreground>=0.4")
    TimeTo(metric=Metric(name='Dice', of='foreground'), threshold=0.4)
    """
    if isinstance(text, Metric):
        return Final(text)
    if isinstance(text, Measure):
        return text
    found = PRINTED.fullmatch(text) if isinstance(text, str) else None
    if found is not None:
        metric, kind, threshold = Metric(found["name"], found["of"] or ""), found["kind"], found["threshold"]
        if kind == "time" and threshold is not None:
            return TimeTo(metric, float(threshold))
        if kind != "time" and threshold is None:
            return Trend(metric) if kind == "trend" else Gap(metric) if kind == "gap" else Final(metric)
    raise ValueError(f"Expected a measure as in mIoU, trend:mIoU, gap:mIoU or time:mIoU>=0.4, but got {text!r}.")
