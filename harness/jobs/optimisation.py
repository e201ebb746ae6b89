"""Optimiser, schedule and precision of a recipe, as mmengine's Runner takes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper, PolyLR, _ParamScheduler

from harness.models.building import parts
from harness.specs import Recipe


class AutocastOptimWrapper(OptimWrapper):  # type: ignore[misc]
    """Forward passes in bfloat16; no loss scaling is needed. mmengine's ``AmpOptimWrapper`` insists on a GPU."""

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """mmengine's context (gradient accumulation) within autocast."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield


def freeze(network: torch.nn.Module, prefixes: tuple[str, ...]) -> list[torch.nn.Module]:
    """Stops training the parameters under the given name prefixes.

    Returns:
        The frozen modules, whose running statistics must stay as well: put them into evaluation mode.

    Raises:
        ValueError: A prefix that names nothing.
    """
    frozen = parts(network, prefixes)
    for module in frozen:
        module.requires_grad_(False)
    return frozen


def optim_wrapper(network: torch.nn.Module, recipe: Recipe) -> OptimWrapper:
    """The recipe's optimiser over the parameters that are trained."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    spec = recipe.optimiser
    optimiser: torch.optim.Optimizer
    if spec.name == "sgd":
        optimiser = torch.optim.SGD(parameters, spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay)
    else:
        kind = torch.optim.Adam if spec.name == "adam" else torch.optim.AdamW
        optimiser = kind(parameters, spec.lr, weight_decay=spec.weight_decay)
    wrapper = AutocastOptimWrapper if recipe.precision == "bf16" else OptimWrapper
    return wrapper(optimizer=optimiser)


def schedulers(wrapper: OptimWrapper, recipe: Recipe, iterations: int) -> list[_ParamScheduler]:
    """The learning rate's schedule over the whole training, stepped after each iteration."""
    if recipe.schedule.name == "constant":
        return []
    schedule = recipe.schedule
    return [PolyLR(wrapper, eta_min=schedule.min_lr, power=schedule.power, begin=0, end=iterations, by_epoch=False)]
