"""Loading weights of another network, as far as they fit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch

from harness.checkpoints import WeightsError, verify
from harness.models import building
from harness.specs import Checkpoint, Pretrained, Recipe

State = Mapping[str, torch.Tensor]


LEAST_SHARE = 0.8
"""Of the backbone's tensors that have to fit: a U-Net of 3 stages shares 56% of its names and shapes with one of 5."""


def fit(network: torch.nn.Module, state: State, origin: str) -> tuple[str, ...]:
    """Loads every tensor whose name and shape fit, as mmengine's ``load_from`` does; the rest stays as initialised.

    Args:
        network: The network, changed in place.
        state: The tensors of the other network.
        origin: Where they are from, for the error.

    Returns:
        The names in ``network`` that were not loaded (a classifier for another number of classes, say).

    Raises:
        WeightsError: Fewer than 80% of the backbone's tensors fit.
    """
    own = network.state_dict()
    loaded = fitting(own, state, origin)
    network.load_state_dict(loaded, strict=False)
    return tuple(name for name in own if name not in loaded)


def fitting(own: State, state: State, origin: str) -> State:
    """Those tensors of ``state`` whose name and shape are in ``own``; values are not looked at.

    Raises:
        WeightsError: As :func:`fit`.
    """
    found = {name: tensor for name, tensor in state.items() if name in own and own[name].shape == tensor.shape}
    backbone = [name for name in own if name.startswith("backbone.")] or list(own)
    share = sum(name in found for name in backbone)
    if share < LEAST_SHARE * len(backbone):
        raise WeightsError(
            f"Expected the weights of {origin} to fit the network's backbone, but only {share} of its {len(backbone)} "
            "tensors have the same name and shape; choose a checkpoint of the same architecture."
        )
    return found


def check(recipe: Recipe, classes: int) -> None:
    """Checks that what a recipe starts from fits its network, before either trains.

    A checkpoint file is read; of a source recipe only the network matters, and nothing where it is the same one.

    Raises:
        WeightsError: As :func:`fit` and :func:`read`.
    """
    init = recipe.init
    if isinstance(init, Checkpoint):
        state, origin = _read_outline(init), init.path
    elif isinstance(init, Pretrained) and init.recipe.model != recipe.model:
        source = building.outline(init.recipe.model, classes, init.recipe.loss)
        state, origin = source.state_dict(), f"the source on {init.recipe.data.name}"
    else:
        return
    fitting(building.outline(recipe.model, classes, recipe.loss).state_dict(), state, origin)


@cache
def _read_outline(checkpoint: Checkpoint) -> State:
    """The tensors of a checkpoint file without their values: several arms may start from one file."""
    return {name: tensor.to("meta") for name, tensor in read(checkpoint).items()}


def read(checkpoint: Checkpoint) -> State:
    """The tensors of a checkpoint file: a plain state dict, or mmengine's, which holds one as ``state_dict``.

    Raises:
        WeightsError: The file is missing, another, or no checkpoint of tensors.
    """
    verify(checkpoint)
    try:
        content = torch.load(checkpoint.path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # of a broken file anything comes, KeyError and struct.error too
        raise WeightsError(
            f"Expected {checkpoint.path} to be a checkpoint that torch loads with `weights_only=True`, but got "
            f"{type(error).__name__}; save it again as a plain dict of tensors."
        ) from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    named = state.items() if isinstance(state, dict) else ()
    tensors = {name: tensor for name, tensor in named if isinstance(tensor, torch.Tensor)}
    if not tensors:
        raise WeightsError(f"Expected {checkpoint.path} to hold tensors by name, but found none; choose another file.")
    return tensors
