"""Weights of another network: reading them, and loading what fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from harness.networks import building, layouts
from harness.networks.registry import family, registered
from harness.networks.weight_files import WeightsError, verify
from harness.specs import Data, FromJob, Network, Recipe, Weights, WeightsPart

State = layouts.State

COMPUTED = (".num_batches_tracked", ".relative_position_index")
"""Ends of the names of what files need not hold: batch normalisation's counter, which older ones lack and no network
here reads, and what a network computes from the size of its windows."""


@dataclass(frozen=True)
class Loaded:
    """What a network took from other weights.

    Attributes:
        origin: Where the weights are from.
        loaded: Number of tensors that were loaded.
        not_loaded: Names in the network that stayed as initialised (the last layer for other classes, for example).
        unused: Names in the weights, as the network would call them, that it did not take.
        classes: How many classes the last layer of the weights has and how many that of the network; empty where they
            have equally many.
    """

    origin: str
    loaded: int
    not_loaded: tuple[str, ...]
    unused: tuple[str, ...]
    classes: tuple[int, ...] = ()


def fit(network: Network, module: torch.nn.Module, state: State, origin: str, part: WeightsPart = "all") -> Loaded:
    """Loads other weights into a network: its backbone whole, and of its heads what fits.

    Args:
        network: The spec that ``module`` was built from.
        module: The network, changed in place.
        state: The other weights.
        origin: Where they are from, for the record and for errors.
        part: ``"backbone"``: the heads stay as initialised.

    Raises:
        WeightsError: As :func:`fitting`; nothing is loaded.
    """
    own = module.state_dict()
    fitted = fitting(network, own, state, origin, part)
    module.load_state_dict(fitted.tensors, strict=False)
    return Loaded(
        origin=origin,
        loaded=len(fitted.tensors),
        not_loaded=tuple(name for name in own if name not in fitted.tensors),
        unused=tuple(name for name in fitted.offered if name not in fitted.tensors),
        classes=_classes(network, own, fitted.offered),
    )


@dataclass(frozen=True)
class Fitted:
    """What of other weights fits a network, under the network's names.

    Attributes:
        tensors: What the network takes, in its order.
        offered: All that there is.
    """

    tensors: dict[str, torch.Tensor]
    offered: dict[str, torch.Tensor]


def fitting(network: Network, own: State, state: State, origin: str, part: WeightsPart = "all") -> Fitted:
    """What a network takes from other weights, under its own names; both may be outlines, without values.

    Args:
        network: The spec of the network.
        own: Its own tensors.
        state, origin, part: As in :func:`fit`; ``state`` in one of :data:`harness.networks.layouts.LAYOUTS`.

    Raises:
        WeightsError: Outside the heads, a tensor of the network is not in ``state`` in its shape, or a tensor of
            ``state`` is not in the network. The heads of another kind of network count as heads, so that a classifier's
            backbone fits a segmenter.
    """
    adapted = layouts.adapt(own, state, network.backbone, origin)
    offered, heads = adapted.state, tuple(f"{head}." for head in family(network).heads)
    same = {name: offered[name] for name in own if name in offered and own[name].shape == offered[name].shape}
    needed = [name for name in own if not name.startswith(heads) and not name.endswith(COMPUTED)]
    missing = [name for name in needed if name not in same and name not in adapted.fresh]
    spare = [
        name for name in offered if name not in own and name not in adapted.beyond and not name.startswith(_all_heads())
    ]
    if missing or spare:
        wrong = []
        if missing:
            wrong.append(f"lack {len(missing)} of its {len(needed)} tensors in their shape ({missing[0]})")
        if spare:
            wrong.append(f"hold {len(spare)} that it does not have ({spare[0]})")
        raise WeightsError(
            f"Expected the weights of {origin} to fit the backbone of {network.backbone}, but they "
            f"{' and '.join(wrong)}; choose weights of the same architecture."
        )
    taken = {name: tensor for name, tensor in same.items() if part == "all" or not name.startswith(heads)}
    return Fitted(taken, offered)


@cache
def _all_heads() -> tuple[str, ...]:
    """How the names of tensors outside the backbone begin, in any family."""
    return tuple(sorted({f"{head}." for each in registered() for head in each.heads}))


def _classes(network: Network, own: State, offered: State) -> tuple[int, ...]:
    """Classes of the last layer of other weights and of the network, where these differ and nothing else does."""
    heads = tuple(f"{head}." for head in family(network).heads)
    for name, tensor in own.items():
        other = offered.get(name)
        if other is None or not name.startswith(heads) or min(tensor.ndim, other.ndim) < 2:
            continue
        if other.shape[1:] == tensor.shape[1:] and len(other) != len(tensor):
            return len(other), len(tensor)
    return ()


def shuffled(state: State, seed: int) -> dict[str, torch.Tensor]:
    """The same tensors with the entries of each in another order: equal distributions without their structure.

    Args:
        state: Tensors by name; they stay as they are.
        seed: Draws the orders.
    """
    rng = np.random.default_rng(seed)
    orders = {name: torch.from_numpy(rng.permutation(tensor.numel())) for name, tensor in state.items()}
    return {name: tensor.flatten()[orders[name]].view(tensor.shape) for name, tensor in state.items()}


def check(recipe: Recipe, classes_of: Callable[[Data], int]) -> None:
    """Checks that what a recipe and its sources start from fits their networks, before anything trains.

    Files of weights are read; of a source recipe only the network matters.

    Args:
        recipe: The recipe.
        classes_of: Number of classes of a data set.

    Raises:
        WeightsError: As :func:`fitting` and :func:`read`.
    """
    for step in recipe.lineage():
        init = step.init
        if isinstance(init, Weights):
            state, origin = _read_outline(init), name_of(init)
        elif isinstance(init, FromJob):
            source = init.recipe
            state = _outline(source.network, classes_of(source.data))
            origin = f"the source on {source.data.name}"
        else:
            continue
        fitting(step.network, _outline(step.network, classes_of(step.data)), state, origin, init.part)


def name_of(weights: Weights) -> str:
    """What weights are called in records and errors: their name with their file's, or their path."""
    return f"{weights.name} ({Path(weights.path).name})" if weights.path else weights.name


@cache
def _outline(network: Network, classes: int) -> State:
    return building.outline(network, classes, ()).state_dict()


@cache
def _read_outline(weights: Weights) -> State:
    """The tensors of a file without their values: several arms may start from one file."""
    return {name: tensor.to("meta") for name, tensor in read(weights).items()}


def read(weights: Weights) -> State:
    """The tensors of the file that a spec names.

    Raises:
        WeightsError: The file is missing, another, or holds no tensors by name.
    """
    verify(weights)
    return load(weights.file)


def load(path: str | Path) -> State:
    """The tensors of a file: a plain state dict, or mmengine's under ``state_dict``, Swin's under ``model``.

    The prefix ``module.``, which torch's parallel wrappers leave, is taken off.

    Raises:
        WeightsError: The file is missing, or holds no tensors by name.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except FileNotFoundError:
        raise WeightsError(f"Expected weights at {path}, but there is no such file.") from None
    except Exception as error:  # of a broken file anything comes, KeyError and struct.error too
        raise WeightsError(
            f"Expected {path} to hold weights that torch loads with `weights_only=True`, but got "
            f"{type(error).__name__}; save it again as a plain dict of tensors."
        ) from error
    state = content.get("state_dict", content.get("model", content)) if isinstance(content, dict) else None
    entries = state.items() if isinstance(state, dict) else ()
    tensors = {name: tensor for name, tensor in entries if isinstance(tensor, torch.Tensor)}
    if not tensors:
        raise WeightsError(f"Expected {path} to hold tensors by name, but it holds none; choose another file.")
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    return tensors
