"""ResNets, He et al. 2016, as torchvision builds them, and smaller ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.networks.classifiers import ATTENTION, ClassifierFamily
from harness.networks.encoder_decoders.backbone import pixels, share
from harness.networks.family import freezes, input_size
from harness.specs import Classifier, Recipe, Shrink

if TYPE_CHECKING:
    import torch

GIGA_AT_224 = {"resnet18": 1.81, "resnet34": 3.66, "resnet50": 4.09, "resnet101": 7.80, "resnet152": 11.51}
"""Multiply-adds of one image of 224×224, in 10⁹, as torchvision's documentation lists them."""

BLOCKS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "resnet152": (3, 8, 36, 3),
}
"""Residual blocks of each stage."""

BASIC = ("resnet18", "resnet34")
"""Of blocks of two 3×3 convolutions; a block of the others has three and gives four times its channels."""

STRIDES = {"bn1": 2, "layer1": 4, "layer2": 8, "layer3": 16, "layer4": 32}
"""Pixels of the image along a side for one of each part's batch normalisation."""


class ResNet(ClassifierFamily):
    """``torchvision.models.resnet18`` and its larger sisters, with dropout before the last layer.

    A smaller one has ``width`` channels in the stem and the first stage, twice as many in each further one, and of
    stages that it lacks an empty part, so that ``layer4`` has a name in all. At a depth of .5 ResNet-18 has 1, 1, 1, 1
    blocks, ResNet-34 and ResNet-50 2, 2, 3, 2.
    """

    name = "resnet"
    version = 1
    backbones = tuple(GIGA_AT_224)
    heads = ("fc", ATTENTION)
    trunk = ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4")
    last = "fc"
    stages = (2, 3, 4)

    def check(self, recipe: Recipe) -> None:
        """As :meth:`Family.check`; batch normalisation must also have more than one value per channel."""
        super().check(recipe)
        network, size = recipe.network, input_size(recipe, 1)
        assert isinstance(network, Classifier)
        if recipe.batch_size * network.views > 1 or size is None:
            return
        for part, stride in list(STRIDES.items())[: 1 + _size(network).stages]:
            if max(size) <= stride and not freezes(recipe, part):
                raise ValueError(
                    f"Expected images larger than {stride}×{stride} where recipe `batch_size` is 1, because batch "
                    f"normalisation needs more than one pixel, but got {size[0]}×{size[1]}; enlarge either."
                )

    def channels(self, network: Classifier) -> int:
        """As :meth:`ClassifierFamily.channels`."""
        size = _size(network)
        return (size.width << (size.stages - 1)) * _expansion(network)

    def map_size(self, network: Classifier, size: tuple[int, int]) -> tuple[int, int]:
        """As :meth:`ClassifierFamily.map_size`; every stride rounds up."""
        by = 2 << _size(network).stages
        return -(-size[0] // by), -(-size[1] // by)

    def view_cost(self, network: Classifier, size: tuple[int, int]) -> float:
        """As :meth:`ClassifierFamily.view_cost`."""
        if network.shrink is None:
            return GIGA_AT_224[network.backbone] * 1e9 * size[0] * size[1] / 224**2
        width, wider = network.shrink.width, _expansion(network)
        total, given = 49 * 3 * width * pixels(size, 2), width
        for stage, blocks in enumerate(_blocks(network)):
            own, by = width << stage, 4 << stage
            for block in range(blocks):
                before = pixels(size, by // 2 if stage and not block else by)
                first, rest = (9, 9) if wider == 1 else (1, 9 + wider)
                total += first * given * own * (before if wider > 1 else pixels(size, by))
                total += (rest * own * own + (0 if block else given * own * wider)) * pixels(size, by)
                given = own * wider
        return total

    def make(self, network: Classifier, classes: int) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.make`; dropout joins the pooling, so that all tensors keep torchvision's names."""
        from torch import nn
        from torchvision.models import get_model

        module: Any = get_model(network.backbone, weights=None, num_classes=classes)
        if network.shrink is not None:
            self._shrink(module, network, classes)
        module.avgpool = nn.Sequential(module.avgpool, nn.Dropout(network.dropout))
        built: torch.nn.Module = module
        return built

    def _shrink(self, module: Any, network: Classifier, classes: int) -> None:
        """Builds the parts of torchvision's network anew, smaller, and draws them by its rule."""
        from torch import nn

        width, block = _size(network).width, type(module.layer1[0])
        module.inplanes = width
        module.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        module.bn1 = nn.BatchNorm2d(width)
        for stage in range(len(BLOCKS[network.backbone])):
            blocks = dict(enumerate(_blocks(network))).get(stage)
            built = module._make_layer(block, width << stage, blocks, stride=2 if stage else 1) if blocks else None
            setattr(module, f"layer{stage + 1}", built or nn.Sequential())
        module.fc = nn.Linear(self.channels(network), classes)
        for part in module.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def maps(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """As :meth:`ClassifierFamily.maps`."""
        network: Any = module
        found: torch.Tensor = network.maxpool(network.relu(network.bn1(network.conv1(images))))
        for layer in (network.layer1, network.layer2, network.layer3, network.layer4):
            found = layer(found)
        return found

    def pooled(self, module: torch.nn.Module, maps: torch.Tensor) -> torch.Tensor:
        """``(N, C, 1, 1)``, as :meth:`ClassifierFamily.pooled`."""
        network: Any = module
        pooled: torch.Tensor = network.avgpool[0](maps)
        return pooled

    def decided(self, module: torch.nn.Module, pooled: torch.Tensor) -> torch.Tensor:
        """As :meth:`ClassifierFamily.decided`."""
        network: Any = module
        logits: torch.Tensor = network.fc(network.avgpool[1](pooled).flatten(1))
        return logits

    def map_part(self, module: torch.nn.Module) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.map_part`."""
        return module.get_submodule("layer4")


def _size(network: Classifier) -> Shrink:
    """The published size included."""
    return network.shrink or Shrink(64, 4)


def _blocks(network: Classifier) -> tuple[int, ...]:
    """Blocks of each stage that the network has."""
    size = _size(network)
    return tuple(share(blocks, size.depth) for blocks in BLOCKS[network.backbone][: size.stages])


def _expansion(network: Classifier) -> int:
    """How many times its channels a block gives."""
    return 1 if network.backbone in BASIC else 4


FAMILY = ResNet()
