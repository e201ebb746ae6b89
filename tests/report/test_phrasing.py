import math
from dataclasses import replace

import pytest

from harness.relations import All, Greater, RankCorrelation, TwoLevel
from harness.report import phrasing
from harness.report.parts import deciding
from harness.verdicts import SubjectDifference
from harness.verdicts.subjects import Difference


def having(row, **changes):
    """The row with other values of its decision."""
    return replace(row, standing=replace(row.standing, decision=replace(row.decision, **changes)))


def test_infinite_bounds_are_written_open(rows):
    assert phrasing.interval_text(rows[-1]) == "[−∞, +0.200]"
    assert phrasing.interval_text(rows[1]) == "[8.0×, ∞]"


def test_times_count_epochs_and_name_what_never_arrived(rows):
    slow = rows[1].arms[1]
    assert phrasing.arm_value(slow) == "560 ± 63"
    assert phrasing.arm_marks(slow) == ("2 of 7 never reached it",)


@pytest.mark.parametrize(
    ("metric", "base", "bound"),
    [("time:Dice.fluid>=0.4", "Dice.fluid", 0.4), ("time:IoU>0.01", "IoU", 0.01), ("trend:mIoU", "mIoU", None)],
)
def test_a_metric_has_a_curve_beneath(metric, base, bound):
    assert phrasing.metric_base(metric) == base
    assert phrasing.threshold(metric) == bound


def test_the_expected_verdict_stands_beside_the_actual_one(rows):
    assert phrasing.expected_text(rows[0]) == "as recorded"
    assert phrasing.expected_text(rows[3]) == "paper says SUPPORTED"
    assert phrasing.adjusted_text(rows[1]) == "after Holm INCONCLUSIVE"
    assert phrasing.expected_text(rows[2]) == "verdict as recorded, a mean is not"


def test_a_family_that_changes_nothing_differs_from_none(rows):
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
    both = make_row("a/both", All((ranks, Greater("b", "a"))), seeds)
    assert phrasing.decided_by(both) == "b > a"


def test_effects_may_be_infinite(rows):
    row = having(rows[1], effect=math.inf)
    assert deciding(row).decision.effect == math.inf
    assert phrasing.effect_text(row) == "∞"


@pytest.mark.parametrize(
    ("interval", "text"),
    [((0.0, math.inf), "[no bound]"), ((-math.inf, math.inf), "[no bound]"), ((0.0, 3.0), "[0.0×, 3.0×]"), (None, "")],
)
def test_bounds_that_exclude_nothing_are_none(rows, interval, text):
    assert phrasing.interval_text(having(rows[1], interval=interval)) == text


def test_seeds_that_were_saved_are_counted(rows):
    given_up = having(rows[0], n=9)
    assert phrasing.seeds_text(rows[0]) == "4 of 10 seeds, decided: 6 seeds not needed"
    assert phrasing.seeds_text(replace(given_up, standing=replace(given_up.standing, stopped="futile"))).endswith(
        "futile: 1 seed not trained"
    )
    assert phrasing.seeds_text(rows[1]) == "7 of 10 seeds, decided: 3 seeds not needed"
    assert phrasing.seeds_text(rows[3]) == "10 seeds"


def test_smoke_and_phantoms_are_cautioned_against(rows):
    smoke, phantoms = phrasing.cautions(rows)
    assert smoke.startswith("Smoke scale (1 of 8 claims): tiny networks")
    assert phantoms.startswith("Phantoms (2 of 8 claims): generated images")
    assert phrasing.cautions(rows[:3]) == []
    assert set(phrasing.SCALE) == {"paper", "reduced", "desk", "smoke"}


def test_a_substitute_is_named_and_why_there_are_phantoms_is_not(rows):
    assert phrasing.evidence_text(rows[0]) == "substituted: DME, DRIVE (DRIVE for STARE)"
    assert phrasing.stand_ins(replace(rows[5], evidence_notes=("no root was given",))) == ()


def subject_difference(interval, limited_by, excluded=None, reason=""):
    estimate = TwoLevel(
        0.1, interval, (0.05, 0.15), 0.9, seeds=4, subjects=6, images=12, effective_subjects=5.0, test_share=0.9,
        floor=0.1, limited_by=limited_by, reason=reason,
    )  # fmt: skip
    return SubjectDifference(Difference("a", "b", "IoU", 0.9, excluded), estimate)


def test_what_stands_with_the_subjects_is_no_note_as_well(rows):
    kept = "one checkpoint: x"
    few = subject_difference(None, "too few subjects", reason="Too few subjects: 2.")
    row = replace(rows[0], over_subjects=(few,), notes=("too few subjects: the test images are of 2", kept, kept))
    assert phrasing.notes(row) == [kept]
    assert phrasing.subjects_texts(row) == ["Too few subjects: 2."]
    wide = subject_difference((-0.1, 0.3), "test images", excluded=0.0)
    row = replace(rows[0], over_subjects=(wide,), notes=(f"a − b: {wide.sentence}", kept))
    assert wide.sentence.endswith("; it holds the margin that the seeds alone exclude")
    assert (phrasing.notes(row), phrasing.subjects_texts(row)) == ([kept], [wide.sentence])
    assert phrasing.notes(rows[0]) == list(rows[0].notes)


def test_yes_and_no_are_the_same_everywhere():
    content = {"data_root": True, "used": [False, 1], "versions": {"torch": "2"}, "commit": "", "device": None}
    assert phrasing.pairs(content) == [("data root", "yes"), ("used", "no, 1"), ("versions", "torch 2")]
