"""harness.report.findings: a comparison's findings in words."""

import math
from dataclasses import replace

import pytest

from harness.relations import ConvergesFaster, Decision, Equivalent, Greater, Looks, NotGreater, NotWorse, Verdict
from harness.report import findings
from harness.specs import parse

NOISE = (0.0, 0.012, -0.011, 0.006, -0.004, 0.009, -0.013, 0.002)


def decided(relation, shift, n=5, scale=1.0):
    """A relation of a and b, where a is better by about ``shift``."""
    a = [0.4 + shift + scale * noise for noise in NOISE[:n]]
    b = [0.4 - 0.5 * scale * noise for noise in reversed(NOISE[:n])]
    return relation.decide({"a": a, "b": b})


def test_wins_are_seeds_or_pairs_of_runs():
    assert findings.wins(decided(Greater("a", "b"), 0.1)) == "5 of 5 seeds"
    assert findings.wins(decided(Greater("a", "b", paired=False), 0.1)) == "25 of 25 pairs of runs"
    assert findings.wins(decided(Greater("a", "b", paired=False), 0.1), brief=True) == "25 of 25 pairs"
    assert findings.wins(Decision(Verdict.INCONCLUSIVE)) == ""
    assert findings.wins(Decision(Verdict.SUPPORTED, wins=(1, 1))) == "1 of 1 seed"
    assert findings.wins(Decision(Verdict.SUPPORTED, "ratio", "ratio", wins=(9, 16))) == "9 of 16 pairs of runs"


@pytest.mark.parametrize(
    ("relation", "shift", "text"),
    [
        (Greater("a", "b"), 0.1, ">99% likely above 0"),
        (Greater("a", "b", gain=0.05), -0.1, "<1% likely above 0"),
        (NotGreater("a", "b", gain=0.05), -0.1, ">99% likely below +0.05"),
        (NotWorse("a", "b", margin=0.05), 0.1, ">99% likely above −0.05"),
        (Equivalent(("a", "b"), margin=0.05), 0.0, ">99% likely between −0.05 and +0.05"),
    ],
)
def test_the_direction_is_that_of_the_claim(relation, shift, text):
    decision = decided(relation, shift)
    part = decision.parts[0] if decision.parts else decision
    assert findings.direction(part) == text


def test_the_direction_is_a_share_where_it_is_open():
    assert findings.direction(decided(Greater("a", "b"), 0.003)).endswith("% likely above 0")
    assert findings.direction(Decision(Verdict.INCONCLUSIVE, 0.1)) == ""


def test_a_gain_below_the_smallest_of_interest_is_named():
    assert findings.less_than_gain(decided(Greater("a", "b", gain=0.05), 0.03)) == "by less than 0.05"
    assert findings.less_than_gain(decided(Greater("a", "b", gain=0.05), 0.2)) == ""


def test_collapsed_runs_stand_with_what_is_said_of_the_others():
    decision = Decision(Verdict.SUPPORTED, 0.1, n=5, compares=("a", "b"), collapsed=(0, 2), survives_collapse=False)
    assert findings.converged(decision) == "among the runs that converged (2 of 5 of b collapsed)"
    assert findings.second_grade(decision).startswith("would not hold with one more run")
    assert findings.second_grade(replace(decision, survives_collapse=True)).startswith("holds with one more run")
    none = replace(decision, collapsed=(0, 0), survives_collapse=None)
    assert (findings.converged(none), findings.second_grade(none)) == ("", "")


def test_the_raw_pvalue_of_the_look_stands_before_the_plans(make_row):
    seeds = {"a": [0.5, 0.52, 0.47, 0.55], "b": [0.49, 0.5, 0.5, 0.52]}
    row = make_row("a/open", Greater("a", "b", gain=0.05), seeds, looks=Looks.planned((3, 4)))
    assert (row.decision.pvalue, row.decision.pvalue_against) != (row.pvalue, row.pvalue_against)
    first, plan = findings.chances(row).split("; over the plan ")
    assert first == findings.look_chances(row.decision)
    assert first.startswith(f"p = {row.decision.pvalue:.2g} for and {row.decision.pvalue_against:.2g} against (below ")
    assert plan == f"{row.pvalue:.2g} and {row.pvalue_against:.2g} (below 0.05)"
    assert findings.chances(replace(row, standing=None)) == ""


def open_row(make_row, spread, **changes):
    """A row that is leaning, with this spread between seeds."""
    seeds = {"a": [0.44 + spread * noise for noise in (1, -1, 2, -2, 0.5)], "b": [0.4, 0.41, 0.39, 0.4, 0.4]}
    row = make_row("a/open", Greater("a", "b", gain=0.05), seeds, looks=Looks.fixed(5))
    return replace(row, **changes)


def test_an_open_claim_says_what_would_decide_it(make_row):
    row = open_row(make_row, 0.03)
    assert (row.verdict, row.undecided) == (Verdict.INCONCLUSIVE, "too few seeds")
    text = findings.undecided(row)
    needed = row.decision.seeds_needed
    assert 5 < needed <= 40
    assert text.startswith("leaning for, too few seeds: +0.04")
    assert text.endswith(f" against a gain of 0.05; about {needed} seeds would decide")
    assert findings.undecided(row, brief=True) == f"leaning for, too few seeds: about {needed} seeds would decide"


def test_where_no_seeds_would_decide_it_says_so(make_row):
    row = open_row(make_row, 0.03)
    hopeless = replace(
        row,
        undecided="no verdict likely",
        standing=replace(row.standing, decision=replace(row.decision, seeds_needed=None)),
    )
    assert findings.undecided(hopeless).startswith("no verdict is likely with this spread: +0.04")
    assert findings.undecided(hopeless, brief=True) == "no verdict is likely with this spread"


def test_what_could_not_be_compared_and_what_is_decided_are_not_called_open(make_row):
    row = open_row(make_row, 0.03)
    assert findings.undecided(replace(row, undecided="")) == ""
    assert findings.undecided(replace(row, verdict=Verdict.SUPPORTED)) == ""


@pytest.mark.parametrize(
    ("pvalue", "against", "lean"),
    [(0.2, 0.9, "leaning for"), (0.8, 0.1, "leaning against"), (1.0, 1.0, ""), (0.7, 0.6, ""), (None, None, "")],
)
def test_a_claim_leans_to_the_side_of_the_smaller_pvalue(pvalue, against, lean):
    assert findings.leaning(Decision(Verdict.INCONCLUSIVE, pvalue=pvalue, pvalue_against=against)) == lean


def test_times_have_bounds_instead_of_a_width(make_row):
    measure = parse("time:IoU>=0.4")
    times = {"a": [20.0, 30.0, 20.0, 60.0], "b": [40.0, 30.0, math.inf, 60.0]}
    row = make_row("a/times", ConvergesFaster("a", "b", measure=measure), times, metric=str(measure))
    row = replace(row, undecided="no verdict likely", verdict=Verdict.INCONCLUSIVE)
    assert " ± " not in findings.undecided(row)
    assert findings.undecided(row).startswith("no verdict is likely with this spread: ")
