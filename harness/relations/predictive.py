"""Predictive probabilities of the two verdicts at the last look."""

from __future__ import annotations

import math

import numpy as np

from harness.relations.paired_t import LEAST_SEEDS, Array
from harness.relations.relation import Arrays, Relation, SampleKey

SIMULATIONS = 2000
"""The standard error at a probability of .15 is .008."""


def predictive_probabilities(
    relation: Relation, samples: Arrays, n_final: int, level: float, *, simulations: int = SIMULATIONS, seed: int = 0
) -> tuple[float, float] | None:
    """Probabilities that the relation is SUPPORTED and REFUTED at `n_final` seeds, from the seeds so far.

    `draw_values` draws the seeds to come jointly for all arms; `draw_times` draws whole seeds of those seen where there
    are times, where ``inf`` means never, or collapsed runs.

    Args:
        relation: What the claim says.
        samples: Values ``(n,)`` by key, without NaN.
        n_final: Seeds at the last look, more than n.
        level: The level of the last look.
        simulations: Number of futures.
        seed: Seed of the generator, so that the same seeds always end the same way.

    Returns:
        The two probabilities, or ``None`` with fewer than 3 seeds, which say nothing about spread.
    """
    keys, time_keys = relation.keys, relation.time_keys
    n = samples[keys[0]].size
    if n < LEAST_SEEDS:
        return None
    rng = np.random.default_rng(seed)
    mixed = len(samples) > len(keys)  # collapsed runs are of another kind, and no t predictive draws them
    times = list(samples) if mixed else [key for key in keys if key in time_keys]
    values = [] if mixed else [key for key in keys if key not in time_keys]
    futures: dict[SampleKey, Array] = {}
    for group, draw in ((values, draw_values), (times, draw_times)):
        if group:
            observed = np.stack([samples[key] for key in group])
            drawn = draw(observed, n_final - n, simulations, rng)
            past = np.broadcast_to(observed, (simulations, *observed.shape))
            whole = np.concatenate([past, drawn], axis=-1)
            futures.update({key: whole[:, k] for k, key in enumerate(group)})
    pvalue, against = relation.pvalues(futures)
    return float((pvalue < level).mean()), float((against < level).mean())


def draw_values(observed: Array, n_new: int, simulations: int, rng: np.random.Generator) -> Array:
    """Draw future seeds of all arms jointly from a multivariate t predictive.

    x = m + L z, m = mean + L z₀ / √n, where L L' is the observed covariance (also where it is singular, as with 4 seeds
    of 7 arms) scaled by (n − 1) / χ²ₙ₋₁, one draw a simulation. For the difference of any two arms this is the
    predictive distribution under the reference prior (Gelman et al., *Bayesian Data Analysis*, 3rd ed., 3.2).

    Args:
        observed: ``(arms, n)``, n of at least 2.
        n_new: Seeds to draw.
        simulations: Number of futures.
        rng: The generator.

    Returns:
        ``(simulations, arms, n_new)``.
    """
    n = observed.shape[-1]
    root = (observed - observed.mean(axis=-1, keepdims=True)) / math.sqrt(n - 1)  # (arms, n), root root' = covariance
    spread = np.sqrt((n - 1) / rng.chisquare(n - 1, size=simulations))[:, None, None]
    centre = rng.standard_normal((simulations, n, 1)) / math.sqrt(n)
    drawn = root @ (centre + rng.standard_normal((simulations, n, n_new)))
    return np.asarray(observed.mean(axis=-1)[:, None] + spread * drawn)


def draw_times(observed: Array, n_new: int, simulations: int, rng: np.random.Generator) -> Array:
    """Draw future seeds by the Bayesian bootstrap (Rubin 1981, *Annals of Statistics* 9:130), which allows ``inf``.

    Args:
        observed: ``(arms, n)``; whole seeds are drawn, so that pairs stay pairs.
        n_new: Seeds to draw.
        simulations: Number of futures.
        rng: The generator.

    Returns:
        ``(simulations, arms, n_new)``.
    """
    n = observed.shape[-1]
    cumulated = np.cumsum(rng.dirichlet(np.ones(n), size=simulations), axis=-1)  # (simulations, n)
    uniform = rng.random((simulations, n_new, 1))
    chosen = np.minimum((uniform > cumulated[:, None, :]).sum(axis=-1), n - 1)  # (simulations, n_new)
    return np.asarray(np.moveaxis(observed[:, chosen], 0, 1))
