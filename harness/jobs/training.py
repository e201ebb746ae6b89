"""Trains and evaluates one recipe with one seed."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.data import Packed, Parts
from harness.jobs import checkpoint, evaluation, features, optimisation
from harness.jobs.resident import Resident
from harness.jobs.sampling import sampled
from harness.jobs.seeds import role_seed
from harness.networks import building, weights
from harness.specs import BestOnValidation, FromJob, Recipe, Weights, schedules
from harness.store import Point
from harness.tasks import task

CHECKPOINT_SECONDS = 20.0
"""How much training a kill may cost."""

READ_EVERY = {"cpu": 1, "cuda": 25}
"""Iterations between two looks at the loss: reading it waits for a GPU."""

EXPLODED = 100.0
"""A training whose loss ends above this many times its first value has come apart."""

State = dict[str, torch.Tensor]
Steps = tuple[torch.optim.Optimizer, optimisation.LearningRate | None]


class Diverged(Exception):
    """The loss is no longer a finite number, or has grown beyond measure; the message says when."""


@dataclass
class Progress:
    """Where a training is; also what a checkpoint keeps beside the tensors.

    Attributes:
        iteration: Iterations done.
        curve: ``{"iteration": int, "epoch": float, "metrics": {...}}`` for each evaluation on the test split.
        validation_curve: The same on the validation split, with ``"loss"``; empty without one.
        losses: Training loss every few iterations, as ``(iteration, loss)``.
        selected: Position in ``curve`` of the evaluation that counts.
        seconds: Wall time of the iterations and evaluations so far, interruptions left out.
    """

    iteration: int = 0
    curve: list[Point] = field(default_factory=list)
    validation_curve: list[Point] = field(default_factory=list)
    losses: list[tuple[int, float]] = field(default_factory=list)
    selected: int = -1
    seconds: float = 0.0


class Trainer:
    """One training.

    Args:
        recipe: A recipe whose data are resolved.
        seed: The seed; every random role is derived from it.
        packed: The recipe's data.
        parts: Which images train, select and test.
        device: Where to train.
        start: Tensors to start from, and where they are from; ``None``: as initialised.
        before: Of a boosted recipe: class probabilities ``(N, C)`` of the training images by those before it.
        kept: File that a killed training resumes from, and the job's key; ``None``: none is kept.
        report: Called with the progress and the number of iterations every few iterations.

    Attributes:
        network: The network, on the device.
        seen: Indices of the training images that it sees, sorted, each once.
        loaded: What it took from ``start``; ``None`` from scratch.
        counts: Confusion counts by test image, ``(N, C, C)``, of the evaluation that counts.
    """

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        packed: Packed,
        parts: Parts,
        device: torch.device,
        start: tuple[weights.State, str] | None = None,
        before: Sequence[npt.NDArray[np.floating]] = (),
        kept: tuple[Path, str] | None = None,
        report: Callable[[Progress, int], None] = lambda progress, iterations: None,
    ) -> None:
        self.recipe, self.seed, self.packed, self.device = recipe, seed, packed, device
        self.kept, self.report = kept, report
        drawn = sampled(recipe, seed, packed, parts.train, before)
        self.seen = np.unique(drawn)
        self.train_data, self.validation_data, self.test_data = (
            self._resident(part) for part in (drawn, parts.validation, parts.test)
        )
        self.iterations = recipe.budget.iterations(len(parts.train), recipe.batch_size)
        self.evaluated_at = frozenset(recipe.budget.evaluated_at(self.iterations))
        self.progress = Progress()
        self.counts: npt.NDArray[np.int64] = np.zeros((0, 0, 0), np.int64)
        self.best: State | None = None
        self.inputs: evaluation.Inputs = evaluation.inputs
        self.network, self.loaded = started(recipe, seed, len(packed.classes), device, start)

    def run(self) -> None:
        """Trains to the end; afterwards the network holds the weights that the recipe selects.

        Raises:
            Diverged: The loss became infinite, NaN, or a hundred times what it was.
        """
        recipe, read_every = self.recipe, READ_EVERY[self.device.type]
        frozen = optimisation.freeze(self.network, recipe.frozen)
        optimiser, scheduler = self._resumed() or self._begun()
        progress = self.progress
        self.network.train()
        for module in frozen:
            module.eval()
        batches, self.inputs = features.sources(self.network, recipe, self.train_data, self.seed)
        clock = saved = time.monotonic()
        first_bad = torch.full((), -1, device=self.device)
        while progress.iteration < self.iterations:
            inputs, targets = batches.batch(progress.iteration)
            with optimisation.autocast(self.device, recipe.precision):
                loss = building.loss(recipe.network, self.network, inputs, targets)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            optimiser.zero_grad()
            if scheduler is not None:
                scheduler.step()
            progress.iteration = done = progress.iteration + 1
            due = done in self.evaluated_at
            looked = due or done % read_every == 0
            if looked:
                self._look(done, float(loss.detach()), int(first_bad))
            else:  # the first bad iteration is remembered on the GPU
                first_bad = torch.where((first_bad < 0) & ~loss.detach().isfinite(), done, first_bad)
            if due:
                self._evaluate()
            now = time.monotonic()
            progress.seconds += now - clock
            clock = now
            if looked:
                self.report(progress, self.iterations)
            if self.kept is not None and now - saved > CHECKPOINT_SECONDS and done < self.iterations:
                checkpoint.save(*self.kept, self._content(optimiser, scheduler))
                clock = saved = time.monotonic()
        self._check_growth()
        if self.best is not None:
            self.network.load_state_dict(self.best)

    def splits(self) -> tuple[dict[str, float], dict[str, float]]:
        """Metrics of the finished network on the training images that it saw, each once, and on the validation images.

        Both are empty without validation images.
        """
        if not len(self.validation_data):
            return {}, {}
        found = (
            evaluation.confusion(self.network, self._resident(self.seen), self.recipe),
            evaluation.confusion(self.network, self.validation_data, self.recipe, self.inputs),
        )
        train, validation = (task(self.recipe.task).summarise(counts, self.packed.classes) for counts in found)
        return train, validation

    def _evaluate(self) -> None:
        """Adds an evaluation to the learning curves, and keeps the weights where they are the best so far."""
        progress, recipe = self.progress, self.recipe
        counts = evaluation.confusion(self.network, self.test_data, recipe, self.inputs)
        self._point(progress.curve, counts)
        if len(self.validation_data):
            counted = evaluation.confusion(self.network, self.validation_data, recipe, self.inputs)
            self._point(progress.validation_curve, counted)
            loss = evaluation.mean_loss(self.network, self.validation_data, recipe, self.inputs)
            progress.validation_curve[-1]["metrics"]["loss"] = loss
        if not isinstance(recipe.select, BestOnValidation):
            self.counts = counts
            return
        selected = best(progress.validation_curve, recipe.select, self.packed.foreground)
        if selected == len(progress.curve) - 1:
            progress.selected, self.counts, self.best = selected, counts, state(self.network)

    def _resident(self, indices: npt.NDArray[np.int64]) -> Resident:
        return Resident.place(self.packed, indices, self.device, self.recipe.data.companion)

    def _point(self, curve: list[Point], counts: npt.NDArray[np.int64]) -> None:
        done = self.progress.iteration
        epoch = done * self.recipe.batch_size / len(self.train_data)
        metrics = task(self.recipe.task).summarise(counts, self.packed.classes)
        curve.append({"iteration": done, "epoch": epoch, "metrics": metrics})

    def _look(self, done: int, loss: float, first_bad: int) -> None:
        if first_bad >= 0 or not math.isfinite(loss):
            raise Diverged(f"the loss was not finite at iteration {first_bad if first_bad >= 0 else done}")
        self.progress.losses.append((done, loss))

    def _check_growth(self) -> None:
        losses = self.progress.losses
        if losses and losses[-1][1] > EXPLODED * max(abs(losses[0][1]), 1.0):
            raise Diverged(f"the loss rose from {losses[0][1]:.3g} to {losses[-1][1]:.3g}")

    def _begun(self) -> Steps:
        """What moves the network, at the first iteration, and the random numbers of that iteration."""
        optimiser = optimisation.optimiser(self.network, self.recipe.optimiser)
        epoch = schedules.epoch(len(self.train_data), self.recipe.batch_size)
        scheduler = optimisation.scheduler(optimiser, self.recipe.schedule, self.iterations, epoch)
        torch.manual_seed(role_seed(self.seed, "dropout") % 2**32)
        return optimiser, scheduler

    def _resumed(self) -> Steps | None:
        """The same where the checkpoint was taken; ``None`` where there is none, and all is as it was."""
        if self.kept is None or (content := checkpoint.load(*self.kept)) is None:
            return None
        initial, steps = state(self.network), self._begun()
        try:
            self._restore(content, *steps)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception:  # where the content is not what this training wrote, anything comes
            checkpoint.discard(self.kept[0])
            self.network.load_state_dict(initial)
            return None
        return steps

    def _content(self, optimiser: torch.optim.Optimizer, scheduler: optimisation.LearningRate | None) -> dict[str, Any]:
        cuda = self.device.type == "cuda"
        return {
            "network": self.network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "scheduler": scheduler.state_dict() if scheduler is not None else None,
            "random": torch.get_rng_state(),
            "random_device": torch.cuda.get_rng_state(self.device) if cuda else None,
            "progress": dataclasses.asdict(self.progress),
            "best": self.best,
            "counts": torch.from_numpy(self.counts),
        }

    def _restore(
        self, content: dict[str, Any], optimiser: torch.optim.Optimizer, scheduler: optimisation.LearningRate | None
    ) -> None:
        self.network.load_state_dict(content["network"])
        optimiser.load_state_dict(content["optimiser"])
        if scheduler is not None:
            scheduler.load_state_dict(content["scheduler"])
        torch.set_rng_state(content["random"])
        if content["random_device"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(content["random_device"], self.device)
        progress = Progress(**content["progress"])
        progress.losses = [(int(iteration), float(loss)) for iteration, loss in progress.losses]
        self.best, self.counts, self.progress = content["best"], content["counts"].numpy(), progress


def started(
    recipe: Recipe, seed: int, classes: int, device: torch.device, start: tuple[weights.State, str] | None
) -> tuple[torch.nn.Module, weights.Loaded | None]:
    """The network as a job starts with it, on the device, and what it took from other weights."""
    network = building.build(recipe.network, classes, recipe.losses, role_seed(seed, "initialisation"))
    loaded = None
    if start is not None:
        assert isinstance(recipe.init, (FromJob, Weights))
        loaded = weights.fit(recipe.network, network, *start, part=recipe.init.part)
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network, loaded


def state(network: torch.nn.Module) -> State:
    """A network's tensors on the CPU."""
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in network.state_dict().items()}


def best(curve: list[Point], select: BestOnValidation, foreground: str) -> int:
    """Position of the evaluation that did best on the validation split; the earliest of equal ones."""
    name = str(select.metric.resolved(foreground))
    values = [float(point["metrics"][name]) for point in curve]
    comparable = [math.inf if math.isnan(value) else (value if select.lowest else -value) for value in values]
    return comparable.index(min(comparable))


def peak_memory(device: torch.device) -> int:
    """Largest memory held by torch on the device (GPU), or by the process (CPU), in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024
