"""Families of classification networks."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from harness.networks.family import Family, input_size
from harness.specs import Classifier, Loss, Recipe

if TYPE_CHECKING:
    import torch


class ClassifierFamily(Family):
    """A family whose networks are one module with dropout before its last layer.

    Most are torchvision's, under torchvision's names of backbones and of tensors.

    Attributes:
        least: Smallest height and width of an image, in pixels, that the networks take.
    """

    kind = Classifier
    least = 1

    def check_network(self, network: Classifier) -> None:
        """As :meth:`Family.check_network`; torchvision builds its networks whole."""
        if network.shrink is not None:
            raise ValueError(
                f"Expected classifier `shrink` of {network.backbone} to be None, because torchvision builds it whole, "
                f"but got {network.shrink!r}; take the backbone of a segmenter, 'r18-d8' for example."
            )

    def check(self, recipe: Recipe) -> None:
        """As :meth:`Family.check`; images must also be large enough."""
        super().check(recipe)
        size = input_size(recipe, 1)
        if size is not None and min(size) < self.least:
            raise ValueError(
                f"Expected images of at least {self.least}×{self.least} pixels for {recipe.network.backbone}, "
                f"but got {size[0]}×{size[1]}; choose a larger crop or size."
            )

    @abstractmethod
    def make(self, network: Classifier, classes: int) -> torch.nn.Module:
        """The network with random weights and with dropout before its last layer, without losses."""

    def create(self, network: Classifier, classes: int, losses: tuple[Loss, ...]) -> torch.nn.Module:
        """As :meth:`make` builds it, the losses beside it as ``loss_terms``."""
        from torch import nn

        from harness.networks.term_loss import TermLoss

        self.check_network(network)
        module = self.make(network, classes)
        module.loss_terms = nn.ModuleList(TermLoss(spec) for spec in losses)
        return module

    def loss(self, module: torch.nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Every term of the logits."""
        import torch

        logits = module(images)
        terms: torch.nn.ModuleList = module.loss_terms  # type: ignore[assignment]
        return torch.stack([each(logits, targets) for each in terms]).sum()

    def logits(self, module: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
        """What the network gives."""
        logits: torch.Tensor = module(images)
        return logits
