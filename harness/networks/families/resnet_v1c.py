"""FCN, PSPNet, DeepLabV3 and linear probes on dilated ResNets V1c; UPerNet on plain ones."""

from __future__ import annotations

from typing import ClassVar

from harness.networks.encoder_decoders.family import EncoderDecoder
from harness.networks.encoder_decoders.resnet import RESNETS
from harness.specs import Segmenter

DENSE = ("fcn", "pspnet", "deeplabv3")


class ResNetV1c(EncoderDecoder):
    """``fcn_r50-d8`` and its sisters, by the names of mmsegmentation's configs: ``"r50-d8"``, but ``"r50"`` of UPerNet.

    A depth of .25 and a width of 8 make the small forms.
    """

    name = "resnet_v1c"
    version = 1
    members: ClassVar = RESNETS
    backbones = tuple(RESNETS)
    files: ClassVar = {
        name: (
            {head: f"{head}/{head}_{name}_4xb2-80k_cityscapes-512x1024.py" for head in DENSE} | {"linear": member.file}
            if member.dilated
            else {"upernet": member.file, "linear": f"fcn/fcn_{name}-d8_4xb2-80k_cityscapes-512x1024.py"}
        )
        for name, member in RESNETS.items()
    }

    def head_channels(self, network: Segmenter) -> int:
        """As :meth:`EncoderDecoder.head_channels`; the published heads on ResNet-18 are smaller, but UPerNet's."""
        return 128 if network.backbone == "r18-d8" else 512


FAMILY = ResNetV1c()
