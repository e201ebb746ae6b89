"""Trains and evaluates one recipe with one seed, through mmengine's Runner."""

from __future__ import annotations

import math
import tempfile
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.model import BaseDataPreprocessor
from mmengine.runner import IterBasedTrainLoop, Runner

from harness import metrics
from harness.data.dataset import IGNORED, Packed
from harness.models import building, weights
from harness.specs import Recipe
from harness.training import evaluation
from harness.training.checkpoint import load_checkpoint, save_checkpoint
from harness.training.loader import Resident, ResidentLoader
from harness.training.optimisation import freeze, optim_wrapper, schedulers
from harness.training.progress import Progress
from harness.training.seeds import role_seed

CHECKPOINT_SECONDS = 20.0
"""How much training a kill may cost."""

PREVIEWS = 4
"""Test images whose predictions are kept for the report."""


class Diverged(Exception):
    """The loss is no longer a finite number."""

    def __init__(self, iteration: int) -> None:
        super().__init__(f"the loss was not finite at iteration {iteration}")
        self.iteration = iteration


@dataclass
class Trained:
    """The result of a training.

    Attributes:
        counts: Confusion counts by test image, ``(N, C, C)``.
        previews: Predicted classes of the test images with the most foreground, uint8 ``(P, H, W)``.
        preview_ids: The images that ``previews`` are of.
        not_loaded: Names of the tensors that the weights that it started from did not hold.
        state: The network's tensors on the CPU.
        peak_memory: Largest memory held by torch on the device (GPU), or by the process (CPU), in bytes.
    """

    progress: Progress
    iterations: int
    counts: npt.NDArray[np.int64]
    previews: npt.NDArray[np.uint8]
    preview_ids: tuple[str, ...]
    not_loaded: tuple[str, ...]
    state: dict[str, torch.Tensor]
    train_ids: tuple[str, ...]
    test_ids: tuple[str, ...]
    test_subjects: tuple[str, ...]
    peak_memory: int


class _QuietRunner(Runner):  # type: ignore[misc]
    """Without the survey of the machine that mmengine prints (3.4 s): provenance is recorded by the run store.

    And without its log file, which stays open as long as the process lives: one more for each training.
    """

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        del env_cfg

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: torch.nn.Module) -> torch.nn.Module:
        """Leaves the network where it is: mmengine would move it to the first GPU, also from the CPU or another one."""
        del model_wrapper_cfg
        return model

    def build_logger(self, log_level: int | str = "INFO", log_file: str | None = None, **settings: Any) -> MMLogger:
        """mmengine's logger, to the terminal only."""
        del log_file
        return MMLogger.get_instance(**{"name": self.experiment_name, "log_level": log_level, **settings})


class _ResidentLoop(IterBasedTrainLoop):  # type: ignore[misc]
    """mmengine's loop without ``model.train()`` at every iteration (0.36 of 19 ms) and without its validation."""

    def run(self) -> torch.nn.Module:
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        for _ in range(self._iter):
            next(self.dataloader_iterator)
        while self._iter < self._max_iters and not self.stop_training:
            self.run_iter(next(self.dataloader_iterator))
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        network: torch.nn.Module = self.runner.model
        return network


class _AsIs(BaseDataPreprocessor):  # type: ignore[misc]
    """Hands batches on: they are on the device, and mmengine's copy of every data sample costs 0.22 of 19 ms."""

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        del training
        return data


class _Watch(Hook):  # type: ignore[misc]
    """Evaluates, checks the loss, keeps checkpoints, and tells how far the training is."""

    priority = "LOWEST"

    def __init__(self, training: Training, frozen: list[torch.nn.Module]) -> None:
        self.training, self.frozen = training, frozen
        self.clock = self.saved = time.monotonic()
        self.first_bad = torch.full((), -1, device=training.device)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        del runner, batch_idx, data_batch
        for module in self.frozen:
            module.eval()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, torch.Tensor] | None = None
    ) -> None:
        del data_batch
        assert outputs is not None
        training, done, loss = self.training, batch_idx + 1, outputs["loss"].detach()
        due = done in training.evaluated_at
        if due or done % training.read_every == 0:
            value = float(loss)
            bad = int(self.first_bad)
            if bad >= 0 or not math.isfinite(value):
                raise Diverged(bad if bad >= 0 else done)
            training.progress.losses.append((done, value))
        else:  # reading the loss waits for a GPU, so the first bad iteration is remembered there
            self.first_bad = torch.where((self.first_bad < 0) & ~loss.isfinite(), done, self.first_bad)
        if due:
            training.evaluate(done)
        now = time.monotonic()
        training.progress.seconds += now - self.clock
        self.clock, training.progress.iteration = now, done
        if due or done % training.read_every == 0:
            training.report(training.progress, training.iterations)
        if training.checkpoint is not None and now - self.saved > CHECKPOINT_SECONDS and done < training.iterations:
            save_checkpoint(training.checkpoint, runner, training.progress)
            self.clock = self.saved = time.monotonic()


class Training:
    """One training.

    Args:
        recipe: A recipe whose data are resolved.
        seed: The run's seed; every random role is derived from it.
        packed: The recipe's data.
        split: Indices of the training and the test images.
        device: Where to train.
        initial: Tensors to start from, and where they are from; ``None``: as initialised.
        checkpoint: File that a killed training resumes from; ``None``: none is kept.
        report: Called with the progress and the number of iterations every few iterations.
    """

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        packed: Packed,
        split: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
        device: torch.device,
        initial: tuple[weights.State, str] | None = None,
        checkpoint: Path | None = None,
        report: Callable[[Progress, int], None] = lambda progress, iterations: None,
    ) -> None:
        self.recipe, self.seed, self.packed, self.device = recipe, seed, packed, device
        self.checkpoint, self.report = checkpoint, report
        self.train_indices, self.test_indices = split
        self.train_data = Resident.place(packed, self.train_indices, device)
        self.test_data = Resident.place(packed, self.test_indices, device)
        self.iterations = recipe.budget.iterations(len(self.train_indices), recipe.batch_size)
        self.evaluated_at = frozenset(recipe.budget.evaluated_at(self.iterations))
        self.read_every = 1 if device.type == "cpu" else 25
        self.progress = Progress()
        self.counts = np.zeros((0, 0, 0), np.int64)
        self.network = building.build(recipe.model, len(packed.classes), recipe.loss, role_seed(seed, "initialisation"))
        self.not_loaded = weights.fit(self.network, *initial) if initial is not None else ()
        self.network.data_preprocessor = _AsIs()
        self.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def evaluate(self, iteration: int) -> None:
        """Adds an evaluation on the test split to the learning curve."""
        with self._precision():
            self.counts = evaluation.confusion(self.network, self.test_data, self.recipe, len(self.packed.classes))
        epoch = iteration * self.recipe.batch_size / len(self.train_indices)
        values = metrics.summarise(self.counts, self.packed.classes)
        self.progress.curve.append({"iteration": iteration, "epoch": epoch, "metrics": values})

    def run(self) -> Trained:
        """Trains to the end.

        Raises:
            Diverged: The loss became infinite or NaN.
        """
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        torch.manual_seed(role_seed(self.seed, "dropout"))
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._run(folder)
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        subjects, shown = self.packed.subjects, self._shown()
        return Trained(
            progress=self.progress,
            iterations=self.iterations,
            counts=self.counts,
            previews=self._previews(shown),
            preview_ids=tuple(self.packed.ids[index] for index in self.test_indices[shown]),
            not_loaded=self.not_loaded,
            state=state,
            train_ids=tuple(self.packed.ids[index] for index in self.train_indices),
            test_ids=tuple(self.packed.ids[index] for index in self.test_indices),
            test_subjects=tuple(subjects[index] for index in self.test_indices),
            peak_memory=_peak_memory(self.device),
        )

    def _run(self, folder: str) -> None:
        frozen = freeze(self.network, self.recipe.frozen)
        wrapper = optim_wrapper(self.network, self.recipe)
        loader = ResidentLoader(self.train_data, self.recipe, self.seed)
        runner = _QuietRunner(
            model=self.network,
            work_dir=folder,
            train_dataloader=loader,
            train_cfg={"type": _ResidentLoop, "max_iters": self.iterations},
            optim_wrapper=wrapper,
            param_scheduler=schedulers(wrapper, self.recipe, self.iterations) or None,
            default_hooks={
                "runtime_info": None,
                "timer": None,
                "sampler_seed": None,
                "logger": None,
                "checkpoint": None,
                "param_scheduler": {"type": "ParamSchedulerHook"},
            },
            custom_hooks=[_Watch(self, frozen)],
            default_scope="mmseg",
            log_level="ERROR",
            log_processor={"by_epoch": False},
            experiment_name=f"training-{uuid.uuid4().hex}",
            randomness={"seed": role_seed(self.seed, "dropout") % 2**32},
            env_cfg={
                "cudnn_benchmark": self.device.type == "cuda",
                "mp_cfg": {"mp_start_method": "fork"},
                "dist_cfg": {"backend": "gloo"},
            },
        )
        if self.checkpoint is not None and self.checkpoint.exists():
            self.progress = load_checkpoint(self.checkpoint, runner, wrapper, self.device)
            loader.first = self.progress.iteration
        runner.train()

    def _shown(self) -> npt.NDArray[np.intp]:
        """Positions of the test images with the most foreground, the subjects by turns, in their order."""
        masks = self.packed.masks[self.test_indices]
        foreground = ((masks != 0) & (masks != IGNORED)).sum(axis=(1, 2))
        taken: Counter[str] = Counter()
        turns = np.zeros(len(foreground), np.intp)
        for position in np.argsort(-foreground, kind="stable"):
            subject = self.packed.subjects[self.test_indices[position]]
            turns[position] = taken[subject]
            taken[subject] += 1
        return np.sort(np.lexsort((-foreground, turns))[:PREVIEWS])

    def _previews(self, shown: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
        picked = torch.from_numpy(shown).to(self.device)
        first = Resident(self.test_data.images[picked], self.test_data.masks[picked])
        with self._precision():
            found = [batch.cpu().numpy() for batch in evaluation.predictions(self.network, first, self.recipe)]
        return np.concatenate(found).astype(np.uint8)

    def _precision(self) -> torch.autocast:
        """What evaluation runs under, for the counts and for the previews alike."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16")


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024
