"""Printed rank correlations, against those of the table's own columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from ci.audit.finding import Finding, sources_of
from harness.papers import Correlation, Figure, Table


class RankTest(NamedTuple):
    """Spearman's rho with its p by all permutations, and with the t approximation of ``scipy.stats.spearmanr``."""

    rho: float
    one_sided: float
    two_sided: float
    approximate: float


def rank_test(x: Sequence[float], y: Sequence[float]) -> RankTest:
    """Spearman's rho of a few pairs.

    The exact p is that of ``scipy.stats.permutation_test``: without ties, rho = 1 of k pairs has a one-sided p of
    1 / k!.
    """

    def rho(order: object) -> float:
        return float(stats.spearmanr(order, y).statistic)

    def pvalue(alternative: str) -> float:
        options = {"permutation_type": "pairings", "vectorized": False, "n_resamples": np.inf}
        return float(stats.permutation_test((x,), rho, alternative=alternative, **options).pvalue)

    approximate = stats.spearmanr(x, y)
    return RankTest(float(approximate.statistic), pvalue("greater"), pvalue("two-sided"), float(approximate.pvalue))


def rank_findings(table: Table, printed: Correlation) -> Iterator[Finding]:
    """A printed rho or p that the table's columns do not give."""
    x, y = ([row.figures[name].value for row in table.rows] for name in (printed.x, printed.y))
    test = rank_test(x, y)
    exact = _equals(printed.pvalue, test.one_sided) or _equals(printed.pvalue, test.two_sided)
    if exact and _equals(printed.rho, test.rho):
        return
    name = f"{printed.x} against {printed.y}"
    reason = ", the t approximation" if _equals(printed.pvalue, test.approximate) else ""
    yield Finding(
        table.id,
        name,
        "rank-correlation",
        f"Table {table.id}, {name}: rho is {test.rho:.3f} over {len(x)} models, with an exact p of "
        f"{test.two_sided:.3f} two-sided and {test.one_sided:.3f} one-sided, but the paper prints a rho of "
        f"{printed.rho.text} and a p of {printed.pvalue.text}{reason}.",
        f"rho {test.rho:.3f} and p {test.two_sided:.3f}",
        sources_of(row.figures[column] for row in table.rows for column in (printed.x, printed.y)),
    )


def _equals(printed: Figure, value: float) -> bool:
    """Whether a value rounds to a printed figure; one without decimals (``1``, ``0``) is meant to three of them."""
    tolerance = printed.half_width + 1e-9 if "." in printed.text else 0.0005
    return abs(printed.value - value) <= tolerance
