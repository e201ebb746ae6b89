"""The second source of spread: what a claim's differences look like when test subjects count as a sample too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.plan import Comparison
from harness.relations import (
    All,
    BestOf,
    Equivalent,
    Greater,
    Increasing,
    NonMonotonic,
    NotGreater,
    NotWorse,
    Reaches,
    Relation,
    TwoLevel,
    pooled,
    two_level,
)
from harness.runs import Record


@dataclass(frozen=True)
class Difference:
    """One difference that a relation decides on: arm a minus arm b, or arm a alone where ``b`` is ``None``."""

    a: str
    b: str | None
    metric: str

    @property
    def label(self) -> str:
        """``"pretrained − scratch"``."""
        return f"{self.a} − {self.b}" if self.b else self.a


def differences(relation: Relation, default: str) -> Iterator[Difference]:
    """The differences that a relation decides on, each once; none for rankings and times."""
    metric = relation.metric or default
    pairs: Sequence[tuple[str, str | None]] = ()
    if isinstance(relation, All):
        parts = (difference for part in relation.relations for difference in differences(part, metric))
        yield from dict.fromkeys(parts)
        return
    if isinstance(relation, Greater | NotGreater | NotWorse):
        pairs = ((relation.a, relation.b),)
    elif isinstance(relation, Reaches):
        pairs = ((relation.arm, None),)
    elif isinstance(relation, Increasing):
        pairs = [(above, below) for below, above in zip(relation.arms, relation.arms[1:], strict=False)]
    elif isinstance(relation, BestOf):
        pairs = [(relation.named, arm) for arm in relation.arms if arm != relation.named]
    elif isinstance(relation, Equivalent | NonMonotonic):
        pairs = [(a, b) for index, a in enumerate(relation.arms) for b in relation.arms[index + 1 :]]
    for a, b in pairs:
        yield Difference(a, b, metric)


def over_subjects(
    comparison: Comparison,
    records: dict[str, list[Record]],
    alpha: float,
    counts: Callable[[str], npt.NDArray[np.int64]],
) -> tuple[dict[str, Any], ...]:
    """Every difference of a claim with its two-level interval, as plain types.

    Args:
        comparison: The claim.
        records: Finished runs of each arm, paired by seed.
        alpha: One-sided level of the decision.
        counts: Confusion counts ``(N, C, C)`` of a run by its key.

    Returns:
        ``label``, ``metric``, ``sentence`` and the fields of :class:`harness.relations.TwoLevel` for each difference
        of a pooled metric; nothing where a run failed or the test images differ by seed.
    """
    found = []
    for difference in differences(comparison.relation, comparison.metric):
        result = _of(difference, records, alpha, counts)
        if result is not None:
            told = {"label": difference.label, "metric": difference.metric, "sentence": result.describe()}
            found.append({**told, **result.to_dict()})
    return tuple(found)


def _of(
    difference: Difference,
    records: dict[str, list[Record]],
    alpha: float,
    counts: Callable[[str], npt.NDArray[np.int64]],
) -> TwoLevel | None:
    first = records[difference.a]
    second = records[difference.b] if difference.b else []
    runs = [*first, *second]
    if not runs or any(run.failed for run in runs) or (difference.b and len(first) != len(second)):
        return None
    value = pooled(difference.metric, runs[0].classes)
    if value is None or len({tuple(run.test_ids) for run in runs}) > 1:
        return None

    def stack(part: list[Record]) -> npt.NDArray[np.int64]:
        return np.stack([counts(run.key) for run in part])

    other = stack(second) if second else None
    return two_level(stack(first), other, runs[0].test_subjects, value, level=1 - 2 * alpha)
