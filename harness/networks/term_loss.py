"""A loss term as a module of torch, which mmengine's registry builds from a config."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.registry import MODELS
from torch import nn

from harness.networks.losses import named, term
from harness.specs import Loss


class TermLoss(nn.Module):
    """One term of a weighted sum, called as mmsegmentation's heads call a loss.

    Args:
        spec: The term, with its weight.
    """

    def __init__(self, spec: Loss) -> None:
        super().__init__()
        self.spec, self.term = spec, term(spec)
        self.loss_name = f"loss_{self.term.name}"

    def extra_repr(self) -> str:
        """What torch prints of it."""
        return repr(self.spec)

    def forward(
        self,
        logits: torch.Tensor,
        targets: torch.Tensor,
        weight: torch.Tensor | None = None,
        ignore_index: int = -100,
    ) -> torch.Tensor:
        """The weighted loss; shapes as in :meth:`harness.networks.losses.Term.value`.

        Args:
            logits, targets: What is compared.
            weight: Always ``None``: mmsegmentation's weights of pixels, which no config here samples.
            ignore_index: Class index of a target that does not count.
        """
        del weight
        return self.spec.weight * self.term.value(self.spec, logits, targets, ignore_index)


@MODELS.register_module(name="TermLoss", force=True)  # type: ignore[untyped-decorator]
def _from_config(term: str, loss_weight: float, loss_name: str, **options: Any) -> TermLoss:
    """The loss of an entry that :meth:`harness.networks.losses.Term.config` wrote; its name follows from the term."""
    del loss_name
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    return TermLoss(named(term).spec(weight=loss_weight, **plain))
