"""Combines the predictions of finished members into one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from harness.specs import Method

Shares = npt.NDArray[np.floating]
"""Class probabilities, ``(N, C)`` or ``(N, C, H, W)``."""

SMALLEST = 1e-6
"""Probabilities are taken to be at least this in a logarithm; half precision rounds them to 0."""


def combined(
    method: Method,
    test: Sequence[Shares],
    validation: Sequence[Shares],
    truth: npt.NDArray[np.integer],
    votes: npt.NDArray[np.floating] | None = None,
) -> tuple[Shares, Shares]:
    """The members' probabilities as one.

    Args:
        method: As in :class:`harness.specs.Ensemble`.
        test, validation: Each member's probabilities of the images that test and of those that are held out.
        truth: True classes of the latter.
        votes: Of ``"boosting"``: the weight of each member, ``(M,)``.

    Returns:
        Probabilities of the images that test and of those that are held out.

    Raises:
        ValueError: All images that are held out are of one class, and the method is ``"stacking"``.
    """
    combine: Callable[[Sequence[Shares]], Shares]
    if method == "stacking":
        combine = Stacking(validation, truth)
    elif method == "boosting":
        assert votes is not None
        combine = functools.partial(vote, weights=votes)
    else:
        weights = member_weights(validation, truth) if method == "weighted" else np.full(len(test), 1 / len(test))
        combine = functools.partial(majority if method == "hard" else mean, weights=weights)
    return combine(test), combine(validation) if len(truth) else validation[0]


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


def vote(members: Sequence[Shares], weights: npt.NDArray[np.floating]) -> Shares:
    """The share of the weights of those members that predict each class; of equal ones the mean probability decides.

    Args:
        members: Each member's probabilities.
        weights: ``(M,)``, at least 0; where all are 0, the members are alike.
    """
    equal = np.ones(len(members))
    shares = weights / weights.sum() if weights.any() else equal / equal.sum()
    each = np.eye(members[0].shape[1], dtype=np.float32)
    votes = mean([np.moveaxis(each[member.argmax(1)], -1, 1) for member in members], shares)
    found: Shares = (votes + SMALLEST * mean(members, equal / equal.sum())) / (1 + SMALLEST)
    return found


class Stacking:
    """A multinomial logistic regression on the class probabilities of all members.

    It is scikit-learn's ``StackingClassifier`` over finished members with its own ``LogisticRegression()``: half the
    sum of squared weights and the summed log loss are least together, intercepts are free. scikit-learn takes 1.3 s of
    CPU to import, SciPy's optimisers 0.3 s, and the fit 10 to 50 ms.

    Args:
        validation: Each member's probabilities ``(N, C)`` of the images to fit it on.
        truth: Their true classes. A class that none of them is of is never predicted.

    Raises:
        ValueError: All of them are of one class.
    """

    def __init__(self, validation: Sequence[Shares], truth: npt.NDArray[np.integer]) -> None:
        from scipy.optimize import minimize

        self.classes = validation[0].shape[1]
        self.shown, target = np.unique(truth, return_inverse=True)
        if len(self.shown) < 2:
            raise ValueError(
                f"Expected validation images of several classes to fit 'stacking' on, but all {len(truth)} are of one; "
                "choose a larger `validation` share."
            )
        features = self._features(validation)
        hits = np.eye(len(self.shown))[target]
        shape = (features.shape[1], len(self.shown))

        def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
            coefficients = flat.reshape(shape)
            logs = _log_softmax(features @ coefficients)
            penalised = np.vstack([coefficients[:-1], np.zeros(shape[1])])  # the last row are the intercepts
            gradient = features.T @ (np.exp(logs) - hits) + penalised
            return float((penalised**2).sum() / 2 - (hits * logs).sum()), gradient.ravel()

        options = {"maxiter": 10_000, "maxfun": 100_000, "ftol": 1e-12, "gtol": 1e-7}
        solution = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options)
        self.coefficients = solution.x.reshape(shape)

    def __call__(self, members: Sequence[Shares]) -> Shares:
        """Probabilities ``(N, C)``."""
        found = np.zeros((len(members[0]), self.classes), np.float32)
        found[:, self.shown] = np.exp(_log_softmax(self._features(members) @ self.coefficients))
        return found

    @staticmethod
    def _features(members: Sequence[Shares]) -> npt.NDArray[np.float64]:
        ones = np.ones((len(members[0]), 1))
        return np.concatenate([*(member.astype(np.float64) for member in members), ones], axis=1)


def _log_softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shifted = logits - logits.max(1, keepdims=True)
    found: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return found


def member_weights(validation: Sequence[Shares], truth: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Weights of the members, ``(M,)``, in proportion to their accuracy on the validation images; they add up to 1.

    Weights that do best there, by log loss for example, leave one member alone where few images are held out: on 40
    images that happened in two of five trials.

    Args:
        validation: Probabilities ``(N, C, …)`` of each member.
        truth: True classes ``(N, …)``, 255 where nothing is known, unless there are more classes.
    """
    known = (truth != 255) | (validation[0].shape[1] > 255)
    right = np.array([np.mean((member.argmax(1) == truth)[known]) for member in validation], np.float64)
    total = right.sum()
    return right / total if total > 0 else np.full(len(right), 1 / len(right))


def confusion(shares: Shares, truth: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Confusion counts by image, ``(N, C, C)``, of combined probabilities."""
    from harness.tasks.metrics import confusion as count

    by_image = (classes.reshape(len(truth), -1) for classes in (truth, shares.argmax(1)))
    return np.stack([count(true, predicted, shares.shape[1]) for true, predicted in zip(*by_image, strict=True)])
