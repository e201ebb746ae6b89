"""Exact ranks against another way of counting."""

from itertools import permutations

import pytest
from scipy import stats

from ci.audit.ranks import rank_findings, rank_test
from harness.papers import Correlation, Figure


@pytest.mark.parametrize(("models", "one_sided"), [(3, 1 / 6), (4, 1 / 24), (5, 1 / 120)])
def test_a_perfect_order_of_k_models_has_p_of_one_in_k_factorial(models: int, one_sided: float) -> None:
    test = rank_test(range(models), range(models))
    assert test.rho == pytest.approx(1)
    assert (test.one_sided, test.two_sided) == pytest.approx((one_sided, 2 * one_sided))


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_exact_p_equals_counting(order: tuple[int, ...]) -> None:
    test = rank_test(range(4), order)
    rhos = [stats.spearmanr(range(4), other).statistic for other in permutations(order)]
    assert test.rho == pytest.approx(stats.spearmanr(range(4), order).statistic)
    assert test.one_sided == pytest.approx(sum(rho >= test.rho - 1e-9 for rho in rhos) / 24)


@pytest.mark.parametrize(
    ("rho", "pvalue", "right"),
    [
        ("0.800", "0.333", True),
        ("0.80", "0.17", True),
        ("0.800", "0.200", False),
        ("0.700", "0.333", False),
        ("1", "0.333", False),  # without decimals a figure is exact
    ],
)
def test_a_printed_correlation_must_be_that_of_the_columns(make_paper, rho: str, pvalue: str, right: bool) -> None:
    rows = {"a": ["1", "1"], "b": ["2", "2"], "c": ["3", "4"], "d": ["4", "3"]}
    paper = make_paper({"x": "of the source", "y": "of the target"}, rows, unit="none")
    printed = Correlation("1", "x", "y", Figure.parse(rho, "none"), Figure.parse(pvalue, "none"), "nowhere")
    assert (not list(rank_findings(paper.table("1"), printed))) == right
