"""Sigmoid focal loss, Lin et al. 2017, equation 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.networks.losses.term import Term
from harness.specs import Focal

if TYPE_CHECKING:
    import torch


class FocalTerm(Term[Focal]):
    """The mean of :func:`torchvision.ops.sigmoid_focal_loss` over classes and over what counts.

    mmsegmentation's ``FocalLoss`` needs an operator on GPUs that mmcv-lite does not have.
    """

    name = "focal"
    version = 1
    spec = Focal

    def value(self, spec: Focal, logits: torch.Tensor, targets: torch.Tensor, ignored: int) -> torch.Tensor:
        """As :meth:`Term.value`."""
        from torch.nn import functional
        from torchvision.ops import sigmoid_focal_loss

        valid = targets != ignored
        classes = logits.shape[1]
        one_hot = functional.one_hot(targets.clamp(0, classes - 1), classes).movedim(-1, 1).to(logits.dtype)
        each: torch.Tensor = sigmoid_focal_loss(logits, one_hot, alpha=spec.alpha, gamma=spec.gamma)
        return (each * valid.unsqueeze(1)).sum() / (classes * valid.sum()).clamp(min=1)


TERM = FocalTerm()
