"""mmsegmentation's losses where 1.2.2 does not take pixels that are labelled to be ignored."""

from __future__ import annotations

import torch
from mmseg.models.losses.dice_loss import DiceLoss, dice_loss
from mmseg.registry import MODELS
from torch import nn
from torch.nn import functional


@MODELS.register_module(name="MaskedDiceLoss", force=True)
class MaskedDiceLoss(DiceLoss):  # type: ignore[misc]
    """:class:`mmseg.models.losses.DiceLoss` (V-Net form, per image over all kept classes) on valid pixels only.

    mmsegmentation 1.2.2 gives a pixel labelled 255 no class but leaves its prediction in the denominator, so padding
    is punished as foreground. Here predictions and targets are both 0 there.
    """

    def forward(
        self,
        pred: torch.Tensor,
        target: torch.Tensor,
        weight: torch.Tensor | None = None,
        avg_factor: int | None = None,
        reduction_override: str | None = None,
        ignore_index: int = 255,
        **_kwargs: object,
    ) -> torch.Tensor:
        """Loss of logits ``pred`` ``(N, C, H, W)`` against class indices ``target`` ``(N, H, W)``."""
        valid = (target != ignore_index).unsqueeze(1)
        classes = pred.shape[1]
        one_hot = functional.one_hot(target.clamp(0, classes - 1), classes).permute(0, 3, 1, 2)
        probability = pred.sigmoid() if self.use_sigmoid else pred.softmax(dim=1)
        loss: torch.Tensor = self.loss_weight * dice_loss(
            probability * valid,
            one_hot * valid,
            weight,
            eps=self.eps,
            reduction=reduction_override or self.reduction,
            naive_dice=self.naive_dice,
            avg_factor=avg_factor,
            ignore_index=self.ignore_index,
        )
        return loss


@MODELS.register_module(name="WeightedCrossEntropyLoss", force=True)
class WeightedCrossEntropyLoss(nn.Module):
    """Cross entropy with class weights, as :func:`torch.nn.functional.cross_entropy` defines it.

    mmsegmentation 1.2.2's ``CrossEntropyLoss`` with ``class_weight`` looks the weight of every label up, and fails on
    label 255.

    Args:
        class_weight: One weight for each class.
        loss_weight: Factor of the loss.
        loss_name: Name in the log; it must begin with ``loss_`` to be trained on.
    """

    def __init__(self, class_weight: list[float], loss_weight: float = 1.0, loss_name: str = "loss_ce") -> None:
        super().__init__()
        self.class_weight, self.loss_weight, self.loss_name = class_weight, loss_weight, loss_name

    def forward(
        self,
        pred: torch.Tensor,
        target: torch.Tensor,
        weight: torch.Tensor | None = None,
        ignore_index: int = 255,
        **_kwargs: object,
    ) -> torch.Tensor:
        """Loss of logits ``pred`` ``(N, C, H, W)`` against class indices ``target`` ``(N, H, W)``."""
        del weight
        weights = pred.new_tensor(self.class_weight)
        return self.loss_weight * functional.cross_entropy(pred, target, weights, ignore_index=ignore_index)
