"""An arm as a plain mmsegmentation project: image files, masks and one config that mmseg's own tools run.

With this repository in PYTHONPATH and TOOLS for ``<site-packages>/mmseg/.mim/tools``::

    python TOOLS/train.py FOLDER/config.py
    python TOOLS/test.py FOLDER/config.py FOLDER/work_dir/weights.pth

The folder may be moved: paths in the config are relative to it. Its training differs from the harness's in the random
draws themselves (mmsegmentation draws from its own streams, also the initial weights), in that resized images are
rounded to whole grey levels, in that padding is never mirrored, and in that evaluations are not under autocast.

The config imports this module too, which registers what mmengine lacks: bf16 on any device, frozen parts with their
running statistics, and weights in a file that can be loaded again. torch >= 2.6 does not load the checkpoints that
mmengine 0.10 writes (``iter_N.pth``: they hold bound methods beside the tensors), so mmengine's ``--resume`` only works
there with TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 in the environment; ``weights.pth`` needs nothing.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from mmengine.config import Config
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS, OPTIM_WRAPPERS
from mmengine.runner import Runner

from harness import data as datasets
from harness.evidence import Catalogue
from harness.models import building, weights
from harness.specs import Augmentation, Checkpoint, Pretrained, Recipe
from harness.training.optimisation import AutocastOptimWrapper, freeze

Split = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]

IMPORTS = ["harness.models.openmmlab", "harness.models.losses", "harness.export"]
"""What the config has mmengine import, in this order: the first makes ``mmseg.models`` importable on mmcv-lite."""

WEIGHTS = "weights.pth"
"""What a training of the config leaves in its work folder."""

_HERE = "{{ fileDirname }}"
"""The folder of a config file, wherever it lies, as mmengine spells it."""


class ExportError(ValueError):
    """An arm cannot be exported; the message is one sentence for the user."""


def export(
    recipe: Recipe,
    packed: datasets.Packed,
    split: Split,
    folder: Path,
    seed: int = 0,
    initial: tuple[weights.State, str] | None = None,
) -> Path:
    """Writes an arm as ``images/``, ``annotations/`` (``train`` and ``val`` each) and ``config.py``.

    Args:
        recipe: The arm, with its data resolved.
        packed: Its data.
        split: Indices of the training and of the test images, as :func:`harness.data.split` gives them.
        folder: A folder that does not exist yet or is empty.
        seed: Seed of mmengine's random numbers.
        initial: Tensors that the training starts from, and where they are from; they become ``initial.pth``. Needed
            where the recipe starts from another recipe's result; a checkpoint file of the recipe is read without.

    Returns:
        The config file.

    Raises:
        ExportError: The folder holds something or cannot be written, or the initial weights are not given.
        ValueError: The recipe does not fit the network, or the weights do not (``WeightsError``).
    """
    if initial is None and isinstance(recipe.init, Checkpoint):
        initial = weights.read(recipe.init), recipe.init.path
    if initial is None and isinstance(recipe.init, Pretrained):
        raise ExportError(
            f"Expected the weights that the arm on {recipe.data.name} starts from, but got none; train its source on "
            f"{recipe.init.recipe.data.name} first, or export the source with it by `export_arm`."
        )
    network = building.build(recipe.model, len(packed.classes), recipe.loss, seed)
    freeze(network, recipe.frozen)
    if initial is not None:
        weights.fit(network, *initial)
    return _write(recipe, packed, split, folder, seed, initial)


def export_arm(
    recipe: Recipe, seed: int, catalogue: Catalogue, folder: Path, source_weights: Path | None = None
) -> Path:
    """Exports one run of a claim's arm, and where it starts from another recipe's result that recipe with it.

    Without ``source_weights`` the source goes to ``folder/source``, and ``config.py`` starts from what
    ``source/config.py`` leaves in its work folder: train the source first.

    Args:
        recipe: The arm, with its data resolved.
        seed: Seed of the run.
        catalogue: Where data come from.
        folder: A folder that does not exist yet or is empty.
        source_weights: Weights of the source run, a file of tensors by name (the run store keeps such files).

    Returns:
        The config file.

    Raises:
        ExportError, ValueError: As :func:`export`.
    """
    packed = catalogue.load(recipe.data)
    split = datasets.split(packed, recipe.data, seed)
    init = recipe.init
    if not isinstance(init, Pretrained):
        return export(recipe, packed, split, folder, seed)
    if source_weights is not None:
        return export(recipe, packed, split, folder, seed, (_tensors(source_weights), str(source_weights)))
    config = _write(recipe, packed, split, folder, seed, f"{_HERE}/source/work_dir/{WEIGHTS}")
    export_arm(init.recipe, seed if init.seed is None else init.seed, catalogue, folder / "source")
    return config


def mmseg_config(
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
        "seg_pad_val": datasets.IGNORED,
        **({"size": crop} if crop is not None else {"size_divisor": stride}),
        "test_cfg": {"size_divisor": stride},
    }

    def dataset(part: str, pipeline: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "type": "BaseSegDataset",
            "data_root": _HERE,
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
        "work_dir": f"{_HERE}/work_dir",
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


def _tensors(path: Path) -> weights.State:
    try:
        state: weights.State = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ExportError(f"Expected weights at {path}, but they cannot be read ({error.strerror}).") from error
    return state


def _write(
    recipe: Recipe,
    packed: datasets.Packed,
    split: Split,
    folder: Path,
    seed: int,
    initial: tuple[weights.State, str] | str | None,
) -> Path:
    """Everything is written beside the folder and moved there in one step."""
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"Expected a folder to export to that is new or empty, but {folder} is not; give another.")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        for part, indices in zip(("train", "val"), split, strict=True):
            _write_images(packed, indices, part, temporary)
        load_from: str | None = None
        if isinstance(initial, str):
            load_from = initial
        elif initial is not None:
            load_from = f"{_HERE}/initial.pth"
            torch.save({"state_dict": dict(initial[0])}, temporary / "initial.pth")
        content = mmseg_config(recipe, packed.classes, _shape(packed), len(split[0]), seed, load_from)
        (temporary / "config.py").write_text(_header(recipe, seed) + Config(content).pretty_text, encoding="utf-8")
        os.replace(temporary, folder)
    except OSError as error:
        reason = error.strerror or error
        raise ExportError(
            f"Expected to write to {folder}, but it failed ({reason}); give a folder with room."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder / "config.py"


def _shape(packed: datasets.Packed) -> tuple[int, int, int]:
    _, height, width, channels = packed.images.shape
    return height, width, channels


def _write_images(packed: datasets.Packed, indices: npt.NDArray[np.intp], part: str, folder: Path) -> None:
    """PNG files whose names sort as the indices do; grey images have one channel, others are RGB."""
    from PIL import Image

    for kind in ("images", "annotations"):
        (folder / kind / part).mkdir(parents=True)
    for index in indices:
        name = f"{index:05d}-{re.sub(r'[^0-9A-Za-z_-]+', '_', packed.ids[index])}.png"
        image = packed.images[index]
        Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(folder / "images" / part / name)
        Image.fromarray(packed.masks[index]).save(folder / "annotations" / part / name)


def _header(recipe: Recipe, seed: int) -> str:
    data, model = recipe.data, recipe.model
    text = (
        f"An arm of a claim, exported for mmsegmentation: {model.backbone} with {model.head}, {data.name}",
        f"({data.evidence or 'unresolved'} data), seed {seed}. Run it with mmseg's tools/train.py; `harness` must be",
        "importable (PYTHONPATH). Where `load_from` is in source/work_dir, train source/config.py first.",
    )
    return "".join(f"# {line}\n" for line in text) + "\n"
