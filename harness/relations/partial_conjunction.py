"""Partial conjunctions: at least so many of several hypotheses hold, and how many are shown to.

Benjamini and Heller 2008, *Biometrics* 64:1215. The tests hold however the hypotheses depend on each other.
"""

from __future__ import annotations

import numpy as np

from harness.relations.t_test import Array


def partial_conjunctions(pvalues: Array) -> Array:
    """P-values for "at least u of these N hypotheses hold", u = 1, …, N, each on its own; for many families at once.

    Args:
        pvalues: ``(..., N)``, however dependent.

    Returns:
        (N − u + 1) · p₍ᵤ₎, at most 1, ``(..., N)``. Their running maximum is Holm's adjusted p-value.

    >>> partial_conjunctions(np.array([0.03, 0.01, 0.02])).round(3).tolist()
    [0.03, 0.04, 0.03]
    """
    ascending = np.sort(pvalues, axis=-1)
    return np.asarray(np.minimum(1.0, ascending * np.arange(pvalues.shape[-1], 0, -1)))


def shown(pvalues: Array, required: int, alpha: float) -> int:
    """How many of these hypotheses are shown to hold, for the bounds of τ.

    The number that the claim needs is tested first, on its own, and more of them one after the other. Where not even
    those are shown, Holm counts from one.

    Args:
        pvalues: ``(N,)``.
        required: The number that the claim needs, from 1 to N.
        alpha: One-sided level.

    >>> shown(np.array([0.014] * 6), 4, 0.05), shown(np.array([0.001] * 3 + [0.9] * 3), 4, 0.05)
    (6, 3)
    """
    steps = partial_conjunctions(pvalues)
    onwards = np.maximum.accumulate(steps[required - 1 :]) < alpha
    if onwards[0]:
        return required - 1 + int(onwards.sum())
    return int((np.maximum.accumulate(steps) < alpha).sum())
