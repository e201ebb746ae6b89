"""Combines the predictions of finished members into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.floating]
"""Class probabilities, ``(N, C)`` or ``(N, C, H, W)``."""

SMALLEST = 1e-6
"""Probabilities are taken to be at least this in a logarithm; half precision rounds them to 0."""


def soft(test: Sequence[Shares], validation: Sequence[Shares], truth: npt.NDArray[np.uint8]) -> Shares:
    """The mean of the class probabilities."""
    del validation, truth
    mean: Shares = np.mean([member.astype(np.float32) for member in test], axis=0)
    return mean


def hard(test: Sequence[Shares], validation: Sequence[Shares], truth: npt.NDArray[np.uint8]) -> Shares:
    """The share of members that predict each class; of equal ones the mean probability decides."""
    classes = test[0].shape[1]
    votes = np.mean([np.moveaxis(np.eye(classes)[member.argmax(1)], -1, 1) for member in test], axis=0)
    shares: Shares = votes + soft(test, validation, truth) / (2 * len(test))  # less than half a vote
    return shares


def weighted(test: Sequence[Shares], validation: Sequence[Shares], truth: npt.NDArray[np.uint8]) -> Shares:
    """The mean with the weights, at least 0 and 1 in sum, whose log loss on the validation images is the least."""
    shares = member_weights(validation, truth)
    return np.tensordot(shares, np.stack([member.astype(np.float32) for member in test]), axes=1)


METHODS: dict[str, Callable[[Sequence[Shares], Sequence[Shares], npt.NDArray[np.uint8]], Shares]] = {
    "soft": soft,
    "hard": hard,
    "weighted": weighted,
}
"""By ``Ensemble.method``: the members' probabilities of the test and of the validation images, and the validation
images' true classes, to probabilities of the test images."""


def member_weights(validation: Sequence[Shares], truth: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Weights of the members, ``(M,)``, with the least log loss on the validation images; equal ones to start from.

    Args:
        validation: Probabilities ``(N, C, …)`` of each member.
        truth: True classes ``(N, …)``, 255 where nothing is known.
    """
    from scipy.optimize import minimize

    known = truth != 255
    of_truth = [
        np.take_along_axis(np.moveaxis(member, 1, -1)[known], truth[known][:, None].astype(np.intp), 1)[:, 0]
        for member in validation
    ]
    likelihood = np.stack(of_truth).astype(np.float64)
    count = len(validation)

    def loss(shares: npt.NDArray[np.float64]) -> float:
        return float(-np.log(np.maximum(shares @ likelihood, SMALLEST)).mean())

    found = minimize(
        loss,
        np.full(count, 1 / count),
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1},
    )
    shares = np.clip(found.x, 0, None)
    return np.asarray(shares / shares.sum(), np.float64)


def confusion(shares: Shares, truth: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Confusion counts by image, ``(N, C, C)``, of combined probabilities."""
    from harness.tasks.metrics import confusion as count

    classes = shares.shape[1]
    predicted = shares.argmax(1)
    pairs = zip(np.atleast_2d(truth.reshape(len(truth), -1)), predicted.reshape(len(truth), -1), strict=True)
    return np.stack([count(true, found, classes) for true, found in pairs])
