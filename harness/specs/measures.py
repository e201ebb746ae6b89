"""Metrics and measures: what one number of a job's record is, and the one parser of their printed form.

=============================  =========================================================================
``IoU.foreground``, ``mIoU``   :class:`Final`: the metric at the end of the job
``trend:mIoU``                 :class:`Trend`: Spearman's rank correlation of metric and iteration
``time:Dice.fluid>=0.4``       :class:`TimeTo`: the first evaluated epoch at which the metric is at least that
``gap:kappa``                  :class:`Gap`: the metric on the training images less that on the validation images
=============================  =========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.specs import checks

FOREGROUND = "foreground"
"""Stands in ``Metric.of`` for the class that a data set's adapter names as its foreground."""


@dataclass(frozen=True)
class Metric:
    """A metric of a task, by name.

    Attributes:
        name: ``"IoU"``, ``"mIoU"``, ``"kappa"`` for example.
        of: The class that it is of, or ``"foreground"``; ``""`` for a metric of all classes.
    """

    name: str
    of: str = ""

    def __post_init__(self) -> None:
        marks = (".", ":", ">=")
        if not self.name or self.name != self.name.strip() or any(mark in self.name for mark in marks):
            raise ValueError(
                f'Expected a metric as in Metric("mIoU") or Metric("IoU", "fluid"), but got {self.name!r}.'
            )

    def __str__(self) -> str:
        return f"{self.name}.{self.of}" if self.of else self.name

    def resolved(self, foreground: str) -> Metric:
        """The metric of the class that a data set names as its foreground, ``""`` where it has none."""
        return Metric(self.name, foreground) if self.of == FOREGROUND and foreground else self


@dataclass(frozen=True)
class Final:
    """A metric at the end of a job: of the evaluation that the recipe selects."""

    metric: Metric

    def __str__(self) -> str:
        return str(self.metric)


@dataclass(frozen=True)
class Trend:
    """Spearman's rank correlation of a metric and the iteration, over the learning curve."""

    metric: Metric

    def __str__(self) -> str:
        return f"trend:{self.metric}"


@dataclass(frozen=True)
class Gap:
    """How much higher a metric is on the training images than on the validation images, at the end."""

    metric: Metric

    def __str__(self) -> str:
        return f"gap:{self.metric}"


@dataclass(frozen=True)
class TimeTo:
    """The first evaluated epoch at which a metric is at least ``threshold``; infinite where it never is."""

    metric: Metric
    threshold: float

    def __post_init__(self) -> None:
        checks.number("TimeTo", "threshold", self.threshold)

    def __str__(self) -> str:
        return f"time:{self.metric}>={float(self.threshold)!r}"


Measure = Final | Trend | Gap | TimeTo


@dataclass(frozen=True)
class Value:
    """One arm's figure, where a relation needs another measure than the claim's, or another arm's as reference."""

    arm: str
    measure: Measure

    def __str__(self) -> str:
        return f"{self.measure} of {self.arm}"


def parse(text: str | Metric | Measure) -> Measure:
    """The measure that a printed form stands for.

    Args:
        text: As in the table above; a metric stands for its final value, and a measure for itself.

    Raises:
        ValueError: It is none of the forms.

    >>> parse("IoU.foreground")
    Final(metric=Metric(name='IoU', of='foreground'))
    >>> str(parse("time:Dice.fluid>=0.4"))
    'time:Dice.fluid>=0.4'
    """
    if isinstance(text, (Final, Trend, Gap, TimeTo)):
        return text
    if isinstance(text, Metric):
        return Final(text)
    wrong = ValueError(
        f"Expected a measure as in mIoU, IoU.foreground, trend:mIoU, gap:mIoU or time:mIoU>=0.4, but got {text!r}."
    )
    if not isinstance(text, str):
        raise wrong
    kind, colon, rest = text.partition(":")
    if not colon:
        return Final(_metric(text, wrong))
    if kind == "trend":
        return Trend(_metric(rest, wrong))
    if kind == "gap":
        return Gap(_metric(rest, wrong))
    name, least, threshold = rest.rpartition(">=")
    if kind != "time" or not least:
        raise wrong
    try:
        return TimeTo(_metric(name, wrong), float(threshold))
    except ValueError:
        raise wrong from None


def _metric(text: str, wrong: ValueError) -> Metric:
    name, dot, of = text.partition(".")
    if (dot and not of) or ":" in text or ">=" in text or text != text.strip():
        raise wrong
    try:
        return Metric(name, of)
    except ValueError:
        raise wrong from None
