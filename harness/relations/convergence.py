"""Convergence: one arm reaches a threshold a number of times sooner than another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.relations.decision import Decision, verdict_of
from harness.relations.paired_t import Array, joint_power
from harness.relations.relation import Arrays, Key, TwoArms, check_fraction
from harness.specs.measures import Measure, TimeTo


@dataclass(frozen=True)
class ConvergesFaster(TwoArms):
    """`a` reaches a threshold more than `ratio` times sooner than `b`: a sign test of T_b / T_a > ratio.

    The samples are times (iterations or epochs) to a threshold set beforehand, on the grid of evaluations; ``inf`` is
    "never within the budget" (censored). SUPPORTED if the pairs with T_b / T_a above `ratio` are more than half
    (`scipy.stats.binomtest`), REFUTED if those with T_b / T_a below it are. Pairs that cannot be decided (neither
    arrives, equal to the ratio) count against either. Needs 5 pairs at level .05.

    Args:
        a: Name of an arm.
        b: Name of another arm.
        ratio: How many times sooner, above 0.
        budgets: How long `a` and `b` were trained, in the unit of the times. A run that never arrived is only known to
            take longer than that: with budgets, a censored `b` shows T_b > ratio · T_a only if its budget is at least
            ratio · T_a, and a censored `a` shows the opposite only if T_b is at most ratio times a's budget. Without
            them, "never" is infinitely long.
        grid: Time between two evaluations. A run whose first evaluation above the threshold is at t arrived after
            t − grid, so a pair that the rounding could turn is undecided.
        measure: The relation's own measure, a `TimeTo`; see `Relation`.

    Raises:
        ValueError: The arms are the same, or the ratio or a budget is not above 0.

    >>> times = {"pretrained": [20, 30, 20, 60, 40], "scratch": [80, 80, float("inf"), 160, 120]}
    >>> decision = ConvergesFaster("pretrained", "scratch", ratio=2).decide(times)
    >>> decision.verdict, decision.effect, decision.pvalue
    (<Verdict.SUPPORTED: 'SUPPORTED'>, 3.0, 0.03125)
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
        sooner, later = self._outcomes(samples)
        n = sooner.shape[-1]
        return sign_test(sooner.sum(axis=-1), n), sign_test(later.sum(axis=-1), n)

    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        sooner, later = self._outcomes(samples)
        n = sooner.size
        pvalue, raw_against = (float(p) for p in self.pvalues(samples))
        against = min(1.0, raw_against * comparisons)
        verdict = verdict_of(pvalue, against, alpha)
        wins, losses = int(sooner.sum()), int(later.sum())
        required = _required_pairs(n, alpha)
        a, b = self._values(samples, self.a), self._values(samples, self.b)
        ratios = [
            _quotient(float(y), float(x)) if math.isfinite(x) or math.isfinite(y) else math.nan
            for x, y in zip(a, b, strict=True)
        ]
        notes = [
            f"{self.a} was more than {self.ratio:g}× sooner in {wins} of {n} pairs, less than that in {losses}"
            + (f"; {n - wins - losses} cannot be told" if n - wins - losses else "")
        ]
        if np.isinf(a).any() or np.isinf(b).any():
            censored = [f"{name} never arrived in {int(np.isinf(t).sum())}" for name, t in ((self.a, a), (self.b, b))]
            notes.append(f"{' and '.join(censored)} of {n} runs (censored)")
        if required is None:
            reason = f"A sign test of {n} pairs cannot fall below p = {0.5**n:.3g}, and the level is {alpha:.3g}."
        else:
            reason = f"{wins} of {n} pairs for and {losses} against; {required} are needed at level {alpha:.3g}."
        return Decision(
            verdict=verdict,
            effect=_median(ratios),
            effect_kind=self.effect_kind,
            interval=self._interval(samples, alpha, alpha / comparisons),
            pvalue=pvalue,
            pvalue_against=against,
            n=n,
            detectable=None if required is None else _detectable_probability(required, n, joint_power(comparisons)),
            alpha=alpha,
            alpha_against=alpha / comparisons,
            reason="" if verdict.decided else reason,
            notes=tuple(notes),
            exact_pvalue=pvalue,
            label=self.describe(),
            detectable_unit="probability",
            measure=self.printed_measure,
            compares=self.arms,
            seed_effects=tuple(ratios),
            boundaries=(self.ratio,) if self.ratio != 1 else (),
        )

    def _outcomes(self, samples: Arrays) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which pairs show T_b > ratio · T_a, and which T_b < ratio · T_a; each ``(..., n)``."""
        a, b = self._values(samples, self.a), self._values(samples, self.b)
        earliest_a, earliest_b = np.maximum(a - self.grid, 0), np.maximum(b - self.grid, 0)
        sooner = np.isfinite(a) & (earliest_b > self.ratio * a)
        later = np.isfinite(b) & (b < self.ratio * earliest_a)
        if self.budgets is not None:
            sooner &= np.isfinite(b) | (self.ratio * a <= self.budgets[1])
            later &= np.isfinite(a) | (b <= self.ratio * self.budgets[0])
        return sooner, later

    def _interval(self, samples: Arrays, alpha: float, alpha_against: float) -> tuple[float, float]:
        """Bounds of the median of T_b / T_a by order statistics: the values that the sign test would not reject.

        Each ratio is known from a lowest to a highest possible value; the lower bound uses the lowest ones.
        """
        a, b = self._values(samples, self.a), self._values(samples, self.b)
        n = a.size
        budget_a, budget_b = self.budgets if self.budgets is not None else (math.inf, math.inf)
        lowest, highest = [], []
        for x, y in zip(a, b, strict=True):
            exact = math.isfinite(x) and math.isfinite(y) and not x == y == 0
            if exact:
                low = _quotient(max(float(y) - self.grid, 0.0), float(x))
                high = _quotient(float(y), max(float(x) - self.grid, 0.0))
            else:
                # A censored run took longer than its budget: the bound itself is not reached.
                low, high = 0.0, math.inf
                if math.isfinite(x) and math.isinf(y):
                    low = math.nextafter(_quotient(budget_b, float(x)), math.inf)
                elif math.isfinite(y) and math.isinf(x):
                    high = math.nextafter(_quotient(float(y), budget_a), 0.0)
            lowest.append(low)
            highest.append(high)
        low_rank, high_rank = _rank(n, alpha), _rank(n, alpha_against)
        low = 0.0 if low_rank is None else sorted(lowest)[low_rank]
        high = math.inf if high_rank is None else sorted(highest)[n - 1 - high_rank]
        return low, high


def sign_test(count: NDArray[np.int_], n: int) -> Array:
    """P(at least `count` of `n` fair coins): `scipy.stats.binomtest`, for many counts at once.

    >>> float(sign_test(np.array(5), 5))
    0.03125
    """
    if n == 0:
        return np.ones(np.shape(count))
    from scipy import stats

    return np.asarray(stats.binom.sf(np.asarray(count) - 1, n, 0.5), dtype=np.float64)


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


def _quotient(numerator: float, denominator: float) -> float:
    if denominator == 0:
        return math.inf if numerator > 0 else 1.0
    return numerator / denominator


def _rank(n: int, alpha: float) -> int | None:
    """Position from below of the order statistic that bounds the median at `alpha`, or ``None``.

    The lower bound exceeds a ratio exactly if more than n − 1 − rank of the values do, which the sign test rejects.
    """
    required = _required_pairs(n, alpha)
    return None if required is None else n - required


def _required_pairs(n: int, alpha: float) -> int | None:
    """How many of `n` pairs the sign test needs at that level, ``None`` where all of them are too few."""
    return next((k for k in range(n + 1) if float(sign_test(np.array(k), n)) < alpha), None)


def _detectable_probability(required: int, n: int, power: float) -> float:
    """The probability of a faster pair at which `required` of `n` pairs come with that power: a beta quantile."""
    from scipy import special

    return float(special.betaincinv(required, n - required + 1, power))
