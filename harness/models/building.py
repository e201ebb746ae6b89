"""From a recipe to an initialised network."""

from __future__ import annotations

import warnings
from typing import Any

import torch

import harness.models.openmmlab

import harness.models.losses  # noqa: F401  # isort: skip
from mmseg.registry import MODELS

from harness.models import unet
from harness.specs import Loss, Model

CONFIGS = {"unet": unet.config}
"""A network is added with one function here: ``(Model, classes, Loss) -> mmseg model config``."""


def config(model: Model, classes: int, loss: Loss) -> dict[str, Any]:
    """The network as the ``model`` entry of an mmsegmentation config."""
    return CONFIGS[model.backbone](model, classes, loss)


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
