"""Sigmoid focal loss, Lin et al. 2017, equation 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.networks.losses.term import Term
from harness.specs import Focal

if TYPE_CHECKING:
    import torch


class FocalTerm(Term[Focal]):
    """The mean of :func:`torchvision.ops.sigmoid_focal_loss` over classes and over what counts, by class weights.

    The sigmoid form, of every class against the rest, as mmsegmentation's ``FocalLoss``, which needs an operator on
    GPUs that mmcv-lite does not have. Its ``class_weight`` is of channels, which changes the optimum of none of them;
    here a weight is of the pixels of a class, as in the cross entropy.
    """

    name = "focal"
    version = 1
    spec = Focal

    def check(self, spec: Focal, classes: int) -> None:
        """Raises ValueError unless there is a weight for each class."""
        if spec.class_weight is not None and len(spec.class_weight) != classes:
            raise ValueError(
                f"Expected Focal `class_weight` to hold a weight for each of {classes} classes, "
                f"but got {len(spec.class_weight)}."
            )

    def value(self, spec: Focal, logits: torch.Tensor, targets: torch.Tensor, ignored: int) -> torch.Tensor:
        """As :meth:`Term.value`."""
        import torch
        from torch.nn import functional
        from torchvision.ops import sigmoid_focal_loss

        valid = targets != ignored
        classes = logits.shape[1]
        one_hot = functional.one_hot(targets.clamp(0, classes - 1), classes).movedim(-1, 1).to(logits.dtype)
        each: torch.Tensor = sigmoid_focal_loss(logits, one_hot, alpha=spec.alpha, gamma=spec.gamma)
        if spec.class_weight is None:
            return (each * valid.unsqueeze(1)).sum() / (classes * valid.sum()).clamp(min=1)
        weights = logits.new_tensor(spec.class_weight)[targets.clamp(0, classes - 1)] * valid
        total = weights.sum()
        return (each * weights.unsqueeze(1)).sum() / (classes * total.where(total > 0, torch.ones_like(total)))


TERM = FocalTerm()
