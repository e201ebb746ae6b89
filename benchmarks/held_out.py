"""Simulated seeds of shapes on which no rule was chosen: what real runs may be like where the promise does not reach.

`benchmarks.simulation.draw` draws them by name like its own shapes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.relations.relation import Collapsed, SampleKey
from harness.relations.t_test import Array

HELD_OUT = (
    "collapse .1",
    "collapse .2",
    "unlike noise",
    "log-normal right",
    "log-normal left",
    "AR(1)",
    "ties",
    "outliers",
    "shared sources",
)
"""Names of the shapes. Noise is normal with sd 1 if not said otherwise:

- collapse: that share of the runs of every arm ends at one far lower value, and carries the flag `Collapsed`.
- unlike noise: every other arm, from the second on, has sd 3.
- log-normal: centred exponentials of normal values, scaled to sd 1, with their long tail to this side in every arm.
- AR(1): neighbouring seeds are correlated by .3, as if machines or data had drifted while they ran.
- ties: values on a grid of half an sd.
- outliers: one run in twenty lies 5 sd lower and carries no flag; centred.
- shared sources: all seeds of an arm start from one source run, which makes .3 of their variance. The truth is about
  sources in general, so that more seeds make errors more frequent, not less.
"""

COLLAPSED_VALUE = -20.0
"""Where collapsed runs end, in sd: below every mean that is simulated."""

UNLIKE, AUTOCORRELATION, GRID, OUTLIERS, OUTLYING, SHARED = 3.0, 0.3, 0.5, 0.05, 5.0, 0.3


def draw_held_out(
    rng: np.random.Generator, means: Mapping[str, float], shape: str, n: int, simulations: int
) -> dict[SampleKey, Array]:
    """Simulated seeds of all arms, independent of each other.

    Args:
        rng: The generator.
        means: True means by arm.
        shape: One of `HELD_OUT`.
        n: Seeds.
        simulations: How often.

    Returns:
        ``(simulations, n)`` by arm, and by `Collapsed` of each arm where runs collapse.

    Raises:
        ValueError: An unknown shape.
    """
    if shape not in HELD_OUT:
        raise ValueError(f"Expected argument `shape` to be one of {HELD_OUT!r}, but got {shape!r}.")
    samples: dict[SampleKey, Array] = {}
    for place, (arm, mean) in enumerate(means.items()):
        values = mean + _noise(rng, shape, (simulations, n), place)
        if shape.startswith("collapse"):
            collapsed = rng.random(values.shape) < float(shape.removeprefix("collapse "))
            values = np.where(collapsed, COLLAPSED_VALUE + 0.05 * rng.standard_normal(values.shape), values)
            samples[Collapsed(arm)] = collapsed.astype(np.float64)
        elif shape == "ties":
            values = GRID * np.round(values / GRID)
        samples[arm] = values
    return samples


def _noise(rng: np.random.Generator, shape: str, size: tuple[int, int], place: int) -> Array:
    """Centred noise of the arm at this place."""
    normal = rng.standard_normal(size)
    if shape == "unlike noise":
        return normal * (UNLIKE if place % 2 else 1.0)
    if shape.startswith("log-normal"):
        values = (np.exp(normal) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)
        return np.asarray(values if shape.endswith("right") else -values)
    if shape == "AR(1)":
        for seed in range(1, size[1]):
            normal[:, seed] = AUTOCORRELATION * normal[:, seed - 1] + np.sqrt(1 - AUTOCORRELATION**2) * normal[:, seed]
        return normal
    if shape == "outliers":
        return np.asarray(normal - OUTLYING * ((rng.random(size) < OUTLIERS) - OUTLIERS))
    if shape == "shared sources":
        return np.asarray(np.sqrt(SHARED) * rng.standard_normal((size[0], 1)) + np.sqrt(1 - SHARED) * normal)
    return normal
