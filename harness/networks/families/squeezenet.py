"""SqueezeNets, Iandola et al. 2016, as torchvision builds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.networks.classifiers import ClassifierFamily
from harness.networks.features import Features
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
    trunk = ("features",)
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

    def features(self, module: torch.nn.Module, images: torch.Tensor) -> Features:
        """Of the last Fire module, ``(B, 512, h, w)``."""
        network: Any = module
        height, width = images.shape[2:]
        return Features((network.features(images),), (height, width))

    def classify(self, module: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """As :meth:`ClassifierFamily.classify`."""
        network: Any = module
        logits: torch.Tensor = network.classifier(features).flatten(1)
        return logits


FAMILY = SqueezeNet()
