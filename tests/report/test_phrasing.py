import math
from dataclasses import replace

import pytest

from harness.relations import All, Greater, RankCorrelation
from harness.report import phrasing
from harness.report.parts import deciding


def test_infinite_bounds_that_json_lost_are_written_open(rows):
    assert phrasing.interval_text(rows[-1]) == "[−∞, +0.200]"
    assert phrasing.interval_text(rows[1]) == "[8.0×, ∞]"


def test_times_count_epochs_and_name_what_never_arrived(rows):
    slow = rows[1].arms[1]
    assert phrasing.arm_value(slow) == "558 ± 61"
    assert phrasing.arm_marks(slow) == ("2 of 10 never reached it",)


@pytest.mark.parametrize(
    ("metric", "base", "bound"),
    [("time:Dice.fluid>=0.4", "Dice.fluid", 0.4), ("time:IoU>0.01", "IoU", 0.01), ("trend:mIoU", "mIoU", None)],
)
def test_a_metric_has_a_curve_beneath(metric, base, bound):
    assert phrasing.metric_base(metric) == base
    assert phrasing.threshold(metric) == bound


def test_the_expected_verdict_is_told_from_the_found_one(rows):
    assert phrasing.expected_text(rows[0]) == "as recorded"
    assert phrasing.expected_text(rows[3]) == "paper says SUPPORTED"
    assert phrasing.adjusted_text(rows[1]) == "after Holm INCONCLUSIVE"
    assert phrasing.expected_text(rows[2]) == "verdict as recorded, a mean is not"


def test_the_family_is_told_from_its_absence(rows):
    assert phrasing.family_text(rows[1]) == "after Holm INCONCLUSIVE"
    assert phrasing.family_text(replace(rows[0], adjusted_verdict="SUPPORTED")) == "after Holm the same"
    assert phrasing.family_text(rows[0]) == ""


def test_every_failed_run_counts_though_its_reason_is_kept_once(rows):
    scratch, failed = rows[7].arms
    assert phrasing.arm_marks(failed) == ("4 of 4 failed",)
    assert phrasing.arm_marks(scratch) == ("1 of 4 collapsed", "1 of 4 without a value")


def test_an_effect_names_its_comparison_where_there_are_several_or_another_metric(rows, make_row):
    assert phrasing.decided_by(rows[0]) == ""
    assert phrasing.decided_by(rows[2]) == "batch-4 > batch-2 [Dice.fluid]"
    assert phrasing.decided_by(rows[4]) == "cross-entropy ≈ hybrid (± 0.05)"
    seeds = {"a": [0.5, 0.6, 0.55, 0.5], "b": [0.1, 0.2, 0.1, 0.15]}
    other = make_row("a/other", Greater("a", "b", measure="Dice"), seeds)
    assert phrasing.decided_by(other) == "a > b [Dice]"
    ranks = RankCorrelation((("a", 2.0), ("b", 1.0)))
    assert phrasing.decided_by(make_row("a/ranks", ranks, seeds)) == ""
    both = make_row("a/both", All((ranks, Greater("a", "b", margin=5.0))), seeds)
    assert phrasing.decided_by(both) == "a > b + 5"


def test_infinite_effects_are_found_too(rows):
    decision = {**rows[1].decision["decision"], "effect": "inf"}
    row = replace(rows[1], effect=math.inf, decision={**rows[1].decision, "decision": decision})
    assert deciding(row).effect == math.inf
    assert phrasing.effect_text(row) == "∞"


@pytest.mark.parametrize(
    ("interval", "text"),
    [((0.0, math.inf), "[no bound]"), ((None, None), "[no bound]"), ((0.0, 3.0), "[0.0×, 3.0×]"), (None, "")],
)
def test_bounds_that_exclude_nothing_are_none(rows, interval, text):
    assert phrasing.interval_text(replace(rows[1], interval=interval)) == text


def test_seeds_that_were_saved_are_said(rows):
    assert phrasing.seeds_text(rows[0]) == "4 of 10 seeds, decided: 6 seeds not needed"
    assert phrasing.seeds_text(replace(rows[0], seeds=9, stopped="futile")).endswith("futile: 1 seed not trained")
    assert phrasing.seeds_text(rows[1]) == "10 seeds"


def test_smoke_and_phantoms_are_cautioned_against(rows):
    smoke, phantoms = phrasing.cautions(rows)
    assert smoke.startswith("Smoke scale (1 of 8 claims): tiny networks")
    assert phantoms.startswith("Phantoms (2 of 8 claims): generated images")
    assert phrasing.cautions(rows[:3]) == []
    assert set(phrasing.SCALE) == {"paper", "reduced", "smoke"}


def test_a_substitute_is_named_and_why_there_are_phantoms_is_not(rows):
    assert phrasing.evidence_text(rows[0]) == "substituted: DME, DRIVE (DRIVE for STARE)"
    assert phrasing.stand_ins(replace(rows[5], evidence_notes=("no root was given",))) == ()


def test_what_is_said_of_subjects_is_not_said_again(rows):
    few = {"label": "a − b", "metric": "IoU", "sentence": "Too few subjects: 2.", "limited_by": "too few subjects"}
    wide = {"label": "a − b", "metric": "IoU", "sentence": "it is wide", "limited_by": "test images"}
    kept = "one checkpoint: x"
    row = replace(rows[0], over_subjects=(few,), notes=("too few subjects: the test images are of 2", kept, kept))
    assert phrasing.notes(row) == [kept]
    held = {**wide, "holds_boundary": True}
    said = "a − b: it is wide; it holds the margin that the seeds alone exclude"
    row = replace(rows[0], over_subjects=(held,), notes=(said, kept))
    assert (phrasing.notes(row), phrasing.subjects_texts(row)) == ([kept], [said.removeprefix("a − b: ")])
    assert phrasing.notes(rows[0]) == list(rows[0].notes)


def test_yes_and_no_are_the_same_everywhere():
    content = {"data_root": True, "used": [False, 1], "versions": {"torch": "2"}, "commit": "", "device": None}
    assert phrasing.pairs(content) == [("data root", "yes"), ("used", "no, 1"), ("versions", "torch 2")]
