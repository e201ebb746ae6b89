"""Classification: a class for every image, grades of a disease for example.

``kappa`` is Cohen's kappa with quadratic weights, for classes that are ordered; ``kappa-unweighted`` is Cohen's first,
for which every mistake is as bad as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.tasks import metrics
from harness.tasks.metrics import Counts, Function
from harness.tasks.segmentation import in_turns

if TYPE_CHECKING:
    import torch

    from harness.tasks.warping import Windows

NAME = "classification"

VERSION = 2

BY_CLASS: dict[str, Function] = {"Recall": metrics.recall, "Precision": metrics.precision, "F1": metrics.dice}
"""Metrics of each class, ``"F1.severe"``. The mean over classes of each is ``"mF1"``."""

OVERALL: dict[str, Function] = {
    "accuracy": metrics.accuracy,
    "kappa": metrics.quadratic_kappa,
    "kappa-unweighted": metrics.kappa,
}
"""Metrics of all classes together."""


def functions(classes: Sequence[str]) -> dict[str, Function]:
    """See :class:`harness.tasks.Task`."""
    return metrics.by_name(BY_CLASS, OVERALL, classes)


def summarise(counts: Counts, classes: Sequence[str]) -> dict[str, float]:
    """See :class:`harness.tasks.Task`."""
    pooled = counts.sum(0)
    return {name: float(function(pooled)) for name, function in functions(classes).items()}


def augmented(images: torch.Tensor, targets: torch.Tensor, windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
    """See :class:`harness.tasks.Task`; a class stays what it is."""
    from harness.tasks import warping

    return warping.warp(images, None, windows)[0], targets.long()


def fitted(logits: torch.Tensor, inner: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
    """See :class:`harness.tasks.Task`; logits have no place."""
    del inner, size
    return logits


def counts(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """See :class:`harness.tasks.Task`; each image counts once.

    Args:
        logits: ``(B, C)``.
        targets: Whole numbers ``(B,)``.
    """
    from torch.nn import functional

    classes = logits.shape[1]
    cell = targets.long() * classes + logits.argmax(dim=1)
    return functional.one_hot(cell, classes * classes).view(-1, classes, classes)


def shown(targets: npt.NDArray[np.integer], subjects: Sequence[str], most: int) -> npt.NDArray[np.intp]:
    """See :class:`harness.tasks.Task`; the highest grades, the subjects by turns."""
    return in_turns(np.argsort(-targets.astype(int), kind="stable"), subjects, most)
