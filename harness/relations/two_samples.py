"""What stands beside Welch's t test of two samples: wins over pairs of runs, and an exact test."""

from __future__ import annotations

import math

import numpy as np

from harness.relations.t_test import Array


def wins(first: Array, second: Array, boundary: float, *, paired: bool) -> tuple[int, int]:
    """How often the first of two samples exceeds the second by more than `boundary`, and of how many comparisons.

    Args:
        first: Values ``(n,)``; NaN does not count.
        second: Values ``(n,)``, likewise.
        boundary: In the units of the measure.
        paired: Compare seed by seed; else every run with every run.

    >>> wins(np.array([1.0, 2.0]), np.array([0.0, 3.0]), 0.0, paired=True)
    (1, 2)
    >>> wins(np.array([1.0, 2.0]), np.array([0.0, 3.0]), 0.0, paired=False)
    (2, 4)
    """
    difference = first - second if paired else (first[:, None] - second[None, :]).ravel()
    difference = difference[~np.isnan(difference)]
    return int((difference > boundary).sum()), difference.size


def permutation(first: Array, second: Array) -> float | None:
    """Exact p for "the mean of `first` is above that of `second`" by permuting runs between the arms.

    `scipy.stats.permutation_test`: exact up to 8 runs an arm (12 870 permutations), else 9999 random ones with a fixed
    seed. The smallest possible value is n! n! / (2n)!, so that it cannot go below .05 before n = 4.

    >>> round(permutation(np.array([4.0, 5.0, 6.0, 7.0]), np.array([0.0, 1.0, 2.0, 3.0])), 4)
    0.0143
    """
    if min(first.size, second.size) < 2:
        return None
    from scipy import stats

    def difference(one: Array, other: Array, axis: int) -> Array:
        return np.asarray(one.mean(axis=axis) - other.mean(axis=axis))

    resamples: float = math.inf if math.comb(first.size + second.size, first.size) <= 12870 else 9999
    test = stats.permutation_test(
        (first, second), difference, vectorized=True, n_resamples=resamples, alternative="greater",
        rng=np.random.default_rng(0),
    )  # fmt: skip
    return float(test.pvalue)
