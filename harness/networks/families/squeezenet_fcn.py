"""FCN and linear probes on SqueezeNet 1.0."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.networks.encoder_decoders.family import EncoderDecoder
from harness.networks.encoder_decoders.squeezenet import SQUEEZENET
from harness.specs import Loss, Segmenter

FCN = "fcn/fcn_r18-d8_4xb2-80k_cityscapes-512x1024.py"
"""Whose decode head it takes: that backbone gives 512 channels at an eighth of the resolution, too."""


class SqueezeNetFCN(EncoderDecoder):
    """No published config: SqueezeNet in the place of ResNet-18, without an auxiliary head."""

    name = "squeezenet_fcn"
    version = 1
    members: ClassVar = {SQUEEZENET.name: SQUEEZENET}
    backbones = (SQUEEZENET.name,)
    files: ClassVar = {SQUEEZENET.name: {"fcn": FCN, "linear": FCN}}

    def norms(self, network: Segmenter) -> dict[str, int]:
        """As :meth:`EncoderDecoder.norms`."""
        return {name: by for name, by in super().norms(network).items() if name == "decode_head"}

    def head_channels(self, network: Segmenter) -> int:
        """As :meth:`EncoderDecoder.head_channels`."""
        del network
        return 128

    def config(self, network: Segmenter, classes: int, losses: tuple[Loss, ...]) -> dict[str, Any]:
        """As :meth:`SegmenterFamily.config`."""
        built = super().config(network, classes, losses)
        built.pop("auxiliary_head", None)
        return built


FAMILY = SqueezeNetFCN()
