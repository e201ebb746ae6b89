"""Two views of one subject: an image and its companion through one backbone, their features side by side.

A batch of pairs passes through the backbone as one of single images, first all images, then all companions. So batch
normalisation sees both, and attention attends within one image.
"""

from __future__ import annotations

import torch
from torch import nn

Joint = nn.Linear | nn.Conv2d
"""A last layer; a convolution has a kernel of 1×1."""


def singly(pairs: torch.Tensor, views: int) -> torch.Tensor:
    """``(B, views · C, …)``, views side by side, as ``(views · B, C, …)``: all of one view, then all of the next."""
    return torch.cat(pairs.chunk(views, dim=1)) if views > 1 else pairs


def together(images: torch.Tensor, views: int) -> torch.Tensor:
    """The inverse of :func:`singly`."""
    return torch.cat(images.chunk(views), dim=1) if views > 1 else images


def widened(layer: Joint, views: int) -> Joint:
    """A last layer for ``views`` times the features, by torch's default initialisation.

    Args:
        layer: The layer for those of one view.
        views: How many there are.
    """
    if isinstance(layer, nn.Linear):
        return nn.Linear(views * layer.in_features, layer.out_features)
    return nn.Conv2d(views * layer.in_channels, layer.out_channels, 1)
