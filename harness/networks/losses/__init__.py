"""Losses: which terms there are, and whether they suit a task and a number of classes."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from harness.networks.losses.term import Term
from harness.specs import Loss

__all__ = ["Term", "check_classes", "check_task", "named", "term", "terms"]


@cache
def terms() -> tuple[Term[Any], ...]:
    """Every term: those of this package's modules, by the modules' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(module.TERM for module in modules if hasattr(module, "TERM"))


def term(spec: Loss) -> Term[Any]:
    """The term that computes a loss.

    Raises:
        ValueError: No module of this package serves specs of that type.
    """
    for each in terms():
        if each.spec is type(spec):
            return each
    known = ", ".join(each.spec.__name__ for each in terms())
    raise ValueError(f"Expected a loss that is one of {known}, but got {spec!r}.")


def named(name: str) -> Term[Any]:
    """The term of that name; raises ValueError where there is none."""
    for each in terms():
        if each.name == name:
            return each
    known = ", ".join(repr(each.name) for each in terms())
    raise ValueError(f"Expected the name of a loss, one of {known}, but got {name!r}.")


def check_task(losses: tuple[Loss, ...], task: str) -> None:
    """Raises ValueError where a loss is not defined for a task."""
    for spec in losses:
        if task not in term(spec).tasks:
            raise ValueError(
                f"Expected losses of a {task}, but got {type(spec).__name__}, which is defined for "
                f"{' and '.join(term(spec).tasks)} only; leave it out."
            )


def check_classes(losses: tuple[Loss, ...], classes: int) -> None:
    """Raises ValueError where a loss does not suit a number of classes."""
    for spec in losses:
        term(spec).check(spec, classes)
