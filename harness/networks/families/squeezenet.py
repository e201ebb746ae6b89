"""SqueezeNets, Iandola et al. 2016, as torchvision builds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.networks.classifiers import ClassifierFamily
from harness.specs import Classifier

if TYPE_CHECKING:
    import torch

GIGA_AT_224 = {"squeezenet1_0": 0.73, "squeezenet1_1": 0.26}
"""Multiply-adds of one image of 224×224, in 10⁹: torchvision's figures without the layer of ImageNet's 1000 classes."""


class SqueezeNet(ClassifierFamily):
    """``torchvision.models.squeezenet1_0`` and ``1_1``, which have dropout before their last layer already."""

    name = "squeezenet"
    version = 1
    backbones = tuple(GIGA_AT_224)
    heads = ("classifier",)
    least = 21  # squeezenet1_1 would take 17

    def cost(self, network: Classifier, size: tuple[int, int]) -> float:
        """As :meth:`Family.cost`."""
        return GIGA_AT_224[network.backbone] * 1e9 * size[0] * size[1] / 224**2

    def make(self, network: Classifier, classes: int) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.make`."""
        from torchvision.models import get_model

        module: torch.nn.Module = get_model(
            network.backbone, weights=None, num_classes=classes, dropout=network.dropout
        )
        return module


FAMILY = SqueezeNet()
