"""Logits, confusion counts, loss and class probabilities of a network on resident images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from harness.data.dataset import Targets
from harness.jobs.augmentation import padded_size
from harness.jobs.optimisation import autocast
from harness.jobs.resident import Resident, normalised
from harness.networks import building, family
from harness.networks.features import Features
from harness.specs import Recipe
from harness.tasks import task

PIXELS = 3_000_000
"""Pixels of the images that are evaluated at once: about 8 of the published 496×768."""

Inputs = Callable[[Resident, Recipe], Iterator[tuple[torch.Tensor | Features, torch.Tensor]]]
"""What gives a network's inputs and their targets as packed, by batches: :func:`inputs`, or features in their place."""


@contextmanager
def evaluating(network: torch.nn.Module) -> Iterator[None]:
    """Puts every module into evaluation mode while the block runs, and back into its own mode afterwards."""
    trained = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in trained:
            module.training = True


def inputs(data: Resident, recipe: Recipe) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of all images, as :func:`batch` makes them."""
    for positions in batches(data, recipe):
        yield batch(data, recipe, positions)


def batches(data: Resident, recipe: Recipe) -> Iterator[torch.Tensor]:
    """Positions of the images that are evaluated at once."""
    padded = padded_size(data.size, recipe.rescale, family(recipe.network).stride(recipe.network))
    size = max(1, PIXELS // (padded[0] * padded[1]))
    for first in range(0, len(data), size):
        yield torch.arange(first, min(first + size, len(data)), device=data.images.device)


def batch(data: Resident, recipe: Recipe, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Images as the network takes them at evaluation, ``(B, 3, h, w)``, and their targets as packed.

    Images are scaled by the recipe's ``Rescale`` and padded to the network's stride. Where there are companions they
    are ``(B, 6, h, w)``: the image's channels, then its companion's.
    """
    size, scaled = data.size, inner_size(data, recipe)
    padded = padded_size(size, recipe.rescale, family(recipe.network).stride(recipe.network))
    _, targets = data.take(positions)
    views = [normalised(each, recipe.normalise).expand(-1, 3, -1, -1) for each in data.views(positions)]
    images = torch.cat(views, dim=1) if len(views) > 1 else views[0]
    if scaled != size:
        images = functional.interpolate(images, scaled, mode="bilinear", align_corners=False)
    images = functional.pad(images, (0, padded[1] - scaled[1], 0, padded[0] - scaled[0]))
    return images.contiguous(memory_format=torch.channels_last), targets


def inner_size(data: Resident, recipe: Recipe) -> tuple[int, int]:
    """Height and width of the scaled images without padding."""
    return round(data.size[0] * recipe.rescale), round(data.size[1] * recipe.rescale)


@torch.no_grad()
def logits(
    network: torch.nn.Module, data: Resident, recipe: Recipe, inputs: Inputs = inputs
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Logits ``(B, C, H, W)`` at the packed resolution, or ``(B, C)``, and targets, in the order of the data."""
    inner, fitted = inner_size(data, recipe), task(recipe.task).fitted
    with evaluating(network), autocast(data.images.device, recipe.precision):
        for images, targets in inputs(data, recipe):
            yield fitted(building.logits(recipe.network, network, images), inner, data.size), targets


def confusion(
    network: torch.nn.Module, data: Resident, recipe: Recipe, inputs: Inputs = inputs
) -> npt.NDArray[np.int64]:
    """Confusion counts by image, ``(N, C, C)``, true class in rows."""
    counts = [task(recipe.task).counts(found, targets) for found, targets in logits(network, data, recipe, inputs)]
    return torch.cat(counts).cpu().numpy()


def predictions(network: torch.nn.Module, data: Resident, recipe: Recipe) -> Targets:
    """Predicted classes, ``(N, H, W)`` at the packed resolution or ``(N,)``, in the type of the targets."""
    classes = [
        found.argmax(dim=1).to(torch.uint8 if found.shape[1] <= 256 else torch.int16).cpu()
        for found, _ in logits(network, data, recipe)
    ]
    return torch.cat(classes).numpy()


def probabilities(network: torch.nn.Module, data: Resident, recipe: Recipe) -> npt.NDArray[np.float16]:
    """Class probabilities, ``(N, C, H, W)`` at the packed resolution or ``(N, C)``, in half precision."""
    shares = [found.float().softmax(dim=1).half().cpu() for found, _ in logits(network, data, recipe)]
    return torch.cat(shares).numpy() if shares else np.zeros((0,), np.float16)


@torch.no_grad()
def mean_loss(network: torch.nn.Module, data: Resident, recipe: Recipe, inputs: Inputs = inputs) -> float:
    """The training loss in evaluation mode, without augmentation: the mean over batches, weighted by their images."""
    total = 0.0
    padding = 255 if recipe.task == "segmentation" else None
    with evaluating(network), autocast(data.images.device, recipe.precision):
        for images, targets in inputs(data, recipe):
            if padding is not None:  # targets at the resolution of the input
                inner = inner_size(data, recipe)
                height, width = images.size if isinstance(images, Features) else images.shape[2:]
                targets = functional.interpolate(targets.unsqueeze(1), inner, mode="nearest").squeeze(1)
                targets = functional.pad(targets, (0, width - inner[1], 0, height - inner[0]), value=padding)
            total += len(images) * float(building.loss(recipe.network, network, images, targets.long()))
    return total / len(data)
