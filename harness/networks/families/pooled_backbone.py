"""Classifiers on the backbones of mmsegmentation's segmenters: a classification source for a segmenter's backbone."""

from __future__ import annotations

from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from harness.networks.classifiers import ATTENTION, ClassifierFamily
from harness.networks.encoder_decoders.backbone import Backbone
from harness.networks.encoder_decoders.family import check_single
from harness.networks.encoder_decoders.hrnet import HRNET
from harness.networks.encoder_decoders.resnet import RESNETS
from harness.networks.encoder_decoders.swin import SWIN
from harness.networks.encoder_decoders.vit import VIT
from harness.networks.family import input_size
from harness.specs import Classifier, Recipe

if TYPE_CHECKING:
    import torch

MEMBERS: dict[str, Backbone] = {**RESNETS, **{each.name: each for each in (HRNET, VIT, SWIN)}}


class PooledBackbone(ClassifierFamily):
    """``backbone.`` with the segmenter's names of tensors, global average pooling, dropout, and ``head.``."""

    name = "pooled_backbone"
    version = 1
    backbones = tuple(MEMBERS)
    heads = ("head", ATTENTION)
    trunk = ("backbone",)
    last = "head"

    def stride(self, network: Classifier) -> int:
        """As :meth:`Family.stride`."""
        return MEMBERS[network.backbone].stride(network.shrink)

    def check_shrink(self, network: Classifier) -> None:
        """As :meth:`ClassifierFamily.check_shrink`."""
        MEMBERS[network.backbone].check(network.shrink)
        if network.shrink is not None and network.shrink.head is not None:
            raise ValueError(
                f"Expected shrink `head` of a classifier to be None, because it has no decode head, but got "
                f"{network.shrink.head}."
            )

    def check_attention(self, network: Classifier) -> None:
        """As :meth:`ClassifierFamily.check_attention`; there must be one last feature map."""
        if network.attention is not None and MEMBERS[network.backbone].pools_all:
            raise ValueError(
                f"Expected classifier `attention` of {network.backbone} to be None, because it pools several feature "
                f"maps, but got {network.attention!r}; choose another backbone."
            )
        super().check_attention(network)

    def check(self, recipe: Recipe) -> None:
        """As :meth:`ClassifierFamily.check`; sizes must suit the backbone."""
        super().check(recipe)
        network = recipe.network
        assert isinstance(network, Classifier)
        member, size = MEMBERS[network.backbone], input_size(recipe, self.stride(network))
        if size is None:
            return
        member.check_size(network.shrink, size)
        if recipe.batch_size * network.views == 1:
            check_single(recipe, size, member.norms(network.shrink))

    def channels(self, network: Classifier) -> int:
        """As :meth:`ClassifierFamily.channels`."""
        return MEMBERS[network.backbone].channels(network.shrink)[-1]

    def map_size(self, network: Classifier, size: tuple[int, int]) -> tuple[int, int]:
        """As :meth:`ClassifierFamily.map_size`."""
        by = MEMBERS[network.backbone].reductions(network.shrink)[-1]
        return -(-size[0] // by), -(-size[1] // by)

    def view_cost(self, network: Classifier, size: tuple[int, int]) -> float:
        """As :meth:`ClassifierFamily.view_cost`."""
        return MEMBERS[network.backbone].cost(network.shrink, size)

    def make(self, network: Classifier, classes: int) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.make`."""
        import harness.networks.openmmlab  # noqa: F401

        # isort: split
        from mmseg.registry import MODELS

        from harness.networks.encoder_decoders.modules import PooledClassifier

        member = MEMBERS[network.backbone]
        channels = member.channels(network.shrink)
        pooled = range(len(channels)) if member.pools_all else range(len(channels) - 1, len(channels))
        backbone = MODELS.build(member.config(network.shrink))
        return PooledClassifier(backbone, pooled, sum(channels[pooled.start :]), classes, network.dropout)

    def maps(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """As :meth:`ClassifierFamily.maps`; of several maps their pooled features, ``(N, C, 1, 1)``."""
        network: Any = module
        maps: torch.Tensor = network.maps(images)
        return maps

    def pooled(self, module: torch.nn.Module, maps: torch.Tensor) -> torch.Tensor:
        """``(N, C)``, as :meth:`ClassifierFamily.pooled`."""
        del module
        return maps.mean((2, 3))

    def decided(self, module: torch.nn.Module, pooled: torch.Tensor) -> torch.Tensor:
        """As :meth:`ClassifierFamily.decided`."""
        network: Any = module
        logits: torch.Tensor = network.head(network.dropout(pooled))
        return logits

    def map_part(self, module: torch.nn.Module) -> torch.nn.Module:
        """As :meth:`ClassifierFamily.map_part`."""
        network: Any = module
        if len(network.pooled) > 1:
            raise ValueError(
                f"Expected a network with one last feature map, but got one that pools {len(network.pooled)}; "
                "choose another backbone."
            )
        return module.get_submodule("last_map")

    def initialise(self, module: torch.nn.Module) -> None:
        """The backbone by mmsegmentation's rules, the last layer by those of its linear heads."""
        with redirect_stdout(None):  # mmsegmentation's Swin transformer prints that it has no weights yet
            module.backbone.init_weights()  # type: ignore[operator, union-attr]
        head: torch.nn.Linear = module.head  # type: ignore[assignment]
        head.weight.data.normal_(std=0.01)
        head.bias.data.zero_()


FAMILY = PooledBackbone()
