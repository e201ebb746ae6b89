"""Partial conjunctions against statsmodels' Holm and a simulation with known truth."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from harness.relations.partial_conjunction import partial_conjunctions, shown


def test_the_running_maximum_is_holms():
    pvalues = np.random.default_rng(1).uniform(size=(5, 6)) ** 3
    for family, steps in zip(pvalues, partial_conjunctions(pvalues), strict=True):
        adjusted = np.sort(multipletests(family, method="holm")[1])
        assert np.maximum.accumulate(steps) == pytest.approx(adjusted)
        assert (steps <= adjusted + 1e-12).all()


def test_a_partial_conjunction_keeps_its_level_where_one_hypothesis_less_holds():
    """At least 4 of 6 is wrong where 3 hold, however clearly, whether the others are independent or the same."""
    rng = np.random.default_rng(2)
    for others in (rng.uniform(size=(20000, 3)), np.repeat(rng.uniform(size=(20000, 1)), 3, axis=1)):
        pvalues = np.concatenate([np.zeros((20000, 3)), others], axis=1)
        assert (partial_conjunctions(pvalues)[:, 3] < 0.05).mean() <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 20000)


def test_shows_where_holm_does_not():
    """Four of six pairs are needed, and p = .014 each shows four (3 × .014) but by Holm not even one (6 × .014)."""
    pvalues = np.full(6, 0.014)
    assert not multipletests(pvalues, method="holm")[0].any()
    assert shown(pvalues, 4, 0.05) == 6
    assert shown(pvalues, 3, 0.05) == 0


def test_more_than_required_is_counted_only_without_a_gap():
    assert shown(np.array([0.001, 0.001, 0.001, 0.03, 0.049]), 3, 0.05) == 3
    assert shown(np.array([0.001, 0.001, 0.001, 0.02, 0.049]), 3, 0.05) == 5
