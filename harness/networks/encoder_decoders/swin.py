"""Swin transformer, Liu et al. 2021, Swin-B with windows of 7×7 patches."""

from __future__ import annotations

from typing import Any

from harness.networks.encoder_decoders.backbone import Backbone, attention_heads, share
from harness.networks.encoder_decoders.published import published
from harness.specs import Shrink

PAIRS = (1, 1, 9, 1)
"""Pairs of blocks of each stage: the second of a pair shifts its windows."""

HEADS = 4
"""Attention heads of the first stage of the published network; each further stage has twice as many."""

PATCH = 4
"""Side of a patch, in pixels."""

LEAST = 4
"""Fewest channels of an attention head."""


class Swin(Backbone):
    """``SwinTransformer``. Shrunk, windows are 4×4 patches, and depth is the share of the pairs of blocks of a stage.

    A pair stays a pair: without its second block windows would not shift. There may be fewer stages.
    """

    name = "swin-base-patch4-window7"
    file = "swin/swin-base-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512.py"
    published = Shrink(width=128, stages=4)
    stages = (2, 3, 4)

    def stride(self, shrink: Shrink | None) -> int:
        """Side of a patch; the rest is padded inside."""
        del shrink
        return PATCH

    def check(self, shrink: Shrink | None) -> None:
        """As :meth:`Backbone.check`."""
        super().check(shrink)
        if (width := self.scale(shrink).width) % LEAST:
            raise ValueError(
                f"Expected shrink `width` of {self.name} to be a multiple of {LEAST}, because attention heads share "
                f"it, but got {width}."
            )

    def window(self, shrink: Shrink | None) -> int:
        """Side of a window, in patches."""
        return 7 if shrink is None else 4

    def check_size(self, shrink: Shrink | None, size: tuple[int, int]) -> None:
        """As :meth:`Backbone.check_size`."""
        window = self.window(shrink)
        if min(size) < (least := PATCH * window):
            raise ValueError(
                f"Expected images of at least {least}×{least} pixels for {self.name}, one window of {window}×{window} "
                f"patches of {PATCH}×{PATCH}, but got {size[0]}×{size[1]}; choose a larger crop or size."
            )

    def channels(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.channels`."""
        scale = self.scale(shrink)
        return tuple(scale.width << stage for stage in range(scale.stages))

    def reductions(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.reductions`."""
        return tuple(PATCH << stage for stage in range(self.scale(shrink).stages))

    def norms(self, shrink: Shrink | None) -> dict[str, int]:
        """Layer normalisation only."""
        del shrink
        return {}

    def blocks(self, shrink: Shrink | None) -> tuple[int, ...]:
        """Blocks of each stage."""
        scale = self.scale(shrink)
        return tuple(2 * share(pairs, scale.depth) for pairs in PAIRS[: scale.stages])

    def cost(self, shrink: Shrink | None, size: tuple[int, int]) -> float:
        """As :meth:`Backbone.cost`; windows at the border are counted whole, as they are computed."""
        window, channels = self.window(shrink), self.channels(shrink)
        total = 0.0
        for stage, (blocks, width) in enumerate(zip(self.blocks(shrink), channels, strict=True)):
            height, across = (-(-side // (PATCH << stage)) for side in size)
            windows = -(-height // window) * -(-across // window) * window**2
            total += (3 * PATCH**2 if stage == 0 else 2 * width) * width * height * across
            attention = (4 * width**2 + 2 * window**2 * width) * windows
            total += blocks * (attention + 8 * width**2 * height * across)
        return total

    def config(self, shrink: Shrink | None) -> dict[str, Any]:
        """As :meth:`Backbone.config`."""
        built: dict[str, Any] = published(self.file)["backbone"]
        if shrink is None:
            return built
        heads = attention_heads(shrink.width, HEADS, LEAST)
        built["embed_dims"], built["depths"] = shrink.width, list(self.blocks(shrink))
        built["num_heads"] = [heads << stage for stage in range(shrink.stages)]
        built["strides"] = built["strides"][: shrink.stages]
        built["out_indices"] = tuple(range(shrink.stages))
        built["window_size"], built["drop_path_rate"] = self.window(shrink), 0.0
        return built


SWIN = Swin()
