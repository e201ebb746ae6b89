"""Vision transformer, Dosovitskiy et al. 2021, ViT-B/16 as UPerNet takes it in mmsegmentation."""

from __future__ import annotations

from typing import Any

from harness.networks.encoder_decoders.backbone import STAGES, Backbone, attention_heads, share
from harness.networks.encoder_decoders.published import published
from harness.specs import Shrink

LAYERS = 3
"""Layers up to each of the four outputs."""

HEADS = 12
"""Attention heads of the published network."""

SMALLEST = 32
"""Side of the smallest image, in pixels: that of one value of UPerNet's coarsest input."""

LEAST = 8
"""Fewest channels of an attention head."""


class ViT(Backbone):
    """``VisionTransformer`` with four outputs of equal resolution.

    Shrunk, `Shrink.width` is the embedding's, a patch is 2 to the power of `Shrink.stages` pixels wide (4: the
    published 16; 2: patches of 4 for small crops), and depth is the share of the 3 layers up to each output. The
    position embedding is learnt on a grid of 32×32 patches (16×16, 8×8 with 3 and 2 stages), and mmsegmentation
    resizes it to the crop or image in every pass.
    """

    name = "vit-b16_ln_mln"
    file = "vit/vit_vit-b16-ln_mln_upernet_8xb2-160k_ade20k-512x512.py"
    published = Shrink(width=768, stages=4)
    stages = (2, 3, 4)

    def check(self, shrink: Shrink | None) -> None:
        """As :meth:`Backbone.check`."""
        super().check(shrink)
        if (width := self.scale(shrink).width) % LEAST:
            raise ValueError(
                f"Expected shrink `width` of {self.name} to be a multiple of {LEAST}, because attention heads share "
                f"it, but got {width}."
            )

    def stride(self, shrink: Shrink | None) -> int:
        """Side of a patch, in pixels."""
        return 1 << self.scale(shrink).stages

    def grid(self, shrink: Shrink | None) -> int:
        """Patches along a side that the position embedding is learnt on."""
        return 2 << self.scale(shrink).stages

    def check_size(self, shrink: Shrink | None, size: tuple[int, int]) -> None:
        """As :meth:`Backbone.check_size`."""
        patch, grid = self.stride(shrink), self.grid(shrink)
        height, width = (-(-side // patch) for side in size)
        if min(size) < SMALLEST:
            raise ValueError(
                f"Expected images of at least {SMALLEST}×{SMALLEST} pixels for {self.name}, but got "
                f"{size[0]}×{size[1]}; choose a larger crop or size."
            )
        if height * width == grid**2 and height != width:
            raise ValueError(
                f"Expected images of other sides for {self.name}, because mmsegmentation takes {height}×{width} "
                f"patches for the {grid}×{grid} of its position embedding, but got {size[0]}×{size[1]}; choose "
                "another crop or size."
            )

    def channels(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.channels`."""
        return (self.scale(shrink).width,) * STAGES

    def reductions(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.reductions`."""
        return (self.stride(shrink),) * STAGES

    def norms(self, shrink: Shrink | None) -> dict[str, int]:
        """Layer normalisation only."""
        del shrink
        return {}

    def layers(self, shrink: Shrink | None) -> int:
        """Transformer layers up to each output."""
        return share(LAYERS, self.scale(shrink).depth)

    def cost(self, shrink: Shrink | None, size: tuple[int, int]) -> float:
        """As :meth:`Backbone.cost`."""
        width, patch = self.scale(shrink).width, self.stride(shrink)
        patches = -(-size[0] // patch) * -(-size[1] // patch)
        tokens = patches + 1
        layer = 12 * width**2 * tokens + 2 * width * tokens**2
        return 3 * patch**2 * width * patches + layer * STAGES * self.layers(shrink)

    def config(self, shrink: Shrink | None) -> dict[str, Any]:
        """As :meth:`Backbone.config`."""
        built: dict[str, Any] = published(self.file)["backbone"]
        if shrink is None:
            return built
        layers, patch = self.layers(shrink), self.stride(shrink)
        built["embed_dims"], built["patch_size"] = shrink.width, patch
        built["img_size"] = (patch * self.grid(shrink),) * 2
        built["num_layers"], built["drop_path_rate"] = STAGES * layers, 0.0
        built["num_heads"] = attention_heads(shrink.width, HEADS, LEAST)
        built["out_indices"] = tuple(layers * (output + 1) - 1 for output in range(STAGES))
        return built


VIT = ViT()
