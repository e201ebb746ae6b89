"""Does jobs on one device: loads data, puts each job to work, and says what a failure means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from harness import data as datasets
from harness.data import Catalogue
from harness.jobs.training import Diverged
from harness.jobs.work import Inputs, Work
from harness.networks import building, weights
from harness.specs import Artifact, Combination, Data, Evaluation, Job, Recipe, recipe_of
from harness.store import Record, Store

COUNTS_BYTES = 16 * 10**9
"""What the confusion counts by image of one evaluation may take: 2000 images of 1000 classes."""


class Failure(Exception):
    """A job came to nothing.

    Attributes:
        transient: The reason lies in the machine, not in the recipe; it is worth trying again.
    """

    def __init__(self, reason: str, *, transient: bool) -> None:
        super().__init__(reason)
        self.transient = transient


def classes_of(data: Data) -> int:
    """Number of classes of a data set, as its adapter declares them."""
    return len(datasets.adapter(data.name).classes)


def check(recipe: Recipe, count: Callable[[Data], int] = classes_of) -> None:
    """Checks what only the network can tell, before anything trains: what is frozen, and the weights it starts from.

    Takes 30 ms where there is something to check, and as long as reading a checkpoint file takes.

    Args:
        recipe: With its data resolved.
        count: Number of classes of a data set.

    Raises:
        Failure: The network has no part that is frozen, or the weights do not fit; in one sentence.
    """
    try:
        building.check_frozen(recipe, count(recipe.data))
        weights.check(recipe, count)
    except ValueError as error:
        raise Failure(str(error), transient=False) from error


@dataclass(frozen=True)
class Runner:
    """Does jobs on one device.

    Attributes:
        store, catalogue: Where results go and data come from.
        device: ``"cpu"`` or ``"cuda:N"``.
        session: Name of the invocation.
        report: Called about twice a second with ``iteration``, ``iterations``, ``seconds`` and ``score``.
    """

    store: Store
    catalogue: Catalogue
    device: str
    session: str
    report: Callable[[dict[str, Any]], None] = lambda progress: None

    def run(self, job: Job, key: str, inputs: Inputs, asked: frozenset[Artifact]) -> Record:
        """Does a job, or goes on from its checkpoint, and writes the result to the store.

        Args:
            job: What to do, with its data resolved; its lock is held.
            key: Its key.
            inputs: The artifacts that it needs of each of its inputs.
            asked: Artifacts that other jobs need of this one.

        Raises:
            Failure: The recipe does not fit the data or the network, the loss diverged, or memory ran out.
        """
        try:
            work = self._work(job, key, inputs, asked)
            if isinstance(job, Combination):
                return work.combine()
            return work.evaluate() if isinstance(job, Evaluation) else work.train(self.report)
        except Diverged as error:
            raise Failure(f"{error}; lower the learning rate or use fp32", transient=False) from error
        except torch.OutOfMemoryError as error:
            kind = torch.device(self.device).type
            raise Failure(f"the {kind} ran out of memory; run fewer workers at once (-n)", transient=True) from error
        except ValueError as error:  # what does not fit, weights included
            raise Failure(str(error), transient=False) from error

    def produce(self, job: Job, key: str, artifact: Artifact) -> None:
        """Makes an artifact of a finished job from its weights, instead of doing the job again."""
        if artifact == "weights" or isinstance(job, Combination):
            raise ValueError(f"Expected to make predictions of a network, but got {artifact} of {job!r}.")
        work = self._work(job, key, {}, frozenset({artifact}))
        if artifact == "explanations":
            work.explain()
        else:
            work.predict(artifact)

    def _work(self, job: Job, key: str, inputs: Inputs, asked: frozenset[Artifact]) -> Work:
        """The job with its data.

        Raises:
            ValueError: The recipe does not fit the data.
            DataError: The data cannot be used.
        """
        device = self._ready_device()
        recipe = recipe_of(job)
        packed = self.catalogue.load(recipe.data)
        recipe.check_crop((packed.images.shape[1], packed.images.shape[2]))
        parts = datasets.split(packed, recipe.data, job.seed)
        if recipe.task == "classification" and len(shown := np.unique(packed.targets[parts.test])) < 2:
            raise ValueError(
                f"Expected the {len(parts.test)} test images of {recipe.data.name} to be of several classes, but all "
                f"are of {packed.classes[shown[0]]!r}, which tells nothing; use more images or another split."
            )
        most = max(len(parts.test), len(parts.validation))
        if (needed := most * len(packed.classes) ** 2 * np.dtype(np.int64).itemsize) > COUNTS_BYTES:
            raise ValueError(
                f"Expected confusion counts of the test images of {recipe.data.name} that fit in "
                f"{COUNTS_BYTES / 1e9:.0f} GB, but {most} images of {len(packed.classes)} classes take "
                f"{needed / 1e9:.0f} GB; keep fewer classes or test images in its folders."
            )
        return Work(job, key, inputs, asked, packed, parts, self.store, device, self.session)

    def _ready_device(self) -> torch.device:
        device = torch.device(self.device)
        if device.type == "cpu":
            torch.set_num_threads(1)  # two are no faster on these networks, and one makes jobs repeatable
        else:
            torch.cuda.set_device(device)
            torch.cuda.reset_peak_memory_stats(device)
            torch.backends.cudnn.benchmark = True
        return device
