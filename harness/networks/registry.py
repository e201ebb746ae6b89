"""Which network families there are."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from harness.networks import families
from harness.networks.family import Family
from harness.specs import Network


@cache
def registered() -> tuple[Family, ...]:
    """Every family: those of the modules of :mod:`harness.networks.families`, by the modules' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(families.__path__))
    modules = [importlib.import_module(f"{families.__name__}.{name}") for name in names]
    return tuple(module.FAMILY for module in modules if hasattr(module, "FAMILY"))


def family(network: Network) -> Family:
    """The family that a network is of.

    Raises:
        ValueError: No family has that backbone.
    """
    serving = [each for each in registered() if isinstance(network, each.kind)]
    for each in serving:
        if network.backbone in each.backbones:
            return each
    known = ", ".join(repr(backbone) for each in serving for backbone in each.backbones)
    kind = type(network).__name__.lower()
    raise ValueError(f"Expected {kind} `backbone` to be one of {known}, but got {network.backbone!r}.")
