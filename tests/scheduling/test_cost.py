"""harness.scheduling.cost: a job's size follows from network and data, its time from jobs that were measured."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import synthetic
from synthetic import DATA, recipe

from harness.networks import family
from harness.scheduling.cost import SPEEDS, Pace, estimate_seconds, expected_seconds, images
from harness.specs import (
    Budget,
    Data,
    Ensemble,
    Poly,
    RandomCrop,
    RandomFlip,
    Rescale,
    Resize,
    Segmenter,
    Shrink,
    Split,
    ZeroShot,
    ancestry,
    job,
    replaced,
)

GOOD = recipe(0.6)
SMALL = replace(GOOD, budget=Budget(100), transforms=(RandomCrop((32, 32)),))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (DATA, (32, 8)),
        (replace(DATA, count=10), (8, 2)),
        (replace(DATA, split=Split("subject", test=0.5, validation=0.5)), (10, 20)),
        (replace(DATA, subset=0.25), (8, 8)),
        (replace(DATA, subset=5), (5, 8)),
        (replace(DATA, subset=500), (32, 8)),
        (replace(DATA, evidence="real"), (88, 22)),
        (Data("drive", evidence="real"), (32, 8)),
    ],
)
def test_images_are_counted_without_looking_at_them(data, expected):
    assert images(data) == expected


MEASURED = [
    # Width and stages, head, side of the crop, batch size; seconds of an iteration on one core.
    (8, 3, "fcn", 32, 8, 0.0255),
    (8, 3, "pspnet", 32, 8, 0.0363),
    (8, 3, "deeplabv3", 32, 8, 0.0398),
    (8, 3, "deeplabv3", 32, 4, 0.0263),
    (8, 3, "deeplabv3", 32, 2, 0.0199),
    (8, 3, "pspnet", 24, 8, 0.0250),
    (8, 3, "deeplabv3", 24, 2, 0.0143),
    (8, 3, "fcn", 16, 8, 0.0130),
    (8, 2, "fcn", 32, 8, 0.0216),
    (8, 2, "deeplabv3", 24, 8, 0.0238),
    (16, 4, "fcn", 96, 8, 0.33),
    (16, 4, "pspnet", 96, 8, 0.41),
    (16, 4, "deeplabv3", 96, 8, 0.44),
    (16, 4, "fcn", 64, 8, 0.145),
    (16, 4, "pspnet", 64, 8, 0.180),
    (16, 4, "deeplabv3", 64, 8, 0.194),
]

EVALUATED = [
    # Width and stages, head, size; seconds of an evaluation of 22 images on one core.
    (8, 3, "fcn", (48, 72), 0.057),
    (8, 3, "pspnet", (48, 72), 0.085),
    (8, 3, "deeplabv3", (48, 72), 0.086),
    (16, 4, "fcn", (124, 192), 0.8),
]


@pytest.mark.parametrize(("width", "stages", "head", "crop", "batch", "seconds"), MEASURED)
def test_an_iteration_takes_what_was_measured_within_a_factor(width, stages, head, crop, batch, seconds):
    network = Segmenter("unet-s5-d16", head, Shrink(width, stages))
    once = replace(GOOD, network=network, transforms=(RandomCrop((crop, crop)),), batch_size=batch, budget=Budget(100))
    twice = replace(once, budget=Budget(200))
    step = (expected_seconds(job(twice, 0), "cpu") - expected_seconds(job(once, 0), "cpu")) / 100
    assert seconds / 1.5 < step < 1.5 * seconds


@pytest.mark.parametrize(("width", "stages", "head", "size", "seconds"), EVALUATED)
def test_an_evaluation_takes_what_was_measured_within_a_factor(width, stages, head, size, seconds):
    data = replace(DATA, count=110, resize=Resize(size))
    once = replace(GOOD, network=Segmenter("unet-s5-d16", head, Shrink(width, stages)), data=data, budget=Budget(500))
    more = replace(once, budget=Budget(500, evaluations=101))
    each = (expected_seconds(job(more, 0), "cpu") - expected_seconds(job(once, 0), "cpu")) / 100
    assert seconds / 1.5 < each < 1.5 * seconds


def test_twice_the_iterations_are_twice_the_training():
    def steps(changed):
        """The time without that of the evaluation and of the job itself."""
        still = replace(changed, budget=Budget(1), batch_size=1)
        return expected_seconds(job(changed, 0), "cpu") - expected_seconds(job(still, 0), "cpu")

    once = steps(SMALL)
    assert steps(replace(SMALL, budget=Budget(200))) == pytest.approx(2 * once, rel=0.02)
    assert steps(replace(SMALL, schedule=Poly())) == once
    for larger in (replace(SMALL, batch_size=16), replace(SMALL, transforms=(RandomCrop((64, 32)),))):
        assert 1.5 * once < steps(larger) < 2 * once  # not twice: an iteration has its own cost


def test_a_wider_network_and_images_at_full_size_take_more():
    def seconds(recipe):
        return expected_seconds(job(replace(recipe, budget=Budget(1000)), 0), "cpu")

    half = replace(GOOD, transforms=(Rescale(0.5),))
    wider = replace(GOOD, network=Segmenter("unet-s5-d16", "fcn", Shrink(width=16, stages=3)))
    assert seconds(half) < 0.4 * seconds(GOOD)
    assert seconds(wider) > 1.3 * seconds(GOOD)


def test_a_frozen_backbone_runs_forwards_and_once_where_views_repeat():
    def seconds(evaluations=1, **changes):
        return expected_seconds(job(replace(SMALL, budget=Budget(1000, evaluations=evaluations), **changes), 0), "cpu")

    frozen, whole = {"frozen": ("backbone",)}, {"transforms": ()}
    assert seconds(**frozen) < 0.8 * seconds()
    assert seconds(**whole, **frozen) < 0.6 * seconds(**whole, frozen=("backbone.encoder",))
    flipped = {"transforms": (RandomFlip(),), **frozen}
    assert seconds(**whole, **frozen) < seconds(**flipped) < seconds(**whole, **frozen) + 1
    network, size = SMALL.network, (48, 64)
    heads = 1 - family(network).trunk_cost(network, size) / family(network).cost(network, size)
    for evaluated, expected in ((frozen, heads), ({}, 1.0)):
        more = seconds(evaluations=101, **evaluated) - seconds(**evaluated)
        assert more == pytest.approx(expected * (seconds(evaluations=101) - seconds()))


def test_an_evaluation_takes_its_test_images_and_an_ensemble_hardly_anything():
    overhead = SPEEDS["cpu"].job
    long = job(replace(GOOD, budget=Budget(1000)), 0)
    assert overhead < expected_seconds(job(ZeroShot(GOOD), 0), "cpu") < expected_seconds(long, "cpu") / 10
    assert expected_seconds(job(Ensemble((GOOD, SMALL)), 0), "cpu") == overhead


START = SPEEDS["cpu"].start


def test_the_estimate_follows_the_measured_pace_of_the_same_device():
    jobs = [job(GOOD, 3), job(GOOD, 4)]
    done = [job(GOOD, seed) for seed in range(3)]
    known = {each: synthetic.record(each, "k", seconds=7.0) for each in done}
    assert estimate_seconds(jobs, Pace.measured("cpu", known.get, done)) == pytest.approx(START + 14.0)
    on_gpu = estimate_seconds(jobs, Pace.measured("cuda:0", known.get, done))
    assert on_gpu == pytest.approx(SPEEDS["cuda"].start + 2 * expected_seconds(jobs[0], "cuda"))
    assert estimate_seconds([], Pace.measured("cpu", known.get, [])) == 0


def test_a_network_is_measured_by_its_own_jobs_where_there_are_any():
    other = replace(GOOD, network=Segmenter("unet-s5-d16", "pspnet", Shrink(width=8, stages=3)))
    known = {
        job(each, seed): synthetic.record(job(each, seed), "k", seconds=seconds)
        for each, seconds in ((GOOD, 7.0), (other, 700.0))
        for seed in range(3)
    }
    pace = Pace.measured("cpu", known.get, known)
    assert pace.seconds(job(GOOD, 3)) == pytest.approx(7.0)
    assert pace.seconds(job(other, 3)) == pytest.approx(700.0)


def test_a_job_that_failed_measures_nothing():
    failed = synthetic.record(job(GOOD, 0), "k", status="failed", seconds=0.0)
    assert Pace.measured("cpu", {job(GOOD, 0): failed}.get, [job(GOOD, 0)]) == Pace("cpu", {}, 1.0)


def test_workers_share_the_work_but_start_once_each_and_wait_for_sources():
    pace = Pace("cpu", {}, 1.0)
    source = recipe(0.5, data=synthetic.DRIVE)
    alone = [job(GOOD, seed) for seed in range(4)]
    one, four, many = (estimate_seconds(alone, pace, workers) - START for workers in (1, 4, 100))
    assert four == pytest.approx(one / 4)
    assert many == four  # no faster than its longest job
    tuned = job(recipe(0.7, source=source, source_seed=0), 3)
    chain = [*tuned.inputs, tuned]
    assert estimate_seconds(chain, pace, 2) == estimate_seconds(chain, pace, 1)
    assert estimate_seconds([tuned], pace) < estimate_seconds(chain, pace)  # the source is in the store


DESK = ((16, 4), (124, 192), (160, 160), (120, 160), 64, 24, 12, 300, 1e-3, False, True)
"""What the desk scale spent on 2026-11-21."""

RECORDS = [
    # Source ("" from scratch), head, changes; seconds of the record, from the real DME on one core of a busy machine.
    ("", "fcn", {}, 50),
    ("chase_db1", "pspnet", {}, 66),
    ("chase_db1", "deeplabv3", {}, 73),
    ("chase_db1", "deeplabv3", {"batch_size": 4}, 76),
    ("chase_db1", "deeplabv3", {"batch_size": 2}, 85),
    ("chase_db1", "deeplabv3", {"transforms": (Rescale(0.5),)}, 84),
]


@pytest.fixture
def claims(monkeypatch):
    """The modules of huang-dme; ``spend`` sets what a small scale spends."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "claims"))
    import huang_dme
    import test_huang_dme

    def spend(scale, spent):
        network, *rest = spent
        monkeypatch.setitem(huang_dme.SMALL, scale, huang_dme.Small(Shrink(*network), *rest))

    return SimpleNamespace(pipeline=huang_dme.Pipeline, tests=test_huang_dme, spend=spend)


@pytest.mark.parametrize(("source", "head", "changes", "seconds"), RECORDS)
def test_a_job_of_the_desk_scale_takes_what_was_measured_within_a_factor(source, head, changes, seconds, claims):
    claims.spend("desk", DESK)
    unet = claims.pipeline("desk")
    (arm,) = on_phantoms({"arm": unet.fine_tuned(source, head, **changes) if source else unet.scratch(head)})
    assert seconds / 1.5 < expected_seconds(job(arm, 0), "cpu") < 1.5 * seconds


SUITES = [
    # What the small scale spent, seeds, workers; seconds of the whole command from an empty store on a quiet machine.
    (((8, 3), (48, 72), (64, 64), (48, 72), 32, 6, 6, 96, 1e-2, True, True), 3, 2, 118.5),  # smoke until 2026-11-21
]


@pytest.mark.parametrize(("spent", "seeds", "workers", "seconds"), SUITES)
def test_a_whole_command_takes_what_was_measured_within_a_factor(spent, seeds, workers, seconds, claims):
    claims.spend("smoke", spent)
    arms = {}
    claim = SimpleNamespace(scale="smoke", holds=lambda relation, named, **options: arms.update(on_phantoms(named)))
    for name, test in inspect.getmembers(claims.tests, inspect.isfunction):
        if name.startswith("test_"):
            test(claim, **as_published(test))
    jobs = dict.fromkeys(step for arm in arms for seed in range(seeds) for step in ancestry(job(arm, seed)))
    assert len(jobs) == 53
    assert seconds / 1.5 < estimate_seconds(list(jobs), Pace("cpu", {}, 1.0), workers) < 1.5 * seconds


def on_phantoms(named):
    """Arms on phantoms, each once."""
    return dict.fromkeys(replaced(arm, Data, lambda data: replace(data, evidence="phantom")) for arm in named.values())


def as_published(test):
    """The parameters of a claim's pre-registered form."""
    values = {}
    for mark in getattr(test, "pytestmark", ()):
        names, cases = mark.args
        case = next(case for case in cases if case.id == "as-published")
        values.update(zip([names] if isinstance(names, str) else names, case.values, strict=True))
    return values
