"""harness.verdicts.rows: a row survives JSON, of whatever version, and repeats nothing of its decision."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import question, recipe, record

from harness.converter import Misfit, build, plain
from harness.relations import All, ConvergesFaster, Greater, Looks, SequentialDecision, Verdict
from harness.report.phrasing import effect_text
from harness.verdicts import Arm, Row, blank, judge

ARMS = {"good": recipe(0.6), "bad": recipe(0.3)}


@cache
def row(**changes):
    """A row of five seeds."""
    claim = question(ARMS, **{"looks": Looks.fixed(5), **changes})

    def find(run):
        return record(run, f"{run.recipe.optimiser.lr}/{run.seed}")

    return judge(claim, claim.stand(find), find, lambda run: find(run).key, "now")


def again(made):
    return build(json.loads(json.dumps(plain(made), allow_nan=False)), Row)


@pytest.mark.parametrize("made", [row(), blank(question(ARMS, unavailable="Expected DME."))], ids=["ran", "not run"])
def test_a_row_survives_json(made):
    assert again(made) == made


def test_the_decision_and_its_parts_stay_typed():
    made = again(row(relation=All((Greater("good", "bad"), Greater("good", "bad", measure="Dice.fluid")))))
    assert isinstance(made.standing, SequentialDecision)
    assert made.standing.verdict is made.decision.parts[1].verdict is Verdict.SUPPORTED
    assert made.decision.parts[1].compares == ("good", "bad")


def test_what_a_row_shows_is_its_decisions():
    made = row()
    decision = made.standing.decision
    assert (made.effect, made.interval, made.seeds) == (decision.effect, decision.interval, 5)
    assert (made.pvalue, made.pvalue_against) == (made.standing.pvalue, made.standing.pvalue_against)
    assert (made.effect_kind, made.stopped) == ("difference", "last look")


def test_an_infinite_effect_is_a_finding_and_comes_back_as_a_number():
    made = row(measure="time:IoU.fluid>=0.55", relation=ConvergesFaster("good", "bad"))
    assert (made.verdict, made.effect) == (Verdict.SUPPORTED, math.inf)
    assert made.arms[1].values == (math.inf,) * 5
    content = plain(made)
    assert content["standing"]["decision"]["effect"] == "inf"
    assert content["arms"][1]["values"] == ["inf"] * 5
    assert again(made) == made
    assert effect_text(again(made)) == "∞"


def test_a_row_of_a_later_version_is_read_without_what_it_added():
    content = plain(row()) | {"calibration": 3}
    content["arms"][0]["seconds"] = [1.0]
    assert build(content, Row) == row()


def test_a_row_of_an_earlier_version_has_the_defaults():
    content = plain(row())
    for name in ("question", "over_subjects", "adjusted_verdict", "provenance", "standing"):
        del content[name]
    del content["arms"][0]["published"], content["arms"][0]["others"]
    made = build(content, Row)
    assert (made.over_subjects, made.adjusted_verdict, made.provenance, made.decision) == ((), "", {}, None)
    assert (made.arms[0].published, made.arms[0].others) == (None, {})
    del content["plan"]
    with pytest.raises(Misfit, match=r"^plan is missing$"):
        build(content, Row)


anything = st.floats(allow_nan=False, allow_infinity=True)
maybe = st.none() | anything


@given(
    maybe, st.none() | st.tuples(anything, anything), maybe, anything, st.lists(maybe),
    st.dictionaries(st.text(), maybe, max_size=3), st.text(),
)  # fmt: skip
def test_any_numbers_survive_json(effect, interval, pvalue, seconds, values, others, text):
    arm = Arm("a", "IoU.fluid", tuple(values), effect, pvalue, 3, 1, (text,), ("k",), others, seconds)
    ran = row()
    decision = replace(ran.decision, effect=effect, interval=interval, pvalue=pvalue, parts=(ran.decision,))
    made = replace(
        ran, arms=(arm,), reason=text, seconds_saved=seconds, provenance={"device": [text]},
        standing=replace(ran.standing, decision=decision, pvalue=pvalue),
    )  # fmt: skip
    assert again(made) == made
