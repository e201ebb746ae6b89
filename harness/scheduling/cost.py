"""How long jobs take: estimated from the network and the data, measured where the store knows better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from harness import data as datasets
from harness.networks import family
from harness.specs import Combination, Data, Job, Network, RandomFlip, Training, recipe_of
from harness.store import Record

BACKWARD = 3
"""A training step costs about this many forward passes."""


@dataclass(frozen=True)
class Speed:
    """What a kind of device needs, in seconds.

    Attributes:
        start: For a process until it trains: imports, planning, packing of small data sets.
        job: For a job beside its training: its network, its data, its record.
        step: For an iteration, whatever its size.
        pixel: For a pixel of a forward pass: activations are written and read.
        multiply_add: For a multiply-add.
    """

    start: float
    job: float
    step: float
    pixel: float
    multiply_add: float


SPEEDS = {
    "cpu": Speed(start=12.0, job=0.3, step=0.010, pixel=5e-7, multiply_add=2.33e-11),
    "cuda": Speed(start=25.0, job=0.5, step=0.02, pixel=0.0, multiply_add=2e-13),
}
"""Speeds where the store holds no job of that device yet: one thread of a server's CPU (AMD EPYC, Zen 4; fitted to the
measurements in ``tests/scheduling/test_cost.py``), and a guess for a GPU. The first jobs replace all but ``start``."""

Find = Callable[[Job], Record | None]


def expected_seconds(job: Job, kind: str) -> float:
    """Time of a job at the speed of ``SPEEDS``, start-up left out; only overhead for a combination of members.

    Args:
        job: The job.
        kind: ``"cpu"`` or ``"cuda"``.
    """
    speed = SPEEDS[kind]
    if isinstance(job, Combination):
        return speed.job
    recipe = recipe_of(job)
    train, test = images(recipe.data)
    size = recipe.data.size or datasets.adapter(recipe.data.name).size
    scaled = round(size[0] * recipe.rescale), round(size[1] * recipe.rescale)
    own = family(recipe.network)

    def passing(of: tuple[int, int], heads: float, trunk: float) -> float:
        """So many forward passes of either part of the network, of images of that size."""
        whole = own.cost(recipe.network, of)
        share = own.trunk_cost(recipe.network, of) / whole
        return (speed.pixel * of[0] * of[1] + speed.multiply_add * whole) * (share * trunk + (1 - share) * heads)

    if not isinstance(job, Training):
        return speed.job + passing(scaled, test, test)
    steps = recipe.budget.iterations(train, recipe.batch_size)
    trained, evaluated = steps * recipe.batch_size, min(recipe.budget.evaluations, steps) * test
    trunk_trained, trunk_evaluated = BACKWARD * trained, evaluated
    if own.freezes_trunk(recipe):  # no backward pass, and features that repeat are computed once
        ways = 1 + any(isinstance(each, RandomFlip) for each in recipe.transforms)
        ways **= 2 if recipe.data.companion else 1  # an image and its companion are mirrored each by itself
        trunk_trained = min(trained, train * ways) if recipe.mirrors_only(size) else trained
        trunk_evaluated = test
    training = passing(recipe.crop or scaled, BACKWARD * trained, trunk_trained)
    return speed.job + steps * speed.step + training + passing(scaled, evaluated, trunk_evaluated)


def images(data: Data) -> tuple[int, int]:
    """About how many images train and test."""
    total = data.count if data.evidence == "phantom" else datasets.adapter(data.name).images
    total = round(total * (data.share[1] - data.share[0]))
    test = round(total * data.split.test)
    train = round((total - test) * (1 - data.split.validation))
    if data.subset is not None:
        train = round(train * data.subset) if isinstance(data.subset, float) else min(train, data.subset)
    return max(1, train), max(1, test)


@dataclass(frozen=True)
class Pace:
    """How fast this machine is: measured time over `expected_seconds`, the median of finished jobs.

    Attributes:
        kind: ``"cpu"`` or ``"cuda"``.
        networks: By network, where jobs of it are finished.
        otherwise: For all other networks.
    """

    kind: str
    networks: dict[Network, float]
    otherwise: float

    @classmethod
    def measured(cls, device: str, find: Find, done: Iterable[Job]) -> Pace:
        """The pace of a device.

        Args:
            device: ``"cpu"`` or ``"cuda:N"``.
            find: Finds a job's record.
            done: Finished jobs to measure by: those of the same network if there are any, else all of the same device.
        """
        kind = device.partition(":")[0]
        ratios: dict[Network, list[float]] = {}
        for job in done:
            record = find(job)
            if isinstance(job, Combination) or record is None or record.failed or record.seconds <= 0:
                continue
            if record.provenance.get("kind") == kind:
                ratio = record.seconds / expected_seconds(job, kind)
                ratios.setdefault(recipe_of(job).network, []).append(ratio)
        every = [ratio for measured in ratios.values() for ratio in measured]
        networks = {network: median(measured) for network, measured in ratios.items()}
        return cls(kind, networks, median(every) if every else 1.0)

    def seconds(self, job: Job) -> float:
        """Time that a job takes."""
        ratio = self.networks.get(recipe_of(job).network, self.otherwise)
        return ratio * expected_seconds(job, self.kind)


def estimate_seconds(jobs: Sequence[Job], pace: Pace, workers: int = 1) -> float:
    """Wall time until the jobs are done, from the start of the processes on; 0 without jobs.

    Args:
        jobs: What is to do, each job once.
        pace: How fast this machine is.
        workers: How many processes share the work. None of them can finish before the longest chain of jobs that
            start from each other.
    """
    if not jobs:
        return 0.0
    each = {job: pace.seconds(job) for job in jobs}
    ends: dict[Job, float] = {}

    def end(job: Job) -> float:
        if job not in ends:
            ends[job] = each.get(job, 0.0) + max(map(end, job.inputs), default=0.0)
        return ends[job]

    return SPEEDS[pace.kind].start + max(sum(each.values()) / workers, max(map(end, jobs)))
