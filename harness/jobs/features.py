"""Features of a frozen backbone, each computed once: what the heads train on and are evaluated on.

Images at evaluation are always the same. In training they are where the transforms leave each as it is or mirrored (an
image and its companion in four ways). Order, mirroring and dropout are drawn as for images, so that a training comes to
the same but for rounding.

Nothing is computed before it is needed, and nothing of it is in a checkpoint: a resumed training computes it again. On
the CPU it comes to the same bits, because each training view runs through the backbone alone (oneDNN rounds otherwise
in a batch of another size).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from harness.jobs import evaluation
from harness.jobs.batches import Batches
from harness.jobs.memory import free_memory
from harness.jobs.optimisation import autocast
from harness.jobs.resident import Resident
from harness.networks import building, family
from harness.networks.features import Features, joined
from harness.specs import Recipe

Views = dict[tuple[int, ...], tuple[Features, torch.Tensor]]
"""Features and targets by the image, and whether it and its companion, where there is one, are mirrored."""


class FrozenBackbone:
    """The trunk of a network that a training leaves as it is.

    Args:
        network: The network, on the device; the trunk is in evaluation mode.
        recipe: What it trains by.
        device: Where the network is, and where features stay.

    Attributes:
        taken: Bytes of the features that stay.
    """

    def __init__(self, network: torch.nn.Module, recipe: Recipe, device: torch.device) -> None:
        self.network, self.recipe, self.device = network, recipe, device
        self.taken = 0
        self._evaluated: dict[int, tuple[Resident, dict[int, tuple[Features, torch.Tensor]]]] = {}

    @torch.no_grad()
    def features(self, images: torch.Tensor) -> Features:
        """What the trunk makes of normalised images, in the precision of the recipe."""
        with autocast(self.device, self.recipe.precision):
            return building.features(self.recipe.network, self.network, images)

    def takes(self, features: Features) -> bool:
        """Whether features may stay, and counts them if so.

        They may as long as all together take no more than what is left on the device then. Of processes that share a
        device each has an equal share in the end, and one such share stays free.
        """
        if self.taken + features.nbytes > free_memory(self.device):
            return False
        self.taken += features.nbytes
        return True

    def inputs(self, data: Resident, recipe: Recipe) -> Iterator[tuple[Features, torch.Tensor]]:
        """As :func:`harness.jobs.evaluation.inputs`, with features in place of images."""
        _, kept = self._evaluated.setdefault(id(data), (data, {}))
        for number, positions in enumerate(evaluation.batches(data, recipe)):
            if number in kept:
                yield kept[number]
                continue
            images, targets = evaluation.batch(data, recipe, positions)
            found = self.features(images), targets
            if self.takes(found[0]):
                kept[number] = found
            yield found


class FeatureBatches:
    """Training batches of features: number ``k`` is that of ``batches``, through the backbone.

    Args:
        backbone: What makes the features.
        batches: Batches of images that are mirrored at most.
    """

    def __init__(self, backbone: FrozenBackbone, batches: Batches) -> None:
        self.backbone, self.batches = backbone, batches
        self._kept: Views = {}
        self._images = batches.data.indices.cpu().numpy()

    def batch(self, iteration: int) -> tuple[Features, torch.Tensor]:
        """Features and targets, int64 ``(B, h, w)`` or ``(B,)``, of one iteration."""
        drawn = self.batches.drawn(iteration)
        flips = (each.flip.tolist() for each in drawn.windows)
        views = list(zip(self._images[drawn.positions].tolist(), *flips, strict=True))
        found = {view: self._kept[view] for view in views if view in self._kept}
        lacking = {view: row for row, view in enumerate(views) if view not in found}  # an image may come twice
        rows = list(lacking.values())
        for together in [rows] if self.backbone.device.type == "cuda" and rows else [[row] for row in rows]:
            images, targets = self.batches.cut([drawn.at(together)])
            for row, features, target in zip(together, self.backbone.features(images).each(), targets, strict=True):
                found[views[row]] = features, target
                if self.backbone.takes(features):
                    self._kept[views[row]] = found[views[row]]
        in_order = [found[view] for view in views]
        return joined([each for each, _ in in_order]), torch.stack([target for _, target in in_order])


def sources(
    network: torch.nn.Module, recipe: Recipe, data: Resident, seed: int
) -> tuple[Batches | FeatureBatches, evaluation.Inputs]:
    """Where a training gets its batches from, and what it evaluates: features where they can be computed once.

    Args:
        network: The network, what is frozen in evaluation mode.
        recipe: What it trains by.
        data: The training split.
        seed: Seed of the training.
    """
    own = family(recipe.network)
    batches = Batches(data, recipe, seed, own.stride(recipe.network))
    if not own.freezes_trunk(recipe):
        return batches, evaluation.inputs
    backbone = FrozenBackbone(network, recipe, data.images.device)
    return FeatureBatches(backbone, batches) if recipe.mirrors_only(data.size) else batches, backbone.inputs
