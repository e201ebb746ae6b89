"""How a verdict hangs on its seeds: what it would be without each of them, and with how many it would be decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.relations.decision import Verdict, verdict_of
from harness.relations.t_test import LEAST_SEEDS, Array

if TYPE_CHECKING:
    from harness.relations.relation import Arrays, Relation, SampleKey

MOST_SEEDS = 40
"""Nobody trains more seeds than this for one claim."""

SIMULATIONS = 200
"""The standard error at a probability of .8 is .03."""

POWER = 0.8
"""The probability of a verdict at which the number of seeds is stated."""


def verdicts_without(relation: Relation, samples: Arrays, alpha: float) -> tuple[Verdict, ...]:
    """The verdict without each seed in turn.

    Args:
        relation: What the claim says.
        samples: Arrays ``(n,)`` by key.
        alpha: One-sided level of the decision.

    Returns:
        One verdict for each position; none with so few seeds that none can be spared.
    """
    n = min(values.size for values in samples.values())
    if n <= least_seeds(relation):
        return ()
    kept = np.array([[j for j in range(n) if j != i] for i in range(n)])
    pvalue, against = relation.pvalues({key: values[kept] for key, values in samples.items()})
    return tuple(verdict_of(float(p), float(q), alpha) for p, q in zip(pvalue, against, strict=True))


def least_seeds(relation: Relation) -> int:
    """With fewer seeds than this a relation, or one of its parts, decides nothing."""
    parts: tuple[Relation, ...] = getattr(relation, "comparisons", tuple)()
    return max(int(getattr(relation, "least", LEAST_SEEDS)), *map(least_seeds, parts), 0)


def seeds_needed(relation: Relation, samples: Arrays, alpha: float) -> int | None:
    """About how many seeds would decide with probability .8, if the effect and the spread seen are the true ones.

    Seeds are simulated: values from the normal distribution with the observed means and covariances, and whole observed
    seeds where there are times or collapsed runs.

    Args:
        relation: What the claim says.
        samples: Arrays ``(n,)`` by key.
        alpha: One-sided level of the decision.

    Returns:
        ``None`` for more than `MOST_SEEDS`, and with fewer than 3 seeds, which say nothing about spread.
    """
    n = min(values.size for values in samples.values())
    if n < LEAST_SEEDS:
        return None
    futures = _like(relation, samples, n, np.random.default_rng(0))

    def decides(seeds: int) -> bool:
        pvalue, against = relation.pvalues({key: values[:, :seeds] for key, values in futures.items()})
        return bool(((pvalue < alpha) | (against < alpha)).mean() >= POWER)

    if not decides(MOST_SEEDS):
        return None
    few, enough = LEAST_SEEDS - 1, MOST_SEEDS
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if decides(middle) else (middle, enough)
    return enough


def _like(relation: Relation, samples: Arrays, n: int, rng: np.random.Generator) -> dict[SampleKey, Array]:
    """Seeds like those seen, ``(SIMULATIONS, MOST_SEEDS)`` by key."""
    observed = np.stack(list(samples.values()))
    if relation.time_keys or len(samples) > len(relation.keys):
        drawn = np.moveaxis(observed[:, rng.integers(n, size=(SIMULATIONS, MOST_SEEDS))], 0, 1)
    else:
        mean = observed.mean(axis=-1, keepdims=True)
        root = (observed - mean) / np.sqrt(n - 1)  # root root' = covariance
        drawn = mean + root @ rng.standard_normal((SIMULATIONS, n, MOST_SEEDS))
    return {key: drawn[:, k] for k, key in enumerate(samples)}
