"""The second source of spread: what a claim's differences look like when test subjects count as a sample too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import numpy.typing as npt

from harness.relations import Decision, TwoLevel, Verdict, two_level
from harness.relations.t_test import LEAST_SEEDS
from harness.specs import Final, Measure, parse
from harness.store import Record
from harness.tasks import known, task
from harness.tasks.metrics import Function


@dataclass(frozen=True)
class Difference:
    """One difference that a claim was decided on: arm a minus arm b, or arm a alone where ``b`` is ``None``.

    Attributes:
        a, b: Names of the arms.
        metric: What is compared.
        level: Two-sided, of the seeds' own interval: that of the side that decided.
        excluded: The boundary that the seeds' interval excludes, on the difference's own scale; ``None`` where it holds
            it.
    """

    a: str
    b: str | None
    metric: str
    level: float
    excluded: float | None = None

    @property
    def label(self) -> str:
        """``"pretrained − scratch"``."""
        return f"{self.a} − {self.b}" if self.b else self.a


@dataclass(frozen=True)
class SubjectDifference:
    """A difference with the test subjects counted as a sample too.

    Attributes:
        difference: What is estimated.
        estimate: Its interval over seeds and subjects.
    """

    difference: Difference
    estimate: TwoLevel

    @property
    def label(self) -> str:
        """The arms."""
        return self.difference.label

    @property
    def metric(self) -> str:
        """What is compared."""
        return self.difference.metric

    @property
    def holds_boundary(self) -> bool:
        """Whether the interval over seeds and subjects holds the boundary that the seeds' own excludes."""
        excluded, interval = self.difference.excluded, self.estimate.interval
        return excluded is not None and interval is not None and interval[0] <= excluded <= interval[1]

    @property
    def sentence(self) -> str:
        """The estimate in words."""
        held = "; it holds the margin that the seeds alone exclude" if self.holds_boundary else ""
        return f"{self.estimate.describe()}{held}"


def differences(decision: Decision, default: str) -> Iterator[Difference]:
    """The differences that a decision rests on; none for rankings and times."""
    if decision.effect_kind == "correlation" and all(part.effect_kind == "difference" for part in decision.parts):
        return  # a ranking: its parts are pairs of models
    for part in decision.parts:
        yield from differences(part, default)
    if decision.parts or decision.effect_kind not in ("difference", "shortfall") or not decision.compares:
        return
    refuted = decision.verdict is Verdict.REFUTED
    alpha = decision.alpha_against if refuted and decision.alpha_against is not None else decision.alpha
    a, b = decision.compares if len(decision.compares) == 2 else (decision.compares[0], None)
    yield Difference(a, b, decision.measure or default, 1 - 2 * alpha, _excluded(decision))


def _excluded(decision: Decision) -> float | None:
    """The boundary next to the interval of a decided comparison."""
    if not decision.verdict.decided or decision.interval is None:
        return None
    low, high = decision.interval
    if decision.gain:  # the boundary that supports, then the one that refutes
        bound = decision.boundaries[0 if decision.verdict is Verdict.SUPPORTED else -1]
        return None if low <= bound <= high else bound  # counts of collapsed runs may have decided
    outside = [bound for bound in decision.boundaries or (0.0,) if not low <= bound <= high]
    if not outside:
        return None
    return min(outside, key=lambda bound: max(low - bound, bound - high)) + (decision.target or 0.0)


def over_subjects(
    decision: Decision,
    measure: Measure,
    records: Mapping[str, Sequence[Record]],
    counts: Callable[[str], npt.NDArray[np.int64]],
) -> tuple[SubjectDifference, ...]:
    """Every difference of a pooled metric that a claim rests on, with its two-level interval.

    Args:
        decision: The claim's.
        measure: The claim's, for comparisons without one of their own.
        records: Finished runs of each arm, paired by seed.
        counts: Confusion counts ``(N, C, C)`` of a run by its key.

    Returns:
        Nothing where a run failed or the test images differ by seed.
    """
    rested = dict.fromkeys(differences(decision, str(measure)))
    estimates = ((each, _estimate(each, records, counts)) for each in rested)
    return tuple(SubjectDifference(each, estimate) for each, estimate in estimates if estimate is not None)


def _estimate(
    difference: Difference,
    records: Mapping[str, Sequence[Record]],
    counts: Callable[[str], npt.NDArray[np.int64]],
) -> TwoLevel | None:
    first = records[difference.a]
    second = records[difference.b] if difference.b else []
    runs = [*first, *second]
    if not runs or any(run.failed for run in runs) or (difference.b and len(first) != len(second)):
        return None
    if any(run.collapsed for run in runs):  # the claim is decided among the runs that converged
        kept = [not any(run.collapsed for run in pair) for pair in zip(first, second or first, strict=True)]
        first, second = (list(compress(arm, kept)) for arm in (first, second))
        runs = [*first, *second]
        if len(first) < LEAST_SEEDS:
            return None
    value = _pooled(difference.metric, runs[0])
    if value is None or len({tuple(run.test_ids) for run in runs}) > 1:
        return None

    def stack(part: Sequence[Record]) -> npt.NDArray[np.int64]:
        return np.stack([counts(run.key) for run in part])

    other = stack(second) if second else None
    return two_level(stack(first), other, runs[0].test_subjects, value, level=difference.level)


def _pooled(metric: str, record: Record) -> Function | None:
    """The metric as a function of pooled counts; ``None`` for a mean over images, a time, a trend or a gap."""
    measure, of = parse(metric), task(record.task)
    if not isinstance(measure, Final):
        return None
    return of.functions(record.classes).get(known(of, measure.metric, record.classes, record.foreground))
