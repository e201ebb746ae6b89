"""What a job leaves beside its artifacts: metrics by epoch, names of the images, time and memory, provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from harness.converter import Misfit, build, plain
from harness.specs import Gap, Measure, Metric, TimeTo, Trend, parse


class Point(TypedDict):
    """One evaluation of a learning curve."""

    iteration: int
    epoch: float
    metrics: dict[str, float]


@dataclass
class Record:
    """The result of a job.

    Attributes:
        key: What it is found by, see :func:`harness.specs.key`.
        job: The job in canonical form, for readers.
        kind: Which kind of job.
        seed: The job's seed.
        status: Whether there are metrics.
        reason: Why the job failed, in one sentence.
        transient: The failure says nothing about the job (out of memory, killed): a later invocation tries again.
        session: The invocation that wrote it.
        task: Name of the task, as in :mod:`harness.tasks`.
        classes: Class names by index.
        foreground: Name of the class that the data set's adapter calls its foreground; ``""`` where there is none.
        curve: Evaluations on the test split, the last one at the end.
        validation_curve: The same on the validation split; empty where there is none.
        selected: Index into ``curve`` of the evaluation that counts; -1: the last.
        train_metrics, validation_metrics: Of the selected evaluation; empty where there is no validation split.
        collapsed: Whether the predictions are degenerate, as the task defines it.
        losses: Iteration and training loss, every few iterations.
        train_ids, validation_ids: Images by name.
        test_ids, test_subjects: Of the images that the counts belong to.
        preview_ids: Test images whose predictions are kept.
        weights: What the job started from: ``"origin"``, how many tensors as ``"loaded"``, and their names as
            ``"not_loaded"`` and ``"unused"``, ``"classes"`` of a head that was re-initialised for other ones; empty
            from scratch.
        iterations: Length of the training.
        train_images: How many images it trained on.
        seconds: Wall time of the job with its evaluations.
        peak_memory: Bytes.
        provenance: Versions, device, date, commit.
    """

    key: str
    job: dict[str, Any]
    kind: Literal["Training", "Evaluation", "Combination"]
    seed: int
    status: Literal["finished", "failed"]
    reason: str = ""
    transient: bool = False
    session: str = ""
    task: str = ""
    classes: list[str] = field(default_factory=list)
    foreground: str = ""
    curve: list[Point] = field(default_factory=list)
    validation_curve: list[Point] = field(default_factory=list)
    selected: int = -1
    train_metrics: dict[str, float] = field(default_factory=dict)
    validation_metrics: dict[str, float] = field(default_factory=dict)
    collapsed: bool = False
    losses: list[list[float]] = field(default_factory=list)
    train_ids: list[str] = field(default_factory=list)
    validation_ids: list[str] = field(default_factory=list)
    test_ids: list[str] = field(default_factory=list)
    test_subjects: list[str] = field(default_factory=list)
    preview_ids: list[str] = field(default_factory=list)
    weights: dict[str, Any] = field(default_factory=dict)
    iterations: int = 0
    train_images: int = 0
    seconds: float = 0.0
    peak_memory: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether there are no metrics."""
        return self.status != "finished"

    @property
    def final(self) -> Mapping[str, float]:
        """Metrics of the selected evaluation; empty for a failed job."""
        return self.curve[self.selected]["metrics"] if self.curve else {}

    def has(self, metric: Metric) -> bool:
        """Whether the job has that metric: street scenes have no foreground, for example."""
        return str(metric.resolved(self.foreground)) in self.final

    def metric(self, metric: Metric) -> float:
        """A metric of the selected evaluation on the test split.

        Raises:
            ValueError: The record has no such metric; the message lists those that it has.
        """
        return self._read(self.final, metric)

    def points(self, metric: Metric) -> list[tuple[int, float]]:
        """The learning curve of one metric as pairs of iteration and value.

        Raises:
            ValueError: The record has no such metric; the message lists those that it has.
        """
        return [(point["iteration"], self._read(point["metrics"], metric)) for point in self.curve]

    def value(self, measure: Measure | str) -> float:
        """One number of the job.

        Args:
            measure: A measure or its printed form.

        Returns:
            The value; NaN for a failed job.

        Raises:
            ValueError: The text is no measure, or the record has no such metric; the message lists those that it has.
        """
        measure = parse(measure)
        if self.failed:
            return float("nan")
        if isinstance(measure, Trend):
            return trend(self.points(measure.metric))
        if isinstance(measure, TimeTo):
            values = [value for _, value in self.points(measure.metric)]
            epochs = [point["epoch"] for point in self.curve]
            return first_reached(list(zip(epochs, values, strict=True)), measure.threshold)
        if isinstance(measure, Gap):
            if not self.validation_metrics:
                raise ValueError(
                    f"Expected a job with validation images to take {str(measure)!r} of, but it has none; give the "
                    "split of its data a `validation` share."
                )
            train = self._read(self.train_metrics, measure.metric)
            return train - self._read(self.validation_metrics, measure.metric)
        return self.metric(measure.metric)

    def to_json(self) -> str:
        """The record as text that :meth:`from_json` reads."""
        return json.dumps(plain(self))

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Reads a record. What a newer version added is left out, and what an older one did not have is at its default.

        Raises:
            ValueError: The text is not a record.
        """
        try:
            return build(json.loads(text), cls)
        except (Misfit, ValueError) as error:
            raise ValueError(f"it does not read as a record: {error}") from error

    def _read(self, metrics: Mapping[str, float], metric: Metric) -> float:
        name = str(metric.resolved(self.foreground))
        if name not in metrics:
            raise ValueError(f"Expected a metric of {', '.join(sorted(metrics))}, but got {str(metric)!r}.")
        return float(metrics[name])


def first_reached(curve: Sequence[tuple[float, float]], threshold: float) -> float:
    """The first time at which the value is at least ``threshold``; infinite where it never is (censored).

    Args:
        curve: Pairs of time (iterations or epochs) and value.
        threshold: Value to reach.

    >>> first_reached([(10, 0.1), (20, 0.5)], 0.4)
    20.0
    """
    return next((float(time) for time, value in curve if value >= threshold), float("inf"))


def trend(curve: Sequence[tuple[int, float]]) -> float:
    """Spearman's rank correlation of value and iteration over a learning curve; 0 where the curve is constant.

    A curve that converges from below is near 1, one without a trend near 0.
    """
    from scipy.stats import spearmanr

    values = [value for _, value in curve]
    if len(values) < 2 or len(set(values)) == 1:
        return 0.0
    return float(spearmanr([iteration for iteration, _ in curve], values).statistic)
