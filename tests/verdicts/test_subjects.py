"""harness.verdicts.subjects: each difference that decided stands with its interval over seeds and test subjects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic import CLASSES, recipe, record

from harness.relations import (
    All,
    BestOf,
    Equivalent,
    Greater,
    NonMonotonic,
    NotGreater,
    NotWorse,
    RankCorrelation,
    Reaches,
    Verdict,
    two_level,
)
from harness.specs import Job, job, parse
from harness.tasks.segmentation import functions
from harness.verdicts.subjects import differences, over_subjects

METRIC = "IoU.fluid"
SUBJECTS = [f"subject {number // 3}" for number in range(18)]


def decided(relation, means, n=6, sd=0.01, alpha=0.05):
    rng = np.random.default_rng(4)
    samples = {arm: mean + sd * rng.normal(size=n) for arm, mean in means.items()}
    samples |= {value: samples[value.arm] for value in relation.values(parse(METRIC))}
    return relation.decide(samples, alpha=alpha)


def pairs(decision):
    return [(each.a, each.b, each.metric) for each in differences(decision, METRIC)]


def test_the_differences_are_those_that_the_relation_compares_in_its_direction():
    means = {"x": 0.1, "y": 0.5, "z": 0.2}
    assert pairs(decided(NonMonotonic(("x", "y", "z"), "y"), means)) == [("y", "x", METRIC), ("y", "z", METRIC)]
    assert pairs(decided(BestOf(("x", "y", "z"), "y"), means)) == [("y", "x", METRIC), ("y", "z", METRIC)]
    assert pairs(decided(Equivalent(("x", "y", "z"), 0.1), means)) == [
        ("x", "y", METRIC), ("x", "z", METRIC), ("y", "z", METRIC),
    ]  # fmt: skip
    both = All((Greater("y", "x"), Greater("z", "x", measure="mIoU"), Reaches("y", 0.5, 0.1)))
    assert pairs(decided(both, means)) == [("y", "x", METRIC), ("z", "x", "mIoU"), ("y", None, METRIC)]


def test_the_level_is_that_of_the_side_that_decided():
    means = {"x": 0.1, "y": 0.5, "z": 0.2}
    refuted = decided(BestOf(("x", "y", "z"), "z"), means)
    assert refuted.verdict is Verdict.REFUTED
    levels = {(each.a, each.b): each.level for each in differences(refuted, METRIC)}
    assert levels == {("z", "y"): pytest.approx(1 - 2 * 0.05 / 2), ("z", "x"): pytest.approx(1 - 2 * 0.05)}


@pytest.mark.parametrize(
    ("relation", "excluded"),
    [
        (Greater("y", "x"), 0.0),
        (Greater("y", "x", 0.1), 0.0),
        (NotGreater("y", "x", 0.1), 0.0),
        (NotGreater("x", "y", 0.1), 0.1),
        (Greater("x", "y", 0.1), 0.1),
        (Equivalent(("y", "x"), 0.1), 0.1),
        (Equivalent(("x", "y"), 0.1), -0.1),
        (Reaches("y", 0.6, 0.3), 0.3),
        (NotWorse("x", "y", 0.4), None),
    ],
)
def test_the_boundary_is_the_one_that_the_seeds_exclude(relation, excluded):
    (each,) = differences(decided(relation, {"x": 0.1, "y": 0.5}), METRIC)
    assert each.excluded == (None if excluded is None else pytest.approx(excluded))


def images(run: Job, clustered: float) -> np.ndarray:
    """Confusion counts of 18 images of 6 subjects: a's hits differ by subject, b's do not."""
    first = run.recipe.optimiser.lr > 0.5
    rng = np.random.default_rng([run.seed, int(first)])
    by_subject = clustered * np.array([-2, -1, 0, 0, 1, 2]).repeat(3) / 10
    skill = 0.5 + (0.06 + by_subject if first else 0) + 0.005 * rng.normal()
    hit = np.round(1000 * np.clip(skill + 0.005 * rng.normal(size=18), 0, 1)).astype(np.int64)
    return np.stack([np.stack([np.full(18, 9000), np.full(18, 100)], -1), np.stack([1000 - hit, hit], -1)], -2)


def measured(clustered):
    """Records of five seeds of two arms, and their counts by key."""
    arms = {"good": recipe(0.6), "bad": recipe(0.3)}
    named = {"test_ids": [str(number) for number in range(18)], "test_subjects": SUBJECTS}
    records = {
        name: [record(job(arm, seed), f"{name}/{seed}", **named) for seed in range(5)] for name, arm in arms.items()
    }
    return records, {f"{name}/{seed}": images(job(arms[name], seed), clustered) for name in arms for seed in range(5)}


def compared(table, metric):
    value = functions(CLASSES)[metric]
    samples = {name: [float(value(table[f"{name}/{seed}"].sum(0))) for seed in range(5)] for name in ("good", "bad")}
    return Greater("good", "bad").decide(samples)


@pytest.mark.parametrize(("clustered", "holds"), [(0.0, False), (1.0, True)])
def test_over_subjects_is_two_level_at_the_same_level_and_sees_what_the_seeds_do_not(clustered, holds):
    records, table = measured(clustered)
    decision = compared(table, METRIC)
    assert decision.verdict is Verdict.SUPPORTED
    (each,) = over_subjects(decision, parse(METRIC), records, table.__getitem__)
    stacked = [np.stack([table[f"{name}/{seed}"] for seed in range(5)]) for name in ("good", "bad")]
    alone = two_level(*stacked, SUBJECTS, functions(CLASSES)[METRIC], level=0.9)
    assert each.estimate.interval == pytest.approx(alone.interval)
    assert each.estimate.seed_interval == pytest.approx(decision.interval)
    assert each.holds_boundary is holds


def test_a_failed_run_and_other_test_images_give_nothing():
    arms = {"good": recipe(0.6), "bad": recipe(0.3)}
    made = {name: [record(job(arm, seed), f"{name}/{seed}") for seed in range(4)] for name, arm in arms.items()}
    decision = decided(Greater("good", "bad"), {"good": 0.5, "bad": 0.1}, n=4)
    other = {**made, "bad": [record(job(arms["bad"], seed), "k", test_ids=["other"] * 6) for seed in range(4)]}
    failed = {**made, "bad": [record(job(arms["bad"], seed), "k", status="failed") for seed in range(4)]}
    for records in (other, failed):
        assert over_subjects(decision, parse(METRIC), records, lambda key: np.ones((6, 2, 2), dtype=np.int64)) == ()


def test_only_runs_that_converged_count_over_subjects_too():
    records, table = measured(clustered=1.0)
    decision = compared(table, METRIC)
    collapsed = {name: list(made) for name, made in records.items()}
    collapsed["bad"][3] = replace(records["bad"][3], collapsed=True)

    (each,) = over_subjects(decision, parse(METRIC), collapsed, table.__getitem__)
    kept = [np.stack([table[f"{name}/{seed}"] for seed in (0, 1, 2, 4)]) for name in ("good", "bad")]
    alone = two_level(*kept, SUBJECTS, functions(CLASSES)[METRIC], level=0.9)
    assert each.estimate.interval == pytest.approx(alone.interval)
    few = {name: made[2:] for name, made in collapsed.items()}
    assert over_subjects(decision, parse(METRIC), few, table.__getitem__) == ()


def test_rankings_have_none():
    ranks = RankCorrelation((("x", 1.0), ("z", 2.0), ("y", 3.0)))
    means = {"x": 0.1, "y": 0.5, "z": 0.2}
    assert pairs(decided(ranks, means)) == []
    assert pairs(decided(All((ranks, Greater("y", "x"))), means)) == [("y", "x", METRIC)]


@pytest.mark.parametrize("measure", ["IoU.foreground", "Dice.background", "mIoU", "aAcc"])
def test_a_pooled_metric_has_the_effect_of_the_seeds(measure):
    records, table = measured(clustered=1.0)
    decision = compared(table, measure.replace("foreground", "fluid"))
    (each,) = over_subjects(decision, parse(measure), records, table.__getitem__)
    assert each.estimate.effect == pytest.approx(decision.effect)


@pytest.mark.parametrize("measure", ["trend:mIoU", "gap:mIoU", "image_IoU.fluid", "time:mIoU>=0.4"])
def test_other_measures_are_not_pooled(measure):
    records, table = measured(clustered=1.0)
    assert over_subjects(compared(table, METRIC), parse(measure), records, table.__getitem__) == ()
