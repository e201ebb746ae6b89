"""Attention on the last feature map of a classifier: modules that take ``(B, C, h, w)`` and give the same shape."""

from __future__ import annotations

import torch
from torch import nn

from harness.specs import Attention, ChannelAttention, SpatialAttention


class SpatialGate(nn.Module):
    """Weighs positions by their channels' maximum and mean: the spatial attention of CBAM, Woo et al. 2018, §3.

    A convolution without bias, batch normalisation and a sigmoid, as in the authors' code; where it is asked for with a
    ReLU before the sigmoid, so that no weight lies below a half. The momentum of the batch
    normalisation is torch's 0.1, not their 0.01, which after 100 iterations would leave a third of the running
    statistics as initialised.

    Args:
        kernel: Side of the convolution, odd.
        relu: Whether there is a ReLU before the sigmoid.
    """

    def __init__(self, kernel: int, relu: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(1)
        self.activation = nn.ReLU() if relu else nn.Identity()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """The maps ``(B, C, h, w)``, each position times its weight between 0 and 1."""
        read = torch.cat([maps.amax(1, keepdim=True), maps.mean(1, keepdim=True)], dim=1)
        return maps * torch.sigmoid(self.activation(self.norm(self.conv(read))))


class ChannelGate(nn.Module):
    """Weighs channels by their maximum and mean over positions: the channel attention of CBAM, Woo et al. 2018, §3.

    One perceptron with a hidden layer reads both; its outputs are summed before the sigmoid.

    Args:
        channels: Of the map.
        reduction: How many times fewer channels the hidden layer has.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = channels // reduction
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """The maps ``(B, C, h, w)``, each channel times its weight between 0 and 1."""
        weight: torch.Tensor = self.mlp(maps.amax((2, 3))) + self.mlp(maps.mean((2, 3)))
        return maps * torch.sigmoid(weight)[:, :, None, None]


class PositionAttention(nn.Module):
    """Adds to each position what it attends to at all: a non-local block, Wang et al. 2018, with several heads.

    Scaled dot products of queries and keys, Vaswani et al. 2017, without an encoding of positions. The last layer of
    the added branch starts from zeros, as Wang et al. start theirs: the network starts as it would without the block.

    Args:
        channels: Of the map.
        heads: Attention heads; they divide the channels.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, heads, batch_first=True)
        nn.init.zeros_(self.attention.out_proj.weight)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """The maps ``(B, C, h, w)`` and what their positions attend to."""
        positions = maps.flatten(2).transpose(1, 2)
        added, _ = self.attention(positions, positions, positions, need_weights=False)
        attended: torch.Tensor = maps + added.transpose(1, 2).reshape(maps.shape)
        return attended


def attention(spec: Attention, channels: int) -> nn.Module:
    """The module of a spec for maps of so many channels, which the family has checked to suit."""
    if isinstance(spec, SpatialAttention):
        return SpatialGate(spec.kernel, spec.relu)
    if isinstance(spec, ChannelAttention):
        return ChannelGate(channels, spec.reduction)
    return PositionAttention(channels, spec.heads)
