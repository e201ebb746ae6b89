"""Cross entropy of the softmax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.networks.losses.term import Term
from harness.specs import CrossEntropy

if TYPE_CHECKING:
    import torch


class CrossEntropyTerm(Term[CrossEntropy]):
    """:func:`torch.nn.functional.cross_entropy`, a mean over what counts, by class weights where there are some.

    Segmentations without class weights take mmsegmentation's ``CrossEntropyLoss`` instead, which the papers trained
    with: its mean is over all pixels, the ignored ones included, whose loss is 0. With class weights mmsegmentation
    1.2.2 looks the weight of every label up and fails on label 255.
    """

    name = "ce"
    version = 1
    spec = CrossEntropy

    def check(self, spec: CrossEntropy, classes: int) -> None:
        """Raises ValueError unless there is a weight for each class."""
        if spec.class_weight is not None and len(spec.class_weight) != classes:
            raise ValueError(
                f"Expected CrossEntropy `class_weight` to hold a weight for each of {classes} classes, "
                f"but got {len(spec.class_weight)}."
            )

    def value(self, spec: CrossEntropy, logits: torch.Tensor, targets: torch.Tensor, ignored: int) -> torch.Tensor:
        """As :meth:`Term.value`."""
        from torch.nn import functional

        weights = None if spec.class_weight is None else logits.new_tensor(spec.class_weight)
        return functional.cross_entropy(logits, targets, weights, ignore_index=ignored)

    def config(self, spec: CrossEntropy, weight: float) -> dict[str, Any]:
        """As :meth:`Term.config`."""
        if spec.class_weight is not None:
            return super().config(spec, weight)
        return {"type": "CrossEntropyLoss", "use_sigmoid": False, "loss_name": "loss_ce", "loss_weight": weight}


TERM = CrossEntropyTerm()
