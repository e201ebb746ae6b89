"""Loading weights of another network, as far as they fit."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import torch

from harness.checkpoints import WeightsError, verify
from harness.specs import Checkpoint

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
    fitting = {name: tensor for name, tensor in state.items() if name in own and own[name].shape == tensor.shape}
    backbone = [name for name in own if name.startswith("backbone.")] or list(own)
    found = sum(name in fitting for name in backbone)
    if found < LEAST_SHARE * len(backbone):
        raise WeightsError(
            f"Expected the weights of {origin} to fit the network's backbone, but only {found} of its {len(backbone)} "
            "tensors have the same name and shape; choose a checkpoint of the same architecture."
        )
    network.load_state_dict(fitting, strict=False)
    return tuple(name for name in own if name not in fitting)


def read(checkpoint: Checkpoint) -> State:
    """The tensors of a checkpoint file: a plain state dict, or mmengine's, which holds one as ``state_dict``.

    Raises:
        WeightsError: The file is missing, another, or no checkpoint of tensors.
    """
    verify(checkpoint)
    try:
        content = torch.load(checkpoint.path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
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
