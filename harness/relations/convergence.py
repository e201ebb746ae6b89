"""Convergence: one arm reaches a threshold a number of times sooner than another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.relations.decision import Decision, verdict_of
from harness.relations.rank_test import (
    detectable_probability,
    null_tail,
    required_wins,
    smallest_pvalue,
)
from harness.relations.relation import Arrays, Key, TwoArms, check_fraction
from harness.relations.t_test import Array, joint_power
from harness.specs.measures import Measure, TimeTo

ROUNDING = 1e-9
"""Ends of brackets that differ by less than this share are equal: 0.3 − 0.1 is below 0.2 in floating point."""


@dataclass(frozen=True)
class ConvergesFaster(TwoArms):
    """`a` reaches a threshold more than `ratio` times sooner than `b`: an exact rank test of T_b > ratio · T_a.

    The samples are times (iterations or epochs) to a threshold set beforehand, on the grid of evaluations; ``inf`` is
    "never within the budget" (censored). Runs are not paired: every run of `a` is compared with every run of `b`, and
    U counts the pairs in which T_b > ratio · T_a is certain. SUPPORTED if so many pairs have a probability below the
    level where both arms have the same law of ratio · T (Wilcoxon, Mann and Whitney, exact; see
    `harness.relations.rank_test`); REFUTED likewise by the pairs in which T_b < ratio · T_a is certain. A pair that
    rounding or censoring leaves open is a win of neither side, which can only make both p-values larger. Needs 4 runs
    an arm at level .05.

    Args:
        a: Name of an arm.
        b: Name of another arm.
        ratio: How many times sooner, above 0.
        budgets: How long `a` and `b` were trained, in the unit of the times. A run that never arrived is only known to
            take longer than that: with budgets, a censored `b` shows T_b > ratio · T_a only if its budget is at least
            ratio · T_a, and a censored `a` shows the opposite only if T_b is at most ratio times a's budget. Without
            them, "never" is infinitely long.
        grid: Time between two evaluations. A run whose first evaluation above the threshold is at t arrived after
            t − grid and at t at the latest. Brackets that touch are decided; without a grid equal times are a tie.
        measure: The relation's own measure, a `TimeTo`; see `Relation`.

    Raises:
        ValueError: The arms are the same, or the ratio or a budget is not above 0.

    >>> times = {"pretrained": [20, 30, 20, 60], "scratch": [80, 140, float("inf"), 160]}
    >>> decision = ConvergesFaster("pretrained", "scratch", ratio=2).decide(times)
    >>> decision.verdict, decision.wins, round(decision.pvalue, 3)
    (<Verdict.SUPPORTED: 'SUPPORTED'>, (15, 16), 0.029)
    """

    ratio: float = 1.0
    budgets: tuple[float, float] | None = None
    grid: float = 0.0
    effect_kind = "ratio"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not math.isfinite(self.ratio) or self.ratio <= 0:
            raise ValueError(f"Expected argument `ratio` to be a finite number above 0, but got {self.ratio!r}.")
        if not math.isfinite(self.grid) or self.grid < 0:
            raise ValueError(f"Expected argument `grid` to be a finite number of at least 0, but got {self.grid!r}.")
        if self.budgets is not None:
            budgets = tuple(self.budgets)
            if len(budgets) != 2 or not all(math.isfinite(budget) and budget > 0 for budget in budgets):
                raise ValueError(f"Expected argument `budgets` to be two numbers above 0, but got {self.budgets!r}.")
            object.__setattr__(self, "budgets", budgets)

    def describe(self) -> str:
        """``a converges faster than b (2×; seen every 8, trained 76 / 640)``: all that the decision depends on."""
        conditions = [
            f"{self.ratio:g}×" if self.ratio != 1 else "",
            f"seen every {self.grid:g}" if self.grid else "",
            f"trained {self.budgets[0]:g} / {self.budgets[1]:g}" if self.budgets else "",
        ]
        details = ", ".join(filter(None, conditions))
        return f"{self.a} converges faster than {self.b}" + (f" ({details})" if details else "")

    @property
    def time_keys(self) -> frozenset[Key]:
        return frozenset(self.keys)

    def _check_measure(self, measure: Measure) -> None:
        if not isinstance(measure, TimeTo):
            raise ValueError(  # noqa: TRY004 - every mistake in a claim is a ValueError
                f"Expected `{self.describe()}` to compare times, as in time:mIoU>=0.4, but got {str(measure)!r}; "
                "name such a measure."
            )
        check_fraction(f"threshold of {measure.metric}", measure.threshold)

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        won, lost = self._wins(samples)
        n = self._values(samples, self.a).shape[-1]
        tail = null_tail(n, n)
        return np.asarray(tail[won]), np.asarray(tail[lost])

    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        a, b = self._values(samples, self.a), self._values(samples, self.b)
        n, pairs = a.size, a.size * b.size
        won, lost = (int(count) for count in self._wins(samples))
        pvalue, raw_against = (float(p) for p in self.pvalues(samples))
        against, alpha_against = min(1.0, raw_against * comparisons), alpha / comparisons
        verdict = verdict_of(pvalue, against, alpha)
        open_pairs = pairs - won - lost
        notes = [
            f"{self.a} was more than {self.ratio:g}× sooner in {won} of {pairs} pairs of runs, less than that in {lost}"
            + (f"; {open_pairs} cannot be told" if open_pairs else "")
        ]
        if np.isinf(a).any() or np.isinf(b).any():
            censored = [f"{name} never arrived in {int(np.isinf(t).sum())}" for name, t in ((self.a, a), (self.b, b))]
            notes.append(f"{' and '.join(censored)} of {n} runs (censored)")
        return Decision(
            verdict=verdict,
            effect=_median([_quotient(float(y), float(x)) for x in a for y in b]),
            effect_kind=self.effect_kind,
            interval=self._interval(samples, alpha, alpha_against),
            pvalue=pvalue,
            pvalue_against=against,
            n=n,
            detectable=detectable_probability(n, alpha, joint_power(comparisons)),
            alpha=alpha,
            alpha_against=alpha_against,
            reason="" if verdict.decided else _undecided(n, won, lost, alpha),
            notes=tuple(notes),
            exact_pvalue=pvalue,
            label=self.describe(),
            detectable_unit="probability",
            measure=self.printed_measure,
            compares=self.arms,
            seed_effects=tuple(_quotient(float(y), float(x)) for x, y in zip(a, b, strict=True)),
            boundaries=(self.ratio,) if self.ratio != 1 else (),
            paired=False,
            wins=(won, pairs),
        )

    def _wins(self, samples: Arrays) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
        """How many pairs certainly show T_b > ratio · T_a, and how many T_b < ratio · T_a; each ``(...)``."""
        lowest, highest = self._brackets(samples)
        won, lost = lowest > self.ratio, highest < self.ratio
        return won.sum(axis=(-2, -1)), lost.sum(axis=(-2, -1))

    def _brackets(self, samples: Arrays) -> tuple[Array, Array]:
        """Below and above what T_b / T_a of every pair lies, each ``(..., n_a, n_b)``.

        An end that the ratio cannot take, by the grid or a budget, is moved inwards by `ROUNDING`, one that it can
        take outwards. So the ratio is certain to be above r exactly where the lower end is.
        """
        budgets = self.budgets if self.budgets is not None else (math.inf, math.inf)
        (a_from, a_to, a_after), (b_from, b_to, b_after) = (
            _bracket(self._values(samples, arm), budget, self.grid)
            for arm, budget in zip(self.arms, budgets, strict=True)
        )
        a_from, a_to, a_after = a_from[..., :, None], a_to[..., :, None], a_after[..., :, None]
        b_from, b_to, b_after = b_from[..., None, :], b_to[..., None, :], b_after[..., None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            lowest = b_from / a_to * (1 + np.where(b_after, ROUNDING, -ROUNDING))
            highest = b_to / a_from * (1 + np.where(a_after, -ROUNDING, ROUNDING))
        # 0 / 0: above 0 by something, or both 0; ∞ / ∞: neither arrived.
        unknown_low = np.where(np.isfinite(b_from) & b_after, np.inf, 0.0)
        unknown_high = np.where(np.isfinite(a_from) & a_after, 0.0, np.inf)
        return (
            np.where(np.isnan(lowest), unknown_low, lowest),
            np.where(np.isnan(highest), unknown_high, highest),
        )

    def _interval(self, samples: Arrays, alpha: float, alpha_against: float) -> tuple[float, float]:
        """Bounds of the ratio: those that the rank test at these levels would not reject (Moses 1965).

        The lower bound is an order statistic of the lower ends of all pairs, the upper one of the upper ends.
        """
        lowest, highest = (np.sort(ends, axis=None) for ends in self._brackets(samples))
        n = self._values(samples, self.a).size
        for_claim, opposite = required_wins(n, alpha), required_wins(n, alpha_against)
        low = 0.0 if for_claim is None else float(lowest[-for_claim])
        return low, math.inf if opposite is None else float(highest[opposite - 1])


def _bracket(times: Array, budget: float, grid: float) -> tuple[Array, Array, NDArray[np.bool_]]:
    """From when to when runs may have arrived, and whether the earliest moment is excluded; each ``(..., n)``."""
    arrived = np.isfinite(times)
    earliest = np.where(arrived, np.maximum(times - grid, 0.0), budget)
    excluded = np.where(arrived, (grid > 0) & (times >= grid), math.isfinite(budget))
    return earliest, times, excluded


def _undecided(n: int, won: int, lost: int, alpha: float) -> str:
    """Why the rank test came to no verdict."""
    required = required_wins(n, alpha)
    if required is None:
        return (
            f"A rank test of {n} runs an arm cannot fall below p = {smallest_pvalue(n):.3g}, "
            f"and the level is {alpha:.3g}."
        )
    return f"{won} of {n * n} pairs of runs for and {lost} against; {required} are needed at level {alpha:.3g}."


def _median(ratios: list[float]) -> float | None:
    """The median, where it is the same whatever the unknown ones (NaN: neither run arrived) are; else ``None``.

    >>> _median([2.0, 3.0, math.nan]), _median([2.0, 2.0, 2.0, math.nan])
    (None, 2.0)
    """
    lowest = sorted(0.0 if math.isnan(ratio) else ratio for ratio in ratios)
    highest = sorted(math.inf if math.isnan(ratio) else ratio for ratio in ratios)
    n = len(ratios)
    middles = [{values[(n - 1) // 2], values[n // 2]} for values in (lowest, highest)] if n else [{0.0}, {1.0}]
    if middles[0] != middles[1]:
        return None
    return sum(middles[0]) / len(middles[0])


def _quotient(later: float, sooner: float) -> float:
    """`later` / `sooner` of two times; NaN where neither run arrived, 1 where both are 0."""
    if math.isinf(later) and math.isinf(sooner):
        return math.nan
    if sooner == 0:
        return math.inf if later > 0 else 1.0
    return later / sooner
