"""From the spec of a network to the network, its loss and its logits."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from harness.networks.features import Features
from harness.networks.losses import check_classes
from harness.networks.registry import family
from harness.specs import Loss, Network, Recipe


def build(network: Network, classes: int, losses: tuple[Loss, ...], seed: int) -> torch.nn.Module:
    """A network initialised by the rules of its library with the random state that ``seed`` gives.

    Two networks of the same architecture built with the same seed are equal, whatever was drawn before.

    Raises:
        ValueError: There is no such network, or a loss does not suit the classes.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = _create(network, classes, losses)
        family(network).initialise(module)
    return module


def outline(network: Network, classes: int, losses: tuple[Loss, ...]) -> torch.nn.Module:
    """The network without values (torch's meta device), in 30 ms: its parts, names and shapes.

    Raises:
        ValueError: As :func:`build`.
    """
    with torch.device("meta"), _RatesWithValues():
        return _create(network, classes, losses)


class _RatesWithValues(TorchFunctionMode):
    """Leaves ``torch.linspace`` its values: mmsegmentation's transformers read rates of stochastic depth from it."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        given = dict(kwargs or {})
        if func is torch.linspace:
            given["device"] = "cpu"
        return func(*args, **given)


def _create(network: Network, classes: int, losses: tuple[Loss, ...]) -> torch.nn.Module:
    check_classes(losses, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # mmsegmentation advises against its own published configs
        return family(network).create(network, classes, losses)


def features(network: Network, module: torch.nn.Module, images: torch.Tensor) -> Features:
    """What the trunk of the network makes of normalised images ``(B, 3 · views, h, w)``; its family must have one."""
    return family(network).features(module, images)


def loss(
    network: Network, module: torch.nn.Module, images: torch.Tensor | Features, targets: torch.Tensor
) -> torch.Tensor:
    """The whole training loss, a scalar: the weighted sum of all terms, those of auxiliary heads included.

    Args:
        network: The spec that ``module`` was built from.
        module: The network.
        images: Normalised, float ``(B, 3, h, w)``, or their features; with two views ``(B, 6, h, w)``, the channels of
            each image and then of its companion.
        targets: Class indices, int64: ``(B, h, w)`` of a segmentation, 255 where ignored; ``(B,)`` of a classification.
    """
    if isinstance(images, Features):
        return family(network).loss_of(module, images, targets)
    return family(network).loss(module, images, targets)


def logits(network: Network, module: torch.nn.Module, images: torch.Tensor | Features) -> torch.Tensor:
    """Logits by class of normalised images ``(B, 3 · views, h, w)``, or of their features.

    Returns:
        ``(B, C, h, w)`` of a segmentation, ``(B, C)`` of a classification.
    """
    if isinstance(images, Features):
        return family(network).logits_of(module, images)
    return family(network).logits(module, images)


def parts(module: torch.nn.Module, names: tuple[str, ...]) -> list[torch.nn.Module]:
    """The parts of a network of those names.

    Raises:
        ValueError: The network has no such part.
    """
    modules = dict(module.named_modules())
    for name in names:
        if name not in modules:
            parent = name
            while parent not in modules:
                parent = parent.rpartition(".")[0]
            children = [child for child, part in modules[parent].named_children() if list(part.parameters())]
            known = [f"{parent}.{child}".removeprefix(".") for child in children]
            raise ValueError(
                f"Expected `frozen` to name parts of the network, but it has no {name!r}; "
                f"choose of {', '.join(known) or parent}."
            )
    return [modules[name] for name in names]


def check_frozen(recipe: Recipe, classes: int) -> None:
    """Checks that what the recipe freezes is there and is not everything, without training or random numbers.

    Raises:
        ValueError: A name that the network does not have, or nothing is left to train.
    """
    if not recipe.frozen:
        return
    module = outline(recipe.network, classes, recipe.losses)
    for part in parts(module, recipe.frozen):
        part.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise ValueError(
            f"Expected `frozen` to leave a part of the network to train, but {', '.join(recipe.frozen)} are all of it; "
            "leave one out."
        )
