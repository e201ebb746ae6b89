"""Boosting by SAMME: AdaBoost for several classes.

Zhu, Zou, Rosset and Hastie 2009, Multi-class AdaBoost, Statistics and Its Interface 2, 349-360, Algorithm 2. A member
is any recipe that classifies; it is trained on images drawn by the weights, in place of weighing their losses.

Two cases in which the algorithm has no value, or would stop, since an ensemble has as many members as it declares:

- A member without a mistake would outvote all others. Its error is taken to be that of half an image of N, 1 / 2N.
  The weights of the images stay, as the algorithm has it.
- A member whose error is 1 - 1/K or more is no better than chance among K classes. It has no weight in the vote, and
  the weights of the images stay; scikit-learn's ``AdaBoostClassifier`` drops such a member and stops there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

ROUNDING = 1e-9
"""An error this close to that of chance is no better."""

Weights = npt.NDArray[np.float64]


def weights(
    members: Sequence[npt.NDArray[np.floating]], truth: npt.NDArray[np.integer], classes: int
) -> tuple[Weights, Weights]:
    """What the mistakes of members, in their order, make of their votes and of the images.

    Args:
        members: Each member's class probabilities of the training images, ``(N, C)``.
        truth: True classes of these images, ``(N,)``.
        classes: Number of classes, K.

    Returns:
        The weight of each member's vote, ``(M,)``, log((1 - error) / error) + log(K - 1); and how often each image is
        drawn for the next member, ``(N,)``, which add up to 1.
    """
    images = np.full(len(truth), 1 / len(truth))
    votes = np.zeros(len(members))
    for number, member in enumerate(members):
        wrong = member.argmax(1) != truth
        error = max(float(images[wrong].sum()), 0.5 / len(truth))
        if error >= 1 - 1 / classes - ROUNDING:
            continue
        votes[number] = np.log((1 - error) / error) + np.log(classes - 1)
        images = np.where(wrong, images * np.exp(votes[number]), images)
        images /= images.sum()
    return votes, images
