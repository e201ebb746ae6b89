import pytest

from harness.relations import All, Greater, RankCorrelation
from harness.report.parts import comparisons, deciding
from harness.specs.measures import Value, parse


def test_comparisons_take_their_metric_from_the_relation(rows):
    parts = comparisons(rows[2])
    assert [part.metric for part in parts] == ["IoU.fluid", "IoU.fluid", "Dice.fluid", "Dice.fluid"]
    assert [part.decision.label for part in parts[:2]] == ["batch-4 > batch-2", "batch-8 > batch-4"]


def test_of_two_comparisons_with_one_effect_the_deciding_one_is_that_with_the_largest_p(make_row):
    seeds = {"a": [0.5, 0.6, 0.55, 0.5], "b": [0.1, 0.2, 0.1, 0.15]}
    dice = parse("Dice")
    samples = seeds | {Value("a", dice): [0.5, 0.6, 0.55, 0.5], Value("b", dice): [0.1, 0.2, 0.15, 0.1]}
    row = make_row("a/tie", All((Greater("a", "b"), Greater("a", "b", measure=dice))), samples)
    assert [part.decision.effect for part in comparisons(row)] == [pytest.approx(row.effect)] * 2
    largest = max(comparisons(row), key=lambda part: part.decision.pvalue)
    assert deciding(row).metric == largest.metric


def test_a_ranking_within_a_conjunction_is_one_comparison_beside_its_pairs(make_row):
    seeds = {"a": [0.5, 0.6, 0.55, 0.5], "b": [0.1, 0.2, 0.1, 0.15]}
    ranks = RankCorrelation((("a", 2.0), ("b", 1.0)))
    row = make_row("a/both", All((ranks, Greater("b", "a"))), seeds)
    assert [part.decision.label for part in comparisons(row)] == [ranks.describe(), "b < a", "b > a"]
    assert deciding(row).decision.label == "b > a"
    row = make_row("a/both", All((RankCorrelation((("b", 2.0), ("a", 1.0))), Greater("a", "b"))), seeds)
    assert len(comparisons(row)) == 3
    assert deciding(row).decision.effect_kind == "correlation"


def test_the_deciding_comparison_is_that_of_the_effect(rows):
    for row in rows[:6]:
        decision = deciding(row).decision
        assert (decision.effect, decision.effect_kind) == (row.effect, row.effect_kind)


def test_what_could_not_be_tested_has_no_interval(make_row):
    (part,) = comparisons(make_row("a/same", Greater("a", "b"), {"a": [0.5] * 4, "b": [0.4] * 4}))
    assert part.decision.interval is None
    assert part.decision.effect == pytest.approx(0.1)


def test_an_exact_pvalue_stands_beside_the_others(rows):
    assert comparisons(rows[0])[0].decision.exact_pvalue == pytest.approx(1 / 16)
