"""harness.specs.arms: arms, the jobs that they make, and how jobs start from one another."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from harness.specs import (
    Arm,
    BestOnValidation,
    Boosted,
    Bootstrap,
    Budget,
    Classifier,
    Combination,
    CrossEntropy,
    Data,
    Ensemble,
    Evaluation,
    Every,
    Focal,
    FromJob,
    Job,
    Last,
    Metric,
    Normalise,
    Optimiser,
    Poly,
    RandomCrop,
    RandomFlip,
    Recipe,
    Rescale,
    Reseeded,
    Scratch,
    Segmenter,
    Split,
    Training,
    Weights,
    ZeroShot,
    ancestry,
    bagged,
    boosted,
    canonical,
    digest,
    final,
    job,
    jobs,
    key,
    one_checkpoint,
    own_sources,
    recipe_of,
    recipes,
    replaced,
)

SHA = "0123456789abcdef" * 4
NETWORK = Segmenter("unet-s5-d16", "fcn")

FIRST = Recipe(Data("camvid"), NETWORK, Budget(1))
SECOND = Recipe(Data("drive"), NETWORK, Budget(2), init=FromJob(FIRST))
TUNED = Recipe(Data("dme"), NETWORK, Budget(3), init=FromJob(SECOND))
SCRATCH = Recipe(Data("dme"), NETWORK, Budget(3))
SHARED = replace(TUNED, init=FromJob(SECOND, seed=7))
FROM_FILE = replace(SCRATCH, init=Weights("a.pth", SHA))

GRADING = Recipe(Data("aptos2019"), Classifier("resnet18"), Budget(3))

HELD_OUT = replace(SCRATCH, data=Data("dme", split=Split(validation=0.2)))

TRAINING_ONLY: dict[str, Any] = {
    "budget": Budget(9),
    "losses": (Focal(),),
    "optimiser": Optimiser("adam"),
    "schedule": Poly(),
    "batch_size": 2,
    "select": BestOnValidation(Metric("mIoU")),
    "frozen": ("backbone",),
    "sample": Bootstrap(1),
}
EVALUATED: dict[str, Any] = {
    "data": Data("hrf", split=Split(validation=0.2)),
    "network": Segmenter("unet-s5-d16", "pspnet"),
    "init": FromJob(FIRST),
    "transforms": (Rescale(0.5),),
    "normalise": Normalise(0.0, 1.0),
    "precision": "bf16",
}


def contents(data: Data) -> str:
    return f"content of {data.name}"


def versions(job: Job) -> dict[str, int]:
    return {"jobs": 1}


def test_an_arm_and_a_seed_make_a_job() -> None:
    ensemble = Ensemble((SCRATCH, TUNED))
    assert job(SCRATCH, 2) == Training(SCRATCH, 2)
    assert job(ZeroShot(TUNED), 2) == Evaluation(ZeroShot(TUNED).recipe, 2)
    assert job(ensemble, 2) == Combination(ensemble, 2)


@pytest.mark.parametrize("arm", [TUNED, SHARED, ZeroShot(TUNED), Ensemble((TUNED, SHARED)), Reseeded(TUNED, 3)])
def test_a_reseeded_arm_does_the_same_with_other_seeds(arm: Arm) -> None:
    other = Reseeded(arm, 500)
    assert job(other, 2) == job(arm, 502)
    assert job(other, 2).inputs == job(arm, 502).inputs
    assert (final(other), list(recipes(other))) == (final(arm), list(recipes(arm)))
    assert digest(other) != digest(arm)
    assert one_checkpoint([other]) is one_checkpoint([arm])


def test_members_that_differ_in_their_seeds_alone_are_jobs_of_their_own() -> None:
    ensemble = Ensemble((SCRATCH, Reseeded(SCRATCH, 500)))
    assert job(ensemble, 2).inputs == (Training(SCRATCH, 2), Training(SCRATCH, 502))


def test_weights_that_are_shuffled_are_another_job_from_the_same_source() -> None:
    shuffled = replace(TUNED, init=FromJob(SECOND, shuffled=True))
    assert job(shuffled, 2).inputs == job(TUNED, 2).inputs
    assert key(job(shuffled, 2), contents, versions) != key(job(TUNED, 2), contents, versions)


def test_a_job_starts_from_its_sources_with_its_own_seed_or_with_the_shared_one() -> None:
    assert job(SCRATCH, 2).inputs == job(FROM_FILE, 2).inputs == ()
    assert job(TUNED, 2).inputs == job(ZeroShot(TUNED), 2).inputs == (Training(SECOND, 2),)
    assert job(SHARED, 2).inputs == (Training(SECOND, 7),)
    assert job(SHARED, 2).inputs[0].inputs == (Training(FIRST, 7),), "a shared source's own source is shared as well"
    assert job(Ensemble((SHARED, ZeroShot(SCRATCH))), 2).inputs == (job(SHARED, 2), job(ZeroShot(SCRATCH), 2))


def needed(arm: Arm) -> list[set[str]]:
    """What the arm's job asks for, of each of its inputs."""
    made = job(arm, 0)
    return [set(made.needs(each)) for each in made.inputs]


def test_trainings_ask_for_weights_and_combinations_for_predictions() -> None:
    assert needed(TUNED) == needed(ZeroShot(TUNED)) == [{"weights"}]
    assert needed(Ensemble((TUNED, SCRATCH))) == [{"predictions"}] * 2


def test_a_boosted_recipe_asks_for_the_mistakes_of_all_before_it() -> None:
    arms = boosted([GRADING] * 3)
    assert arms.members[0] == GRADING, "the first is the recipe itself, and shares its training"
    third = arms.members[2]
    assert job(third, 4).inputs == tuple(Training(member, 4) for member in arms.members[:2])
    assert needed(third) == [{"training predictions"}] * 2
    assert needed(arms) == [{"predictions", "training predictions"}] * 3
    assert list(third.lineage()) == list(arms.members)


def test_a_boosted_recipe_may_start_from_the_one_before_it() -> None:
    tuned = replace(GRADING, init=FromJob(GRADING), sample=Boosted(GRADING))
    assert job(tuned, 0).inputs == (Training(GRADING, 0),)
    assert needed(tuned) == [{"weights", "training predictions"}]
    shared = replace(tuned, init=FromJob(GRADING, seed=3))
    assert job(shared, 0).inputs == (Training(GRADING, 3), Training(GRADING, 0))
    assert needed(shared) == [{"weights"}, {"training predictions"}]


def test_bagged_members_differ_in_their_draw_alone() -> None:
    ensemble = bagged([GRADING] * 3)
    assert ensemble.method == "soft"
    assert [member.sample for member in ensemble.members] == [Bootstrap(1), Bootstrap(2), Bootstrap(3)]
    assert {replace(member, sample=Every()) for member in ensemble.members} == {GRADING}
    assert len({key(each, contents, versions) for each in job(ensemble, 0).inputs}) == 3


def test_a_long_row_of_boosted_recipes_is_written_down_once() -> None:
    short, long = (boosted([GRADING] * count) for count in (2, 12))
    assert len(list(ancestry(job(long, 0)))) == 13
    assert len(json.dumps(canonical(long.members[-1]))) < 12 * len(json.dumps(canonical(short.members[-1])))
    assert len(key(job(long, 0), contents, versions)) == 64


def test_each_earlier_recipe_changes_the_key_of_a_boosted_one() -> None:
    other = replace(GRADING, batch_size=3)
    rows = [[GRADING] * 3, [other, GRADING, GRADING], [GRADING, other, GRADING]]
    assert len({key(job(boosted(row).members[2], 0), contents, versions) for row in rows}) == 3


def test_the_ancestry_has_inputs_before_what_starts_from_them() -> None:
    whole = job(Ensemble((Ensemble((TUNED, SCRATCH)), SHARED)), 2)
    assert list(ancestry(whole)) == [
        Training(FIRST, 2),
        Training(SECOND, 2),
        Training(TUNED, 2),
        Training(SCRATCH, 2),
        Combination(Ensemble((TUNED, SCRATCH)), 2),
        Training(FIRST, 7),
        Training(SECOND, 7),
        Training(SHARED, 2),
        whole,
    ]


def test_recipes_of_an_arm_and_the_one_that_its_record_is_of() -> None:
    ensemble = Ensemble((ZeroShot(TUNED), SCRATCH))
    zero_shot = ZeroShot(TUNED).recipe
    assert list(recipes(ensemble)) == [FIRST, SECOND, zero_shot, SCRATCH]
    assert final(TUNED) == recipe_of(job(TUNED, 0)) == TUNED
    assert final(ensemble) == final(ZeroShot(TUNED)) == recipe_of(job(ensemble, 0)) == zero_shot


@pytest.mark.parametrize(
    ("arm", "shared"),
    [
        (SCRATCH, False),
        (TUNED, False),
        (SHARED, True),
        (FROM_FILE, True),
        (replace(SCRATCH, init=FromJob(replace(FIRST, init=Weights("a.pth", SHA)))), True),
        (replace(SCRATCH, init=FromJob(SHARED)), True),
        (ZeroShot(SHARED), True),
        (ZeroShot(TUNED), False),
        (Ensemble((TUNED, SCRATCH)), False),
        (Ensemble((TUNED, Ensemble((SCRATCH, FROM_FILE)))), True),
    ],
)
def test_one_checkpoint_is_a_file_or_a_shared_training_anywhere_in_the_lineage(arm, shared: bool) -> None:
    assert one_checkpoint([arm]) is shared
    assert one_checkpoint([SCRATCH, arm]) is shared


def test_replaced_reaches_every_data_set_and_leaves_the_rest() -> None:
    arm = Ensemble((ZeroShot(TUNED), Ensemble((SHARED, SCRATCH))), "hard")
    phantom = replaced(arm, Data, lambda data: replace(data, evidence="phantom"))
    assert [recipe.data.evidence for recipe in recipes(phantom)] == ["phantom"] * 7
    assert [recipe.data.name for recipe in recipes(phantom)] == [recipe.data.name for recipe in recipes(arm)]
    assert phantom.members[1].members[0].init.seed == 7
    assert phantom.method == "hard"
    assert replaced(phantom, Data, lambda data: replace(data, evidence="")) == arm
    assert replaced((SCRATCH, "text", 1), Budget, lambda budget: Budget(4))[0].budget == Budget(4)


def test_own_sources_stand_for_released_weights_however_deep_they_are() -> None:
    backbone = Weights("backbone", otherwise=FromJob(FIRST, "backbone"))
    source = replace(SECOND, init=backbone)
    released = replace(SCRATCH, init=Weights("segmenter", otherwise=FromJob(source)))
    trained = replace(SCRATCH, init=FromJob(replace(SECOND, init=FromJob(FIRST, "backbone"))))
    assert own_sources(released) == trained
    assert own_sources(ZeroShot(released)) == ZeroShot(trained)
    alone = replace(SCRATCH, init=Weights("segmenter"))
    assert own_sources(alone) == alone


def test_what_concerns_training_alone_does_not_identify_a_zero_shot_evaluation() -> None:
    assert TRAINING_ONLY.keys() | EVALUATED.keys() == {item.name for item in fields(Recipe)}
    for name, value in TRAINING_ONLY.items():
        other = ZeroShot(replace(HELD_OUT, **{name: value}))
        assert other == ZeroShot(HELD_OUT), name
        assert hash(other) == hash(ZeroShot(HELD_OUT))
    for name, value in EVALUATED.items():
        assert ZeroShot(replace(HELD_OUT, **{name: value})) != ZeroShot(HELD_OUT), name
        assert getattr(ZeroShot(replace(HELD_OUT, **{name: value})).recipe, name) == value


def test_of_a_zero_shot_evaluations_transforms_only_the_rescaling_counts() -> None:
    recipe = replace(SCRATCH, transforms=(Rescale(0.5), RandomCrop((8, 8)), RandomFlip()))
    assert ZeroShot(recipe) == ZeroShot(replace(SCRATCH, transforms=(Rescale(0.5),)))
    assert ZeroShot(recipe).recipe.transforms == (Rescale(0.5),)


def test_a_source_of_a_zero_shot_evaluation_keeps_how_it_was_trained() -> None:
    longer = replace(TUNED, init=FromJob(replace(SECOND, budget=Budget(20))))
    assert ZeroShot(longer) != ZeroShot(TUNED)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ZeroShot("dme"), "ZeroShot `recipe` to be a Recipe, but got 'dme'"),
        (lambda: ZeroShot(ZeroShot(SCRATCH)), "ZeroShot `recipe` to be a Recipe"),
        (lambda: Reseeded("dme"), "Reseeded `arm` to be an arm, but got 'dme'"),
        (lambda: Reseeded(SCRATCH, 0), "Reseeded `by` to be a whole number above 0, but got 0"),
        (lambda: Ensemble((SCRATCH,)), "ensemble `members` to be a tuple of at least 2 arms"),
        (lambda: Ensemble([SCRATCH, TUNED]), "ensemble `members` to be a tuple of at least 2 arms"),
        (lambda: Ensemble((SCRATCH, "tuned")), "ensemble `members` to be arms"),
        (
            lambda: Ensemble((SCRATCH, TUNED), "mean"),
            "`method` to be one of 'soft', 'hard', 'weighted', 'stacking', 'boosting', but got 'mean'",
        ),
        (lambda: Ensemble((SCRATCH, SECOND)), "their data sets or tasks differ; give all of them the same `data`"),
        (lambda: Ensemble((SCRATCH, HELD_OUT)), "their data sets or tasks differ"),
        (lambda: Ensemble((SCRATCH, replace(SCRATCH, network=Classifier("resnet18")))), "or tasks differ"),
        (lambda: Ensemble((SCRATCH, Ensemble((SECOND, SECOND)))), "their data sets or tasks differ"),
        (lambda: Ensemble((SCRATCH, TUNED), "weighted"), "a validation split to fit 'weighted' on the members"),
        (lambda: Ensemble((GRADING, GRADING), "stacking"), "a validation split to fit 'stacking' on the members"),
        (
            lambda: Ensemble((HELD_OUT, HELD_OUT), "stacking"),
            "members that classify for an ensemble by 'stacking', but",
        ),
        (
            lambda: Ensemble((SCRATCH, TUNED), "boosting"),
            "members that classify for an ensemble by 'boosting', but got",
        ),
        (lambda: Ensemble((GRADING, GRADING), "boosting"), "but the first to be Boosted after the one before it"),
        (lambda: Ensemble(boosted([GRADING] * 3).members[1:], "boosting"), "make it with boosted((recipe, …))"),
        (lambda: Ensemble((GRADING, ZeroShot(GRADING)), "boosting"), "make it with boosted((recipe, …))"),
        (lambda: boosted([SCRATCH, SCRATCH]), "a recipe that classifies to be Boosted"),
        (lambda: boosted([GRADING]), "ensemble `members` to be a tuple of at least 2 arms"),
        (lambda: bagged([GRADING]), "ensemble `members` to be a tuple of at least 2 arms"),
    ],
)
def test_a_mistake_is_one_sentence(refusal, make, words: str) -> None:
    assert words in refusal(make)


def test_members_are_weighted_on_a_validation_split() -> None:
    assert Ensemble((HELD_OUT, ZeroShot(HELD_OUT)), "weighted").method == "weighted"


def test_a_key_is_64_digits_and_the_same_for_an_equal_job() -> None:
    one, same = (key(job(replace(TUNED), 0), contents, versions) for _ in range(2))
    assert one == same
    assert len(one) == 64
    assert set(one) <= set("0123456789abcdef")


def test_a_key_holds_all_that_shaped_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever changes in a source's data or version changes what starts from it."""
    tuned = job(TUNED, 0)
    different = {
        "as it is": key(tuned, contents, versions),
        "seed": key(job(TUNED, 1), contents, versions),
        "kind of job": key(job(ZeroShot(TUNED), 0), contents, versions),
        "recipe": key(job(replace(TUNED, batch_size=4), 0), contents, versions),
        "own data": key(tuned, lambda data: contents(data) + "!" * (data.name == "dme"), versions),
        "source's data": key(tuned, lambda data: contents(data) + "!" * (data.name == "camvid"), versions),
        "own version": key(tuned, contents, lambda each: {"jobs": 1 + (recipe_of(each) == TUNED)}),
        "source's version": key(tuned, contents, lambda each: {"jobs": 1 + (recipe_of(each) == FIRST)}),
        "another part": key(tuned, contents, lambda each: {"jobs": 1, "network:unet": 1}),
        "shared source": key(job(SHARED, 0), contents, versions),
    }
    monkeypatch.setattr(jobs, "VERSION", jobs.VERSION + 1)
    different["version of the specs"] = key(tuned, contents, versions)
    assert len(set(different.values())) == len(different)


def test_a_combinations_key_depends_on_its_members_in_their_order() -> None:
    pairs = [(TUNED, SCRATCH), (SCRATCH, TUNED), (SCRATCH, SCRATCH)]
    assert len({key(job(Ensemble(pair), 0), contents, versions) for pair in pairs}) == 3


def test_a_file_that_moved_and_a_substitute_that_is_allowed_change_no_key() -> None:
    def keyed(recipe: Recipe) -> str:
        return key(job(recipe, 0), contents, versions)

    assert keyed(FROM_FILE) == keyed(replace(FROM_FILE, init=Weights("elsewhere/b.pth", SHA)))
    assert keyed(SCRATCH) == keyed(replace(SCRATCH, data=replace(SCRATCH.data, substitute="drive")))
    assert keyed(SCRATCH) != keyed(FROM_FILE)


def test_what_is_written_out_is_what_the_default_says() -> None:
    spelled = replace(SCRATCH, init=Scratch(), losses=(CrossEntropy(1),), select=Last(), transforms=())
    assert key(job(spelled, 0), contents, versions) == key(job(SCRATCH, 0), contents, versions)
