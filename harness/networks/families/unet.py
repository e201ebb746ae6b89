"""U-Net S5-D16 from mmsegmentation's own configs, whole or shrunk."""

from __future__ import annotations

from typing import Any

from harness.networks.encoder_decoders.heads import AUXILIARY_SHARE, POOLED
from harness.networks.encoder_decoders.published import BATCH_NORM, published
from harness.networks.family import freezes, input_size
from harness.networks.segmenters import SegmenterFamily, loss_decode
from harness.specs import Loss, Recipe, Segmenter, Shrink

PUBLISHED = Shrink(width=64, stages=5)

HEAD_CHANNELS = {"fcn": 64, "pspnet": 16, "deeplabv3": 16}
"""Channels of the published decode heads."""


class UNet(SegmenterFamily):
    """``fcn_unet_s5-d16.py``, ``pspnet_unet_s5-d16.py`` and ``deeplabv3_unet_s5-d16.py``.

    The published file is read and changed where the recipe differs: number of classes, losses, BatchNorm instead of
    SyncBN (one device), evaluation on whole images, and fewer channels and stages of the backbone where it is shrunk.
    The heads keep their channels unless `Shrink.head` says otherwise: cut to 8 as well, logits grow so slowly that
    nothing is found within 100 iterations.
    """

    name = "unet"
    version = 1
    backbones = ("unet-s5-d16",)

    def stride(self, network: Segmenter) -> int:
        """As :meth:`Family.stride`."""
        return 1 << (_shrink(network).stages - 1)

    def check_network(self, network: Segmenter) -> None:
        """As :meth:`Family.check_network`."""
        if network.head not in HEAD_CHANNELS:
            known = ", ".join(map(repr, HEAD_CHANNELS))
            raise ValueError(
                f"Expected segmenter `head` for {network.backbone} to be one of {known}, but got {network.head!r}."
            )
        if not 2 <= (stages := _shrink(network).stages) <= PUBLISHED.stages:
            raise ValueError(
                f"Expected shrink `stages` of {network.backbone} to be between 2 and {PUBLISHED.stages}, "
                f"but got {stages!r}."
            )
        if _shrink(network).depth != 1:
            raise ValueError(
                f"Expected shrink `depth` of {network.backbone} to be 1, because its stages have two convolutions "
                f"each, but got {_shrink(network).depth!r}; choose fewer `stages`."
            )

    def check(self, recipe: Recipe) -> None:
        """As :meth:`Family.check`; batch normalisation must also have more than one value per channel."""
        super().check(recipe)
        if recipe.batch_size > 1:
            return
        assert isinstance(recipe.network, Segmenter)
        head, stride = recipe.network.head, self.stride(recipe.network)
        if head in POOLED and not freezes(recipe, POOLED[head]):
            raise ValueError(
                f"Expected recipe `batch_size` to be at least 2 with the head {head!r}, which pools each image to one "
                "pixel before batch normalisation, but got 1; take a larger batch or the head 'fcn'."
            )
        bottom = f"backbone.encoder.{_shrink(recipe.network).stages - 1}"
        if input_size(recipe, stride) == (stride, stride) and not freezes(recipe, bottom):
            raise ValueError(
                f"Expected images larger than the network's stride of {stride} where recipe `batch_size` is 1, "
                f"because batch normalisation needs more than one pixel, but got {stride}×{stride}; enlarge either."
            )

    def cost(self, network: Segmenter, size: tuple[int, int]) -> float:
        """The convolutions of the backbone and the decode head; those of the auxiliary head do not run in inference."""
        width = _shrink(network).width
        head = _shrink(network).head or HEAD_CHANNELS[network.head]
        by_pixel = {
            "fcn": 9 * width,
            "pspnet": 9 * (width + 4 * head),
            "deeplabv3": width + 27 * width + 9 * 5 * head,
        }[network.head] * head
        return self.trunk_cost(network, size) + by_pixel * size[0] * size[1]

    def trunk_cost(self, network: Segmenter, size: tuple[int, int]) -> float:
        """As :meth:`Family.trunk_cost`: the convolutions of the backbone."""
        width, stages = _shrink(network).width, _shrink(network).stages
        channels = [width << stage for stage in range(stages)]
        by_pixel = 0.0
        for stage, own in enumerate(channels):
            above = channels[stage - 1] if stage else 3
            encoder = 9 * (above * own + own * own)
            decoder = channels[stage + 1] * own + 9 * 3 * own * own if stage + 1 < stages else 0
            by_pixel += (encoder + decoder) / 4**stage
        return by_pixel * size[0] * size[1]

    def config(self, network: Segmenter, classes: int, losses: tuple[Loss, ...]) -> dict[str, Any]:
        """As :meth:`SegmenterFamily.config`."""
        built = published(f"_base_/models/{network.head}_unet_s5-d16.py")
        width, stages = _shrink(network).width, _shrink(network).stages
        backbone = built["backbone"]
        backbone["base_channels"] = width
        backbone["num_stages"] = stages
        backbone["norm_cfg"] = BATCH_NORM
        for name in ("strides", "enc_num_convs", "enc_dilations"):
            backbone[name] = backbone[name][:stages]
        for name in ("dec_num_convs", "downsamples", "dec_dilations"):
            backbone[name] = backbone[name][: stages - 1]
        for head, channels, index, share in (
            ("decode_head", width, stages - 1, 1.0),
            ("auxiliary_head", 2 * width, stages - 2, AUXILIARY_SHARE),
        ):
            entry = built[head]
            entry["in_channels"], entry["in_index"] = channels, index
            entry["num_classes"], entry["norm_cfg"] = classes, BATCH_NORM
            entry["loss_decode"] = loss_decode(losses, share)
            entry["channels"] = _shrink(network).head or entry["channels"]
        built["test_cfg"] = {"mode": "whole"}
        return built


def _shrink(network: Segmenter) -> Shrink:
    return network.shrink or PUBLISHED


FAMILY = UNet()
