"""From a job to its entry in the store: loads data and inputs, does the job, writes what it left."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness import data as datasets
from harness.data import Catalogue, Packed, Parts
from harness.jobs import combination, evaluation
from harness.jobs.resident import Resident
from harness.jobs.training import Diverged, Progress, Trainer, peak_memory, started, state
from harness.networks import weights
from harness.networks.weight_files import WeightsError
from harness.provenance import cpu_name, provenance
from harness.specs import (
    Artifact,
    Combination,
    Data,
    Evaluation,
    Job,
    Recipe,
    Training,
    Weights,
    canonical,
    final,
    recipe_of,
)
from harness.store import Record, Store
from harness.tasks import task
from harness.tasks.metrics import collapsed

REPORT_SECONDS = 0.5

PREVIEWS = 4
"""Test images whose predictions are kept for the report."""


class Failure(Exception):
    """A job came to nothing.

    Attributes:
        transient: The reason lies in the machine, not in the recipe; it is worth trying again.
    """

    def __init__(self, reason: str, *, transient: bool) -> None:
        super().__init__(reason)
        self.transient = transient


def classes_of(data: Data) -> int:
    """Number of classes of a data set."""
    return len(datasets.adapter(data.name).classes)


def check(recipe: Recipe) -> None:
    """Checks what only the network can tell, before anything trains: what is frozen, and the weights it starts from.

    Takes 30 ms where there is something to check, and as long as reading a checkpoint file takes.

    Raises:
        Failure: The network has no part that is frozen, or the weights do not fit; in one sentence.
    """
    from harness.networks import building

    try:
        building.check_frozen(recipe, classes_of(recipe.data))
        weights.check(recipe, classes_of)
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

    def run(self, job: Job, key: str, inputs: Mapping[Job, Path], asked: frozenset[Artifact]) -> Record:
        """Does a job, or goes on from its checkpoint, and writes the result to the store.

        Args:
            job: What to do, with its data resolved; its lock is held.
            key: Its key.
            inputs: The artifact that it needs of each of its inputs.
            asked: Artifacts that other jobs need of this one.

        Raises:
            Failure: The recipe does not fit the data or the network, the loss diverged, or memory ran out.
        """
        self._set_device()
        recipe = recipe_of(job)
        packed = self.catalogue.load(recipe.data)
        try:
            recipe.check_crop((packed.images.shape[1], packed.images.shape[2]))
            parts = datasets.split(packed, recipe.data, job.seed)
            if isinstance(job, Combination):
                return self._combine(job, key, packed, parts, inputs, asked)
            if isinstance(job, Evaluation):
                return self._evaluate(job, key, packed, parts, inputs, asked)
            return self._train(job, key, packed, parts, inputs, asked)
        except Diverged as error:
            raise Failure(f"{error}; lower the learning rate or use fp32", transient=False) from error
        except WeightsError as error:
            raise Failure(str(error), transient=False) from error
        except torch.OutOfMemoryError as error:
            reason = f"the {self._where.type} ran out of memory; run fewer workers at once (-n)"
            raise Failure(reason, transient=True) from error
        except ValueError as error:
            raise Failure(str(error), transient=False) from error

    def produce(self, job: Job, key: str, artifact: Artifact) -> None:
        """Makes an artifact of a finished job from its weights, instead of doing the job again."""
        if artifact != "predictions" or isinstance(job, Combination):
            raise ValueError(f"Expected to make predictions of a network, but got {artifact} of {job!r}.")
        self._set_device()
        recipe = job.recipe
        packed = self.catalogue.load(recipe.data)
        parts = datasets.split(packed, recipe.data, job.seed)
        content = torch.load(self.store.artifact(key, "weights"), map_location="cpu", weights_only=True)
        network, _ = started(recipe, job.seed, len(packed.classes), self._where, None)
        network.load_state_dict(content)
        self.store.add(key, artifact, self._predictions(network, recipe, packed, parts, key))

    def _train(
        self,
        job: Training,
        key: str,
        packed: Packed,
        parts: Parts,
        inputs: Mapping[Job, Path],
        asked: frozenset[Artifact],
    ) -> Record:
        recipe = job.recipe
        trainer = Trainer(
            recipe,
            job.seed,
            packed,
            parts,
            self._where,
            start=_start(recipe, inputs),
            kept=(self.store.checkpoint(key), key),
            report=self._reporter(packed),
        )
        trainer.run()
        progress = trainer.progress
        train, validation = trainer.splits()
        record = self._record(job, key, packed, parts)
        record.curve, record.validation_curve, record.selected = (
            progress.curve,
            progress.validation_curve,
            progress.selected,
        )
        record.losses = [[iteration, loss] for iteration, loss in progress.losses]
        record.train_metrics, record.validation_metrics = train, validation
        record.collapsed = trainer.collapsed
        record.weights = _taken(trainer.loaded)
        record.iterations, record.train_images = trainer.iterations, len(parts.train)
        record.seconds = progress.seconds
        return self._write(record, trainer.network, recipe, trainer.counts, packed, parts, asked)

    def _evaluate(
        self,
        job: Evaluation,
        key: str,
        packed: Packed,
        parts: Parts,
        inputs: Mapping[Job, Path],
        asked: frozenset[Artifact],
    ) -> Record:
        begin, recipe = time.monotonic(), job.recipe
        network, loaded = started(recipe, job.seed, len(packed.classes), self._where, _start(recipe, inputs))
        counts = evaluation.confusion(network, Resident.place(packed, parts.test, self._where), recipe)
        record = self._record(job, key, packed, parts)
        _single_point(record, counts, recipe, packed)
        record.weights = _taken(loaded)
        record.seconds = time.monotonic() - begin
        return self._write(record, network, recipe, counts, packed, parts, asked)

    def _combine(
        self,
        job: Combination,
        key: str,
        packed: Packed,
        parts: Parts,
        inputs: Mapping[Job, Path],
        asked: frozenset[Artifact],
    ) -> Record:
        begin, recipe = time.monotonic(), final(job.ensemble)
        members = [np.load(inputs[member]) for member in job.inputs]
        test, validation = combination.combined(
            job.ensemble.method,
            [member["test"] for member in members],
            [member["validation"] for member in members],
            packed.targets[parts.validation],
        )
        counts = combination.confusion(test, packed.targets[parts.test])
        record = self._record(job, key, packed, parts)
        _single_point(record, counts, recipe, packed)
        shown = self._shown(recipe, packed, parts)
        record.preview_ids = [packed.ids[index] for index in parts.test[shown]]
        previews = test[shown].argmax(1).astype(np.uint8)
        artifacts: dict[Artifact, Path] = {}
        if "predictions" in asked:
            artifacts["predictions"] = self._saved(test.astype(np.float16), validation.astype(np.float16), key)
        record.seconds = time.monotonic() - begin
        self.store.write(record, counts=counts, previews=previews, artifacts=artifacts, keep=asked)
        return record

    def _record(self, job: Job, key: str, packed: Packed, parts: Parts) -> Record:
        """A finished record without its figures."""
        name = torch.cuda.get_device_name(self._where) if self._where.type == "cuda" else _cpu()
        return Record(
            key=key,
            job=dict(canonical(job)),
            kind=job.kind,
            seed=job.seed,
            status="finished",
            session=self.session,
            task=packed.task,
            classes=list(packed.classes),
            foreground=packed.foreground,
            train_ids=[packed.ids[index] for index in parts.train],
            validation_ids=[packed.ids[index] for index in parts.validation],
            test_ids=[packed.ids[index] for index in parts.test],
            test_subjects=[packed.subjects[index] for index in parts.test],
            provenance={**provenance(name), "kind": self._where.type},
        )

    def _write(
        self,
        record: Record,
        network: torch.nn.Module,
        recipe: Recipe,
        counts: npt.NDArray[np.int64],
        packed: Packed,
        parts: Parts,
        asked: frozenset[Artifact],
    ) -> Record:
        shown = self._shown(recipe, packed, parts)
        previews = evaluation.predictions(network, Resident.place(packed, parts.test[shown], self._where), recipe)
        record.preview_ids = [packed.ids[index] for index in parts.test[shown]]
        record.peak_memory = peak_memory(self._where)
        kept = self._staged(record.key)
        torch.save(state(network), kept)
        artifacts: dict[Artifact, Path] = {"weights": kept}
        if "predictions" in asked:
            artifacts["predictions"] = self._predictions(network, recipe, packed, parts, record.key)
        self.store.write(record, counts=counts, previews=previews, artifacts=artifacts, keep=asked)
        return record

    def _predictions(self, network: torch.nn.Module, recipe: Recipe, packed: Packed, parts: Parts, key: str) -> Path:
        """A file of class probabilities of the test and of the validation images."""
        test, validation = (
            evaluation.probabilities(network, Resident.place(packed, part, self._where), recipe)
            for part in (parts.test, parts.validation)
        )
        return self._saved(test, validation, key)

    def _saved(self, test: combination.Shares, validation: combination.Shares, key: str) -> Path:
        file = self._staged(key)
        with file.open("wb") as stream:
            np.savez(stream, test=test, validation=validation)
        return file

    def _staged(self, key: str) -> Path:
        folder = self.store.partial(key)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"artifact.{uuid.uuid4().hex}"

    def _shown(self, recipe: Recipe, packed: Packed, parts: Parts) -> npt.NDArray[np.intp]:
        subjects = [packed.subjects[index] for index in parts.test]
        return task(recipe.task).shown(packed.targets[parts.test], subjects, PREVIEWS)

    @property
    def _where(self) -> torch.device:
        return torch.device(self.device)

    def _set_device(self) -> None:
        if self._where.type == "cpu":
            torch.set_num_threads(1)  # two are no faster on these networks, and one makes jobs repeatable
        else:
            torch.cuda.set_device(self._where)
            torch.cuda.reset_peak_memory_stats(self._where)
            torch.backends.cudnn.benchmark = True

    def _reporter(self, packed: Packed) -> Callable[[Progress, int], None]:
        last = [0.0]

        def report(progress: Progress, iterations: int) -> None:
            if time.monotonic() - last[0] < REPORT_SECONDS:
                return
            last[0] = time.monotonic()
            latest = progress.curve[-1]["metrics"] if progress.curve else {}
            names = (f"Dice.{packed.foreground}", "mDice", "kappa")
            score = next(((name, latest[name]) for name in names if name in latest), None)
            self.report(
                {
                    "iteration": progress.iteration,
                    "iterations": iterations,
                    "seconds": progress.seconds,
                    "score": score,
                }
            )

        return report


def _start(recipe: Recipe, inputs: Mapping[Job, Path]) -> tuple[weights.State, str] | None:
    if isinstance(recipe.init, Weights):
        return weights.read(recipe.init), recipe.init.path
    for source, file in inputs.items():
        content = torch.load(file, map_location="cpu", weights_only=True)
        return content, f"the training on {recipe_of(source).data.name}"
    return None


def _taken(loaded: weights.Loaded | None) -> dict[str, Any]:
    return asdict(loaded) if loaded is not None else {}


def _single_point(record: Record, counts: npt.NDArray[np.int64], recipe: Recipe, packed: Packed) -> None:
    metrics = task(recipe.task).summarise(counts, packed.classes)
    record.curve = [{"iteration": 0, "epoch": 0.0, "metrics": metrics}]
    record.collapsed = collapsed(counts.sum(0))


def _cpu() -> str:
    return cpu_name(torch.backends.cpu.get_cpu_capability())
