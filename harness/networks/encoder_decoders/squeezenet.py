"""SqueezeNet 1.0, Iandola et al. 2016, dilated to an output stride of 8."""

from __future__ import annotations

from typing import Any

from harness.networks.encoder_decoders.backbone import STAGES, Backbone, pixels
from harness.specs import Shrink

FIRES = (((16, 64), (16, 64), (32, 128)), ((32, 128), (48, 192), (48, 192), (64, 256)), ((64, 256),))
"""Squeeze channels and channels of either expansion of each fire module, by stage after the first convolution."""

WIDTH = 96
"""Channels of the first convolution."""


class SqueezeNet(Backbone):
    """``DilatedSqueezeNet`` of :mod:`harness.networks.encoder_decoders.modules`; its last output has 512 channels.

    Tensors have torchvision's names and shapes (``backbone.features.*``). `Shrink.width` scales every layer's channels;
    96 keeps them, for weights of the published size with a smaller head.
    """

    name = "squeezenet1_0"
    published = Shrink(width=WIDTH, stages=STAGES)

    def check(self, shrink: Shrink | None) -> None:
        """As :meth:`Backbone.check`."""
        super().check(shrink)
        if self.scale(shrink).depth != 1:
            raise ValueError(
                f"Expected shrink `depth` of {self.name} to be 1, because its tensors have torchvision's names, but "
                f"got {self.scale(shrink).depth!r}; choose a smaller `width`."
            )

    def fires(self, shrink: Shrink | None) -> tuple[tuple[tuple[int, int], ...], ...]:
        """As :data:`FIRES`, for a width."""
        width = self.scale(shrink).width
        return tuple(
            tuple((max(1, squeeze * width // WIDTH), max(1, expand * width // WIDTH)) for squeeze, expand in stage)
            for stage in FIRES
        )

    def channels(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.channels`."""
        return (self.scale(shrink).width, *(2 * stage[-1][1] for stage in self.fires(shrink)))

    def reductions(self, shrink: Shrink | None) -> tuple[int, ...]:
        """As :meth:`Backbone.reductions`."""
        del shrink
        return (2, 4, 8, 8)

    def norms(self, shrink: Shrink | None) -> dict[str, int]:
        """No normalisation at all."""
        del shrink
        return {}

    def cost(self, shrink: Shrink | None, size: tuple[int, int]) -> float:
        """As :meth:`Backbone.cost`."""
        own, *_ = self.channels(shrink)
        total = 49 * 3 * own * pixels(size, 2)
        for stage, by in zip(self.fires(shrink), self.reductions(shrink)[1:], strict=True):
            for squeeze, expand in stage:
                total += (own * squeeze + 10 * squeeze * expand) * pixels(size, by)
                own = 2 * expand
        return total

    def config(self, shrink: Shrink | None) -> dict[str, Any]:
        """As :meth:`Backbone.config`; mmsegmentation has none, so there is no published file."""
        return {"type": "DilatedSqueezeNet", "width": self.scale(shrink).width, "fires": self.fires(shrink)}


SQUEEZENET = SqueezeNet()
