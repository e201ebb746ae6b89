"""harness.scheduling.cost: a job's size follows from network and data, its time from jobs that were measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
import synthetic
from synthetic import DATA, recipe

from harness.scheduling.cost import RATES, estimate_seconds, images, work
from harness.specs import Budget, Data, Ensemble, Poly, RandomCrop, Rescale, Segmenter, Shrink, Split, ZeroShot, job

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


def test_twice_the_iterations_the_batch_or_the_area_of_a_crop_is_twice_the_training():
    def steps(changed):
        """The work without that of the evaluations."""
        return work(job(changed, 0)) - work(job(replace(SMALL, budget=Budget(1), batch_size=1), 0))

    once = steps(SMALL)
    for twice in (
        replace(SMALL, budget=Budget(200)),
        replace(SMALL, batch_size=16),
        replace(SMALL, transforms=(RandomCrop((64, 32)),)),
    ):
        assert steps(twice) == pytest.approx(2 * once, rel=0.05)
    assert steps(replace(SMALL, schedule=Poly())) == once


def test_a_wider_network_and_images_at_full_size_take_more():
    half = replace(GOOD, transforms=(Rescale(0.5),))
    wider = replace(GOOD, network=Segmenter("unet-s5-d16", "fcn", Shrink(width=16, stages=3)))
    assert work(job(half, 0)) < 0.3 * work(job(GOOD, 0))
    assert work(job(wider, 0)) > 2 * work(job(GOOD, 0))


def test_an_evaluation_takes_its_test_images_and_an_ensemble_what_its_members_took():
    assert 0 < work(job(ZeroShot(GOOD), 0)) < work(job(GOOD, 0)) / 10
    assert work(job(Ensemble((GOOD, SMALL)), 0)) == 0


def test_the_estimate_follows_the_measured_rate_of_the_same_device():
    jobs = [job(GOOD, 3), job(GOOD, 4)]
    done = [job(GOOD, seed) for seed in range(3)]
    known = {each: synthetic.record(each, "k", seconds=7.0) for each in done}
    assert estimate_seconds(jobs, "cpu", known.get, done) == pytest.approx(14.0)
    assert estimate_seconds(jobs, "cuda:0", known.get, done) == pytest.approx(2 * work(jobs[0]) / RATES["cuda"])
    assert estimate_seconds([], "cpu", known.get, []) == 0


def test_a_network_is_measured_by_its_own_jobs_where_there_are_any():
    other = replace(GOOD, network=Segmenter("unet-s5-d16", "pspnet", Shrink(width=8, stages=3)))
    known = {
        job(each, seed): synthetic.record(job(each, seed), "k", seconds=seconds)
        for each, seconds in ((GOOD, 7.0), (other, 700.0))
        for seed in range(3)
    }
    assert estimate_seconds([job(GOOD, 3)], "cpu", known.get, known) == pytest.approx(7.0)
    assert estimate_seconds([job(other, 3)], "cpu", known.get, known) == pytest.approx(700.0)


def test_a_job_that_failed_measures_nothing():
    failed = synthetic.record(job(GOOD, 0), "k", status="failed", seconds=0.0)
    jobs = [job(GOOD, 1)]
    assert estimate_seconds(jobs, "cpu", {job(GOOD, 0): failed}.get, [job(GOOD, 0)]) == estimate_seconds(
        jobs, "cpu", {}.get, []
    )
