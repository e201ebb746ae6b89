"""What an exported config needs beyond mmsegmentation and mmengine.

The config imports this module, which registers it: bf16 on any device, frozen parts with their running statistics,
colour jitter as torchvision has it, and weights in a file that can be loaded again. torch >= 2.6 does not load the
checkpoints that mmengine 0.10 writes (``iter_N.pth``: they hold bound methods beside the tensors), so mmengine's
``--resume`` only works there with TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 in the environment; ``weights.pth`` needs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS, OPTIM_WRAPPERS, TRANSFORMS
from mmengine.runner import Runner

from harness.jobs.optimisation import autocast, freeze

WEIGHTS = "weights.pth"
"""What a training of the config leaves in its work folder."""


@OPTIM_WRAPPERS.register_module(force=True)
class AutocastOptimWrapper(OptimWrapper):  # type: ignore[misc]
    """Forward passes in bfloat16; no loss scaling is needed. mmengine's ``AmpOptimWrapper`` insists on a GPU."""

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """mmengine's context (gradient accumulation) within autocast."""
        with super().optim_context(model), autocast(next(model.parameters()).device, "bf16"):
            yield


@HOOKS.register_module(force=True)
class KeptWeights(Hook):  # type: ignore[misc]
    """Writes the trained tensors, and nothing else, to ``weights.pth`` in the work folder."""

    @master_only  # type: ignore[untyped-decorator]
    def after_train(self, runner: Runner) -> None:
        """Writes the file."""
        torch.save({"state_dict": _network(runner).state_dict()}, Path(runner.work_dir) / WEIGHTS)


@HOOKS.register_module(force=True)
class FrozenParts(Hook):  # type: ignore[misc]
    """Keeps parts of the network as they are, running statistics included.

    Args:
        names: Names of modules of the network, ``"backbone"`` for example.
    """

    def __init__(self, names: list[str]) -> None:
        self.names = tuple(names)
        self.modules: list[torch.nn.Module] = []

    def before_train(self, runner: Runner) -> None:
        """Stops their training: a parameter without a gradient is left out by torch's optimisers."""
        self.modules = freeze(_network(runner), self.names)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Evaluation mode, which the loop ends after each evaluation of the whole network."""
        del runner, batch_idx, data_batch
        for module in self.modules:
            module.eval()


@TRANSFORMS.register_module(force=True)
class TorchvisionColourJitter:
    """torchvision's ``ColorJitter``; mmsegmentation's ``PhotoMetricDistortion`` adds to the brightness instead.

    Args:
        factors: ``brightness``, ``contrast`` and ``saturation``, as torchvision takes them.
    """

    def __init__(self, **factors: float) -> None:
        from torchvision.transforms import ColorJitter

        self.jitter = ColorJitter(**factors)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Changes ``results["img"]``, uint8 BGR ``(H, W, 3)``."""
        image = torch.from_numpy(np.ascontiguousarray(results["img"][..., ::-1])).permute(2, 0, 1)
        results["img"] = np.ascontiguousarray(self.jitter(image).permute(1, 2, 0).numpy()[..., ::-1])
        return results


def _network(runner: Runner) -> torch.nn.Module:
    """The network itself, also where it is distributed."""
    network: torch.nn.Module = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return network
