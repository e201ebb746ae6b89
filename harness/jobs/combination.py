"""Combines the predictions of finished members into one."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.floating]
"""Class probabilities, ``(N, C)`` or ``(N, C, H, W)``."""

SMALLEST = 1e-6
"""Probabilities are taken to be at least this in a logarithm; half precision rounds them to 0."""


def combined(
    method: str, test: Sequence[Shares], validation: Sequence[Shares], truth: npt.NDArray[np.integer]
) -> tuple[Shares, Shares]:
    """The members' probabilities as one.

    Args:
        method: As in :class:`harness.specs.Ensemble`.
        test, validation: Each member's probabilities of the images that test and of those that are held out.
        truth: True classes of the latter.

    Returns:
        Probabilities of the images that test and of those that are held out.
    """
    weights = member_weights(validation, truth) if method == "weighted" else np.full(len(test), 1 / len(test))
    combine = majority if method == "hard" else mean
    return combine(test, weights), combine(validation, weights) if len(truth) else validation[0]


def mean(members: Sequence[Shares], weights: npt.NDArray[np.floating]) -> Shares:
    """The weighted mean of the class probabilities; weights add up to 1."""
    parts = (float(weight) * member.astype(np.float32) for weight, member in zip(weights, members, strict=True))
    total: Shares = functools.reduce(np.add, parts)
    return total


def majority(members: Sequence[Shares], weights: npt.NDArray[np.floating]) -> Shares:
    """The share of members that predict each class; of equal ones the mean probability decides."""
    each = np.eye(members[0].shape[1], dtype=np.float32)
    votes = functools.reduce(np.add, (np.moveaxis(each[member.argmax(1)], -1, 1) for member in members))
    shares: Shares = (votes + mean(members, weights) / 2) / (len(members) + 0.5)
    return shares


def member_weights(validation: Sequence[Shares], truth: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Weights of the members, ``(M,)``, with the least log loss on the validation images; equal ones to start from.

    Args:
        validation: Probabilities ``(N, C, …)`` of each member.
        truth: True classes ``(N, …)``, 255 where nothing is known, unless there are more classes.
    """
    from scipy.optimize import minimize

    known = (truth != 255) | (validation[0].shape[1] > 255)
    of_truth = [
        np.take_along_axis(np.moveaxis(member, 1, -1)[known], truth[known][:, None].astype(np.intp), 1)[:, 0]
        for member in validation
    ]
    likelihood = np.stack(of_truth).astype(np.float64)
    count = len(validation)

    def loss(shares: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        mixed = np.maximum(shares @ likelihood, SMALLEST)
        return float(-np.log(mixed).mean()), -(likelihood / mixed).mean(1)

    solution = minimize(
        loss,
        np.full(count, 1 / count),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-9},
    )
    shares = np.clip(solution.x, 0, None)
    return np.asarray(shares / shares.sum(), np.float64)


def confusion(shares: Shares, truth: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Confusion counts by image, ``(N, C, C)``, of combined probabilities."""
    from harness.tasks.metrics import confusion as count

    by_image = (classes.reshape(len(truth), -1) for classes in (truth, shares.argmax(1)))
    return np.stack([count(true, predicted, shares.shape[1]) for true, predicted in zip(*by_image, strict=True)])
