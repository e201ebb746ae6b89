"""Collapsed runs in a comparison of two arms: how often they collapse and how good they are else are two questions.

A run that predicts (nearly) one class only is of another kind, and a t test on the mixture of both kinds is wrong in
up to half of cases. So the counts of collapsed runs go through Fisher's exact test, and the runs that converged through
a t test of their own (`two_part`).
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from math import comb

import numpy as np

from harness.relations.t_test import Array, Flags

OPPOSES = 0.05
"""Fewer collapsed runs do not decide against a t test of the others that shows the opposite at this level.

It is fixed, whatever the level of the look, so that the rule stays a p-value: who is opposed at one level is so at all.
"""


@cache
def fisher_table(n: int) -> Array:
    """P-values of Fisher's exact test that the first of two arms of `n` runs each collapses less often.

    Returns:
        ``(2n + 1, n + 1)`` by all collapsed runs and those of the first arm: P(at most as many in the first); 2, which
        nothing attains, where the counts are impossible.

    >>> round(float(fisher_table(5)[5, 0]), 4)
    0.004
    """
    table = np.full((2 * n + 1, n + 1), 2.0)
    for total in range(2 * n + 1):
        ways = [comb(n, first) * comb(n, total - first) if first <= total else 0 for first in range(n + 1)]
        cumulated = np.cumsum(np.array(ways, dtype=object))
        for first in range(max(0, total - n), min(n, total) + 1):
            table[total, first] = cumulated[first] / comb(2 * n, total)
    return table


def fewer(first: Array, second: Array, n: int) -> Array:
    """Fisher's exact one-sided p ``(...)`` that the first arm collapses less often, from collapsed runs of `n`."""
    return np.asarray(fisher_table(n)[_index(first + second), _index(first)])


def unlike(first: Array, second: Array, n: int) -> Array:
    """P ``(...)`` that the two arms collapse unequally often: twice the smaller one-sided p."""
    return np.asarray(np.minimum(1.0, 2 * np.minimum(fewer(first, second, n), fewer(second, first, n))))


def attained(pvalue: Array, total: Array, n: int, *, two_sided: bool = False) -> Array:
    """The largest p-value up to `pvalue` that Fisher's test can attain with so many collapsed runs; 0 if none."""
    table = fisher_table(n)
    if two_sided:
        table = _two_sided_table(n)
    row = table[_index(total)]
    return np.asarray(np.where(row <= pvalue[..., None], row, 0.0).max(axis=-1))


@cache
def _two_sided_table(n: int) -> Array:
    total, first = np.indices((2 * n + 1, n + 1))
    possible = (first <= total) & (total - first <= n)
    other = np.where(possible, total - first, 0)
    one = np.where(possible, fisher_table(n), 1.0)
    two = np.minimum(1.0, 2 * np.minimum(one, fisher_table(n)[total, other]))
    return np.asarray(np.where(possible, two, 2.0))


def _index(counts: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.asarray(counts, dtype=np.int64)


def mostly(first: Array, second: Array, n: int) -> Flags:
    """Whether more than half of the runs of both arms collapsed, so that nothing was compared."""
    return np.asarray((2 * first > n) & (2 * second > n))


def two_part(pvalue: Array, opposite: Array, favoured: Array, other: Array, n: int) -> Array:
    """P for "the favoured arm is better": it collapses less often, or is better among the runs that converged.

    Fisher's exact test f on the counts takes half of any level. The t test among converged runs takes what Fisher's
    test, which is discrete, leaves: it decides at level L iff ``pvalue + attained(pvalue) < L``, which implies
    ``pvalue < L − s`` with the attainable size s ≤ L / 2 of ``2 f < L``. Both together err in at most L of samples of
    two arms of one law, since the t test's error holds for whichever runs collapsed. It decides only where the favoured
    arm collapsed no more often, and Fisher's test only where the t test does not show the opposite (`OPPOSES`).
    Without collapsed runs this is the t test.

    Args:
        pvalue: Of the t test among converged runs, ``(...)``.
        opposite: Its p for the opposite.
        favoured: Collapsed runs of the arm that is claimed to be better.
        other: Collapsed runs of the other arm.
        n: Runs of each arm.
    """
    by_t = np.where(favoured <= other, pvalue + attained(pvalue, favoured + other, n), 1.0)
    by_counts = np.where(opposite < OPPOSES, 1.0, 2 * fewer(favoured, other, n))
    return np.asarray(np.where(mostly(favoured, other, n), 1.0, np.minimum(1.0, np.minimum(by_t, by_counts))))


def t_level(level: float, total: int, n: int, *, two_sided: bool = False) -> float:
    """The level at which the t test among converged runs decides where `total` of the two arms' runs collapsed."""
    if not total:
        return level
    row = (_two_sided_table(n) if two_sided else fisher_table(n))[total]
    sizes = [0.0, *sorted(float(size) for size in row if size <= 1), 2.0]
    return max(min(after, level - size) for size, after in pairwise(sizes) if size < level)
