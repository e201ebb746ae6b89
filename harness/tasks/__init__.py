"""Tasks: what is predicted, and how it is measured. A task is added with one module that follows :class:`Task`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from harness.tasks.task import Task, known

__all__ = ["Task", "known", "task"]


@cache
def task(name: str) -> Task:
    """The module of a task.

    Raises:
        ValueError: There is no task of that name.
    """
    modules = [
        importlib.import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
        if info.name not in ("task", "metrics", "warping")
    ]
    found: dict[str, Task] = {module.NAME: module for module in modules}
    if name not in found:
        raise ValueError(f"Expected the name of a task, one of {', '.join(sorted(found))}, but got {name!r}.")
    return found[name]
