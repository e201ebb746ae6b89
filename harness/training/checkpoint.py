"""A checkpoint from which a killed training goes on as if it had not been killed.

mmengine's own resume fails on torch ≥ 2.6 and does not keep the random state that dropout draws from. Here a file
holds plain tensors, numbers and strings only; order and augmentation need no state (they are functions of the seed
and the iteration). On the CPU a resumed run equals an undisturbed one bit for bit.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
from pathlib import Path

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner

from harness.training.progress import Progress


def save_checkpoint(path: Path, runner: Runner, progress: Progress) -> None:
    """Writes the state after ``progress.iteration`` iterations, replacing the file at once or not at all."""
    device = next(runner.model.parameters()).device
    content = {
        "network": runner.model.state_dict(),
        "optimiser": runner.optim_wrapper.optimizer.state_dict(),
        "schedulers": [scheduler.state_dict() for scheduler in runner.param_schedulers or []],
        "random": torch.get_rng_state(),
        "random_device": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "progress": dataclasses.asdict(progress),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        torch.save(content, temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path, runner: Runner, wrapper: OptimWrapper, device: torch.device) -> Progress:
    """Puts a runner that has not trained yet where the checkpoint was taken, and returns the progress until there.

    A file that cannot be read, as a machine that went down may leave it, is deleted: the training starts anew.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError):
        path.unlink(missing_ok=True)
        return Progress()
    runner.model.load_state_dict(content["network"])
    wrapper.optimizer.load_state_dict(content["optimiser"])
    for scheduler, state in zip(runner.param_schedulers or [], content["schedulers"], strict=True):
        scheduler.load_state_dict(state)
    torch.set_rng_state(content["random"])
    if content["random_device"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(content["random_device"], device)
    progress = Progress(**content["progress"])
    progress.losses = [(int(iteration), float(loss)) for iteration, loss in progress.losses]
    runner.train_loop._iter = progress.iteration
    return progress
