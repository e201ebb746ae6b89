"""HRNetV2-W48, Wang et al. 2020."""

from __future__ import annotations

from typing import Any

from harness.networks.encoder_decoders.backbone import STAGES, Backbone, pixels, share
from harness.networks.encoder_decoders.published import BATCH_NORM, published
from harness.specs import Shrink

MODULES = (1, 1, 4, 3)
"""Modules of each stage."""

BLOCKS = 4
"""Blocks of each branch of a module."""


class HRNet(Backbone):
    """``HRNet``. `Shrink.stages` is the number of branches, 4 as published or fewer.

    `Shrink.depth` is the share of the modules of a stage and of a module's blocks.
    """

    name = "hr48"
    file = "hrnet/fcn_hr48_4xb4-160k_ade20k-512x512.py"
    published = Shrink(width=48, stages=STAGES)
    stages = (2, 3, 4)
    pools_all = True

    def channels(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.channels`."""
        return tuple(self.scale(shrink).width << branch for branch in range(self.scale(shrink).stages))

    def reductions(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.reductions`."""
        return tuple(4 << branch for branch in range(self.scale(shrink).stages))

    def norms(self, shrink: Shrink | None) -> dict[str, int]:
        """As :meth:`Backbone.norms`."""
        last = self.scale(shrink).stages - 1
        later = {
            f"backbone.{part}{stage + add}": 4 << min(stage, last)
            for stage in (1, 2, 3)
            for part, add in (("transition", 0), ("stage", 1))
            if part == "stage" or stage <= last  # further transitions do nothing
        }
        return {"backbone.bn1": 2, "backbone.bn2": 4, "backbone.layer1": 4, **later}

    def modules(self, shrink: Shrink | None) -> tuple[int, ...]:
        """Modules of each stage."""
        return tuple(share(modules, self.scale(shrink).depth) for modules in MODULES)

    def bottleneck(self, shrink: Shrink | None) -> int:
        """Channels of the stem, and inner ones of the first stage's bottlenecks: 64 beside 48."""
        return self.scale(shrink).width * 4 // 3

    def cost(self, shrink: Shrink | None, size: tuple[int, int]) -> float:
        """As :meth:`Backbone.cost`."""
        channels, inner = self.channels(shrink), self.bottleneck(shrink)
        blocks = share(BLOCKS, self.scale(shrink).depth)
        at = [pixels(size, by) for by in self.reductions(shrink)]
        total = 9 * 3 * inner * pixels(size, 2) + 9 * inner**2 * at[0]
        total += (18 * inner**2 + 17 * inner**2 * (blocks - 1)) * at[0]
        total += 9 * 4 * inner * (channels[0] * at[0] + channels[1] * at[1])
        for stage, modules in enumerate(self.modules(shrink)[1:], 1):
            branches = range(min(stage + 1, len(channels)))
            once = sum(2 * 9 * channels[branch] ** 2 * blocks * at[branch] for branch in branches)
            for to in branches:
                for source in branches:
                    if source > to:
                        once += channels[source] * channels[to] * at[source]
                    for step in range(source, to):
                        given = channels[to] if step == to - 1 else channels[source]
                        once += 9 * channels[source] * given * at[step + 1]
            total += once * modules
            if stage < len(channels) - 1:
                total += 9 * channels[stage] * channels[stage + 1] * at[stage + 1]
        return total

    def config(self, shrink: Shrink | None) -> dict[str, Any]:
        """As :meth:`Backbone.config`."""
        built: dict[str, Any] = published(self.file)["backbone"]
        built["norm_cfg"] = BATCH_NORM
        if shrink is None:
            return built
        blocks, channels = share(BLOCKS, shrink.depth), self.channels(shrink)
        for stage, modules in enumerate(self.modules(shrink)):
            entry = built["extra"][f"stage{stage + 1}"]
            branches = min(stage + 1, shrink.stages)
            entry["num_modules"], entry["num_branches"], entry["num_blocks"] = modules, branches, (blocks,) * branches
            entry["num_channels"] = channels[:branches] if stage else (self.bottleneck(shrink),)
        built["type"], built["stem_channels"] = "SlimHRNet", self.bottleneck(shrink)
        return built


HRNET = HRNet()
