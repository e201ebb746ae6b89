"""DenseNets, Huang et al. 2017, as torchvision builds them, and smaller ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.networks.classifiers import ATTENTION, ClassifierFamily
from harness.networks.encoder_decoders.backbone import pixels, share
from harness.networks.family import freezes, input_size
from harness.specs import Classifier, Recipe, Shrink

if TYPE_CHECKING:
    import torch

LAYERS = {
    "densenet121": (6, 12, 24, 16),
    "densenet161": (6, 12, 36, 24),
    "densenet169": (6, 12, 32, 32),
    "densenet201": (6, 12, 48, 32),
}
"""Layers of each dense block."""

WIDTHS = {"densenet161": 96}
"""Channels of the first convolution where they are not 64. Each layer adds half as many."""


class DenseNet(ClassifierFamily):
    """``torchvision.models.densenet121`` and its larger sisters, with dropout before the last layer.

    Of ``Shrink``, ``width`` is the channels of the first convolution and twice the growth rate, as published; ``depth``
    is the share of each block's layers, ``stages`` the number of blocks. At a depth of .5 DenseNet-121 has 3, 6, 12, 8.
    """

    name = "densenet"
    version = 1
    backbones = tuple(LAYERS)
    heads = ("classifier", ATTENTION)
    trunk = ("features",)
    last = "classifier"
    stages = (2, 3, 4)

    def check_shrink(self, network: Classifier) -> None:
        """As :meth:`ClassifierFamily.check_shrink`."""
        super().check_shrink(network)
        if network.shrink is not None and network.shrink.width % 2:
            raise ValueError(
                f"Expected shrink `width` of {network.backbone} to be even, because each layer adds half of it, but "
                f"got {network.shrink.width}."
            )

    def least_side(self, network: Classifier) -> int:
        """As :meth:`ClassifierFamily.least_side`: strides round up before the first block and down behind it."""
        return (2 << _size(network).stages) - 3

    def check(self, recipe: Recipe) -> None:
        """As :meth:`Family.check`; batch normalisation must also have more than one value per channel."""
        super().check(recipe)
        network, size = recipe.network, input_size(recipe, 1)
        assert isinstance(network, Classifier)
        if recipe.batch_size * network.views > 1 or size is None:
            return
        for stage in range(_size(network).stages):
            if _map_size(size, stage) == (1, 1) and not freezes(recipe, f"features.denseblock{stage + 1}"):
                raise ValueError(
                    f"Expected images that leave {network.backbone} more than one pixel where recipe `batch_size` is "
                    f"1, because batch normalisation needs them, but got {size[0]}×{size[1]}; enlarge either."
                )

    def channels(self, network: Classifier) -> int:
        """As :meth:`ClassifierFamily.channels`."""
        return _inputs(network)[-1]

    def map_size(self, network: Classifier, size: tuple[int, int]) -> tuple[int, int]:
        """As :meth:`ClassifierFamily.map_size`."""
        return _map_size(size, _size(network).stages - 1)

    def view_cost(self, network: Classifier, size: tuple[int, int]) -> float:
        """As :meth:`ClassifierFamily.view_cost`."""
        width, growth = _size(network).width, _size(network).width // 2
        total = 49 * 3 * width * pixels(size, 2)
        for stage, (given, layers) in enumerate(zip(_inputs(network)[:-1], _layers(network), strict=True)):
            height, breadth = _map_size(size, stage)
            each = sum(4 * growth * (given + layer * growth) + 36 * growth**2 for layer in range(layers))
            between = (given + layers * growth) ** 2 // 2 if stage + 1 < len(_layers(network)) else 0
            total += (each + between) * height * breadth
        return total

    def make(self, network: Classifier, classes: int) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.make`; pooling and dropout are parts of their own, which have no tensors."""
        from torch import nn
        from torchvision.models import DenseNet as Torchvision

        width = _size(network).width
        layers: Any = _layers(network)
        module: Any = Torchvision(width // 2, layers, width, num_classes=classes)
        module.relu = nn.ReLU()
        module.avgpool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Dropout(network.dropout))
        self.passes(module)
        built: torch.nn.Module = module
        return built

    def draw_last(self, layer: Any) -> None:
        """As torchvision does."""
        from torch import nn

        nn.init.zeros_(layer.bias)

    def maps(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """As :meth:`ClassifierFamily.maps`."""
        network: Any = module
        maps: torch.Tensor = network.relu(network.features(images))
        return maps

    def pooled(self, module: torch.nn.Module, maps: torch.Tensor) -> torch.Tensor:
        """``(N, C, 1, 1)``, as :meth:`ClassifierFamily.pooled`."""
        network: Any = module
        pooled: torch.Tensor = network.avgpool[0](maps)
        return pooled

    def decided(self, module: torch.nn.Module, pooled: torch.Tensor) -> torch.Tensor:
        """As :meth:`ClassifierFamily.decided`."""
        network: Any = module
        logits: torch.Tensor = network.classifier(network.avgpool[1](pooled).flatten(1))
        return logits

    def map_part(self, module: torch.nn.Module) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.map_part`."""
        return module.get_submodule("relu")


def _size(network: Classifier) -> Shrink:
    """The published size included."""
    return network.shrink or Shrink(WIDTHS.get(network.backbone, 64), 4)


def _layers(network: Classifier) -> tuple[int, ...]:
    """Layers of each block that the network has."""
    size = _size(network)
    return tuple(share(layers, size.depth) for layers in LAYERS[network.backbone][: size.stages])


def _inputs(network: Classifier) -> list[int]:
    """Channels that each block takes, and those that the last one gives."""
    channels, layers = [_size(network).width], _layers(network)
    for stage, own in enumerate(layers):
        given = channels[-1] + own * (_size(network).width // 2)
        channels.append(given // 2 if stage + 1 < len(layers) else given)
    return channels


def _map_size(size: tuple[int, int], stage: int) -> tuple[int, int]:
    """Height and width of the maps of a block; the first is number 0."""
    height, width = (-(-side // 4) >> stage for side in size)
    return height, width


FAMILY = DenseNet()
