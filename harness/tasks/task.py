"""What a task is: the protocol that the modules of :mod:`harness.tasks` follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from harness.specs import FOREGROUND, Metric
from harness.tasks.metrics import Counts, Function

if TYPE_CHECKING:
    import torch

    from harness.tasks.warping import Windows


class Task(Protocol):
    """A module of this package. It imports torch only within the functions that take tensors."""

    NAME: str
    """As in ``Recipe.task``."""
    VERSION: int
    """Raise it whenever the same network and data would give other results."""

    def functions(self, classes: Sequence[str]) -> dict[str, Function]:
        """Every metric that is a function of pooled counts, by printed name."""

    def summarise(self, counts: Counts, classes: Sequence[str]) -> dict[str, float]:
        """All metrics of one evaluation by printed name.

        Args:
            counts: Confusion counts by test image, ``(N, C, C)``.
            classes: Class names by index.
        """

    def augmented(
        self, images: torch.Tensor, targets: torch.Tensor, windows: Windows
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Windows cut out of normalised float images ``(B, C, H, W)``, and targets to match, int64."""

    def fitted(self, logits: torch.Tensor, inner: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
        """Logits of padded images as logits of the packed ones: ``inner`` is the size without padding."""

    def counts(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Confusion counts by image, int64 ``(B, C, C)``."""

    def shown(self, targets: npt.NDArray[np.integer], subjects: Sequence[str], most: int) -> npt.NDArray[np.intp]:
        """Positions of up to ``most`` images that the report shows predictions of, sorted."""


def known(task: Task, metric: Metric, classes: Sequence[str], foreground: str) -> str:
    """The printed name by which a record holds a metric.

    Args:
        task: The task.
        metric: ``foreground`` stands for the class that the data set names as such.
        classes: Class names by index.
        foreground: The data set's foreground class; ``""`` where it has none.

    Raises:
        ValueError: The task has no such metric of these classes.
    """
    resolved = metric.resolved(foreground)
    names = task.summarise(np.zeros((1, len(classes), len(classes)), np.int64), classes)
    if str(resolved) not in names:
        own = f".{foreground}"
        aliases = [name.removesuffix(own) + f".{FOREGROUND}" for name in names if foreground and name.endswith(own)]
        shown = ", ".join(dict.fromkeys([*aliases, *names]))
        raise ValueError(f"Expected a metric of {task.NAME}, one of {shown}, but got {metric}.")
    return str(resolved)
