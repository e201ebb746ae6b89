"""UPerNet on ViT-B/16."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.networks.encoder_decoders.backbone import pixels
from harness.networks.encoder_decoders.family import EncoderDecoder
from harness.networks.encoder_decoders.vit import VIT
from harness.specs import Segmenter

REDUCTIONS = (4, 8, 16, 32)
"""Pixels of the image along a side for one value of the neck's outputs, in every size."""


class ViT(EncoderDecoder):
    """``upernet_vit-b16_ln_mln``: a neck makes a pyramid of the transformer's outputs.

    The neck counts as a head: a classification source does not have it.
    """

    name = "vit"
    version = 1
    heads = ("neck", "decode_head", "auxiliary_head")
    members: ClassVar = {VIT.name: VIT}
    backbones = (VIT.name,)
    files: ClassVar = {VIT.name: {"upernet": VIT.file}}

    def norms(self, network: Segmenter) -> dict[str, int]:
        """As :meth:`EncoderDecoder.norms`; the neck rounds sizes down."""
        del network
        return dict.fromkeys(("decode_head", "auxiliary_head"), 2 * REDUCTIONS[-1] - 1)

    def cost(self, network: Segmenter, size: tuple[int, int]) -> float:
        """As :meth:`EncoderDecoder.cost`, with the neck."""
        width, patch = VIT.scale(network.shrink).width, VIT.stride(network.shrink)
        lateral = len(REDUCTIONS) * pixels(size, patch)
        return super().cost(network, size) + width**2 * (lateral + 9 * sum(pixels(size, by) for by in REDUCTIONS))

    def decoded(self, network: Segmenter) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """As :meth:`EncoderDecoder.decoded`: what the neck gives."""
        return VIT.channels(network.shrink), REDUCTIONS

    def start_backbone(self, model: dict[str, Any], checkpoint: str) -> None:
        """As :meth:`SegmenterFamily.start_backbone`."""
        super().start_backbone(model, checkpoint)
        model["backbone"]["type"] = "StartedVisionTransformer"

    def shrink_heads(self, network: Segmenter, built: dict[str, Any]) -> None:
        """As :meth:`EncoderDecoder.shrink_heads`, and the neck's."""
        super().shrink_heads(network, built)
        channels, patch = VIT.channels(network.shrink), VIT.stride(network.shrink)
        built["neck"]["in_channels"], built["neck"]["out_channels"] = list(channels), channels[0]
        built["neck"]["scales"] = [patch / by for by in REDUCTIONS]


FAMILY = ViT()
