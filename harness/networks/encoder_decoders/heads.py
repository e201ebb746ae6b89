"""Decode heads of mmsegmentation: their channels, their multiply-adds, and where they pool an image to one pixel."""

from __future__ import annotations

from typing import Any

from harness.networks.encoder_decoders.backbone import pixels

LINEAR = "linear"
"""A linear probe: one 1×1 convolution of the backbone's last output, without an auxiliary head."""

AUXILIARY_SHARE = 0.4
"""Share of the auxiliary head's losses, as in every published config."""

POOLED = {
    "pspnet": "decode_head.psp_modules.0.1.bn",
    "deeplabv3": "decode_head.image_pool.1.bn",
    "upernet": "decode_head.psp_modules.0.1.bn",
}
"""Batch normalisation of one value an image, by head: it cannot be trained on one image."""

GRIDS = 1 + 4 + 9 + 36
"""Values that a pyramid of 1×1, 2×2, 3×3 and 6×6 pools a channel to."""


def probe(head: dict[str, Any], channels: int) -> dict[str, Any]:
    """The ``decode_head`` entry of a linear probe, from that of a published FCN head."""
    return {
        **head,
        "in_channels": channels,
        "channels": channels,
        "num_convs": 0,
        "kernel_size": 1,
        "concat_input": False,
    }


def cost(head: str, inputs: tuple[int, ...], reductions: tuple[int, ...], own: int, size: tuple[int, int]) -> float:
    """Multiply-adds of one forward pass without the last layer, whose classes are few.

    Args:
        head: Its name.
        inputs: Channels of the backbone's outputs, or of the neck's.
        reductions: Pixels of the image along a side for one value of each.
        own: The head's own channels.
        size: Of the image, (height, width).

    Raises:
        ValueError: No such head has a cost.
    """
    last, at = inputs[-1], [pixels(size, by) for by in reductions]
    match head:
        case "linear":
            return last * at[-1]
        case "fcn":
            return 9 * own * (2 * last + 2 * own) * at[-1]
        case "fcn-concatenated":  # HRNet's: one 1×1 convolution of all outputs at the first one's resolution
            return sum(inputs) * own * at[0]
        case "pspnet":
            return last * own * GRIDS + 9 * own * (last + 4 * own) * at[-1]
        case "deeplabv3":
            return last * own + own * (last + 27 * last + 45 * own) * at[-1]
        case "upernet":
            pyramid = last * own * GRIDS + 9 * own * (last + 4 * own) * at[-1]
            lateral = sum(own * (given + 9 * own) * here for given, here in zip(inputs[:-1], at, strict=False))
            return pyramid + lateral + 9 * len(inputs) * own**2 * at[0]
    raise ValueError(f"Expected a decode head with a known cost, but got {head!r}.")
