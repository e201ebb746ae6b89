"""U-Net S5-D16 from mmsegmentation's own configs, whole or cut down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mmseg
from mmengine.config import Config

from harness.specs import Loss, Model

AUXILIARY_WEIGHT = 0.4
"""Share of the auxiliary head's losses, as in every ``*_unet_s5-d16.py``."""


def config(model: Model, classes: int, loss: Loss) -> dict[str, Any]:
    """The ``model`` entry of an mmsegmentation config.

    The published file is read and changed where the recipe differs: number of classes, losses, BatchNorm instead of
    SyncBN (one device), evaluation on whole images, and fewer channels and stages of the backbone at the smoke scale.
    The heads keep their channels: cut to 8 as well, logits grow so slowly that nothing is found within 100 iterations.
    """
    file = Path(mmseg.__file__).parent / ".mim" / "configs" / "_base_" / "models" / f"{model.head}_unet_s5-d16.py"
    built: dict[str, Any] = Config.fromfile(file).model.to_dict()
    built.pop("pretrained", None)
    built.pop("data_preprocessor", None)
    norm = {"type": "BN", "requires_grad": True}
    stages, width = model.stages, model.width
    backbone = built["backbone"]
    backbone["base_channels"] = width
    backbone["num_stages"] = stages
    backbone["norm_cfg"] = norm
    for name in ("strides", "enc_num_convs", "enc_dilations"):
        backbone[name] = backbone[name][:stages]
    for name in ("dec_num_convs", "downsamples", "dec_dilations"):
        backbone[name] = backbone[name][: stages - 1]
    for head, channels, index, weight in (
        ("decode_head", width, stages - 1, 1.0),
        ("auxiliary_head", 2 * width, stages - 2, AUXILIARY_WEIGHT),
    ):
        entry = built[head]
        entry["in_channels"], entry["in_index"] = channels, index
        entry["num_classes"], entry["norm_cfg"] = classes, norm
        entry["loss_decode"] = losses(loss, weight)
    built["test_cfg"] = {"mode": "whole"}
    return built


def losses(loss: Loss, share: float) -> list[dict[str, Any]]:
    """``loss_decode`` of a head whose losses count by ``share``.

    Dice over all classes is mmsegmentation's default (a sigmoid per class); over the foreground it is taken from the
    softmax without class 0, which does not leave small networks collapsed.
    """
    entries: list[dict[str, Any]] = []
    if loss.cross_entropy:
        entry: dict[str, Any] = {"type": "CrossEntropyLoss", "use_sigmoid": False}
        if loss.class_weight:
            entry = {"type": "WeightedCrossEntropyLoss", "class_weight": list(loss.class_weight)}
        entries.append({**entry, "loss_name": "loss_ce", "loss_weight": share * loss.cross_entropy})
    if loss.dice:
        foreground = loss.dice_classes == "foreground"
        entries.append(
            {
                "type": "MaskedDiceLoss",
                "loss_name": "loss_dice",
                "use_sigmoid": not foreground,
                "ignore_index": 0 if foreground else 255,
                "loss_weight": share * loss.dice,
            }
        )
    return entries
