"""ResNet V1c, He et al. 2016 and 2019, dilated (``-d8``) for dense heads or plain for UPerNet."""

from __future__ import annotations

from typing import Any, NamedTuple

from harness.networks.encoder_decoders.backbone import STAGES, Backbone, pixels, share
from harness.networks.encoder_decoders.published import BATCH_NORM, published
from harness.specs import Shrink


class Depth(NamedTuple):
    """A ResNet's blocks by stage, and how many times their channels a block gives."""

    blocks: tuple[int, int, int, int]
    expansion: int


DEPTHS = {18: Depth((2, 2, 2, 2), 1), 50: Depth((3, 4, 6, 3), 4), 101: Depth((3, 4, 23, 3), 4)}


class ResNetV1c(Backbone):
    """``ResNetV1c``, or a shallower one. Images may have any size, as in mmsegmentation (769×769, for example).

    At a depth of .25 the three have 4, 5 and 9 blocks: ResNet-18 stays shallower than ResNet-50, and that than
    ResNet-101.

    Args:
        depth: 18, 50 or 101.
        dilated: Whether the last two stages keep the resolution and dilate instead.
    """

    published = Shrink(width=64, stages=STAGES)

    def __init__(self, depth: int, dilated: bool) -> None:
        self.depth, self.dilated = depth, dilated
        self.name = f"r{depth}-d8" if dilated else f"r{depth}"
        self.file = (
            f"fcn/fcn_{self.name}_4xb2-80k_cityscapes-512x1024.py"
            if dilated
            else f"upernet/upernet_{self.name}_4xb4-160k_ade20k-512x512.py"
        )

    def check(self, shrink: Shrink | None) -> None:
        """As :meth:`Backbone.check`."""
        super().check(shrink)
        if (width := self.scale(shrink).width) % 2:
            raise ValueError(
                f"Expected shrink `width` of {self.name} to be even, because its stem has half of it, but got {width}."
            )

    def blocks(self, shrink: Shrink | None) -> tuple[int, ...]:
        """Blocks of each stage."""
        return tuple(share(blocks, self.scale(shrink).depth) for blocks in DEPTHS[self.depth].blocks)

    def channels(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.channels`."""
        return tuple(self.scale(shrink).width * DEPTHS[self.depth].expansion << stage for stage in range(STAGES))

    def reductions(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.reductions`."""
        del shrink
        return (4, 8, 8, 8) if self.dilated else (4, 8, 16, 32)

    def norms(self, shrink: Shrink | None) -> dict[str, int]:
        """As :meth:`Backbone.norms`."""
        stages = {f"backbone.layer{stage + 1}": by for stage, by in enumerate(self.reductions(shrink))}
        return {"backbone.stem": 2, **stages}

    def cost(self, shrink: Shrink | None, size: tuple[int, int]) -> float:
        """As :meth:`Backbone.cost`."""
        width, expansion = self.scale(shrink).width, DEPTHS[self.depth].expansion
        total = 9 * (3 * width / 2 + width**2 / 4 + width**2 / 2) * pixels(size, 2)
        own, before = width, 4
        for stage, (blocks, by) in enumerate(zip(self.blocks(shrink), self.reductions(shrink), strict=True)):
            planes, given = width << stage, width * expansion << stage
            here, entered = pixels(size, by), pixels(size, before)
            inner = (9 * planes**2 if expansion > 1 else 0) + (1 if expansion > 1 else 9) * planes * given
            if expansion > 1:
                total += own * planes * entered + given * planes * here * (blocks - 1)
            else:
                total += 9 * planes * (own + planes * (blocks - 1)) * here
            total += inner * blocks * here
            total += own * given * here if own != given or by != before else 0
            own, before = given, by
        return total

    def config(self, shrink: Shrink | None) -> dict[str, Any]:
        """As :meth:`Backbone.config`."""
        built: dict[str, Any] = published(self.file)["backbone"]
        built["norm_cfg"] = BATCH_NORM
        if shrink is None:
            return built
        built["stem_channels"] = built["base_channels"] = shrink.width
        if (blocks := self.blocks(shrink)) != DEPTHS[self.depth].blocks:
            built["type"], built["stage_blocks"] = "ShallowResNetV1c", blocks
        return built


RESNETS = {each.name: each for each in (ResNetV1c(depth, dilated) for dilated in (True, False) for depth in DEPTHS)}
