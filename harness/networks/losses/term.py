"""What a loss is to the rest of the library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from harness.specs import Loss

if TYPE_CHECKING:
    import torch

Spec = TypeVar("Spec", bound=Loss)


class Term(ABC, Generic[Spec]):
    """Computes the losses of one type of spec. A module of ``harness.networks.losses`` holds one each.

    The module must not import torch before a value is computed, because terms are asked while pytest collects.

    Attributes:
        name: Name in logs, ``loss_<name>``, and in exported configs.
        version: Raise it with every change of what is computed: jobs are done anew then.
        spec: The type of spec; the module may define it.
        tasks: The tasks that it is defined for.
    """

    name: str
    version: int
    spec: type[Spec]
    tasks: tuple[str, ...] = ("segmentation", "classification")

    def check(self, spec: Spec, classes: int) -> None:
        """Raises ValueError, one sentence, where the loss does not suit that many classes."""

    @abstractmethod
    def value(self, spec: Spec, logits: torch.Tensor, targets: torch.Tensor, ignored: int) -> torch.Tensor:
        """The loss before it is weighted, a scalar.

        Args:
            spec: The spec.
            logits: ``(B, C, h, w)`` of a segmentation, ``(B, C)`` of a classification.
            targets: Class indices, int64 ``(B, h, w)`` or ``(B,)``.
            ignored: Class index of a target that does not count.
        """

    def config(self, spec: Spec, weight: float) -> dict[str, Any]:
        """The loss as an entry of ``loss_decode`` in an mmsegmentation config, with ``weight`` as its factor."""
        options = {item.name: getattr(spec, item.name) for item in fields(spec) if item.name != "weight"}
        return {
            "type": "TermLoss",
            "term": self.name,
            **options,
            "loss_name": f"loss_{self.name}",
            "loss_weight": weight,
        }
