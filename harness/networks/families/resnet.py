"""ResNets, He et al. 2016, as torchvision builds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.networks.classifiers import ClassifierFamily
from harness.networks.family import freezes, input_size
from harness.networks.features import Features
from harness.specs import Classifier, Recipe

if TYPE_CHECKING:
    import torch

GIGA_AT_224 = {"resnet18": 1.81, "resnet34": 3.66, "resnet50": 4.09, "resnet101": 7.80, "resnet152": 11.51}
"""Multiply-adds of one image of 224×224, in 10⁹, as torchvision's documentation lists them."""

STRIDES = {"bn1": 2, "layer1": 4, "layer2": 8, "layer3": 16, "layer4": 32}
"""Pixels of the image along a side for one of each part's batch normalisation."""


class ResNet(ClassifierFamily):
    """``torchvision.models.resnet18`` and its larger sisters, with dropout before the last layer."""

    name = "resnet"
    version = 1
    backbones = tuple(GIGA_AT_224)
    heads = ("fc",)
    trunk = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")

    def check(self, recipe: Recipe) -> None:
        """As :meth:`Family.check`; batch normalisation must also have more than one value per channel."""
        super().check(recipe)
        size = input_size(recipe, 1)
        if recipe.batch_size > 1 or size is None:
            return
        for part, stride in STRIDES.items():
            if max(size) <= stride and not freezes(recipe, part):
                raise ValueError(
                    f"Expected images larger than {stride}×{stride} where recipe `batch_size` is 1, because batch "
                    f"normalisation needs more than one pixel, but got {size[0]}×{size[1]}; enlarge either."
                )

    def cost(self, network: Classifier, size: tuple[int, int]) -> float:
        """As :meth:`Family.cost`."""
        return GIGA_AT_224[network.backbone] * 1e9 * size[0] * size[1] / 224**2

    def make(self, network: Classifier, classes: int) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.make`; dropout joins the pooling, so that all tensors keep torchvision's names."""
        from torch import nn
        from torchvision.models import get_model

        module = get_model(network.backbone, weights=None, num_classes=classes)
        module.avgpool = nn.Sequential(module.avgpool, nn.Dropout(network.dropout))
        built: torch.nn.Module = module
        return built

    def features(self, module: torch.nn.Module, images: torch.Tensor) -> Features:
        """The pooled features ``(B, C, 1, 1)`` before dropout."""
        network: Any = module
        found = network.maxpool(network.relu(network.bn1(network.conv1(images))))
        for layer in (network.layer1, network.layer2, network.layer3, network.layer4, network.avgpool[0]):
            found = layer(found)
        height, width = images.shape[2:]
        return Features((found,), (height, width))

    def classify(self, module: torch.nn.Module, features: torch.Tensor) -> torch.Tensor:
        """As :meth:`ClassifierFamily.classify`."""
        network: Any = module
        logits: torch.Tensor = network.fc(network.avgpool[1](features).flatten(1))
        return logits


FAMILY = ResNet()
