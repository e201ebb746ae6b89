"""Simulated seeds with a known truth: how often each relation is wrong, and how often it sees what is there.

`tests/relations/test_calibration.py` runs a short version, `benchmarks/calibration.py` the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.held_out import HELD_OUT, draw_held_out
from harness.relations.conjunction import All, BestOf, Increasing, NonMonotonic
from harness.relations.convergence import ConvergesFaster
from harness.relations.equivalence import Equivalent
from harness.relations.looks import Looks
from harness.relations.one_difference import Greater, NotGreater, NotWorse, Reaches
from harness.relations.ranking import RankCorrelation
from harness.relations.relation import Collapsed, Relation, SampleKey
from harness.relations.t_test import Array

SHAPES = ("normal", "t3", "uniform", "skewed right", "skewed left", "two kinds")
"""Shapes of the noise, each with sd 1. The skewed ones are centred exponentials, and make a − b skewed too; of two
kinds are runs that end at one of two values, half of them, with little noise, though none is marked as collapsed.
`benchmarks.held_out` has further ones."""

STEP, BUDGET = 0.25, 4.0
"""Of simulated times to a threshold: between two evaluations, and after which a run is censored."""

FAR = 6.0
"""A difference, in sd, that is seen at any n: what is not in question in a least favourable truth."""

LOADINGS = (0.9, 0.3)
"""How much of the seed effect that all arms share an arm takes where arms are correlated, by turns."""


@dataclass(frozen=True)
class Truth:
    """A relation and a truth at its boundary, where one of the verdicts would be wrong.

    Attributes:
        relation: Margins and gains in sd of one arm's noise.
        means: True means of the arms, in the same units (logarithms of times for a convergence).
        wrong: The verdict that must come in at most alpha of all cases.
        label: The truth in words.
    """

    relation: Relation
    means: Mapping[str, float]
    wrong: Literal["SUPPORTED", "REFUTED"]
    label: str

    def unpaired(self) -> Truth | None:
        """The same with every comparison declared unpaired; ``None`` where nothing is paired to begin with."""
        relation = unpaired(self.relation)
        return None if relation == self.relation else replace(self, relation=relation)

    @property
    def name(self) -> str:
        """The relation's class."""
        return type(self.relation).__name__


def unpaired(relation: Relation) -> Relation:
    """The relation with each of its comparisons declared unpaired."""
    if isinstance(relation, All):
        return replace(relation, relations=tuple(map(unpaired, relation.relations)))
    if isinstance(relation, (ConvergesFaster, Reaches)):
        return relation
    return replace(relation, paired=False)


def _truths() -> tuple[Truth, ...]:
    two, half = ("a", "b"), Reaches("a", 0.0, 0.5)
    four = RankCorrelation((("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)))
    measured = RankCorrelation((("a", "ra"), ("b", "rb"), ("c", "rc")))
    both = All((Greater("a", "b"), NotWorse("c", "d", 0.5)))
    rows: list[tuple[Relation, dict[str, float], str, str]] = []
    for side in ("SUPPORTED", "REFUTED"):
        rows += [
            (Greater("a", "b"), {"a": 0, "b": 0}, side, "a = b"),
            (NotWorse("a", "b", 0.5), {"a": -0.5, "b": 0}, side, "loss = margin"),
            (half, {"a": -0.5}, side, "mean = value − tolerance"),
            (Equivalent(two, 0.1), {"a": 0.1, "b": 0}, side, "difference = margin (.1 sd)"),
            (Equivalent(two, 1.0), {"a": 1.0, "b": 0}, side, "difference = margin (1 sd)"),
            (ConvergesFaster("a", "b"), {"a": 0, "b": 0}, side, "same times, on a grid, censored"),
            (
                ConvergesFaster("a", "b", 2.0, budgets=(BUDGET, BUDGET), grid=STEP),
                {"a": 0, "b": float(np.log(2))},
                side,
                "twice as fast, grid and budgets known",
            ),
        ]
    three, arms4 = ("a", "b", "c"), ("a", "b", "c", "d")
    rows += [
        (Greater("a", "b", gain=0.5), {"a": 0, "b": 0}, "SUPPORTED", "a = b, gain .5"),
        (Greater("a", "b", gain=0.5), {"a": 0.5, "b": 0}, "REFUTED", "difference = gain"),
        (NotGreater("a", "b", gain=0.5), {"a": 0.5, "b": 0}, "SUPPORTED", "difference = gain"),
        (NotGreater("a", "b", gain=0.5), {"a": 0, "b": 0}, "REFUTED", "a = b, gain .5"),
        (Equivalent(three, 2.0), {"a": 0, "b": 1.0, "c": 2.0}, "SUPPORTED", "ends differ by the margin"),
        (Equivalent(three, 0.5), {"a": 0, "b": 0, "c": 0.5}, "REFUTED", "two pairs at the margin"),
        (Increasing(three), {"a": 0, "b": 0, "c": FAR}, "SUPPORTED", "first step 0, second large"),
        (Increasing(three), {"a": 0, "b": 2.0, "c": 1.0}, "SUPPORTED", "0, 2, 1"),
        (Increasing(arms4, gain=0.3), {"a": 0, "b": 0.3, "c": 0.6, "d": 0.9}, "REFUTED", "every step = gain"),
        (NonMonotonic(three, "b"), {"a": 0, "b": FAR, "c": FAR}, "SUPPORTED", "no descent after the turn"),
        (NonMonotonic(three, "b", "valley"), {"a": 0, "b": 0, "c": FAR}, "SUPPORTED", "no descent before the turn"),
        (NonMonotonic(three, "b"), {"a": 0, "b": 0, "c": 0}, "REFUTED", "all equal"),
        (NonMonotonic(three, "b", gain=0.5), {"a": 0, "b": 0.5, "c": 0}, "REFUTED", "height = gain"),
        (BestOf(arms4, "a"), {"a": 0, "b": 0, "c": -FAR, "d": -FAR}, "SUPPORTED", "a tie for the best"),
        (BestOf(arms4, "a"), {"a": 0, "b": 0, "c": 0, "d": 0}, "REFUTED", "all equal"),
        (BestOf(arms4, "a", gain=0.5), {"a": 0.5, "b": 0, "c": 0, "d": 0}, "REFUTED", "lead = gain"),
        (four, {"a": 0, "b": 0, "c": 0, "d": FAR}, "SUPPORTED", "3 of 6 concordant, 3 on the edge"),
        (four, {"a": 0, "b": 0, "c": 0, "d": 0}, "SUPPORTED", "all equal"),
        (four, {"a": FAR, "b": 0, "c": 0, "d": FAR}, "REFUTED", "2 of 6 discordant, 2 on the edge"),
        (
            measured,
            {"a": 0, "b": FAR, "c": FAR, "ra": 0, "rb": 0, "rc": FAR},
            "SUPPORTED",
            "1 of 3, measured reference",
        ),
        (measured, dict.fromkeys(("a", "b", "c", "ra", "rb", "rc"), 0.0), "REFUTED", "all equal, measured reference"),
        (both, {"a": 0, "b": 0, "c": FAR, "d": 0}, "SUPPORTED", "one at its boundary, one clear"),
        (both, {"a": 0, "b": 0, "c": -0.5, "d": 0}, "REFUTED", "both at their boundary"),
    ]
    return tuple(
        Truth(relation, means, "SUPPORTED" if side == "SUPPORTED" else "REFUTED", label)
        for relation, means, side, label in rows
    )


TRUTHS = _truths()
"""Least favourable truths of every relation."""


def noise(rng: np.random.Generator, shape: str, size: tuple[int, ...]) -> Array:
    """Centred noise with sd 1.

    Raises:
        ValueError: An unknown shape.
    """
    if shape == "normal":
        return np.asarray(rng.standard_normal(size))
    if shape == "t3":
        return np.asarray(rng.standard_t(3, size) / np.sqrt(3))
    if shape == "uniform":
        return np.asarray(rng.uniform(-np.sqrt(3), np.sqrt(3), size))
    if shape == "two kinds":
        return np.asarray(rng.choice([-1.0, 1.0], size) * np.sqrt(1 - 0.05**2) + 0.05 * rng.standard_normal(size))
    if shape in ("skewed right", "skewed left"):
        return np.asarray((rng.exponential(size=size) - 1) * (1 if shape == "skewed right" else -1))
    raise ValueError(f"Expected argument `shape` to be one of {SHAPES!r}, but got {shape!r}.")


def draw(
    rng: np.random.Generator,
    means: Mapping[str, float],
    shape: str,
    n: int,
    simulations: int,
    *,
    correlated: bool = False,
    alike: bool = False,
) -> dict[SampleKey, Array]:
    """Simulated seeds of all arms.

    Args:
        rng: The generator.
        means: True means by arm.
        shape: Of the noise, see `noise`, or one of `HELD_OUT`, whose arms are independent and have their own spreads.
        n: Seeds.
        simulations: How often.
        correlated: Arms share a seed effect, unequally (`LOADINGS`), so that it does not cancel in differences.
        alike: Give arms of these shapes the same spread. Else every other one has a twentieth of it, so that the
            difference of two neighbours is itself nearly a centred exponential, or of two kinds.

    Returns:
        ``(simulations, n)`` by arm, and by `Collapsed` of each arm where runs collapse.
    """
    if shape in HELD_OUT:
        return draw_held_out(rng, means, shape, n, simulations)
    shared = noise(rng, shape, (simulations, n)) if correlated else None
    arms: dict[SampleKey, Array] = {}
    for i, (arm, mean) in enumerate(means.items()):
        own = noise(rng, shape, (simulations, n))
        if shared is not None:
            loading = LOADINGS[i % 2]
            own = loading * shared + np.sqrt(1 - loading**2) * own
        if shape.startswith(("skewed", "two")) and not alike and i % 2:
            own = own / 20
        arms[arm] = mean + own
    return arms


def as_times(arms: Mapping[SampleKey, Array]) -> dict[SampleKey, Array]:
    """Times to a threshold from their logarithms, by arm: on a grid of evaluations, ``inf`` beyond the budget.

    A collapsed run never arrives.
    """
    times: dict[SampleKey, Array] = {}
    for arm, values in arms.items():
        if isinstance(arm, Collapsed):
            continue
        ends = STEP * np.ceil(np.exp(values) / STEP)
        collapsed = arms.get(Collapsed(str(arm)), np.zeros(values.shape))
        times[arm] = np.where((ends > BUDGET) | (collapsed > 0), np.inf, ends)
    return times


def rates(
    relation: Relation,
    means: Mapping[str, float],
    shape: str,
    n: int,
    simulations: int,
    rng: np.random.Generator,
    *,
    alpha: float = 0.05,
    correlated: bool = False,
) -> tuple[float, float]:
    """How often a relation is SUPPORTED and how often REFUTED under a given truth.

    Args:
        relation: What the claim says.
        means: True means by arm, in sd of the noise (logarithms of times for `ConvergesFaster`).
        shape, n, simulations, rng, correlated: As in `draw`.
        alpha: The level of the decision.
    """
    arms = samples(relation, means, shape, n, simulations, rng, correlated)
    pvalue, against = relation.pvalues(arms)
    supported = pvalue < alpha
    return float(supported.mean()), float((~supported & (against < alpha)).mean())


def plan_rates(
    relation: Relation,
    means: Mapping[str, float],
    shape: str,
    looks: Looks,
    simulations: int,
    rng: np.random.Generator,
    *,
    alpha: float = 0.05,
    correlated: bool = False,
) -> tuple[float, float]:
    """How often a plan of looks ends SUPPORTED and how often REFUTED where no claim is given up.

    The first look that decides counts. A family of one, and no futility: both only lower the rates.

    Args:
        relation, means, shape, simulations, rng, correlated: As in `rates`.
        looks: The plan.
        alpha: The level of the whole plan.
    """
    arms = samples(relation, means, shape, looks.most, simulations, rng, correlated)
    supported, refuted = decided_by(relation, arms, looks, alpha)
    return float(supported.mean()), float(refuted.mean())


def decided_by(
    relation: Relation, arms: Mapping[SampleKey, Array], looks: Looks, alpha: float = 0.05
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which simulations ``(simulations, seeds)`` a plan of looks supports, and which it refutes."""
    return decided_by_plans(relation, arms, (looks,), alpha)[0]


def decided_by_plans(
    relation: Relation, arms: Mapping[SampleKey, Array], plans: Sequence[Looks], alpha: float = 0.05
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """The same for several plans on the same seeds, whose p-values are computed once."""
    numbers = sorted({n for looks in plans for n in looks.at})
    pvalues = {n: relation.pvalues({arm: values[:, :n] for arm, values in arms.items()}) for n in numbers}
    decided = []
    for looks in plans:
        supported = np.zeros(pvalues[looks.most][0].shape, dtype=np.bool_)
        refuted = supported.copy()
        for i, n in enumerate(looks.at):
            pvalue, against = pvalues[n]
            level, going = looks.level(i, alpha), ~(supported | refuted)
            supported |= going & (pvalue < level)
            refuted |= going & ~supported & (against < level)
        decided.append((supported, refuted))
    return decided


def wrong_rates(
    truth: Truth,
    shape: str,
    plans: Sequence[Looks],
    simulations: int,
    rng: np.random.Generator,
    *,
    correlated: bool = False,
) -> list[float]:
    """How often each plan of looks comes to the wrong verdict under a truth, at level .05, on the same seeds."""
    most = max(looks.most for looks in plans)
    arms = samples(truth.relation, truth.means, shape, most, simulations, rng, correlated)
    side = ("SUPPORTED", "REFUTED").index(truth.wrong)
    return [float(each[side].mean()) for each in decided_by_plans(truth.relation, arms, plans)]


def samples(
    relation: Relation,
    means: Mapping[str, float],
    shape: str,
    n: int,
    simulations: int,
    rng: np.random.Generator,
    correlated: bool = False,
) -> dict[SampleKey, Array]:
    """Simulated seeds as a relation takes them: values, or times where it compares times; arguments as in `rates`."""
    timed = isinstance(relation, ConvergesFaster)
    arms = draw(rng, means, shape, n, simulations, correlated=correlated, alike=timed)
    return as_times(arms) if timed else arms
