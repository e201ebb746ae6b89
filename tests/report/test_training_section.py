import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.training import Trained, binned, gaps, mean, training_svg


@given(st.lists(st.floats(0, 10), min_size=1, max_size=90), st.integers(1, 30))
def test_bins_hold_every_value_once(values, bins):
    line = list(enumerate(values, 1))
    parts = binned(line, bins)
    assert len(parts) == min(bins, len(values))
    assert parts[-1][0] == len(values)
    ends = [0, *(int(end) for end, _ in parts)]
    assert sum((b - a) * value for (a, b), (_, value) in zip(pairwise(ends), parts, strict=True)) == pytest.approx(
        sum(values), abs=1e-9
    )


def test_the_mean_is_over_the_epochs_that_all_seeds_have():
    assert mean([[(1, 0.0), (2, 1.0)], [(2, 3.0), (3, 9.0)]]) == [(2, 2.0)]
    assert mean([]) == []


def test_the_gap_is_training_minus_validation():
    overfit = Trained("small", ends={"kappa": [(0.9, 0.4), (0.8, 0.5), (0.3, 0.6)], "accuracy": [(0.9, 0.8)]})
    kappa, other, accuracy = gaps([overfit, Trained("large", ends={"kappa": [(0.7, 0.7)]}), Trained("none")])
    assert (kappa.arm, kappa.metric, kappa.seeds, kappa.above) == ("small", "kappa", 3, 2)
    assert kappa.gap == pytest.approx(np.mean([0.5, 0.3, -0.3]))
    assert (other.arm, other.gap, other.above) == ("large", 0.0, 0)
    assert accuracy.metric == "accuracy"


def drawn(arms, names):
    return training_svg(arms, names, "a@smoke")


def curves(number):
    return {
        "loss": {"training": [[(epoch / 4, 2.0 / epoch) for epoch in range(1, 40)]] * 2, "validation": [[(5, 1.0)]]},
        "kappa": {"validation": [[(2, 0.1), (5, 0.1 * number)]]},
    }


def test_an_arm_has_the_colour_of_the_claims_other_curves():
    arms = [Trained("b", curves(2)), Trained("c", curves(3))]
    alone, among = drawn(arms, ["b", "c"]).lower(), drawn(arms, ["a", "b", "c"]).lower()
    assert "#0072b2" in alone
    assert "#0072b2" not in among
    assert {"#d55e00", "#009e73"} <= set(re.findall(r"#[0-9a-f]{6}", among))


def test_panels_and_arms_are_named_and_nothing_is_drawn_of_nothing():
    text = drawn([Trained("b", curves(2)), Trained("never trained", {"loss": {}})], ["b", "never trained"])
    for words in (">loss<", ">kappa<", ">b<", "dotted: training", "line: validation", ">epoch<"):
        assert words in text, words
    assert "never trained" not in text
    assert drawn([Trained("b")], ["b"]) == ""
    assert 'role="img"' in text


def test_more_arms_than_colours_differ_by_their_dashes():
    names = [f"arm {number}" for number in range(9)]
    text = drawn([Trained(name, curves(2)) for name in names], names)
    assert all(f">{name}<" in text for name in names)
    assert "stroke-dasharray" in text
