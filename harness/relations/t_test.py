"""One-sided t tests of a mean difference, of pairs or of two samples: p-values of many samples at once, bounds, power.

NaN marks a value that does not count, that of a collapsed run. Each SciPy submodule is imported where it is used:
collecting claims must not pay for ``scipy.stats`` (1.1–1.7 s).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAST_SEEDS = 3
"""Fewer seeds than this never decide (DECISIONS.md, Verdicts)."""

POWER = 0.8
"""The power at which `Decision.detectable` is stated."""

# A spread below this share of the values is rounding, not spread: 0.3 + 0.1 and 0.7 + 0.1 already differ by 1e-16.
NO_SPREAD = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A mean difference with its standard error.

    Attributes:
        effect: The mean difference ``(...)``.
        error: Its standard error.
        df: Degrees of freedom.
        n: Values that count: pairs, or runs of the arm that has fewer.
        scale: The largest absolute value that entered, in the same units.
        spread: Whether the values differ by more than rounding.
    """

    effect: Array
    error: Array
    df: Array
    n: Array
    scale: Array
    spread: Flags

    @property
    def applies(self) -> Flags:
        """Whether a t test applies: at least three values with a spread."""
        return np.asarray(self.spread & (self.n >= LEAST_SEEDS), dtype=np.bool_)


def of_differences(differences: Array, scale: Array) -> Estimate:
    """The mean of paired differences.

    Args:
        differences: ``(..., n)``; NaN where the pair does not count.
        scale: ``(...)``, the largest absolute value that entered the differences.
    """
    n, mean, variance, spread = _moments(differences)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(variance / n)
    return Estimate(mean, error, n - 1, n, scale, np.asarray(spread > NO_SPREAD * scale))


def of_two_samples(first: Array, second: Array) -> Estimate:
    """The difference of two means, with Welch's degrees of freedom.

    Args:
        first: ``(..., n)``; NaN where the run does not count.
        second: ``(..., n)``, likewise.
    """
    n_first, mean_first, variance_first, spread_first = _moments(first)
    n_second, mean_second, variance_second, spread_second = _moments(second)
    scale = np.maximum(largest(first), largest(second))
    with np.errstate(divide="ignore", invalid="ignore"):
        part_first, part_second = variance_first / n_first, variance_second / n_second
        squared = part_first + part_second
        df = squared**2 / (part_first**2 / (n_first - 1) + part_second**2 / (n_second - 1))
        error = np.sqrt(squared)
    spread = np.maximum(spread_first, spread_second) > NO_SPREAD * scale
    return Estimate(mean_first - mean_second, error, df, np.minimum(n_first, n_second), scale, np.asarray(spread))


def largest(values: Array) -> Array:
    """The largest absolute value ``(...)`` that counts; 0 without any."""
    return np.asarray(np.where(np.isnan(values), 0.0, np.abs(values)).max(axis=-1, initial=0.0))


def _moments(values: Array) -> tuple[Array, Array, Array, Array]:
    """Number, mean, variance and range of the values that count."""
    counts = ~np.isnan(values)
    n = counts.sum(axis=-1).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(counts, values, 0.0).sum(axis=-1) / n
        variance = np.where(counts, values - mean[..., None], 0.0)
        variance = (variance**2).sum(axis=-1) / (n - 1)
        high = np.where(counts, values, -np.inf).max(axis=-1, initial=-np.inf)
        low = np.where(counts, values, np.inf).min(axis=-1, initial=np.inf)
    return n, np.asarray(mean), np.asarray(variance), np.asarray(np.where(n > 0, high - low, 0.0))


def one_sided(estimate: Estimate, boundary: float) -> tuple[Array, Array]:
    """P-values for "the mean is above `boundary`" and for "it is below".

    Without any spread the t test has nothing to divide by, and the exact sign test of the n values decides: 2⁻ⁿ where
    they lie beyond the boundary.

    Args:
        estimate: Of many samples, ``(...)``.
        boundary: What the mean is compared with, in the units of the measure.

    Returns:
        Two arrays ``(...)``; both 1 with fewer than 3 values.

    >>> above, below = one_sided(of_differences(np.array([0.1, 0.2, 0.3]), np.array(1.0)), 0.0)
    >>> round(float(above), 4), round(float(below), 4)
    (0.0371, 0.9629)
    """
    from scipy import special

    distance = estimate.effect - boundary
    tests, constant = estimate.applies, ~estimate.spread & (estimate.n >= LEAST_SEEDS)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(tests, distance / np.where(tests, estimate.error, 1.0), 0.0)
        df = np.where(tests, estimate.df, 1.0)
        rounding = NO_SPREAD * np.maximum(estimate.scale, abs(boundary))
        sign = 0.5**estimate.n
        above = np.where(constant & (distance > rounding), sign, 1.0)
        below = np.where(constant & (distance < -rounding), sign, 1.0)
    tail = special.stdtr(df, -np.abs(statistic))  # the simulations spend most of their time here: once, not twice
    above = np.where(tests, np.where(statistic > 0, tail, 1 - tail), above)
    return np.asarray(above), np.asarray(np.where(tests, np.where(statistic > 0, 1 - tail, tail), below))


def bounds(estimate: Estimate, alpha_low: float, alpha_high: float) -> tuple[float, float]:
    """Lower bound of level ``1 - alpha_low`` and upper bound of level ``1 - alpha_high`` of the mean.

    Args:
        estimate: Of a single sample.
        alpha_low: One-sided level of the lower bound, in (0, 1).
        alpha_high: One-sided level of the upper bound, in (0, 1).

    >>> [round(bound, 4) for bound in bounds(of_differences(np.array([0.1, 0.2, 0.3]), np.array(1.0)), 0.05, 0.05)]
    [0.0314, 0.3686]
    """
    from scipy import special

    mean, error, df = float(estimate.effect), float(estimate.error), float(estimate.df)
    low = mean + float(special.stdtrit(df, alpha_low)) * error
    return low, mean - float(special.stdtrit(df, alpha_high)) * error


def joint_power(comparisons: float) -> float:
    """The power of each of several comparisons with which all of them are shown in 80% of cases at least.

    >>> round(joint_power(1), 3), round(joint_power(4), 3)
    (0.8, 0.95)
    """
    return 1 - (1 - POWER) / comparisons


def detectable(estimate: Estimate, alpha: float, power: float = POWER) -> float | None:
    """The distance from the boundary that a one-sided t test of as many seeds shows with probability `power`.

    The noncentrality whose noncentral t exceeds the critical value with that probability, times the standard error:
    what `statsmodels.stats.power.TTestPower.solve_power` finds, without importing statsmodels (2.3 s).

    Args:
        estimate: Of a single sample; only its error and degrees of freedom are used.
        alpha: One-sided level.
        power: In (0, 1).

    Returns:
        In the units of the measure, ``None`` with fewer than 3 seeds.
    """
    if float(estimate.n) < LEAST_SEEDS:
        return None
    from scipy import special

    df = float(estimate.df)
    critical = special.stdtrit(df, 1 - alpha)
    return float(special.nctdtrinc(df, 1 - power, critical)) * float(estimate.error)
