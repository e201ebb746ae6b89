"""The text of an arm's mmsegmentation config: what of a recipe becomes which entry."""

from __future__ import annotations

from typing import Any

from harness.data import IGNORED
from harness.networks import family
from harness.networks.segmenters import SegmenterFamily
from harness.specs import (
    ColourJitter,
    Normalise,
    Poly,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Recipe,
    Rescale,
    Segmenter,
    Step,
    Transform,
    WeightsPart,
)
from harness.specs.schedules import epoch

IMPORTS = [
    "harness.networks.openmmlab",
    "harness.networks.term_loss",
    "harness.networks.encoder_decoders.modules",
    "harness.jobs.mmseg_parts",
]
"""What the config has mmengine import, in this order: the first makes ``mmseg.models`` importable on mmcv-lite."""

HERE = "{{ fileDirname }}"
"""The folder of a config file, wherever it lies, as mmengine spells it."""


def config(
    recipe: Recipe,
    classes: tuple[str, ...],
    shape: tuple[int, int, int],
    train_images: int,
    *,
    seed: int = 0,
    evaluated: str = "test",
    load_from: str | None = None,
    part: WeightsPart = "all",
) -> dict[str, Any]:
    """The content of ``config.py``.

    Args:
        recipe: The arm.
        classes: Class names by index.
        shape: Height, width and channels (1 or 3) of the images.
        train_images: How many images there are to train on.
        seed: Seed of mmengine's random numbers.
        evaluated: Folder of the images that the training is evaluated on, below ``images`` and ``annotations``.
        load_from: File of initial weights.
        part: What is taken from it.
    """
    network, built = recipe.network, family(recipe.network)
    assert isinstance(network, Segmenter)
    assert isinstance(built, SegmenterFamily)
    epoch_iterations = epoch(train_images, recipe.batch_size)
    iterations = recipe.budget.iterations(train_images, recipe.batch_size)
    model = built.config(network, len(classes), recipe.losses)
    model["data_preprocessor"] = _preprocessor(recipe, shape[2], built.stride(network))
    if load_from is not None and part == "backbone":
        built.start_backbone(model, load_from)
        load_from = None

    def loader(folder: str, pipeline: list[dict[str, Any]], **settings: Any) -> dict[str, Any]:
        return {
            "num_workers": 2,
            "persistent_workers": True,
            **settings,
            "dataset": {
                "type": "BaseSegDataset",
                "data_root": HERE,
                "data_prefix": {"img_path": f"images/{folder}", "seg_map_path": f"annotations/{folder}"},
                "img_suffix": ".png",
                "seg_map_suffix": ".png",
                "metainfo": {"classes": classes},
                "pipeline": pipeline,
            },
        }

    test_pipeline = _test_pipeline(recipe.rescale)
    in_order = {"batch_size": 1, "sampler": {"type": "DefaultSampler", "shuffle": False}}
    evaluator = {"type": "IoUMetric", "iou_metrics": ["mIoU", "mDice"]}
    frozen = [{"type": "FrozenParts", "names": list(recipe.frozen)}] if recipe.frozen else []
    return {
        "default_scope": "mmseg",
        "custom_imports": {"imports": IMPORTS, "allow_failed_imports": False},
        "work_dir": f"{HERE}/work_dir",
        "randomness": {"seed": seed},
        "model": model,
        "train_dataloader": loader(
            "train",
            _train_pipeline(recipe, shape[:2]),
            batch_size=recipe.batch_size,
            sampler={"type": "InfiniteSampler", "shuffle": True},
        ),
        "val_dataloader": loader(evaluated, test_pipeline, **in_order),
        "test_dataloader": loader("test", test_pipeline, **in_order),
        "val_evaluator": evaluator,
        "test_evaluator": evaluator,
        "optim_wrapper": {
            "type": "AutocastOptimWrapper" if recipe.precision == "bf16" else "OptimWrapper",
            "optimizer": _optimiser(recipe),
        },
        "param_scheduler": _schedule(recipe, iterations, epoch_iterations),
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


def _preprocessor(recipe: Recipe, channels: int, stride: int) -> dict[str, Any]:
    return {
        "type": "SegDataPreProcessor",
        "mean": _channels(recipe.normalise, "mean"),
        "std": _channels(recipe.normalise, "std"),
        "bgr_to_rgb": channels == 3,  # OpenCV reads BGR; a grey image is read as three equal channels
        "pad_val": 0,
        "seg_pad_val": IGNORED,
        **({"size": recipe.crop} if recipe.crop is not None else {"size_divisor": stride}),
        "test_cfg": {"size_divisor": stride},
    }


def _channels(normalise: Normalise, name: str) -> list[float]:
    """The mean or standard deviation of red, green and blue."""
    value = getattr(normalise, name)
    return list(value) if isinstance(value, tuple) else [value] * 3


def _train_pipeline(recipe: Recipe, image: tuple[int, int]) -> list[dict[str, Any]]:
    steps = [step for transform in recipe.transforms for step in _steps(transform, recipe, image)]
    return [{"type": "LoadImageFromFile"}, {"type": "LoadAnnotations"}, *steps, {"type": "PackSegInputs"}]


def _steps(transform: Transform, recipe: Recipe, image: tuple[int, int]) -> list[dict[str, Any]]:
    """Steps of mmsegmentation's pipeline for one transform."""
    match transform:
        case Rescale(factor):
            scaled = any(isinstance(each, RandomResize) for each in recipe.transforms)  # at once: pixels are mixed once
            return [] if scaled else [{"type": "Resize", "scale_factor": factor, "keep_ratio": True}]
        case RandomResize(low, high):
            scale = (round(image[1] * recipe.rescale), round(image[0] * recipe.rescale))
            return [{"type": "RandomResize", "scale": scale, "ratio_range": (low, high), "keep_ratio": True}]
        case RandomRotation(degrees):
            grey = tuple(reversed(_channels(recipe.normalise, "mean")))  # 0 after normalisation; images are BGR here
            return [
                {"type": "RandomRotate", "prob": 1.0, "degree": degrees, "pad_val": grey, "seg_pad_val": IGNORED},
            ]
        case RandomCrop(size):
            return [{"type": "RandomCrop", "crop_size": size}]
        case RandomFlip(probability):
            return [{"type": "RandomFlip", "prob": probability}]
        case ColourJitter(brightness, contrast, saturation):
            factors = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
            return [{"type": "TorchvisionColourJitter", **factors}]
    raise ValueError(
        f"Expected transforms that mmsegmentation has, but got {transform!r}; leave it out of an arm that is exported."
    )


def _test_pipeline(rescale: float) -> list[dict[str, Any]]:
    """Annotations come after the resize: metrics are taken at the resolution of the files."""
    resized = [{"type": "Resize", "scale_factor": rescale, "keep_ratio": True}] if rescale != 1 else []
    return [{"type": "LoadImageFromFile"}, *resized, {"type": "LoadAnnotations"}, {"type": "PackSegInputs"}]


def _optimiser(recipe: Recipe) -> dict[str, Any]:
    spec = recipe.optimiser
    kind = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}[spec.name]
    momentum = {"momentum": spec.momentum} if spec.name == "sgd" else {}
    return {"type": kind, "lr": spec.lr, **momentum, "weight_decay": spec.weight_decay}


def _schedule(recipe: Recipe, iterations: int, epoch_iterations: int) -> list[dict[str, Any]]:
    span = {"begin": 0, "end": iterations, "by_epoch": False}
    match recipe.schedule:
        case Poly(power, min_lr):
            return [{"type": "PolyLR", "eta_min": min_lr, "power": power, **span}]
        case Step(every, gamma):
            return [{"type": "StepLR", "step_size": every * epoch_iterations, "gamma": gamma, **span}]
    return []
