"""The exact rank test against SciPy, enumeration and simulation."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from harness.relations.rank_test import (
    detectable_probability,
    null_tail,
    power,
    required_wins,
    smallest_pvalue,
)


@pytest.mark.parametrize(("n_a", "n_b"), [(1, 1), (2, 3), (3, 3), (5, 4), (7, 7), (10, 10), (20, 20)])
def test_the_null_is_scipys(n_a, n_b):
    rng = np.random.default_rng(n_a)
    for shift in (-1, 0, 1, 3):
        a, b = rng.normal(size=n_a), rng.normal(shift, size=n_b)
        test = stats.mannwhitneyu(b, a, alternative="greater", method="exact")
        wins = int((a[:, None] < b).sum())
        assert wins == test.statistic
        assert null_tail(n_a, n_b)[wins] == pytest.approx(test.pvalue, rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_the_null_is_that_of_all_orders(n):
    places = range(2 * n)
    wins = [sum(1 for i in a for j in places if j not in a and i < j) for a in combinations(places, n)]
    tail = [np.mean([u >= least for u in wins]) for least in range(n * n + 2)]
    assert null_tail(n, n) == pytest.approx(tail)
    assert smallest_pvalue(n) == null_tail(n, n)[-2]


def test_the_null_holds_no_rounding():
    """At 3 runs an arm p is 1 / 20 exactly, which is not below .05."""
    assert required_wins(3, 0.05) is None
    assert required_wins(4, 0.05) == 15
    assert null_tail(40, 40)[0] == 1
    assert null_tail(40, 40)[-1] == 0


@pytest.mark.parametrize("n", [2, 5, 9])
def test_power_without_an_effect_is_the_null(n):
    assert [power(n, u, 0.5) for u in range(n * n + 1)] == pytest.approx(null_tail(n, n)[:-1])


@pytest.mark.parametrize(("n", "faster"), [(4, 0.9), (7, 0.8), (10, 0.6)])
def test_power_is_that_of_exponential_times(n, faster):
    rng = np.random.default_rng(n)
    a = rng.exponential(size=(20000, n, 1)) * (1 - faster) / faster
    wins = (a < rng.exponential(size=(20000, 1, n))).sum(axis=(-2, -1))
    for required in (n * n // 2, required_wins(n, 0.05)):
        assert power(n, required, faster) == pytest.approx((wins >= required).mean(), abs=0.012)


def test_detectable_probability_has_its_power():
    for n, alpha in ((4, 0.05), (7, 0.01), (10, 0.0463)):
        found = detectable_probability(n, alpha)
        assert power(n, required_wins(n, alpha), found) == pytest.approx(0.8, abs=1e-3)
    assert detectable_probability(3, 0.05) is None
