"""Where a classification network looked: heat maps by Grad-CAM, Selvaraju et al. 2017, of the report's few images."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from harness.jobs import evaluation
from harness.jobs.resident import Resident
from harness.networks import family
from harness.specs import Recipe


def heat_maps(
    network: torch.nn.Module, data: Resident, recipe: Recipe, classes: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.uint8]:
    """How much each place of an image spoke for a class, each map scaled to its own largest value.

    Args:
        network: The trained network; its weights and its modes stay what they are.
        data: N images.
        recipe: The network's recipe.
        classes: For which class of each image, ``(N,)``: the predicted one.

    Returns:
        ``(N, h, w)``, 0 to 255, at the size of the network's input without padding. Of a network that takes several
        images at once, the map is that of the first.
    """
    height, width = evaluation.inner_size(data, recipe)
    layer = family(recipe.network).last_map(network)
    maps = np.zeros((len(data), height, width), np.uint8)
    with evaluation.evaluating(network):
        for index, of_class in enumerate(classes.tolist()):
            images, _ = evaluation.batch(data, recipe, torch.tensor([index], device=data.images.device))
            maps[index] = heat_map(network, layer, images, of_class)[:height, :width]
    return maps


def heat_map(
    network: torch.nn.Module, layer: torch.nn.Module, image: torch.Tensor, of_class: int
) -> npt.NDArray[np.uint8]:
    """Grad-CAM of one image.

    Args:
        network: Gives logits ``(1, classes)``; in evaluation mode.
        layer: The module of it whose output ``(1, K, u, v)`` is weighted.
        image: ``(1, C, h, w)``.
        of_class: The class whose logit is explained.

    Returns:
        ``(h, w)``, 0 to 255; all 0 where nothing spoke for the class.
    """
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    cam = GradCAM(model=network, target_layers=[layer])
    # What follows the layer may change its output in place, as DenseNet's rectifier does: it gets a copy.
    copying = layer.register_forward_hook(lambda module, inputs, output: output.clone())
    try:
        # The maps of the first image stand first, whether the layer is called once for all or once for each.
        found = cam(input_tensor=image, targets=[ClassifierOutputTarget(of_class)])[0]
    finally:
        copying.remove()
        cam.activations_and_grads.release()  # its own context manager would swallow an IndexError
        network.zero_grad(set_to_none=True)
    return np.asarray(np.rint(255 * np.clip(found, 0, 1)), np.uint8)
