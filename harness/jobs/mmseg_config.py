"""The text of an arm's mmsegmentation config, and what the config needs beyond mmsegmentation itself.

The config imports this module, which registers what mmengine lacks: bf16 on any device, frozen parts with their
running statistics, and weights in a file that can be loaded again. torch >= 2.6 does not load the checkpoints that
mmengine 0.10 writes (``iter_N.pth``: they hold bound methods beside the tensors), so mmengine's ``--resume`` only works
there with TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 in the environment; ``weights.pth`` needs nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS, OPTIM_WRAPPERS
from mmengine.runner import Runner

from harness.data.dataset import IGNORED
from harness.models import building
from harness.specs import Augmentation, Recipe
from harness.training.optimisation import AutocastOptimWrapper, freeze

IMPORTS = ["harness.models.openmmlab", "harness.models.losses", "harness.mmseg_config"]
"""What the config has mmengine import, in this order: the first makes ``mmseg.models`` importable on mmcv-lite."""

WEIGHTS = "weights.pth"
"""What a training of the config leaves in its work folder."""

HERE = "{{ fileDirname }}"
"""The folder of a config file, wherever it lies, as mmengine spells it."""


def config(
    recipe: Recipe,
    classes: tuple[str, ...],
    shape: tuple[int, int, int],
    train_images: int,
    seed: int = 0,
    load_from: str | None = None,
) -> dict[str, Any]:
    """The content of ``config.py``.

    Args:
        recipe: The arm.
        classes: Class names by index.
        shape: Height, width and channels (1 or 3) of the images.
        train_images: How many images there are to train on.
        seed: Seed of mmengine's random numbers.
        load_from: File of initial weights.
    """
    iterations = recipe.budget.iterations(train_images, recipe.batch_size)
    mean, std = recipe.normalise
    crop = recipe.augmentation.crop
    stride = recipe.model.stride
    model = building.config(recipe.model, len(classes), recipe.loss)
    model["data_preprocessor"] = {
        "type": "SegDataPreProcessor",
        "mean": [mean] * 3,
        "std": [std] * 3,
        "bgr_to_rgb": shape[2] == 3,  # OpenCV reads BGR; a grey image is read as three equal channels
        "pad_val": 0,
        "seg_pad_val": IGNORED,
        **({"size": crop} if crop is not None else {"size_divisor": stride}),
        "test_cfg": {"size_divisor": stride},
    }

    def dataset(part: str, pipeline: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "type": "BaseSegDataset",
            "data_root": HERE,
            "data_prefix": {"img_path": f"images/{part}", "seg_map_path": f"annotations/{part}"},
            "img_suffix": ".png",
            "seg_map_suffix": ".png",
            "metainfo": {"classes": classes},
            "pipeline": pipeline,
        }

    frozen = [{"type": "FrozenParts", "prefixes": list(recipe.frozen)}] if recipe.frozen else []
    workers = {"num_workers": 2, "persistent_workers": True}
    evaluated = {
        "batch_size": 1,
        **workers,
        "sampler": {"type": "DefaultSampler", "shuffle": False},
        "dataset": dataset("val", _test_pipeline(recipe.test_resize)),
    }
    evaluator = {"type": "IoUMetric", "iou_metrics": ["mIoU", "mDice"]}
    return {
        "default_scope": "mmseg",
        "custom_imports": {"imports": IMPORTS, "allow_failed_imports": False},
        "work_dir": f"{HERE}/work_dir",
        "randomness": {"seed": seed},
        "model": model,
        "train_dataloader": {
            "batch_size": recipe.batch_size,
            **workers,
            "sampler": {"type": "InfiniteSampler", "shuffle": True},
            "dataset": dataset("train", _train_pipeline(recipe.augmentation, shape[:2])),
        },
        "val_dataloader": evaluated,
        "test_dataloader": evaluated,
        "val_evaluator": evaluator,
        "test_evaluator": evaluator,
        "optim_wrapper": {
            "type": "AutocastOptimWrapper" if recipe.precision == "bf16" else "OptimWrapper",
            "optimizer": _optimiser(recipe),
        },
        "param_scheduler": _schedule(recipe, iterations),
        "train_cfg": {
            "type": "IterBasedTrainLoop",
            "max_iters": iterations,
            "val_interval": recipe.budget.evaluated_at(iterations)[0],
        },
        "val_cfg": {"type": "ValLoop"},
        "test_cfg": {"type": "TestLoop"},
        "default_hooks": {
            "logger": {"type": "LoggerHook", "interval": 50, "log_metric_by_epoch": False},
            "checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": iterations},
        },
        "custom_hooks": [{"type": "KeptWeights"}, *frozen],
        "log_processor": {"by_epoch": False},
        "env_cfg": {"cudnn_benchmark": True, "mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0}},
        "load_from": load_from,
        "resume": False,
    }


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
        prefixes: Names of modules of the network, ``"backbone"`` for example.
    """

    def __init__(self, prefixes: list[str]) -> None:
        self.prefixes = tuple(prefixes)
        self.modules: list[torch.nn.Module] = []

    def before_train(self, runner: Runner) -> None:
        """Stops their training: a parameter without a gradient is left out by torch's optimisers."""
        self.modules = freeze(_network(runner), self.prefixes)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Evaluation mode, which the loop ends after each evaluation of the whole network."""
        del runner, batch_idx, data_batch
        for module in self.modules:
            module.eval()


def _network(runner: Runner) -> torch.nn.Module:
    """The network itself, also where it is distributed."""
    network: torch.nn.Module = runner.model.module if is_model_wrapper(runner.model) else runner.model
    return network


OPTIM_WRAPPERS.register_module(name="AutocastOptimWrapper", module=AutocastOptimWrapper, force=True)


def _train_pipeline(augmentation: Augmentation, image: tuple[int, int]) -> list[dict[str, Any]]:
    low, high = augmentation.resize
    steps: list[dict[str, Any]] = [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}]
    if low != high:
        scale = (image[1], image[0])
        steps.append({"type": "RandomResize", "scale": scale, "ratio_range": (low, high), "keep_ratio": True})
    elif low != 1:
        steps.append({"type": "Resize", "scale_factor": low, "keep_ratio": True})
    if augmentation.crop is not None:
        steps.append({"type": "RandomCrop", "crop_size": augmentation.crop})
    if augmentation.flip:
        steps.append({"type": "RandomFlip", "prob": augmentation.flip})
    return [*steps, {"type": "PackSegInputs"}]


def _test_pipeline(resize: float) -> list[dict[str, Any]]:
    """Annotations come after the resize: metrics are taken at the resolution of the files."""
    resized = [{"type": "Resize", "scale_factor": resize, "keep_ratio": True}] if resize != 1 else []
    return [{"type": "LoadImageFromFile"}, *resized, {"type": "LoadAnnotations"}, {"type": "PackSegInputs"}]


def _optimiser(recipe: Recipe) -> dict[str, Any]:
    spec = recipe.optimiser
    kind = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}[spec.name]
    momentum = {"momentum": spec.momentum} if spec.name == "sgd" else {}
    return {"type": kind, "lr": spec.lr, **momentum, "weight_decay": spec.weight_decay}


def _schedule(recipe: Recipe, iterations: int) -> list[dict[str, Any]]:
    schedule = recipe.schedule
    if schedule.name == "constant":
        return []
    span = {"begin": 0, "end": iterations, "by_epoch": False}
    return [{"type": "PolyLR", "eta_min": schedule.min_lr, "power": schedule.power, **span}]
