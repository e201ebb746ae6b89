"""Segmentation: a class for every pixel.

Names and meaning of the metrics are mmsegmentation's ``IoUMetric``: ``Acc`` of a class is its recall, ``aAcc`` the
share of all pixels that are right. Counts are pooled over the data set; a mean over images has another name. Two
differences, both on purpose: values are fractions, and a mean over classes counts a class that is never predicted as
0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.tasks import metrics
from harness.tasks.metrics import Counts, Function

if TYPE_CHECKING:
    import torch

    from harness.tasks.warping import Windows

NAME = "segmentation"

VERSION = 1

IGNORED = 255

BY_CLASS: dict[str, Function] = {
    "IoU": metrics.iou,
    "Dice": metrics.dice,
    "Acc": metrics.recall,
    "Precision": metrics.precision,
}
"""Metrics of each class, ``"IoU.fluid"``. The mean over classes of each is ``"mIoU"``."""

OVERALL: dict[str, Function] = {"aAcc": metrics.accuracy}
"""Metrics of all classes together."""

BY_IMAGE = ("IoU", "Dice")
"""Metrics whose mean over images is taken as well, ``"image_IoU.fluid"``: over those where the metric has a value."""


def functions(classes: Sequence[str]) -> dict[str, Function]:
    """See :class:`harness.tasks.Task`."""
    return metrics.by_name(BY_CLASS, OVERALL, classes)


def summarise(counts: Counts, classes: Sequence[str]) -> dict[str, float]:
    """See :class:`harness.tasks.Task`."""
    pooled = counts.sum(0)
    values = {name: float(function(pooled)) for name, function in functions(classes).items()}
    for name in BY_IMAGE:
        images = BY_CLASS[name](counts)
        for index, of in enumerate(classes):
            column = images[:, index][~np.isnan(images[:, index])]
            values[f"image_{name}.{of}"] = float(column.mean()) if column.size else float("nan")
    return values


def augmented(images: torch.Tensor, targets: torch.Tensor, windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
    """See :class:`harness.tasks.Task`; masks move with the image, by nearest pixel, and are ignored outside."""
    from harness.tasks import warping

    # 0 means outside: labels move up by one while they are warped (uint8 would wrap 255 around).
    cut, labels = warping.warp(images, targets.to(images.dtype) + 1, windows)
    return cut, labels.masked_fill(labels == 0, IGNORED + 1).long() - 1


def fitted(logits: torch.Tensor, inner: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
    """See :class:`harness.tasks.Task`; padding is cut off, and logits are resized bilinearly."""
    from torch.nn import functional

    logits = logits[..., : inner[0], : inner[1]]
    if inner == size:
        return logits
    return functional.interpolate(logits.float(), size, mode="bilinear", align_corners=False)


def counts(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """See :class:`harness.tasks.Task`; pixels labelled 255 do not count.

    Args:
        logits: ``(B, C, H, W)``.
        targets: uint8 ``(B, H, W)``.
    """
    import torch

    batch, classes = logits.shape[:2]
    predicted = logits.argmax(dim=1)
    image = torch.arange(batch, device=targets.device).view(-1, 1, 1)
    cell = (image * classes + targets.long().clamp(max=classes - 1)) * classes + predicted
    return torch.bincount(cell[targets != IGNORED], minlength=batch * classes**2).view(batch, classes, classes)


def shown(targets: npt.NDArray[np.integer], subjects: Sequence[str], most: int) -> npt.NDArray[np.intp]:
    """See :class:`harness.tasks.Task`; the images with the most foreground, the subjects by turns."""
    foreground = ((targets != 0) & (targets != IGNORED)).sum(axis=(1, 2))
    return in_turns(np.argsort(-foreground, kind="stable"), subjects, most)


def in_turns(ranked: npt.NDArray[np.intp], subjects: Sequence[str], most: int) -> npt.NDArray[np.intp]:
    """The first ``most`` of ranked positions if every subject has one before any has two; sorted."""
    taken: Counter[str] = Counter()
    turns = []
    for rank, position in enumerate(ranked):
        turns.append((taken[subjects[position]], rank, position))
        taken[subjects[position]] += 1
    return np.sort(np.array([position for *_, position in sorted(turns)[:most]], np.intp))
