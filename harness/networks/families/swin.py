"""UPerNet on Swin-B."""

from __future__ import annotations

from typing import ClassVar

from harness.networks.encoder_decoders.family import EncoderDecoder
from harness.networks.encoder_decoders.swin import SWIN


class Swin(EncoderDecoder):
    """``swin-base-patch4-window7-in1k-pre_upernet``; the one that starts from ImageNet-22k is the same network."""

    name = "swin"
    version = 1
    members: ClassVar = {SWIN.name: SWIN}
    backbones = (SWIN.name,)
    files: ClassVar = {SWIN.name: {"upernet": SWIN.file}}


FAMILY = Swin()
