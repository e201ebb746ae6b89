"""FCN on HRNetV2-W48."""

from __future__ import annotations

from typing import Any, ClassVar

from harness.networks.encoder_decoders.family import EncoderDecoder
from harness.networks.encoder_decoders.hrnet import HRNET
from harness.specs import Segmenter


class HRNet(EncoderDecoder):
    """``fcn_hr48``: one 1×1 convolution of all four branches at a quarter of the resolution, no auxiliary head."""

    name = "hrnet"
    version = 1
    members: ClassVar = {HRNET.name: HRNET}
    backbones = (HRNET.name,)
    files: ClassVar = {HRNET.name: {"fcn": HRNET.file}}

    def norms(self, network: Segmenter) -> dict[str, int]:
        """As :meth:`EncoderDecoder.norms`."""
        del network
        return {"decode_head": 4}

    def head_kind(self, network: Segmenter) -> str:
        """As :meth:`EncoderDecoder.head_kind`."""
        del network
        return "fcn-concatenated"

    def head_channels(self, network: Segmenter) -> int:
        """As :meth:`EncoderDecoder.head_channels`."""
        return sum(HRNET.channels(network.shrink))

    def shrink_heads(self, network: Segmenter, built: dict[str, Any]) -> None:
        """As :meth:`EncoderDecoder.shrink_heads`; the head has as many channels as its inputs, as in every size."""
        super().shrink_heads(network, built)
        built["decode_head"]["channels"] = sum(self.decoded(network)[0])


FAMILY = HRNet()
