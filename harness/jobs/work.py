"""One job at work: what it has to go by, and what it leaves in the store."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.data import Packed, Parts, split
from harness.data.dataset import Targets
from harness.jobs import boosting, combination, evaluation, explanation
from harness.jobs.resident import Resident
from harness.jobs.seeds import role_seed
from harness.jobs.training import Progress, Trainer, peak_memory, started, state
from harness.networks import weights
from harness.provenance import cpu_name, provenance
from harness.specs import FITTED, Artifact, Combination, FromJob, Job, Recipe, Training, Weights, canonical, recipe_of
from harness.store import Point, Record, Store
from harness.tasks import task
from harness.tasks.metrics import collapsed

REPORT_SECONDS = 0.5

PREVIEWS = 4
"""Test images whose predictions are kept for the report."""


Inputs = Mapping[Job, Mapping[Artifact, Path]]
"""Files of the artifacts that a job needs of each of its inputs."""


@dataclass(frozen=True)
class Work:
    """One job with everything that it needs.

    Attributes:
        job, key: The job, with its data resolved, and its key.
        inputs: The artifacts that it needs of each of its inputs.
        asked: Artifacts that other jobs need of this one.
        packed, parts: Its data, and which images train, select and test.
        store: Where its result goes.
        device: Where it is done.
        session: Name of the invocation.
    """

    job: Job
    key: str
    inputs: Inputs
    asked: frozenset[Artifact]
    packed: Packed
    parts: Parts
    store: Store
    device: torch.device
    session: str

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe whose data and task the record is of."""
        return recipe_of(self.job)

    def train(self, report: Callable[[dict[str, Any]], None]) -> Record:
        """Trains, or goes on from the job's checkpoint.

        Args:
            report: Called about twice a second with ``iteration``, ``iterations``, ``seconds`` and ``score``.
        """
        assert isinstance(self.job, Training)
        trainer = Trainer(
            self.recipe,
            self.job.seed,
            self.packed,
            self.parts,
            self.device,
            start=self._start(),
            before=self._training_predictions(self.job.before),
            kept=(self.store.checkpoint(self.key), self.key),
            report=self._reporter(report),
        )
        trainer.run()
        progress, record = trainer.progress, self._record()
        record.curve, record.validation_curve = progress.curve, progress.validation_curve
        record.selected, record.seconds = progress.selected, progress.seconds
        record.losses = [[iteration, loss] for iteration, loss in progress.losses]
        record.train_metrics, record.validation_metrics = trainer.splits()
        record.iterations, record.train_images = trainer.iterations, len(trainer.seen)
        record.train_ids = [self.packed.ids[index] for index in trainer.seen]
        return self._leave_network(record, trainer.network, trainer.loaded, trainer.counts)

    def evaluate(self) -> Record:
        """Evaluates the network as it starts."""
        begin = time.monotonic()
        network, loaded = started(self.recipe, self.job.seed, len(self.packed.classes), self.device, self._start())
        counts = evaluation.confusion(network, self._resident(self.parts.test), self.recipe)
        record = self._record()
        record.curve, record.seconds = self._single_point(counts), time.monotonic() - begin
        return self._leave_network(record, network, loaded, counts)

    def combine(self) -> Record:
        """Combines the predictions of the members.

        Raises:
            ValueError: The members do not predict the same images.
        """
        assert isinstance(self.job, Combination)
        begin = time.monotonic()
        method, targets = self.job.ensemble.method, self.packed.targets
        self._require_same_images(self.job)
        found = {
            side: [_read(self.inputs[member]["predictions"], side) for member in self.job.inputs]
            for side in ("test", "validation")
        }
        votes = None
        if method == "boosting":
            mistaken = self._training_predictions(self.job.inputs)
            votes, _ = boosting.weights(mistaken, targets[self.parts.train], len(self.packed.classes))
        test, validation = combination.combined(
            method, found["test"], found["validation"], targets[self.parts.validation], votes
        )
        counts = combination.confusion(test, self.packed.targets[self.parts.test])
        record = self._record()
        record.curve, record.seconds = self._single_point(counts), time.monotonic() - begin
        artifacts: dict[Artifact, Path] = {}
        if "predictions" in self.asked:
            artifacts["predictions"] = self._saved(
                test=test.astype(np.float16), validation=validation.astype(np.float16)
            )
        previews: Targets = test[self._shown].argmax(1).astype(self.packed.targets.dtype)
        return self._leave(record, counts, previews, artifacts)

    def predict(self, artifact: Artifact) -> None:
        """Adds predictions of a finished job, from its weights, to its entry."""
        network, _ = started(self.recipe, self.job.seed, len(self.packed.classes), self.device, None)
        network.load_state_dict(weights.load(self.store.artifact(self.key, "weights")))
        self.store.add(self.key, artifact, self._predictions(network, artifact))

    def _training_predictions(self, jobs: Sequence[Job]) -> list[npt.NDArray[np.float16]]:
        """Class probabilities of the training images by jobs that are inputs, ``(N, C)`` each."""
        return [_read(self.inputs[each]["training predictions"], "train") for each in jobs]

    def _require_same_images(self, job: Combination) -> None:
        """Raises ValueError unless the members predict the same images; those held out where they are used."""
        used = job.ensemble.method in FITTED or "predictions" in self.asked
        for member in job.inputs:
            parts = split(self.packed, recipe_of(member).data, member.seed)
            for side in ("test", "validation") if used else ("test",):
                if not np.array_equal(getattr(parts, side), getattr(self.parts, side)):
                    raise ValueError(
                        f"Expected the members of an ensemble to have the same {side} images, but those of seed "
                        f"{member.seed} are not those of seed {job.seed}; take members of one seed, or a split that "
                        "does not depend on the seed."
                    )

    def explain(self) -> None:
        """Adds heat maps of the images that the report shows, from a finished job's weights, to its entry.

        The weights stay disposable where they are: a picture is no reason to keep them.
        """
        network, _ = started(self.recipe, self.job.seed, len(self.packed.classes), self.device, None)
        network.load_state_dict(weights.load(self.store.artifact(self.key, "weights", stays=False)))
        images = self._resident(self.parts.test[self._shown])
        maps = explanation.heat_maps(network, images, self.recipe, self.store.previews(self.key))
        file = self._staged()
        with file.open("wb") as stream:
            np.savez_compressed(stream, maps=maps)
        self.store.add(self.key, "explanations", file)

    def _start(self) -> tuple[weights.State, str] | None:
        """Tensors to start from, and where they are from."""
        init = self.recipe.init
        if isinstance(init, Weights):
            return weights.read(init), weights.name_of(init)
        if not isinstance(init, FromJob):
            return None
        assert not isinstance(self.job, Combination)
        assert self.job.source is not None
        state = weights.load(self.inputs[self.job.source]["weights"])
        origin = f"the training on {init.recipe.data.name}"
        if init.shuffled:
            return weights.shuffled(state, role_seed(self.job.seed, "shuffling")), f"{origin}, shuffled"
        return state, origin

    def _record(self) -> Record:
        """A finished record without its figures."""
        packed, parts = self.packed, self.parts
        cuda = self.device.type == "cuda"
        name = torch.cuda.get_device_name(self.device) if cuda else cpu_name(torch.backends.cpu.get_cpu_capability())
        return Record(
            key=self.key,
            job=dict(canonical(self.job)),
            kind=self.job.kind,
            seed=self.job.seed,
            status="finished",
            session=self.session,
            task=packed.task,
            classes=list(packed.classes),
            foreground=packed.foreground,
            train_ids=[packed.ids[index] for index in parts.train],
            validation_ids=[packed.ids[index] for index in parts.validation],
            test_ids=[packed.ids[index] for index in parts.test],
            test_subjects=[packed.subjects[index] for index in parts.test],
            provenance={**provenance(name), "kind": self.device.type},
        )

    def _leave_network(
        self,
        record: Record,
        network: torch.nn.Module,
        loaded: weights.Loaded | None,
        counts: npt.NDArray[np.int64],
    ) -> Record:
        record.weights = asdict(loaded) if loaded is not None else {}
        record.peak_memory = peak_memory(self.device)
        previews = evaluation.predictions(network, self._resident(self.parts.test[self._shown]), self.recipe)
        artifacts: dict[Artifact, Path] = {"weights": self._staged()}
        torch.save(state(network), artifacts["weights"])
        for artifact in sorted(self.asked - {"weights"}):
            artifacts[artifact] = self._predictions(network, artifact)
        return self._leave(record, counts, previews, artifacts)

    def _leave(
        self,
        record: Record,
        counts: npt.NDArray[np.int64],
        previews: Targets,
        artifacts: Mapping[Artifact, Path],
    ) -> Record:
        record.collapsed = collapsed(counts.sum(0))
        record.preview_ids = [self.packed.ids[index] for index in self.parts.test[self._shown]]
        self.store.write(record, counts=counts, previews=previews, artifacts=artifacts, keep=self.asked)
        return record

    def _single_point(self, counts: npt.NDArray[np.int64]) -> list[Point]:
        """The curve of a job that trains nothing."""
        metrics = task(self.recipe.task).summarise(counts, self.packed.classes)
        return [{"iteration": 0, "epoch": 0.0, "metrics": metrics}]

    def _predictions(self, network: torch.nn.Module, artifact: Artifact) -> Path:
        """A file of class probabilities: of the test and of the validation images, or of the training images."""
        sides = {"train": self.parts.train}
        if artifact == "predictions":
            sides = {"test": self.parts.test, "validation": self.parts.validation}
        found = {
            name: evaluation.probabilities(network, self._resident(part), self.recipe) for name, part in sides.items()
        }
        return self._saved(**found)

    def _saved(self, **shares: combination.Shares) -> Path:
        file = self._staged()
        with file.open("wb") as stream:
            np.savez(stream, **shares)  # type: ignore[arg-type]
        return file

    def _staged(self) -> Path:
        """A file of its own for an artifact on its way into the entry."""
        folder = self.store.partial(self.key)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"artifact.{uuid.uuid4().hex}"

    def _resident(self, indices: npt.NDArray[np.int64]) -> Resident:
        return Resident.place(self.packed, indices, self.device, self.recipe.data.companion)

    @cached_property
    def _shown(self) -> npt.NDArray[np.intp]:
        """Positions of the test images that the report shows predictions of."""
        subjects = [self.packed.subjects[index] for index in self.parts.test]
        return task(self.recipe.task).shown(self.packed.targets[self.parts.test], subjects, PREVIEWS)

    def _reporter(self, report: Callable[[dict[str, Any]], None]) -> Callable[[Progress, int], None]:
        last = [0.0]

        def tell(progress: Progress, iterations: int) -> None:
            if time.monotonic() - last[0] < REPORT_SECONDS:
                return
            last[0] = time.monotonic()
            latest = progress.curve[-1]["metrics"] if progress.curve else {}
            names = (f"Dice.{self.packed.foreground}", "mDice", "kappa")
            score = next(((name, latest[name]) for name in names if name in latest), None)
            done = {"iteration": progress.iteration, "iterations": iterations, "seconds": progress.seconds}
            report({**done, "score": score})

        return tell


def _read(file: Path, part: str) -> npt.NDArray[np.float16]:
    """Class probabilities of one side of a split."""
    with np.load(file) as content:
        found: npt.NDArray[np.float16] = content[part]
    return found
