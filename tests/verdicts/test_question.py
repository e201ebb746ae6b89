"""harness.verdicts.question: which runs a claim needs, and the samples that its relation gets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic import DRIVE, question, recipe, record

from harness.relations import (
    All,
    Collapsed,
    Contrast,
    Greater,
    Looks,
    NotWorse,
    RankCorrelation,
    Reaches,
    Verdict,
)
from harness.specs import Job, Value, Weights, job, parse

IOU, DICE = parse("IoU.fluid"), parse("Dice.fluid")
SOURCE = recipe(0.5, data=DRIVE)
GOOD, BAD = recipe(0.6), recipe(0.3)


def finder(**missing: int):
    """Finds every run but those of a score from some seed on."""

    def find(run: Job):
        limit = missing.get(f"s{round(run.recipe.optimiser.lr * 10)}", 99)
        return record(run, "k", run.recipe.optimiser.lr + run.seed / 1000) if run.seed < limit else None

    return find


def test_samples_are_values_by_seed():
    claim = question({"good": GOOD, "bad": BAD})
    samples = claim.samples(finder())
    assert samples.keys() == {"good", "bad", Value("good", IOU), Value("bad", IOU)}
    assert samples["good"] == pytest.approx([0.6, 0.601, 0.602], abs=1e-3)


def test_a_further_metric_has_samples_of_its_own():
    relation = All((Greater("good", "bad"), Greater("good", "bad", measure="Dice.fluid")))
    samples = question({"good": GOOD, "bad": BAD}, relation).samples(finder())
    figures = {Value(arm, measure) for arm in ("good", "bad") for measure in (IOU, DICE)}
    assert samples.keys() == {"good", "bad"} | figures
    assert samples[Value("good", DICE)][0] == pytest.approx(2 * 0.6 / 1.6, abs=1e-3)


def test_an_arm_is_only_asked_for_the_figures_that_the_relation_reads():
    """A source has other classes than the target: its record holds mIoU, but no IoU of fluid."""
    mean = parse("mIoU")
    relation = RankCorrelation((("good", Value("source", mean)), ("bad", Value("other", mean))))
    arms = {"good": GOOD, "source": SOURCE, "bad": BAD, "other": recipe(0.4, data=replace(DRIVE, name="stare"))}

    def find(run: Job):
        made = record(run, "k")
        if run.recipe.data.name != "dme":
            for point in made.curve:
                point["metrics"] = {"mIoU": point["metrics"]["mIoU"]}
        return made

    claim = question(arms, relation)
    assert len(claim.samples(find)[Value("source", mean)]) == 3
    assert {arm: str(claim.measure_of(arm)) for arm in arms} == {
        "good": "IoU.fluid",
        "source": "mIoU",
        "bad": "IoU.fluid",
        "other": "mIoU",
    }


def test_an_arm_may_have_a_colon_in_its_name():
    claim = question({"lr:1": GOOD, "lr:2": BAD}, Greater("lr:1", "lr:2"))
    assert claim.stand(lambda run: record(run, "k")).verdict is Verdict.SUPPORTED  # with noise


def test_samples_end_before_the_first_seed_without_a_record():
    samples = question({"good": GOOD, "bad": BAD}).samples(finder(s3=1))
    assert [len(values) for values in samples.values()] == [3, 3, 1, 1]


def test_a_gap_hides_the_seeds_behind_it():
    def find(run):
        return None if run.seed == 1 else record(run, "k")

    assert [len(values) for values in question({"good": GOOD, "bad": BAD}).samples(find).values()] == [1] * 4


def test_a_claim_waits_for_the_slowest_arm():
    claim = question({"good": GOOD, "bad": BAD}, looks=Looks())
    assert claim.stand(finder(s3=2)).n_next == 4
    assert claim.stand(finder()).n_next is None


def test_a_relation_may_not_name_an_arm_without_a_recipe():
    with pytest.raises(ValueError, match="compare the arms good, bad, but it names 'ugly'; give that arm a recipe"):
        question({"good": GOOD, "bad": BAD}, Greater("good", "ugly"))


def test_a_claim_without_data_needs_no_arms():
    assert question({}, Greater("good", "ugly"), unavailable="no data").unavailable == "no data"


def test_a_variant_stands_in_brackets():
    assert question({"good": GOOD, "bad": BAD}).name == "tiny-paper/first-is-better"
    assert question({"good": GOOD, "bad": BAD}, variant="drive").name == "tiny-paper/first-is-better[drive]"


@pytest.mark.parametrize("seed", [None, 0])
def test_one_checkpoint_for_all_seeds_is_noticed(seed):
    tuned = recipe(0.7, source=SOURCE, source_seed=seed)
    assert question({"tuned": tuned, "bad": BAD}).one_checkpoint is (seed is not None)


def test_weights_from_a_file_are_one_checkpoint():
    tuned = replace(GOOD, init=Weights("unet.pth", "0" * 64))
    assert question({"tuned": tuned, "bad": BAD}).one_checkpoint


def test_a_standing_is_not_that_of_the_claim_with_another_plan():
    claim = question({"good": GOOD, "bad": BAD})
    assert claim.stand(finder()).decision.n == 3
    assert replace(claim, looks=Looks.fixed(5)).stand(finder(s6=3, s3=3)).n_next == 5


def test_the_jobs_of_a_claim_are_those_of_every_arm_and_seed():
    jobs = list(question({"good": GOOD, "bad": BAD}).jobs(2))
    assert jobs == [job(GOOD, 0), job(GOOD, 1), job(BAD, 0), job(BAD, 1)]


def test_a_reference_may_be_another_metric_of_the_arm():
    mean = parse("mDice")
    relation = RankCorrelation((("good", Value("good", mean)), ("bad", Value("bad", mean))))
    claim = question({"good": GOOD, "bad": BAD}, relation)
    assert {"good", "bad", Value("good", mean), Value("bad", mean)} <= set(claim.samples(finder()))
    assert claim.stand(lambda run: record(run, "k")).verdict is Verdict.SUPPORTED  # with noise


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ({"good": GOOD, "bad": BAD, "other": recipe(0.4)}, "does not name 'other'"),
        ({"good": GOOD, "bad": GOOD}, "'good' and 'bad' are one and the same"),
        ({"good": GOOD}, "names 'bad'"),
    ],
)
def test_arms_that_cannot_be_compared_are_one_sentence(arms, words):
    with pytest.raises(ValueError, match=words):
        question(arms, Greater("good", "bad"))


def test_a_claim_whose_runs_all_collapsed_is_not_decided_by_them():
    """They are far below the value to reach, but the seeds to come may do better."""

    def find(run: Job):
        score = 0.001 * run.seed if run.seed < 4 else 0.6 + 0.01 * run.seed
        return record(run, "k", score, collapsed=run.seed < 4)

    claim = question({"good": GOOD}, Reaches("good", 0.9, 0.0), looks=Looks())
    assert claim.samples(find)[Collapsed("good")] == [1.0] * 4 + [0.0] * 6
    assert claim.stand(find).history[0].n == 4
    assert claim.stand(find).decision.n > 4


def test_samples_tell_of_collapse_only_where_there_is_some():
    assert Collapsed("good") not in question({"good": GOOD, "bad": BAD}).samples(finder())


def test_a_changed_registration_takes_seeds_of_its_own():
    first, second = (question({"good": GOOD, "bad": BAD}, registration=n) for n in (1, 2))
    assert (first.seeds, second.seeds) == ((0, 1, 2), (1000, 1001, 1002))
    assert list(second.jobs(1)) == [job(GOOD, 1000), job(BAD, 1000)]
    asked = []
    second.samples(lambda run: asked.append(run.seed) or record(run, "k"))
    assert set(asked) == {1000, 1001, 1002}


@pytest.mark.parametrize("registration", [0, -1, 1.5, "2"])
def test_registrations_are_counted_from_1(registration):
    with pytest.raises(ValueError, match="`registration` of tiny-paper/first-is-better to be a whole number from 1 on"):
        question({"good": GOOD, "bad": BAD}, registration=registration)


@pytest.mark.parametrize(
    ("relation", "measure", "words"),
    [
        (
            NotWorse("good", "bad", 5),
            "IoU.fluid",
            "margin of IoU.fluid to be a fraction, at most 1, but got 5",
        ),
        (Greater("good", "bad"), "time:Dice.fluid>=0.4", "to compare values, .* take ConvergesFaster"),
    ],
)
def test_figures_in_percent_and_times_taken_for_values_are_one_sentence(relation, measure, words):
    arms = {arm: {"good": GOOD, "bad": BAD}[arm] for arm in relation.arms}
    with pytest.raises(ValueError, match=words):
        question(arms, relation, measure=measure)


LEAK = (Contrast("leak", "good", "aside"),)
ASIDE = recipe(0.5)


def test_an_arm_that_only_a_contrast_names_takes_no_part_in_the_relation():
    claim = question({"good": GOOD, "bad": BAD, "aside": ASIDE}, Greater("good", "bad"), contrasts=LEAK)
    assert claim.compared == ("good", "bad")
    assert claim.samples(finder()) == question({"good": GOOD, "bad": BAD}).samples(finder())
    assert {run.recipe for run in claim.jobs(1)} == {GOOD, BAD, ASIDE}


def test_a_claim_that_is_decided_still_wants_the_arms_of_its_contrasts():
    """Their runs may be absent where other claims have trained all that is compared."""
    claim = question({"good": GOOD, "bad": BAD, "aside": ASIDE}, Greater("good", "bad"), contrasts=LEAK)
    assert claim.wanted(finder(s6=0)) == 3
    assert claim.wanted(finder(s5=2)) == 3
    assert claim.wanted(finder()) == 0
    assert question({"good": GOOD, "bad": BAD}).wanted(finder(s5=0)) == 0


def test_a_contrast_of_an_early_stop_wants_only_the_seeds_that_were_used():
    looks = Looks((4, 7, 10))
    claim = question({"good": GOOD, "bad": BAD, "aside": ASIDE}, Greater("good", "bad"), looks=looks, contrasts=LEAK)

    def find(run: Job):
        if run.recipe == ASIDE and run.seed > 1:
            return None
        return record(run, "k")  # with noise

    assert claim.stand(find).decision.n == 4
    assert claim.wanted(find) == 4


def test_an_arm_that_neither_relation_nor_contrast_names_is_a_mistake():
    with pytest.raises(ValueError, match="its relation does not name 'aside'"):
        question({"good": GOOD, "bad": BAD, "aside": ASIDE}, Greater("good", "bad"))


def test_contrasts_compare_no_times():
    relation = Greater("good", "bad", measure="IoU.fluid")
    with pytest.raises(ValueError, match="Expected the contrasts of tiny-paper/first-is-better to compare values"):
        question({"good": GOOD, "bad": BAD, "aside": ASIDE}, relation, contrasts=LEAK, measure="time:IoU.fluid>=0.4")
