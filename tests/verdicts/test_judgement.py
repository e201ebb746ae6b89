"""harness.verdicts.judgement: what a row of the table says follows from the runs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from scipy import stats
from synthetic import DRIVE, question, recipe, record

from harness.converter import plain
from harness.relations import All, Contrast, ConvergesFaster, Decision, Equivalent, Greater, Looks, Verdict
from harness.specs import Ensemble, Job, Weights, parse, recipe_of
from harness.verdicts import blank, judge
from harness.verdicts.judgement import undecided, weights_text

SOURCE = recipe(0.5, data=DRIVE)
GOOD, BAD = recipe(0.6), recipe(0.3)
NOISE = (0.0, 0.01, -0.01, 0.005, -0.002)


def key(run: Job) -> str:
    return f"{recipe_of(run).optimiser.lr}/{run.seed}"


def row(claim, change=None, session="now"):
    """The row of a claim whose runs are as their recipes say, unless ``change`` makes others of them."""

    def find(run):
        score = recipe_of(run).optimiser.lr
        done = record(run, key(run), score + NOISE[(run.seed % 1000 + round(10 * score)) % 5] * (run.seed % 1000 + 1))
        return change(run, done) if change else done

    return judge(claim, claim.stand(find), find, key, session)


def claim(**changes):
    return question({"good": GOOD, "bad": BAD}, **{"looks": Looks.fixed(4), **changes})


def of(recipe_, seeds=range(9)):
    return lambda run: recipe_of(run) == recipe_ and run.seed in seeds


def failing(which, reason="the loss was NaN at iteration 7"):
    return lambda run, done: replace(done, status="failed", reason=reason, curve=[]) if which(run) else done


def collapsing(which):
    return lambda run, done: record(run, key(run), 0.0) if which(run) else done


def trained_alike(losses):
    return lambda run, done: replace(done, losses=losses(run)) if of(GOOD)(run) else done


def test_a_claim_is_an_error_where_all_seeds_of_an_arm_trained_alike():
    """A seed that is recorded but not used leaves no spread, and the smallest p-values."""
    made = row(claim(), trained_alike(lambda run: [[1, 0.7], [2, 0.5]]))
    assert made.verdict is Verdict.ERROR
    assert made.reason == "all 4 seeds of good came to the same losses, bit for bit: is the seed used?"
    failed = row(claim(), failing(of(GOOD, [1])))
    assert "the seed" not in failed.reason


@pytest.mark.parametrize(
    "losses",
    [lambda run: [], lambda run: [[1, 0.7 + 1e-15 * run.seed]], lambda run: [[1, 0.7 if run.seed else 0.8]]],
)
def test_seeds_that_differ_in_one_loss_or_trained_nothing_are_no_error(losses):
    assert row(claim(), trained_alike(losses)).verdict is Verdict.SUPPORTED


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
    tuned = question({"tuned": recipe(0.7, source=SOURCE, source_seed=0), "bad": BAD})

    def now(run, done):
        return replace(done, session="now", seconds=3.0) if recipe_of(run) == SOURCE else done

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
    assert json.dumps(plain(made), allow_nan=False)


def test_where_most_runs_of_every_arm_collapsed_nothing_is_decided():
    made = row(claim(), collapsing(lambda run: run.seed < 3))
    assert made.verdict is Verdict.INCONCLUSIVE
    assert made.reason.startswith("Most runs of good and of bad collapsed: ")
    assert [arm.collapsed for arm in made.arms] == [3, 3]


def test_one_collapsed_run_of_the_better_arm_leaves_the_claim_open_with_the_reason():
    made = row(claim(looks=Looks.fixed(5)), collapsing(of(GOOD, [2])))
    assert made.verdict is Verdict.INCONCLUSIVE
    assert made.reason == "good is better where it converged, but collapsed more often: 1 of 5 runs against 0."


def test_a_verdict_is_about_the_runs_that_converged():
    made = row(claim(looks=Looks.fixed(5)), collapsing(of(BAD, [1])))
    assert made.verdict is Verdict.SUPPORTED
    assert "among the runs that converged: 0 of 5 runs of good and 1 of 5 runs of bad collapsed" in made.notes
    assert made.effect == pytest.approx(0.3, abs=0.05)  # with the collapsed run it would be above .35


@pytest.mark.parametrize("arm", [GOOD, BAD])
def test_an_arm_that_always_collapses_is_worse_by_that_alone(arm):
    made = row(claim(looks=Looks.fixed(5)), collapsing(of(arm)))
    assert made.verdict is (Verdict.REFUTED if arm == GOOD else Verdict.SUPPORTED)
    (note,) = (note for note in made.notes if "collapse" in note)
    assert note.startswith("shown by how often the arms collapse: ")


def test_every_arm_has_a_bound_on_how_often_it_collapses():
    made = row(claim(), collapsing(of(BAD, [1])))
    assert made.arms[0].collapse_bound == pytest.approx(1 - 0.05**0.25)
    assert made.arms[1].collapse_bound == pytest.approx(stats.binomtest(1, 4).proportion_ci(0.9).high)


def test_the_seed_that_a_verdict_hangs_on_is_named():
    def spoiled(run, done):
        return record(run, key(run), 0.8) if run.recipe == BAD and run.seed == 1001 else done

    made = row(claim(looks=Looks.fixed(5), registration=2), spoiled)
    assert made.verdict is Verdict.INCONCLUSIVE
    assert made.registration == 2
    assert "without seed 1001 it would be SUPPORTED" in made.notes


def test_a_collapsed_run_never_arrives_and_that_is_a_time():
    timed = claim(measure="time:IoU.fluid>=0.55", relation=ConvergesFaster("good", "bad"), looks=Looks.fixed(5))
    assert row(timed, collapsing(of(BAD))).verdict is Verdict.SUPPORTED
    both = All((ConvergesFaster("good", "bad", measure="time:IoU.fluid>=0.55"), Greater("good", "bad")))
    assert row(claim(relation=both, looks=Looks.fixed(5)), collapsing(of(BAD))).verdict is Verdict.SUPPORTED


def test_a_shared_checkpoint_is_noted():
    tuned = {"tuned": recipe(0.7, source=SOURCE, source_seed=0), "bad": BAD}
    assert any(note.startswith("one checkpoint: ") for note in row(question(tuned)).notes)
    files = {"tuned": replace(GOOD, init=Weights("unet.pth", "0" * 64)), "bad": BAD}
    assert any(note.startswith("one checkpoint: ") for note in row(question(files)).notes)
    assert not any("checkpoint" in note for note in row(claim()).notes)


def test_an_arm_has_what_it_and_its_sources_took_from_other_weights():
    sentence = "from the training on drive: 80 tensors loaded, 2 left as initialised (decode_head.conv_seg), 0 unused"
    tuned = recipe(0.7, source=SOURCE)
    arms = {"tuned": tuned, "again": recipe(0.3, source=tuned), "both": Ensemble((GOOD, tuned)), "bad": BAD}
    made = row(question(arms, Equivalent(tuple(arms), 0.9)))
    assert {arm.name: arm.weights for arm in made.arms} == {
        "tuned": (sentence,),
        "again": (sentence, sentence.replace("drive", "dme")),
        "both": (sentence,),
        "bad": (),
    }


def test_of_many_modules_the_first_three_are_named():
    left = [f"decode_head.{letter}.{kind}" for letter in "abcd" for kind in ("weight", "bias")]
    assert weights_text({"origin": "a.pth", "loaded": 1, "not_loaded": left, "unused": ["fc"]}) == (
        "from a.pth: 1 tensors loaded, 8 left as initialised (decode_head.a, decode_head.b, decode_head.c, …), "
        "1 unused (fc)"
    )


def test_a_head_for_other_classes_is_named_with_both_numbers():
    left = ["decode_head.conv_seg.weight", "decode_head.conv_seg.bias"]
    taken = {"origin": "fcn", "loaded": 80, "not_loaded": left, "unused": left, "classes": [19, 2]}
    assert weights_text(taken).endswith("2 unused (decode_head.conv_seg); head re-initialised: 19 → 2 classes")


def test_few_test_subjects_are_noted_with_their_number():
    def two(run, done):
        return replace(done, test_subjects=["09", "10", "10"])

    assert "too few subjects: the test images are of 2, so they cannot stand for others" in row(claim(), two).notes
    assert not any("subjects" in note for note in row(claim()).notes)


def test_a_failed_run_has_no_test_subjects():
    def failed(run, done):
        return replace(done, status="failed", reason="x", curve=[], test_subjects=[]) if recipe_of(run) == BAD else done

    assert not any("subjects" in note for note in row(claim(), failed).notes)


def test_the_subjects_of_a_source_do_not_count():
    tuned = question({"tuned": recipe(0.7, source=SOURCE), "bad": BAD})
    made = row(tuned, lambda run, done: replace(done, test_subjects=["1"]) if recipe_of(run) == SOURCE else done)
    assert not any("subjects" in note for note in made.notes)


def test_a_time_that_was_never_reached_is_inf_and_not_in_the_mean():
    made = row(claim(measure="time:IoU.fluid>=0.55", relation=ConvergesFaster("good", "bad")))
    assert made.arms[1].values == (math.inf,) * 4
    assert made.arms[1].mean is None
    assert made.arms[0].mean == 10.0


def test_further_metrics_are_shown_as_means():
    both = All((Greater("good", "bad"), Greater("good", "bad", measure="Dice.fluid")))
    others = row(claim(relation=both)).arms[0].others
    assert list(others) == ["Dice.fluid"]
    assert others["Dice.fluid"] == pytest.approx(0.75, abs=0.02)


def test_provenance_is_what_the_runs_have_in_common_or_every_value():
    def two_devices(run, done):
        changed = {"device": "H200", "date": "2026-05-05T10:00:00+00:00"} if run.seed else {}
        return replace(done, provenance={**done.provenance, **changed})

    merged = row(claim(), two_devices).provenance
    assert merged["device"] == ["CPU", "H200"]
    assert merged["date"] == ["2026-05-04T10:00:00+00:00", "2026-05-05T10:00:00+00:00"]
    assert row(claim()).provenance["device"] == "CPU"


def test_a_claim_without_runs_is_not_run_with_its_reason():
    made = blank(claim(unavailable="Expected DME, but found nothing; get it."))
    assert made.verdict is Verdict.NOT_RUN
    assert made.reason == "Expected DME, but found nothing; get it."
    assert (made.arms, made.standing, made.effect, made.seeds) == ((), None, None, 0)


@pytest.mark.parametrize(
    ("verdict", "interval", "needed", "kind"),
    [
        (Verdict.INCONCLUSIVE, (-0.1, 0.2), 12, "too few seeds"),
        (Verdict.INCONCLUSIVE, (-0.1, 0.2), None, "no verdict likely"),
        (Verdict.INCONCLUSIVE, None, None, ""),
        (Verdict.SUPPORTED, (0.1, 0.2), None, ""),
    ],
)
def test_the_two_kinds_of_inconclusive_differ(verdict, interval, needed, kind):
    assert undecided(verdict, Decision(verdict, interval=interval, seeds_needed=needed)) == kind


def test_a_row_says_which_kind_it_is():
    assert row(claim()).undecided == ""
    open_row = row(question({"good": recipe(0.5), "same": recipe(0.501)}, looks=Looks.fixed(4)))
    assert (open_row.verdict, open_row.undecided != "") == (Verdict.INCONCLUSIVE, True)


ASIDE = recipe(0.5)


def beside(**changes):
    return question(
        {"good": GOOD, "bad": BAD, "aside": ASIDE},
        Greater("good", "bad"),
        **{"looks": Looks.fixed(4), "contrasts": (Contrast("leak", "good", "aside", "one less other"),), **changes},
    )


def test_a_contrast_stands_beside_the_row_and_changes_nothing_else():
    made, without = row(beside()), row(claim())
    (leak,) = made.contrasts
    good, aside = ([*arm.values] for arm in made.arms if arm.name != "bad")
    theirs = stats.ttest_ind(good, aside, equal_var=False).confidence_interval(0.9)
    assert leak.interval == pytest.approx((theirs.low, theirs.high))
    assert (leak.effect, leak.metric, leak.words) == (pytest.approx(0.1, abs=0.03), "IoU.fluid", "one less other")
    assert (
        replace(
            made,
            contrasts=(),
            arms=made.arms[:2],
            question=without.question,
            seconds_saved=without.seconds_saved,
        )
        == without
    )


def test_a_row_without_contrasts_has_none():
    assert row(claim()).contrasts == ()
    assert plain(row(claim()))["contrasts"] == []


def test_a_run_of_a_contrast_that_failed_leaves_the_claim_decided_and_says_so():
    made = row(beside(), failing(of(ASIDE, [2])))
    assert made.verdict is Verdict.SUPPORTED
    assert (made.contrasts[0].effect, made.contrasts[0].reason) == (None, "1 of 8 runs failed")
    assert made.arms[2].failed == ("the loss was NaN at iteration 7",)
    assert json.dumps(plain(made), allow_nan=False)


def test_a_contrast_is_of_the_runs_that_converged():
    made = row(beside(), collapsing(of(ASIDE, [1])))
    assert made.verdict is Verdict.SUPPORTED
    assert made.contrasts[0].collapsed == (0, 1)
    assert made.contrasts[0].effect == pytest.approx(0.1, abs=0.03)  # with the collapsed run it would be above .2


def test_further_measures_stand_beside_every_arm_and_decide_nothing():
    made = row(beside(beside=(parse("mAcc"), parse("IoU.fluid"))))
    for arm in made.arms:
        (metric, value), *none = arm.others.items()
        assert (metric, none) == ("mAcc", [])
        assert value == pytest.approx((1 + arm.mean) / 2, abs=0.01)  # recall of the background is 1, of fluid its IoU
    assert made.standing == row(claim()).standing


def test_few_test_subjects_of_a_contrast_are_no_note_on_the_claim():
    made = row(beside(), lambda run, done: replace(done, test_subjects=["a"] * 6) if of(ASIDE)(run) else done)
    assert not any("too few subjects" in note for note in made.notes)
