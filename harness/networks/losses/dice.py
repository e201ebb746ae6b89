"""Soft Dice loss of a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.networks.losses.term import Term
from harness.specs import Dice

if TYPE_CHECKING:
    import torch


class DiceTerm(Term[Dice]):
    """:class:`mmseg.models.losses.DiceLoss` (V-Net form, per image over all kept classes) on valid pixels only.

    mmsegmentation 1.2.2 gives a pixel labelled 255 no class but leaves its prediction in the denominator, so padding
    is punished as foreground. Here predictions and targets are both 0 there. Over the foreground the softmax is taken,
    which does not leave small networks collapsed.
    """

    name = "dice"
    version = 1
    spec = Dice
    tasks = ("segmentation",)

    def value(self, spec: Dice, logits: torch.Tensor, targets: torch.Tensor, ignored: int) -> torch.Tensor:
        """As :meth:`Term.value`."""
        import harness.networks.openmmlab  # noqa: F401

        # isort: split
        from mmseg.models.losses.dice_loss import dice_loss
        from torch.nn import functional

        valid = (targets != ignored).unsqueeze(1)
        classes = logits.shape[1]
        one_hot = functional.one_hot(targets.clamp(0, classes - 1), classes).permute(0, 3, 1, 2)
        foreground = spec.over == "foreground"
        probability = logits.softmax(dim=1) if foreground else logits.sigmoid()
        without = 0 if foreground else None
        loss: torch.Tensor = dice_loss(probability * valid, one_hot * valid, None, ignore_index=without)
        return loss


TERM = DiceTerm()
