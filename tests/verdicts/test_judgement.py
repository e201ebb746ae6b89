"""harness.verdicts: what a row of the table says follows from the runs, and survives JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import comparison, recipe, record

from harness.relations import All, ConvergesFaster, Greater, Looks, Verdict
from harness.report.phrasing import effect_text
from harness.runs import Run
from harness.verdicts import Arm, Row, blank, judge

SOURCE = recipe(0.5, name="drive", labels="", split="published")
GOOD, BAD = recipe(0.6), recipe(0.3)
NOISE = (0.0, 0.01, -0.01, 0.005, -0.002)


def key(run: Run) -> str:
    return f"{run.recipe.optimiser.lr}/{run.seed}"


def row(claim, change=None, session="now"):
    """The row of a claim whose runs are as their recipes say, unless ``change`` makes others of them."""

    def find(run):
        found = record(
            run,
            key(run),
            run.recipe.optimiser.lr + NOISE[(run.seed + round(10 * run.recipe.optimiser.lr)) % 5] * (run.seed + 1),
        )
        return change(run, found) if change else found

    return judge(claim, claim.stand(find), find, key, session)


def claim(**changes):
    return comparison({"good": GOOD, "bad": BAD}, **{"looks": Looks.fixed(4), **changes})


def of(recipe_, seeds=range(9)):
    return lambda run: run.recipe == recipe_ and run.seed in seeds


def failing(which, reason="the loss was NaN at iteration 7"):
    return lambda run, found: replace(found, status="failed", reason=reason, curve=[]) if which(run) else found


def collapsing(which):
    return lambda run, found: record(run, key(run), 0.0) if which(run) else found


def test_a_row_holds_what_was_measured():
    made = row(claim())
    assert made.verdict is Verdict.SUPPORTED
    assert [arm.name for arm in made.arms] == ["good", "bad"]
    assert made.arms[0].n == made.seeds == 4
    assert made.arms[0].mean == pytest.approx(0.6, abs=0.02)
    assert made.arms[0].keys == tuple(f"0.6/{seed}" for seed in range(4))
    assert made.effect == pytest.approx(made.arms[0].mean - made.arms[1].mean)
    assert made.plan == (4,)
    assert made.notes == row(claim()).notes


def test_time_is_trained_or_saved_each_run_once_with_its_sources():
    tuned = comparison({"tuned": recipe(0.7, source=SOURCE, source_seed=0), "bad": BAD})

    def now(run, found):
        return replace(found, session="now", seconds=3.0) if run.recipe == SOURCE else found

    made = row(tuned, now)
    assert made.seconds_trained == 3.0
    assert made.seconds_saved == 60.0


def test_a_failed_run_makes_the_claim_an_error_with_the_iteration():
    made = row(claim(), failing(of(GOOD, [2])))
    assert made.verdict is Verdict.ERROR
    assert made.reason == "good: the loss was NaN at iteration 7"
    assert made.arms[0].values[2] is None
    assert made.arms[0].n == 4
    assert made.arms[0].mean is not None


def test_an_arm_whose_runs_all_failed_has_no_mean():
    made = row(claim(), failing(of(GOOD)))
    assert made.arms[0].mean is None
    assert made.arms[0].sd is None
    assert json.dumps(made.to_dict(), allow_nan=False)


def test_where_most_runs_of_every_arm_collapsed_nothing_is_decided():
    made = row(claim(), collapsing(lambda run: run.seed < 3))
    assert made.verdict is Verdict.INCONCLUSIVE
    assert made.reason.startswith("most runs of every arm collapsed")
    assert [arm.collapsed for arm in made.arms] == [3, 3]


def test_half_of_the_runs_is_not_most():
    assert "collapsed" not in row(claim(), collapsing(lambda run: run.seed < 2)).reason


def test_collapse_of_one_arm_is_the_effect_itself():
    made = row(claim(), collapsing(of(BAD)))
    assert made.verdict is Verdict.SUPPORTED
    assert [arm.collapsed for arm in made.arms] == [0, 4]
    assert made.arms[1].mean == 0.0


def test_a_shared_checkpoint_is_noted():
    tuned = {"tuned": recipe(0.7, source=SOURCE, source_seed=0), "bad": BAD}
    assert any(note.startswith("one checkpoint: ") for note in row(comparison(tuned)).notes)
    assert not any("checkpoint" in note for note in row(claim()).notes)


def test_few_test_subjects_are_noted_with_their_number():
    def two(run, found):
        return replace(found, test_subjects=["09", "10", "10"])

    assert "too few subjects: the test images are of 2, so they cannot stand for others" in row(claim(), two).notes
    assert not any("subjects" in note for note in row(claim()).notes)


def test_a_failed_run_says_nothing_about_subjects():
    def failed(run, found):
        return replace(found, status="failed", reason="x", curve=[], test_subjects=[]) if run.recipe == BAD else found

    assert not any("subjects" in note for note in row(claim(), failed).notes)


def test_the_subjects_of_a_source_do_not_count():
    tuned = comparison({"tuned": recipe(0.7, source=SOURCE), "bad": BAD})
    made = row(tuned, lambda run, found: replace(found, test_subjects=["1"]) if run.recipe == SOURCE else found)
    assert not any("subjects" in note for note in made.notes)


def test_a_time_that_was_never_reached_is_inf_and_not_in_the_mean():
    made = row(claim(metric="reach:IoU.fluid>=0.55", relation=ConvergesFaster("good", "bad")))
    assert made.arms[1].values == ("inf",) * 4
    assert made.arms[1].mean is None
    assert made.arms[0].mean == 10.0
    assert Row.from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False))).arms == made.arms


def test_further_metrics_are_shown_as_means():
    both = All((Greater("good", "bad"), Greater("good", "bad", metric="Dice.fluid")))
    others = row(claim(relation=both)).arms[0].others
    assert list(others) == ["Dice.fluid"]
    assert others["Dice.fluid"] == pytest.approx(0.75, abs=0.02)


def test_provenance_is_what_the_runs_have_in_common_or_every_value():
    def two_devices(run, found):
        changed = {"device": "H200", "date": "2026-05-05T10:00:00+00:00"} if run.seed else {}
        return replace(found, provenance={**found.provenance, **changed})

    found = row(claim(), two_devices).provenance
    assert found["device"] == ["CPU", "H200"]
    assert found["date"] == ["2026-05-04T10:00:00+00:00", "2026-05-05T10:00:00+00:00"]
    assert row(claim()).provenance["device"] == "CPU"


def test_a_claim_without_runs_is_not_run_with_its_reason():
    made = blank(claim(unavailable="Expected DME, but found nothing; get it."))
    assert made.verdict is Verdict.NOT_RUN
    assert made.reason == "Expected DME, but found nothing; get it."
    assert made.arms == ()
    assert Row.from_dict(made.to_dict()) == made


def test_a_row_survives_json():
    made = row(claim())
    assert Row.from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False))) == made


def test_an_infinite_effect_is_a_finding_and_comes_back_as_a_number():
    made = row(claim(metric="reach:IoU.fluid>=0.55", relation=ConvergesFaster("good", "bad"), looks=Looks.fixed(5)))
    assert (made.verdict, made.effect) == (Verdict.SUPPORTED, math.inf)
    plain = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    assert plain["effect"] == plain["decision"]["decision"]["effect"] == "inf"
    assert plain["interval"] == plain["decision"]["decision"]["interval"]
    again = Row.from_dict(plain)
    assert again == made
    assert effect_text(again) == "∞"


def test_only_effects_and_their_bounds_are_infinite_in_json():
    made = replace(row(claim()), effect=-math.inf, interval=(-math.inf, math.nan), detectable=math.inf, pvalue=math.inf)
    plain = made.to_dict()
    assert (plain["effect"], plain["interval"]) == ("-inf", ["-inf", None])
    assert (plain["detectable"], plain["pvalue"]) == (None, None)
    assert Row.from_dict(plain).interval == (-math.inf, None)


def test_a_row_of_a_later_version_is_read_without_what_it_added():
    made = row(claim())
    plain = made.to_dict() | {"calibration": 3}
    plain["arms"][0]["seconds"] = [1.0]
    assert Row.from_dict(plain) == made


def test_a_row_of_an_earlier_version_has_the_defaults():
    plain = row(claim()).to_dict()
    for name in ("effect_kind", "over_subjects", "adjusted_verdict", "provenance"):
        del plain[name]
    del plain["arms"][0]["published"], plain["arms"][0]["others"]
    again = Row.from_dict(plain)
    assert (again.effect_kind, again.over_subjects, again.adjusted_verdict, again.provenance) == (
        "difference",
        (),
        "",
        {},
    )
    assert (again.arms[0].published, again.arms[0].others) == (None, {})


anything = st.floats(allow_nan=True, allow_infinity=True)
maybe = st.none() | anything


@given(
    maybe, st.none() | st.tuples(anything, anything), maybe, anything, st.lists(st.none() | st.just("inf") | anything),
    st.dictionaries(st.text(), maybe, max_size=3), st.text(),
)  # fmt: skip
def test_any_numbers_survive_json_as_themselves_or_as_null(effect, interval, pvalue, seconds, values, others, text):
    arm = Arm("a", "IoU.fluid", tuple(values), effect, pvalue, 3, 1, (text,), ("k",), others, seconds)
    made = replace(
        blank(claim()), arms=(arm,), effect=effect, interval=interval, pvalue=pvalue, reason=text,
        seconds_saved=seconds, decision={"parts": [{"interval": [effect, "inf"]}]}, provenance={"device": [text]},
    )  # fmt: skip
    plain = made.to_dict()
    again = Row.from_dict(json.loads(json.dumps(plain, allow_nan=False)))
    assert again.to_dict() == plain
    assert again.effect == (None if effect is None or math.isnan(effect) else effect)
    assert again.interval == (interval and tuple(None if math.isnan(bound) else bound for bound in interval))
    assert again.arms[0].others == {
        name: value if value is not None and math.isfinite(value) else None for name, value in others.items()
    }
    assert again.reason == text


def test_an_arm_of_collapsed_and_other_runs_is_noted():
    def note(change=None):
        return [said for said in row(claim(), change).notes if said.startswith("runs of two kinds")]

    assert note() == note(collapsing(of(BAD))) == []
    (said,) = note(collapsing(of(BAD, [1])))
    assert "collapsed and not, in bad:" in said
