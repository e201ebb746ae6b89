"""One-sided paired t: p-values over many samples at once, bounds, power, and what stands beside it.

All functions take the differences of seeds, so "paired" is already in their argument. Each SciPy submodule is
imported where it is used: collecting claims must not pay for ``scipy.stats`` (1.1–1.7 s).
"""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAST_SEEDS = 3
"""Fewer paired seeds than this never decide (DECISIONS.md, Verdicts)."""

POWER = 0.8
"""The power at which `Decision.detectable` is stated."""

# A spread below this share of the values is rounding, not spread: 0.3 + 0.1 and 0.7 + 0.1 already differ by 1e-16.
NO_SPREAD = 1e-12


def paired_differences(first: Array, second: Array) -> tuple[Array, Array]:
    """Paired differences and their scale.

    Args:
        first: Values ``(..., n)``.
        second: Values of the same seeds, ``(..., n)``.

    Returns:
        ``first - second``, ``(..., n)``, and the largest absolute value that entered, ``(...)``; 0 without seeds.
    """
    scale = np.maximum(np.abs(first).max(axis=-1, initial=0.0), np.abs(second).max(axis=-1, initial=0.0))
    return first - second, np.asarray(scale)


def varies(differences: Array, scale: Array) -> NDArray[np.bool_]:
    """Whether a t test applies: at least three differences with a spread beyond rounding.

    Args:
        differences: ``(..., n)``.
        scale: ``(...)``, the largest absolute value that entered the differences, in the same units.

    Returns:
        ``(...)``.
    """
    if differences.shape[-1] < LEAST_SEEDS:
        return np.zeros(differences.shape[:-1], dtype=np.bool_)
    spread = differences.max(axis=-1) - differences.min(axis=-1)
    return np.asarray(spread > NO_SPREAD * scale, dtype=np.bool_)


def one_sided(differences: Array, boundary: float, scale: Array) -> tuple[Array, Array]:
    """P-values for "the mean is above `boundary`" and for "it is below", by `scipy.stats.ttest_1samp`.

    Args:
        differences: ``(..., n)`` paired differences.
        boundary: What the mean is compared with, in the units of the measure.
        scale: ``(...)``, see `varies`.

    Returns:
        Two arrays ``(...)``; both 1 where no test applies (fewer than 3 seeds, no spread).

    >>> above, below = one_sided(np.array([0.1, 0.2, 0.3]), 0.0, np.array(1.0))
    >>> round(float(above), 4), round(float(below), 4)
    (0.0371, 0.9629)
    """
    applies = varies(differences, scale)
    above, below = np.ones(applies.shape), np.ones(applies.shape)
    if not applies.any():
        return above, below
    from scipy import special, stats

    with warnings.catch_warnings():  # of no spread, which `applies` handles
        warnings.simplefilter("ignore", RuntimeWarning)
        test = stats.ttest_1samp(differences, boundary, axis=-1, alternative="greater")
    above = np.where(applies, test.pvalue, 1.0)
    below = np.where(applies, special.stdtr(differences.shape[-1] - 1, test.statistic), 1.0)
    return above, below


def bounds(differences: Array, alpha_low: float, alpha_high: float) -> tuple[float, float]:
    """Lower bound of level ``1 - alpha_low`` and upper bound of level ``1 - alpha_high`` of the mean.

    Args:
        differences: ``(n,)``, n of at least 2.
        alpha_low: One-sided level of the lower bound, in (0, 1).
        alpha_high: One-sided level of the upper bound, in (0, 1).

    >>> [round(bound, 4) for bound in bounds(np.array([0.1, 0.2, 0.3]), 0.05, 0.05)]
    [0.0314, 0.3686]
    """
    from scipy import special

    n = differences.size
    mean, error = float(differences.mean()), float(differences.std(ddof=1)) / math.sqrt(n)
    low = mean + float(special.stdtrit(n - 1, alpha_low)) * error
    return low, mean - float(special.stdtrit(n - 1, alpha_high)) * error


def joint_power(comparisons: float) -> float:
    """The power of each of several comparisons with which all of them are shown in 80% of cases at least.

    >>> round(joint_power(1), 3), round(joint_power(4), 3)
    (0.8, 0.95)
    """
    return 1 - (1 - POWER) / comparisons


def detectable(differences: Array, alpha: float, power: float = POWER) -> float | None:
    """The distance from the boundary that a one-sided t test of these n seeds shows with probability `power`.

    The noncentrality whose noncentral t exceeds the critical value with that probability, times sd / √n: what
    `statsmodels.stats.power.TTestPower.solve_power` finds, without importing statsmodels (2.3 s).

    Args:
        differences: ``(n,)``; only their spread is used.
        alpha: One-sided level.
        power: In (0, 1).

    Returns:
        In the units of the measure, ``None`` with fewer than 3 seeds.
    """
    n = differences.size
    if n < LEAST_SEEDS:
        return None
    from scipy import special

    critical = special.stdtrit(n - 1, 1 - alpha)
    shift = float(special.nctdtrinc(n - 1, 1 - power, critical))
    return shift * float(differences.std(ddof=1)) / math.sqrt(n)


def sign_flip(differences: Array, boundary: float) -> float | None:
    """Exact p for "above `boundary`" by flipping the signs of the differences, if they are symmetric.

    `scipy.stats.permutation_test`, exact up to n = 12 (4096 flips), else 9999 random flips with a fixed seed.
    The smallest possible value is 2⁻ⁿ, so it cannot go below .05 before n = 5.

    >>> sign_flip(np.array([0.1, 0.2, 0.3, 0.4, 0.5]), 0.0)
    0.03125
    """
    if differences.size < 2:
        return None
    from scipy import stats

    def mean(sample: Array, axis: int) -> Array:
        return np.asarray(sample.mean(axis=axis))

    resamples: float = math.inf if differences.size <= 12 else 9999
    test = stats.permutation_test(
        (differences - boundary,), mean, permutation_type="samples", vectorized=True, n_resamples=resamples,
        alternative="greater", rng=np.random.default_rng(0),
    )  # fmt: skip
    return float(test.pvalue)


def skewness_note(differences: Array, scale: float) -> str | None:
    """A warning where differences look skewed, since a one-sided t then errs too often.

    Flagged where the adjusted skewness G1 (`scipy.stats.skew`) exceeds 1.5 of its standard errors under normality.
    Measured: 15%, 13% and 13% of normal samples at n = 5, 10 and 20, and 31%, 54% and 84% of exponential ones. At few
    seeds no flag means little.
    """
    n = differences.size
    if n < 4 or not bool(varies(differences, np.asarray(scale))):
        return None
    from scipy import stats

    skewness = float(stats.skew(differences, bias=False))
    error = math.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3)))
    if abs(skewness) <= 1.5 * error:
        return None
    return f"differences look skewed (skewness {skewness:.1f}): a one-sided t errs up to .17 instead of .05"
