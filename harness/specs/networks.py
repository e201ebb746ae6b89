"""Specs of networks. Which names there are, and what fits which, is known to :mod:`harness.networks`."""

from __future__ import annotations

from dataclasses import dataclass

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
class Classifier:
    """A classification network by torchvision's name, or by that of a segmenter's backbone.

    Attributes:
        backbone: ``"resnet18"`` of torchvision, ``"r18-d8"`` of mmsegmentation, for example.
        dropout: Probability that a feature is dropped before the last layer.
        shrink: ``None``: as published. Only backbones of segmenters shrink.
    """

    backbone: str
    dropout: float = 0.5
    shrink: Shrink | None = None

    def __post_init__(self) -> None:
        checks.probability("classifier", "dropout", self.dropout)


Network = Segmenter | Classifier
