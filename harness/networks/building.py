"""From a recipe to an initialised network."""

from __future__ import annotations

import warnings
from typing import Any

import torch

import harness.models.openmmlab

import harness.models.losses  # noqa: F401  # isort: skip
from mmseg.registry import MODELS

from harness.models import unet
from harness.specs import Loss, Model, Recipe

CONFIGS = {"unet": unet.config}
"""A network is added with one function here: ``(Model, classes, Loss) -> mmseg model config``."""


def config(model: Model, classes: int, loss: Loss) -> dict[str, Any]:
    """The network as the ``model`` entry of an mmsegmentation config."""
    return CONFIGS[model.backbone](model, classes, loss)


def outline(model: Model, classes: int, loss: Loss) -> torch.nn.Module:
    """The network without values (torch's meta device), in 30 ms: its parts, names and shapes."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        network: torch.nn.Module = MODELS.build(config(model, classes, loss))
    return network


def parts(network: torch.nn.Module, names: tuple[str, ...]) -> list[torch.nn.Module]:
    """The modules of those names.

    Raises:
        ValueError: The network has no such module.
    """
    modules = dict(network.named_modules())
    for name in names:
        if name not in modules:
            parent = name
            while parent not in modules:
                parent = parent.rpartition(".")[0]
            children = [child for child, module in modules[parent].named_children() if list(module.parameters())]
            there = [f"{parent}.{child}".removeprefix(".") for child in children]
            raise ValueError(
                f"Expected `frozen` to name parts of the network, but it has no {name!r}; "
                f"choose of {', '.join(there) or parent}."
            )
    return [modules[name] for name in names]


def check_frozen(recipe: Recipe, classes: int) -> None:
    """Checks that what the recipe freezes is there and is not everything, without training or random numbers.

    Raises:
        ValueError: A name that the network does not have, or nothing is left to train.
    """
    if not recipe.frozen:
        return
    network = outline(recipe.model, classes, recipe.loss)
    for part in parts(network, recipe.frozen):
        part.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise ValueError(
            f"Expected `frozen` to leave a part of the network to train, but {', '.join(recipe.frozen)} are all of it; "
            "leave one out."
        )


def build(model: Model, classes: int, loss: Loss, seed: int) -> torch.nn.Module:
    """A network initialised by mmsegmentation's rules with the random state that ``seed`` gives.

    Two networks of the same architecture built with the same seed are equal, whatever was drawn before.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # mmseg advises against its own published configs
        torch.manual_seed(seed)
        network: torch.nn.Module = MODELS.build(config(model, classes, loss))
        network.init_weights()  # type: ignore[operator]
    return network
