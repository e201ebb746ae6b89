"""The spread of a pooled metric over seeds × test subjects, a design of two crossed samples.

Deleting one subject at a time gives each seed one pseudo-value for each subject; the variance components of that table
give the standard error of its mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.relations.paired_t import Array

CountsMetric = Callable[[NDArray[Any]], Array]
"""A metric of pooled confusion counts: ``(..., C, C)`` to ``(...)``."""


@dataclass(frozen=True)
class Components:
    """Where the spread of a table seeds × subjects comes from; each field is an array ``(...)``.

    Attributes:
        error: Standard error of the table's mean.
        df: Satterthwaite's degrees of freedom of it.
        seeds, subjects, rest: Variance components: of seeds, of subjects, and of one seed on one subject.
        test_share: Which share of the squared standard error more seeds would not remove, in [0, 1].
    """

    error: Array
    df: Array
    seeds: Array
    subjects: Array
    rest: Array
    test_share: Array


def by_subject(counts: NDArray[Any], place: NDArray[np.intp], subjects: int) -> NDArray[Any]:
    """Counts ``(S, N, C, C)`` of images summed to ``(S, J, C, C)``; `place` ``(N,)`` holds all of 0 … J − 1."""
    order = np.argsort(place, kind="stable")
    first = np.searchsorted(place[order], np.arange(subjects))
    return np.asarray(np.add.reduceat(counts[:, order], first, axis=1))


def weights(*arms: NDArray[Any]) -> Array:
    """Each subject's share of the true foreground pixels (every class but 0), mean over arms.

    Args:
        arms: Counts ``(..., S, J, C, C)``.

    Returns:
        ``(..., J)`` with a sum of 1; all 0 where there is no foreground.
    """
    shares = []
    for counts in arms:
        foreground = counts[..., 1:, :].sum((-4, -2, -1)).astype(np.float64)
        shares.append(foreground / np.maximum(1, foreground.sum(-1, keepdims=True)))
    return np.asarray(np.mean(shares, axis=0))


def pseudo_values(a: NDArray[Any], b: NDArray[Any] | None, value: CountsMetric) -> tuple[Array, Array]:
    """Differences by seed, and their jackknife pseudo-values by seed and subject.

    Args:
        a: Counts of the first arm by seed and subject, ``(..., S, J, C, C)``.
        b: Counts of the second; ``None``: the values of `a` alone.
        value: A metric of pooled counts.

    Returns:
        ``(..., S)`` and ``(..., S, J)``: J times the difference less J − 1 times the one without that subject.
    """
    subjects = a.shape[-3]
    differences, pseudo = np.zeros(a.shape[:-3]), np.zeros(a.shape[:-2])
    for sign, counts in ((1, a), (-1, b)):
        if counts is None:
            continue
        total = counts.sum(-3)
        with np.errstate(invalid="ignore", divide="ignore"):
            whole, without = value(total), value(total[..., None, :, :] - counts)
        differences = differences + sign * whole
        pseudo = pseudo + sign * (subjects * whole[..., None] - (subjects - 1) * without)
    return differences, pseudo


def components(table: Array, share: Array) -> Components:
    """Standard error and degrees of freedom of the mean of a table whose rows and columns are both sampled.

    Args:
        table: ``(..., S, J)``, each at least 2.
        share: Weights of the columns, ``(..., J)`` with a sum of 1; equal ones give J − 1 degrees of freedom.
    """
    seeds, subjects = table.shape[-2:]
    rows, columns, mean = table.mean(-1), table.mean(-2), table.mean((-2, -1))
    rest = table - rows[..., :, None] - columns[..., None, :] + mean[..., None, None]
    by_seed, by_column = subjects * rows.var(-1, ddof=1), seeds * columns.var(-1, ddof=1)
    by_rest = np.square(rest).sum((-2, -1)) / ((seeds - 1) * (subjects - 1))
    square = np.maximum(by_seed + by_column - by_rest, np.maximum(by_seed, by_column))
    # One subject with nearly all the foreground would give less than 1, and an interval of any width (up to 10²⁴).
    effective = np.maximum(1.0, 1 / np.square(share).sum(-1) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        df = square**2 / (by_seed**2 / (seeds - 1) + by_column**2 / effective + by_rest**2 / ((seeds - 1) * effective))
        part = np.where(square > 0, np.maximum(0, by_column - by_rest) / square, 0.0)
    least = np.minimum(seeds - 1, effective)
    return Components(
        error=np.sqrt(square / (seeds * subjects)),
        df=np.where(np.isfinite(df), np.maximum(df, least), least),
        seeds=np.maximum(0, by_seed - by_rest) / subjects,
        subjects=np.maximum(0, by_column - by_rest) / seeds,
        rest=by_rest,
        test_share=np.minimum(1, part),
    )


def half_widths(differences: Array, spread: Components, level: float) -> tuple[Array, Array]:
    """Half the width of the two-level and of the seed interval.

    A second source of spread never narrows the interval: where Satterthwaite's degrees of freedom would (3 seeds and
    20 subjects: .9 times the seed interval, coverage .88), the seeds' half width is taken.

    Args:
        differences: Differences by seed, ``(..., S)``.
        spread: Components of their pseudo-values.
        level: The two-sided level.
    """
    from scipy import special

    seeds, upper = differences.shape[-1], (1 + level) / 2
    alone = special.stdtrit(seeds - 1, upper) * differences.std(-1, ddof=1) / math.sqrt(seeds)
    return np.maximum(special.stdtrit(spread.df, upper) * spread.error, alone), alone
