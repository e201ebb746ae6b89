"""How long jobs take: estimated from the network and the data, measured where the store knows better."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median

from harness import data as datasets
from harness.networks import family
from harness.specs import Combination, Data, Job, Network, Recipe, Training, recipe_of
from harness.store import Record

BACKWARD = 3
"""A training step costs about this many forward passes."""

RATES = {"cpu": 1.5e10, "cuda": 5.0e12}
"""Multiply-adds a second where the store holds no job of that device yet: a server's core at the smoke scale, and a
guess for a GPU. The first jobs replace both."""

Find = Callable[[Job], Record | None]


def work(job: Job) -> float:
    """Size of a job in multiply-adds; 0 of a combination, whose members have done the work."""
    if isinstance(job, Combination):
        return 0.0
    recipe = recipe_of(job)
    train, test = images(recipe.data)
    size = recipe.data.size or datasets.adapter(recipe.data.name).size
    scaled = round(size[0] * recipe.rescale), round(size[1] * recipe.rescale)
    forward = family(recipe.network).cost
    if not isinstance(job, Training):
        return test * forward(recipe.network, scaled)
    steps = recipe.budget.iterations(train, recipe.batch_size) * recipe.batch_size * BACKWARD
    evaluations = min(recipe.budget.evaluations, steps) * test
    return steps * forward(recipe.network, recipe.crop or scaled) + evaluations * forward(recipe.network, scaled)


def images(data: Data) -> tuple[int, int]:
    """About how many images train and test."""
    total = data.count if data.evidence == "phantom" else datasets.adapter(data.name).images
    test = round(total * data.split.test)
    train = round((total - test) * (1 - data.split.validation))
    if data.subset is not None:
        train = round(train * data.subset) if isinstance(data.subset, float) else min(train, data.subset)
    return max(1, train), max(1, test)


def estimate_seconds(jobs: Iterable[Job], device: str, find: Find, done: Iterable[Job]) -> float:
    """Time that the jobs take one after another.

    Args:
        jobs: What is to do.
        device: ``"cpu"`` or ``"cuda:N"``.
        find: Finds a job's record.
        done: Finished jobs to measure by: those of the same network if there are any, else all of the same device.
    """
    kind = device.partition(":")[0]
    rates: dict[Network, list[float]] = {}
    for job in done:
        record = find(job)
        if record is None or record.failed or record.seconds <= 0 or record.provenance.get("kind") != kind:
            continue
        if size := work(job):
            rates.setdefault(recipe_of(job).network, []).append(size / record.seconds)
    everything = [rate for measured in rates.values() for rate in measured]
    default = median(everything) if everything else RATES[kind]

    def rate(recipe: Recipe) -> float:
        measured = rates.get(recipe.network)
        return median(measured) if measured else default

    return sum(work(job) / rate(recipe_of(job)) for job in jobs)
