"""Tables of wrong verdicts for `benchmarks/calibration.py`: by relation and shape, by seeds, by pairing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.held_out import SHARED
from benchmarks.simulation import TRUTHS, Truth, decided_by, plan_rates, rates, wrong_rates
from harness.relations import Equivalent, Greater, Increasing, Looks, Reaches, Relation
from harness.relations.relation import SampleKey
from harness.relations.t_test import Array

SEEDS = (3, 4, 5, 7, 10, 20)
FIXED = (3, 5, 10, 20)
PLANS = (Looks.fixed(5), Looks())
"""The smoke scale's plan, and that of all others."""


@dataclass(frozen=True)
class Rate:
    """How often a truth of one shape ended in the wrong verdict.

    Attributes:
        truth: What was true.
        shape: Of the noise.
        rate: The largest rate found.
        where: Where it was found: ``"n = 5"``, ``"4, 7, 10"``.
        cell: The figures as the table prints them.
    """

    truth: Truth
    shape: str
    rate: float
    where: str
    cell: str


def by_seeds(shapes: Sequence[str], simulations: int, rng: np.random.Generator) -> list[Rate]:
    """One look at a fixed number of seeds, the largest rate over numbers and correlation of the arms; and 4, 7, 10."""
    plans = (*map(Looks.fixed, FIXED), Looks())
    found = []
    for truth in TRUTHS:
        for shape in shapes:
            both = [wrong_rates(truth, shape, plans, simulations, rng, correlated=each) for each in (False, True)]
            *fixed, looked = (max(rates) for rates in zip(*both, strict=True))
            rate, n = max(zip(fixed, FIXED, strict=True))
            cell = f"{rate:.3f}" + (f" (n = {n})" if rate > 0 else "") + f" / {looked:.3f}"
            found.append(Rate(truth, shape, max(rate, looked), f"n = {n}" if rate >= looked else "4, 7, 10", cell))
    return found


def by_plan(truths: Iterable[Truth], shapes: Sequence[str], simulations: int, rng: np.random.Generator) -> list[Rate]:
    """The plans as they are used, on the same seeds, arms independent."""
    found = []
    for truth in truths:
        for shape in shapes:
            wrong = wrong_rates(truth, shape, PLANS, simulations, rng)
            where = ("n = 5", "4, 7, 10")[int(np.argmax(wrong))]
            found.append(Rate(truth, shape, max(wrong), where, " / ".join(f"{rate:.3f}" for rate in wrong)))
    return found


def table(found: Sequence[Rate]) -> Iterable[str]:
    """One row for each truth, one column for each shape, and the largest figure of each column."""
    shapes = list(dict.fromkeys(each.shape for each in found))
    yield "| relation | wrong verdict | truth | " + " | ".join(shapes) + " |"
    yield "| --- | --- | --- |" + " ---: |" * len(shapes)
    for i in range(0, len(found), len(shapes)):
        row = found[i : i + len(shapes)]
        truth = row[0].truth
        yield f"| {truth.name} | {truth.wrong} | {truth.label} | " + " | ".join(each.cell for each in row) + " |"
    yield ""
    yield "Largest of all:"
    yield ""
    for shape in shapes:
        most = worst(found, shape)
        yield f"- {shape}: {most.rate:.3f} ({most.truth.name}, {most.truth.label}, {most.where})"


def worst(found: Iterable[Rate], shape: str) -> Rate:
    """The largest rate of a shape."""
    return max((each for each in found if each.shape == shape), key=lambda each: each.rate)


def in_short(found: Sequence[Rate], simulations: int) -> Iterable[str]:
    """One paragraph: for which shapes wrong verdicts come in at most 5% of cases, and for which in more."""
    limit = 0.05 + 3.2 * math.sqrt(0.05 * 0.95 / simulations)  # the largest of some hundred rates of a true .05
    largest = [worst(found, shape) for shape in dict.fromkeys(each.shape for each in found)]
    kept = [most for most in largest if most.rate <= limit]
    beyond = sorted((most for most in largest if most.rate > limit), key=lambda most: most.rate)
    seen = max(most.rate for most in kept)
    yield "**In short.** For every relation and plan a verdict that the truth does not allow came in at most 5% of"
    yield f"cases, but for the scatter of this simulation (the largest figure is {seen:.3f}), with noise of these"
    yield f"shapes: {', '.join(most.shape for most in kept)}. It came in more with these, the largest figure and its"
    yield "relation in brackets:"
    yield "; ".join(f"{most.shape} ({most.rate:.2f}, {most.truth.name}, {most.where})" for most in beyond) + "."


def one_sided_by_n(shapes: Sequence[str], simulations: int, rng: np.random.Generator) -> Iterable[str]:
    """Wrong support of `Greater` and `Reaches` at their boundary, by n and shape, at .05 itself and as looked at."""
    cases: tuple[tuple[str, Relation, dict[str, float]], ...] = (
        ("pairs, a = b", Greater("a", "b"), {"a": 0, "b": 0}),
        ("one sample", Reaches("a", 0.5, 0.5), {"a": 0}),
    )
    yield "| values | shape | level | " + " | ".join(f"n = {n}" for n in SEEDS) + " |"
    yield "| --- | --- | --- |" + " ---: |" * len(SEEDS)
    for name, relation, means in cases:
        for shape in shapes:
            plain = [rates(relation, means, shape, n, simulations, rng)[0] for n in SEEDS]
            looked = [plan_rates(relation, means, shape, Looks.fixed(n), simulations, rng)[0] for n in SEEDS]
            for level, row in ((".05", plain), ("of a look", looked)):
                yield f"| {name} | {shape} | {level} | " + " | ".join(f"{rate:.3f}" for rate in row) + " |"


def shared_sources(simulations: int, rng: np.random.Generator) -> Iterable[str]:
    """Wrong support of the statement about sources in general, where each arm has one source, by n."""
    three = ("a", "b", "c")
    cases: tuple[tuple[Relation, dict[str, float], str], ...] = (
        (Greater("a", "b"), {"a": 0, "b": 0}, "a = b"),
        (Equivalent(("a", "b"), 1.0), {"a": 1, "b": 0}, "difference = margin (1 sd)"),
        (Increasing(three), {"a": 0, "b": 0, "c": 6}, "first step 0, second large"),
    )
    yield "| relation | truth | " + " | ".join(f"n = {n}" for n in SEEDS) + " | 4, 7, 10 |"
    yield "| --- | --- |" + " ---: |" * (len(SEEDS) + 1)
    for relation, means, label in cases:
        plans = (*map(Looks.fixed, SEEDS), Looks())
        found = [plan_rates(relation, means, "shared sources", looks, simulations, rng)[0] for looks in plans]
        yield f"| {type(relation).__name__} | {label} | " + " | ".join(f"{rate:.3f}" for rate in found) + " |"


def shared_share() -> str:
    """The share of an arm's variance that its source makes, as the page prints it."""
    return f"{SHARED:g}".lstrip("0")


def pairing(simulations: int, rng: np.random.Generator) -> Iterable[str]:
    """`Greater` paired and unpaired, by the correlation of the arms: wrong support, and power at 1 sd of an arm."""
    numbers = (5, 7, 10)
    header = " | ".join(f"{what}, n = {n}" for what in ("a = b", "a − b = 1") for n in numbers)
    yield f"| correlation | test | {header} |"
    yield "| ---: | --- |" + " ---: |" * (2 * len(numbers))
    for correlation in (0.0, 0.5, 0.9):
        for name, relation in (("paired", Greater("a", "b")), ("unpaired", Greater("a", "b", paired=False))):
            cells = []
            for gain in (0.0, 1.0):
                for n in numbers:
                    arms = correlated_arms(rng, correlation, gain, n, simulations)
                    cells.append(f"{decided_by(relation, arms, Looks.fixed(n))[0].mean():.3f}")
            yield f"| {correlation:g} | {name} | " + " | ".join(cells) + " |"


def correlated_arms(
    rng: np.random.Generator, correlation: float, gain: float, n: int, simulations: int
) -> dict[SampleKey, Array]:
    """Arms a and b, ``(simulations, n)`` each, normal with sd 1 and this correlation between runs of one seed."""
    shared = math.sqrt(correlation) * rng.standard_normal((simulations, n))
    own = math.sqrt(1 - correlation)
    return {
        "a": gain + shared + own * rng.standard_normal((simulations, n)),
        "b": shared + own * rng.standard_normal((simulations, n)),
    }
