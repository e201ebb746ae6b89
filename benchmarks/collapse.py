"""Wrong verdicts where runs collapse: simulated arms whose runs collapse at a rate, and else scatter normally.

`docs/calibration.md` prints the table, `tests/relations/test_collapse.py` runs a short version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.simulation import decided_by
from harness.relations import (
    All,
    BestOf,
    Collapsed,
    Equivalent,
    Greater,
    Increasing,
    Looks,
    NonMonotonic,
    NotGreater,
    NotWorse,
    Relation,
)
from harness.relations.relation import SampleKey
from harness.relations.t_test import Array

RATES = (0.0, 0.1, 0.2, 0.3, 0.5)
"""Shares of runs that collapse."""

COLLAPSED_AT = -10.0
"""The value of a collapsed run, in sd of the others: far from everything that is compared."""


@dataclass(frozen=True)
class Truth:
    """A relation at its boundary: arms of one law but for a shift of the runs that converge.

    Attributes:
        relation: With gains and margins in sd of the runs that converge.
        means: Of the runs that converge, by arm.
        wrong: The verdict that must come in at most alpha of all cases.
    """

    relation: Relation
    means: Mapping[str, float]
    wrong: Literal["SUPPORTED", "REFUTED"]


THREE, FOUR = ("a", "b", "c"), ("a", "b", "c", "d")
EQUAL = dict.fromkeys(FOUR, 0.0)

TRUTHS = (
    Truth(Greater("a", "b"), EQUAL, "SUPPORTED"),
    Truth(Greater("a", "b", paired=False), EQUAL, "SUPPORTED"),
    Truth(Greater("a", "b", 0.5), {"a": 0.5, "b": 0.0}, "REFUTED"),
    Truth(Greater("a", "b", 0.5, paired=False), {"a": 0.5, "b": 0.0}, "REFUTED"),
    Truth(NotGreater("a", "b", 0.5), {"a": 0.5, "b": 0.0}, "SUPPORTED"),
    Truth(NotGreater("a", "b", 0.5), EQUAL, "REFUTED"),
    Truth(NotWorse("a", "b", 0.5), {"a": -0.5, "b": 0.0}, "SUPPORTED"),
    Truth(NotWorse("a", "b", 0.5), {"a": -0.5, "b": 0.0}, "REFUTED"),
    Truth(Equivalent(("a", "b"), 1.0), {"a": 1.0, "b": 0.0}, "SUPPORTED"),
    Truth(Equivalent(("a", "b"), 0.5), {"a": 0.5, "b": 0.0}, "REFUTED"),
    Truth(Equivalent(THREE, 0.5), {"a": 0.5, "b": 0.0, "c": 0.0}, "REFUTED"),
    Truth(Increasing(THREE), EQUAL, "SUPPORTED"),
    Truth(Increasing(THREE), {"a": 0.0, "b": 0.0, "c": 6.0}, "SUPPORTED"),
    Truth(Increasing(FOUR, 0.3), {"a": 0.0, "b": 0.3, "c": 0.6, "d": 0.9}, "REFUTED"),
    Truth(NonMonotonic(THREE, "b"), EQUAL, "REFUTED"),
    Truth(BestOf(FOUR, "a"), {"a": 0.0, "b": 0.0, "c": -6.0, "d": -6.0}, "SUPPORTED"),
    Truth(BestOf(FOUR, "a", 0.5), {"a": 0.5, "b": 0.0, "c": 0.0, "d": 0.0}, "REFUTED"),
    Truth(All((Greater("a", "b"), NotWorse("c", "d", 0.5))), {"a": 0.0, "b": 0.0, "c": 6.0, "d": 0.0}, "SUPPORTED"),
    Truth(All((Greater("a", "b"), NotWorse("c", "d", 0.5))), {"a": 0.0, "b": 0.0, "c": -0.5, "d": 0.0}, "REFUTED"),
)
"""Least favourable truths where all arms collapse alike."""


def draw(
    rng: np.random.Generator,
    means: Mapping[str, float],
    rates: Mapping[str, float],
    n: int,
    simulations: int,
    *,
    shared: float = 0.0,
) -> dict[SampleKey, Array]:
    """Simulated seeds of arms that collapse.

    Args:
        rng: The generator.
        means: Of the runs that converge, by arm.
        rates: Share of runs that collapse, by arm.
        n: Seeds.
        simulations: How often.
        shared: Correlation of the runs of one seed, between 0 and 1: of their noise and of whether they collapse.

    Returns:
        ``(simulations, n)`` by arm and by its `Collapsed`.
    """
    size = (simulations, n)
    common, luck = rng.standard_normal(size), rng.standard_normal(size)
    samples: dict[SampleKey, Array] = {}
    for arm, mean in means.items():
        own = rng.standard_normal(size) * np.sqrt(1 - shared) + common * np.sqrt(shared)
        fate = rng.standard_normal(size) * np.sqrt(1 - shared) + luck * np.sqrt(shared)
        collapsed = fate < _quantile(rates[arm])
        samples[arm] = np.where(collapsed, COLLAPSED_AT, mean + own)
        samples[Collapsed(arm)] = collapsed.astype(np.float64)
    return samples


def _quantile(rate: float) -> float:
    from scipy import special

    return float(special.ndtri(rate))


def wrong_rate(
    truth: Truth, rate: float, looks: Looks, simulations: int, rng: np.random.Generator, *, shared: float = 0.0
) -> float:
    """How often a plan of looks comes to the wrong verdict where all arms collapse at one rate, at level .05."""
    samples = draw(rng, truth.means, dict.fromkeys(truth.means, rate), looks.most, simulations, shared=shared)
    supported, refuted = decided_by(truth.relation, samples, looks)
    return float((supported if truth.wrong == "SUPPORTED" else refuted).mean())


def table(simulations: int, rng: np.random.Generator, plans: tuple[Looks, ...] = ()) -> Iterator[str]:
    """Wrong verdicts by relation and rate, as lines of Markdown: one row for each truth and plan."""
    plans = plans or (Looks.fixed(5), Looks.fixed(10), Looks())
    yield "| relation | wrong | looks | " + " | ".join(f"{rate:g}" for rate in RATES) + " |"
    yield "| --- | --- | --- |" + " --- |" * len(RATES)
    for truth in TRUTHS:
        for looks in plans:
            cells = [f"{wrong_rate(truth, rate, looks, simulations, rng):.3f}" for rate in RATES]
            unpaired = "" if getattr(truth.relation, "paired", True) else ", unpaired"
            label = f"{type(truth.relation).__name__}: {truth.relation.describe()}{unpaired}"
            seeds = ", ".join(map(str, looks.at))
            yield f"| {label} | {truth.wrong} | {seeds} | {' | '.join(cells)} |"


if __name__ == "__main__":
    for line in table(20_000, np.random.default_rng(0)):
        print(line, flush=True)
