"""Tasks: what is predicted, and how it is measured. A task is added with one module that follows :class:`Task`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from harness.tasks.task import Task, known

SHARED = ("task", "metrics", "warping")
"""Modules of this package that are no task."""

__all__ = ["Task", "known", "task", "tasks"]


@cache
def tasks() -> dict[str, Task]:
    """Every task by name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names if name not in SHARED]
    return {module.NAME: module for module in modules}


def task(name: str) -> Task:
    """The module of a task.

    Raises:
        ValueError: There is no task of that name.
    """
    if name not in tasks():
        raise ValueError(f"Expected the name of a task, one of {', '.join(tasks())}, but got {name!r}.")
    return tasks()[name]
