"""The exact two-sample rank test of Wilcoxon, Mann and Whitney on a number of wins, and its power.

U counts the pairs, one run of `a` and one of `b`, in which the run of `a` comes first. Nothing here imports SciPy
before a number is asked for that needs it.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np

from harness.relations.t_test import POWER, Array


@cache
def null_tail(n_a: int, n_b: int) -> Array:
    """P(U ≥ u) for u = 0, …, n_a · n_b + 1 where both arms have the same law without ties; exact.

    The number of orders with u wins is a coefficient of the Gaussian binomial (n_a + n_b over n_a), which the loop
    builds factor by factor in whole numbers. `scipy.stats.mannwhitneyu(method="exact")` takes samples instead of U.

    >>> null_tail(3, 3)[-2:].tolist(), round(float(null_tail(4, 4)[16]), 4)
    ([0.05, 0.0], 0.0143)
    """
    counts = [1] + [0] * (n_a * n_b)
    for i in range(1, n_a + 1):  # times (1 − q^(n_b + i)) / (1 − q^i)
        for u in range(len(counts) - 1, n_b + i - 1, -1):
            counts[u] -= counts[u - n_b - i]
        for u in range(i, len(counts)):
            counts[u] += counts[u - i]
    tail, below, orders = [], 0, comb(n_a + n_b, n_a)
    for count in (*counts, 0):
        tail.append((orders - below) / orders)
        below += count
    table = np.array(tail)
    table.flags.writeable = False  # the cache hands out this very array
    return table


def smallest_pvalue(n: int) -> float:
    """The p-value where every run of one arm comes before every run of the other, `n` runs an arm.

    >>> [round(smallest_pvalue(n), 4) for n in (3, 4, 5)]
    [0.05, 0.0143, 0.004]
    """
    return 1 / comb(2 * n, n)


def required_wins(n: int, alpha: float) -> int | None:
    """The smallest U of `n` runs an arm whose p-value is below `alpha`; ``None`` where every U is too small."""
    passing = np.flatnonzero(null_tail(n, n)[:-1] < alpha)
    return int(passing[0]) if passing.size else None


@cache
def power(n: int, required: int, faster: float) -> float:
    """P(U ≥ required) of `n` runs an arm, where a run of `a` comes before one of `b` with probability `faster`.

    For proportional hazards (exponential times, or any monotone transformation of them), where that probability says
    all: with k runs of `a` and m of `b` still on their way, the next to arrive is one of `a` with probability
    h k / (h k + m), h = faster / (1 − faster), and wins over m runs. With h = 1 this is the null distribution.

    >>> bool(np.isclose(power(4, 16, 0.5), null_tail(4, 4)[16]))
    True
    """
    if faster == 1:
        return 1.0
    hazard, size = faster / (1 - faster), n * n + 1
    nothing = np.zeros(size)
    nothing[0] = 1.0
    without = [nothing] * (n + 1)  # the law of the wins to come, by m, with one run of `a` fewer
    for k in range(1, n + 1):
        row = [nothing]
        for m in range(1, n + 1):
            first = hazard * k / (hazard * k + m)
            won = np.concatenate([np.zeros(m), without[m][:-m]])
            row.append(first * won + (1 - first) * row[m - 1])
        without = row
    return float(without[n][required:].sum())


@cache
def detectable_probability(n: int, alpha: float, wanted: float = POWER) -> float | None:
    """How often a run of `a` must come before one of `b` for `n` runs an arm to show it with power `wanted`.

    Returns:
        That probability under proportional hazards, see `power`; ``None`` where no U is small enough at this level.
    """
    required = required_wins(n, alpha)
    if required is None:
        return None
    from scipy import optimize

    return float(optimize.brentq(lambda faster: power(n, required, faster) - wanted, 0.5, 1.0, xtol=1e-6))
