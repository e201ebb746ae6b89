"""Specs of networks. Which names there are, and what fits which, is known to :mod:`harness.networks`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.specs import checks


@dataclass(frozen=True)
class Shrink:
    """How much smaller than published a network is, at the desk and smoke scale.

    Attributes:
        width: Channels of the first stage.
        stages: Resolutions of the backbone.
        depth: Share of the blocks or layers of each stage that stay, at least one: a deeper network stays deeper.
        head: Channels of the decode head and of the auxiliary head; ``None``: as published.
    """

    width: int
    stages: int
    depth: float = 1.0
    head: int | None = None

    def __post_init__(self) -> None:
        checks.whole("shrink", "width", self.width)
        checks.whole("shrink", "stages", self.stages)
        checks.positive("shrink", "depth", self.depth)
        if self.depth > 1:
            raise ValueError(f"Expected shrink `depth` to be a share up to 1, but got {self.depth!r}.")
        if self.head is not None:
            checks.whole("shrink", "head", self.head)


@dataclass(frozen=True)
class Segmenter:
    """A segmentation network by mmsegmentation's names.

    Attributes:
        backbone: ``"unet-s5-d16"`` for example.
        head: Decode head, ``"fcn"``, ``"pspnet"`` or ``"deeplabv3"`` for example.
        shrink: ``None``: as published.
    """

    backbone: str
    head: str
    shrink: Shrink | None = None


@dataclass(frozen=True)
class SpatialAttention:
    """Weighs the positions of the last feature map, by CBAM's spatial attention, Woo et al. 2018.

    Attributes:
        kernel: Side of the convolution that reads the channels' maximum and mean, odd.
        relu: Whether a ReLU stands before the sigmoid; CBAM has none.
    """

    kernel: int = 7
    relu: bool = False

    def __post_init__(self) -> None:
        checks.whole("spatial attention", "kernel", self.kernel)
        if self.kernel % 2 == 0:
            raise ValueError(
                f"Expected spatial attention `kernel` to be odd, but got {self.kernel}; choose {self.kernel + 1}."
            )


@dataclass(frozen=True)
class ChannelAttention:
    """Weighs the channels of the last feature map, by CBAM's channel attention, Woo et al. 2018.

    Attributes:
        reduction: How many times fewer channels the hidden layer has, at least one.
    """

    reduction: int = 16

    def __post_init__(self) -> None:
        checks.whole("channel attention", "reduction", self.reduction)


@dataclass(frozen=True)
class SelfAttention:
    """Adds to each position of the last feature map what it attends to at all of them, Wang et al. 2018.

    Attributes:
        heads: Heads of the scaled dot-product attention, Vaswani et al. 2017; they divide the map's channels.
    """

    heads: int = 1

    def __post_init__(self) -> None:
        checks.whole("self-attention", "heads", self.heads)


Attention = SpatialAttention | ChannelAttention | SelfAttention
"""What changes the last feature map before it is pooled."""


@dataclass(frozen=True)
class Classifier:
    """A classification network by torchvision's name, or by that of a segmenter's backbone.

    Attributes:
        backbone: ``"resnet18"`` of torchvision, ``"r18-d8"`` of mmsegmentation, for example.
        dropout: Probability that a feature is dropped before the last layer.
        shrink: ``None``: as published. Torchvision's SqueezeNets and larger ResNets do not shrink.
        views: Images that one decision is made from. With 2 it takes ``(B, 6, h, w)``, an image's channels and then its
            companion's; both pass through one backbone, and the last layer reads the pooled features of both.
        attention: ``None``: the last feature map is pooled as it is.
    """

    backbone: str
    dropout: float = 0.5
    shrink: Shrink | None = None
    views: Literal[1, 2] = 1
    attention: Attention | None = None

    def __post_init__(self) -> None:
        checks.probability("classifier", "dropout", self.dropout)
        if type(self.views) is not int or self.views not in (1, 2):
            raise ValueError(f"Expected classifier `views` to be 1 or 2, but got {self.views!r}.")
        if self.attention is not None and not isinstance(self.attention, Attention):
            raise ValueError(
                "Expected classifier `attention` to be SpatialAttention, ChannelAttention, SelfAttention or None, "
                f"but got {self.attention!r}."
            )


Network = Segmenter | Classifier
