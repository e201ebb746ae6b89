"""Backbones that mmsegmentation does not have, registered under their class names, and classifiers on any backbone.

An mmseg config may name this module in ``custom_imports``, after :mod:`harness.networks.openmmlab`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmengine.model.weight_init import initialize
from mmseg.models.backbones import HRNet, ResNetV1c, VisionTransformer
from mmseg.models.backbones.resnet import Bottleneck
from mmseg.registry import MODELS
from torch import nn
from torchvision.models.squeezenet import Fire


@MODELS.register_module(force=True)
class ShallowResNetV1c(ResNetV1c):  # type: ignore[misc]
    """A ResNet V1c with other numbers of blocks than He et al.

    Args:
        depth: Which ResNet's blocks it has.
        stage_blocks: How many of them in each stage.
        settings: As of mmsegmentation's ``ResNet``.
    """

    def __init__(self, depth: int, stage_blocks: Sequence[int], **settings: Any) -> None:
        self.arch_settings = {depth: (ResNetV1c.arch_settings[depth][0], tuple(stage_blocks))}
        super().__init__(depth=depth, **settings)


@MODELS.register_module(force=True)
class SlimHRNet(HRNet):  # type: ignore[misc]
    """An HRNet whose stem has other than 64 channels.

    Args:
        stem_channels: Channels of the stem.
        settings: As of mmsegmentation's ``HRNet``.
    """

    def __init__(self, stem_channels: int, **settings: Any) -> None:
        super().__init__(**settings)
        for number, own in ((1, 3), (2, stem_channels)):
            setattr(self, f"conv{number}", nn.Conv2d(own, stem_channels, 3, stride=2, padding=1, bias=False))
            name, norm = build_norm_layer(self.norm_cfg, stem_channels, postfix=number)
            setattr(self, name, norm)
        first = self.stage1_cfg
        self.layer1 = self._make_layer(Bottleneck, stem_channels, first["num_channels"][0], first["num_blocks"][0])


@MODELS.register_module(force=True)
class StartedVisionTransformer(VisionTransformer):  # type: ignore[misc]
    """A vision transformer that starts from the part of a checkpoint that ``init_cfg`` names.

    mmsegmentation's own ignores the prefix, finds no tensor of the backbone, and starts from random weights instead.
    """

    init_cfg: dict[str, Any] | None

    def init_weights(self) -> None:
        """By mmsegmentation's rules, then from the checkpoint."""
        given = self.init_cfg
        self.init_cfg = None
        super().init_weights()
        initialize(self, given)
        self.init_cfg = given


@MODELS.register_module(force=True)
class DilatedSqueezeNet(BaseModule):  # type: ignore[misc]
    """torchvision's ``squeezenet1_0().features`` with an output stride of 8 instead of 16.

    The first convolution pads, so that sides are halved exactly; the last pooling has no stride, and the module after
    it dilates instead. Every second value of the last output is what torchvision's features are for the padded image.

    Args:
        width: Channels of the first convolution.
        fires: Squeeze and expansion channels of each fire module, by stage.
        init_cfg: What it starts from; ``None``: random weights by torchvision's rule.
    """

    def __init__(
        self, width: int, fires: Sequence[Sequence[tuple[int, int]]], init_cfg: dict[str, Any] | None = None
    ) -> None:
        super().__init__(
            init_cfg or {"type": "Kaiming", "layer": "Conv2d", "distribution": "uniform", "mode": "fan_in"}
        )
        layers: list[nn.Module] = [nn.Conv2d(3, width, 7, stride=2, padding=3), nn.ReLU(inplace=True)]
        ends, channels = [len(layers)], width
        for stage in fires:
            last = len(ends) == len(fires)
            layers.append(nn.MaxPool2d(3, 1, padding=1) if last else nn.MaxPool2d(3, 2, ceil_mode=True))
            for squeeze, expand in stage:
                fire = Fire(channels, squeeze, expand, expand)
                if last:
                    fire.expand3x3.padding = fire.expand3x3.dilation = (2, 2)
                layers.append(fire)
                channels = 2 * expand
            ends.append(len(layers))
        self.ends, self.features = ends, nn.Sequential(*layers)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Outputs of strides 2, 4, 8 and 8 of images ``(B, 3, h, w)``."""
        outputs, value = [], images
        for number, layer in enumerate(self.features, 1):
            value = layer(value)
            if number in self.ends:
                outputs.append(value)
        return tuple(outputs)


class PooledClassifier(nn.Module):
    """A backbone, global average pooling, dropout and a linear layer.

    Args:
        backbone: Gives a sequence of feature maps ``(B, C_i, h_i, w_i)``.
        pooled: Which of them are pooled; their channels are concatenated.
        channels: Their channels in all.
        classes: Number of classes.
        dropout: Probability that a pooled feature is dropped.
    """

    def __init__(self, backbone: nn.Module, pooled: Sequence[int], channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.backbone, self.pooled = backbone, tuple(pooled)
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(channels, classes)
        self.last_map = nn.Identity()

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """The one map that is pooled, ``(B, C, h, w)``; of several their pooled features, ``(B, C, 1, 1)``."""
        maps = self.backbone(images)
        if len(self.pooled) > 1:
            return torch.cat([maps[index].mean((2, 3), keepdim=True) for index in self.pooled], dim=1)
        one: torch.Tensor = self.last_map(maps[self.pooled[0]])
        return one

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits ``(B, classes)`` of images ``(B, 3, h, w)``."""
        logits: torch.Tensor = self.head(self.dropout(self.maps(images).mean((2, 3))))
        return logits
