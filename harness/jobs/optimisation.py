"""Optimiser, learning-rate schedule, precision and frozen parts of a recipe."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from harness.networks.building import parts
from harness.specs import Optimiser, Poly, Schedule, Step


class LearningRate(Protocol):
    """Sets the learning rate: torch's schedulers and mmengine's alike."""

    def step(self) -> None:
        """Goes one iteration further; comes after the optimiser's step."""

    def state_dict(self) -> dict[str, Any]:
        """What :meth:`load_state_dict` takes."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on where another one was."""


def freeze(module: torch.nn.Module, names: tuple[str, ...]) -> list[torch.nn.Module]:
    """Stops training the parameters of the parts of those names.

    Returns:
        The frozen parts, whose running statistics must stay as well: put them into evaluation mode.

    Raises:
        ValueError: The network has no part of that name.
    """
    frozen = parts(module, names)
    for part in frozen:
        part.requires_grad_(False)
    return frozen


def optimiser(module: torch.nn.Module, spec: Optimiser) -> torch.optim.Optimizer:
    """The optimiser of the parameters that are trained; freeze before."""
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if spec.name == "sgd":
        return torch.optim.SGD(parameters, spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay)
    kind = torch.optim.Adam if spec.name == "adam" else torch.optim.AdamW
    # On a CPU torch takes the parameters one by one unless told otherwise: 1.0 instead of 0.6 ms for 46 small tensors,
    # to the same bits (torch 2.15).
    return kind(parameters, spec.lr, weight_decay=spec.weight_decay, foreach=True)


def scheduler(optimiser: torch.optim.Optimizer, spec: Schedule, iterations: int, epoch: int) -> LearningRate | None:
    """What sets the learning rate after each iteration.

    Args:
        optimiser: The optimiser.
        spec: The schedule.
        iterations: Iterations of the whole training.
        epoch: Iterations of one epoch.

    Returns:
        ``None``: the learning rate stays.
    """
    if isinstance(spec, Poly):
        from mmengine.optim import PolyLR  # torch's PolynomialLR ends at 0, not at `min_lr`

        poly: LearningRate = PolyLR(
            optimiser, eta_min=spec.min_lr, power=spec.power, begin=0, end=iterations, by_epoch=False
        )
        return poly
    if isinstance(spec, Step):
        return torch.optim.lr_scheduler.StepLR(optimiser, spec.every * epoch, spec.gamma)
    return None


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context of every forward pass: in bfloat16, which needs no loss scaling, or as the network is."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")
