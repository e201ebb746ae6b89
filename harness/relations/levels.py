"""The level of the last of several looks, exact for the correlation of looks at the same growing sample."""

from __future__ import annotations

from functools import cache

import numpy as np

from harness.relations.t_test import Array

NODES = 60
"""Of Gauss and Legendre: the level is right to 1e-7."""

LOWEST = -7.0
"""Below this no test statistic is expected: a standard normal lies there with probability 1e-12."""

FEWER = 2.0
"""t statistics correlate less than normal ones, so that the levels for normal ones let the looks 4, 7, 10 err in .0521
(2 million simulations). Those for two seeds fewer leave .0509, and what each look keeps (`looks.FEW_SEEDS`) .048; with
it the looks 8, 12, 16 err in .0496, and in .0503 with the levels for normal ones."""


@cache
def last_level(at: tuple[int, ...], early: tuple[float, ...]) -> float:
    """The level of the last look with which all looks together err in just what they have to share.

    Statistics at n and m seeds, n < m, correlate by √(n / m), so that looks err less often than their levels sum to.
    The joint distribution of normal statistics that stop beyond their critical values is integrated look by look
    (Armitage, McPherson and Rowe 1969, *JRSS A* 132:235).

    Args:
        at: Numbers of seeds, increasing.
        early: Levels of the looks but the last, and the level of them all as the last element.

    >>> round(last_level((4, 7, 10), (0.005, 0.005, 0.05)), 4)
    0.0462
    """
    from scipy import optimize, special

    *levels, whole = early
    if not levels:
        return whole
    seeds = [n - min(FEWER, at[0] / 2) for n in at]
    places, weights = _quadrature()
    density = z = mass = np.empty(0)
    spent = 0.0
    for i, level in enumerate(levels):
        critical = float(special.ndtri(1 - level))
        before = z, density * mass
        z, mass = LOWEST + (places + 1) / 2 * (critical - LOWEST), weights * (critical - LOWEST) / 2
        if i == 0:
            density, spent = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), level
        else:
            spent += _crosses(critical, *before, seeds[i - 1], seeds[i])
            step = np.sqrt(seeds[i] - seeds[i - 1])
            moves = (z[:, None] * np.sqrt(seeds[i]) - before[0] * np.sqrt(seeds[i - 1])) / step
            density = np.exp(-(moves**2) / 2) @ before[1] / np.sqrt(2 * np.pi) * np.sqrt(seeds[i]) / step

    def excess(level: float) -> float:
        return spent + _crosses(float(special.ndtri(1 - level)), z, density * mass, seeds[-2], seeds[-1]) - whole

    return float(optimize.brentq(excess, max(whole - spent, 1e-15), whole))


@cache
def _quadrature() -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(NODES)


def _crosses(critical: float, z: Array, mass: Array, before: float, now: float) -> float:
    """The probability to be above `critical` now and not to have stopped before."""
    from scipy import special

    needed = (critical * np.sqrt(now) - z * np.sqrt(before)) / np.sqrt(now - before)
    return float(special.ndtr(-needed) @ mass)
