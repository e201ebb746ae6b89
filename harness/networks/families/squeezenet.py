"""SqueezeNets, Iandola et al. 2016, as torchvision builds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.networks.classifiers import ATTENTION, ClassifierFamily
from harness.specs import Classifier

if TYPE_CHECKING:
    import torch

GIGA_AT_224 = {"squeezenet1_0": 0.73, "squeezenet1_1": 0.26}
"""Multiply-adds of one image of 224×224, in 10⁹: torchvision's figures without the layer of ImageNet's 1000 classes."""


class SqueezeNet(ClassifierFamily):
    """``torchvision.models.squeezenet1_0`` and ``1_1``, which have dropout before their last layer already.

    The last layer reads each position and is pooled behind that: of two views it reads both at the same position.
    """

    name = "squeezenet"
    version = 1
    backbones = tuple(GIGA_AT_224)
    heads = ("classifier", ATTENTION)
    trunk = ("features",)
    last = "classifier.1"
    least = 21  # squeezenet1_1 would take 17

    def channels(self, network: Classifier) -> int:
        """As :meth:`ClassifierFamily.channels`."""
        del network
        return 512

    def map_size(self, network: Classifier, size: tuple[int, int]) -> tuple[int, int]:
        """As :meth:`ClassifierFamily.map_size`: a convolution that rounds down, three poolings that round up."""
        kernel = 7 if network.backbone == "squeezenet1_0" else 3
        height, width = ((side - kernel) // 2 + 1 for side in size)
        for _ in range(3):
            height, width = (-(-(side - 3) // 2) + 1 for side in (height, width))
        return height, width

    def view_cost(self, network: Classifier, size: tuple[int, int]) -> float:
        """As :meth:`ClassifierFamily.view_cost`."""
        return GIGA_AT_224[network.backbone] * 1e9 * size[0] * size[1] / 224**2

    def make(self, network: Classifier, classes: int) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.make`."""
        from torchvision.models import get_model

        module: torch.nn.Module = get_model(
            network.backbone, weights=None, num_classes=classes, dropout=network.dropout
        )
        return module

    def draw_last(self, layer: Any) -> None:
        """As torchvision does."""
        from torch import nn

        nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(layer.bias)

    def maps(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """Of the last Fire module, ``(N, 512, h, w)``."""
        network: Any = module
        maps: torch.Tensor = network.features(images)
        return maps

    def pooled(self, module: torch.nn.Module, maps: torch.Tensor) -> torch.Tensor:
        """The maps as they are: pooling comes behind the last layer."""
        del module
        return maps

    def decided(self, module: torch.nn.Module, pooled: torch.Tensor) -> torch.Tensor:
        """As :meth:`ClassifierFamily.decided`."""
        network: Any = module
        logits: torch.Tensor = network.classifier(pooled).flatten(1)
        return logits

    def map_part(self, module: torch.nn.Module) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.map_part`."""
        return module.get_submodule("features")


FAMILY = SqueezeNet()
