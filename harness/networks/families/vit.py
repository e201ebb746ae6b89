"""UPerNet on ViT-B/16."""

from __future__ import annotations

from typing import Any

from harness.networks.encoder_decoders.backbone import pixels
from harness.networks.encoder_decoders.family import EncoderDecoder
from harness.networks.encoder_decoders.vit import VIT
from harness.specs import Segmenter

SCALES = (4, 2, 1, 0.5)
"""What the neck enlarges the backbone's outputs by."""


class ViT(EncoderDecoder):
    """``upernet_vit-b16_ln_mln``: a neck makes a pyramid of the transformer's outputs.

    The neck counts as a head: a classification source does not have it.
    """

    name = "vit"
    version = 1
    heads = ("neck", "decode_head", "auxiliary_head")
    members = {VIT.name: VIT}
    backbones = (VIT.name,)
    files = {VIT.name: {"upernet": VIT.file}}

    def norms(self, network: Segmenter) -> dict[str, int]:
        """As :meth:`EncoderDecoder.norms`; the neck halves the last output and rounds down."""
        patch = VIT.stride(network.shrink)
        return {"decode_head": 4 * patch - 1, "auxiliary_head": 4 * patch - 1}

    def cost(self, network: Segmenter, size: tuple[int, int]) -> float:
        """As :meth:`EncoderDecoder.cost`, with the neck."""
        width, patch = VIT.scale(network.shrink).width, VIT.stride(network.shrink)
        here = pixels(size, patch)
        neck = width**2 * here * (len(SCALES) + 9 * sum(scale**2 for scale in SCALES))
        return super().cost(network, size) + neck

    def decoded(self, network: Segmenter) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """As :meth:`EncoderDecoder.decoded`: what the neck gives."""
        patch = VIT.stride(network.shrink)
        return VIT.channels(network.shrink), tuple(patch / scale for scale in SCALES)

    def shrink_heads(self, network: Segmenter, built: dict[str, Any]) -> None:
        """As :meth:`EncoderDecoder.shrink_heads`, and the neck's."""
        super().shrink_heads(network, built)
        channels = VIT.channels(network.shrink)
        built["neck"]["in_channels"], built["neck"]["out_channels"] = list(channels), channels[0]


FAMILY = ViT()
