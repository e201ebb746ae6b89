"""The text of an exported config, without files: what of a recipe becomes which entry. test_export.py runs it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mmengine.config import Config

from harness.jobs import mmseg_config
from harness.specs import (
    Budget,
    ColourJitter,
    Data,
    Normalise,
    Optimiser,
    Poly,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Recipe,
    Rescale,
    Segmenter,
    Shrink,
    Step,
    Transform,
)

NETWORK = Segmenter("unet-s5-d16", "fcn", Shrink(8, 3))
RECIPE = Recipe(Data("dme"), NETWORK, Budget(4, "epochs", evaluations=2), batch_size=3)
CROP = RandomCrop((16, 16))


def config(channels: int = 1, settings: dict | None = None, **changes: object) -> dict:
    recipe = replace(RECIPE, **changes)  # type: ignore[arg-type]
    return mmseg_config.config(recipe, ("background", "fluid"), (22, 32, channels), 7, **(settings or {}))


def test_epochs_become_iterations() -> None:
    built = config(schedule=Poly(power=0.8, min_lr=1e-4))
    assert built["train_cfg"] == {"type": "IterBasedTrainLoop", "max_iters": 12, "val_interval": 6}
    (schedule,) = built["param_scheduler"]
    assert schedule == {"type": "PolyLR", "eta_min": 1e-4, "power": 0.8, "begin": 0, "end": 12, "by_epoch": False}
    (schedule,) = config(schedule=Step(2, 0.5))["param_scheduler"]
    assert schedule == {"type": "StepLR", "step_size": 6, "gamma": 0.5, "begin": 0, "end": 12, "by_epoch": False}
    assert config()["param_scheduler"] == []


@pytest.mark.parametrize(
    ("optimiser", "entry"),
    [
        (Optimiser("sgd", 0.1, 0.8, 0.01), {"type": "SGD", "lr": 0.1, "momentum": 0.8, "weight_decay": 0.01}),
        (Optimiser("adamw", 0.1, 0.8, 0.01), {"type": "AdamW", "lr": 0.1, "weight_decay": 0.01}),
    ],
)
def test_momentum_is_sgds(optimiser: Optimiser, entry: dict) -> None:
    assert config(optimiser=optimiser)["optim_wrapper"] == {"type": "OptimWrapper", "optimizer": entry}


def steps(*transforms: Transform, part: str = "train", **changes: object) -> list[dict]:
    """What the pipeline does between loading and packing."""
    pipeline = config(transforms=transforms, **changes)[f"{part}_dataloader"]["dataset"]["pipeline"]
    loading = ("LoadImageFromFile", "LoadAnnotations", "PackSegInputs")
    return [step for step in pipeline if step["type"] not in loading]


def test_transforms_become_mmsegs_pipeline() -> None:
    assert steps() == []
    random = (RandomResize(0.5, 2.0), RandomRotation(20.0), CROP, RandomFlip(0.3), ColourJitter(0.1, 0.2, 0.3))
    normalise = Normalise((120.0, 100.0, 80.0), (60.0, 50.0, 40.0))
    assert steps(*random, normalise=normalise) == [
        {"type": "RandomResize", "scale": (32, 22), "ratio_range": (0.5, 2.0), "keep_ratio": True},
        {"type": "RandomRotate", "prob": 1.0, "degree": 20.0, "pad_val": (80.0, 100.0, 120.0), "seg_pad_val": 255},
        {"type": "RandomCrop", "crop_size": (16, 16)},
        {"type": "RandomFlip", "prob": 0.3},
        {"type": "TorchvisionColourJitter", "brightness": 0.1, "contrast": 0.2, "saturation": 0.3},
    ]
    assert steps(*random, part="test") == []


def test_images_are_rescaled_in_training_and_in_evaluation() -> None:
    resize = {"type": "Resize", "scale_factor": 0.5, "keep_ratio": True}
    assert steps(Rescale(0.5)) == steps(Rescale(0.5), part="val") == steps(Rescale(0.5), part="test") == [resize]
    both = (Rescale(0.5), RandomResize(0.5, 2.0), CROP)
    assert steps(*both)[0] == {
        "type": "RandomResize",
        "scale": (16, 11),
        "ratio_range": (0.5, 2.0),
        "keep_ratio": True,
    }
    assert len(steps(*both)) == 2
    assert steps(*both, part="test") == [resize]


def test_a_transform_that_mmsegmentation_does_not_have_is_one_sentence() -> None:
    class Blur(Transform):
        stage = 6

    with pytest.raises(ValueError, match=r"Expected transforms that mmsegmentation has, but got .*Blur"):
        steps(Blur())


def test_channels_are_normalised_each() -> None:
    preprocessor = config(channels=3, normalise=Normalise((120.0, 100.0, 80.0), 50.0))["model"]["data_preprocessor"]
    assert (preprocessor["mean"], preprocessor["std"]) == ([120.0, 100.0, 80.0], [50.0] * 3)


def test_images_are_padded_to_the_crop_else_to_the_stride() -> None:
    whole = config()["model"]["data_preprocessor"]
    assert (whole["size_divisor"], "size" in whole, whole["bgr_to_rgb"]) == (4, False, False)
    cropped = config(channels=3, transforms=(CROP,))["model"]["data_preprocessor"]
    assert (cropped["size"], "size_divisor" in cropped, cropped["bgr_to_rgb"]) == ((16, 16), False, True)
    assert whole["test_cfg"] == cropped["test_cfg"] == {"size_divisor": 4}


def test_paths_are_relative_to_the_config() -> None:
    built = config(settings={"seed": 5, "load_from": "weights.pth"})
    assert (built["randomness"], built["load_from"]) == ({"seed": 5}, "weights.pth")
    assert built["work_dir"] == f"{mmseg_config.HERE}/work_dir"
    assert built["train_dataloader"]["dataset"]["data_root"] == mmseg_config.HERE


def test_the_text_reads_back_as_the_config() -> None:
    built = config(frozen=("backbone",), transforms=(RandomResize(0.5, 2.0), CROP, RandomFlip()))
    read = Config.fromstring(Config(built).pretty_text, ".py")
    assert read.model.to_dict() == built["model"]
    assert read.custom_hooks == built["custom_hooks"]


def test_of_the_backbone_alone_the_head_is_not_loaded() -> None:
    built = config(settings={"load_from": "weights.pth", "part": "backbone"})
    assert built["load_from"] is None
    assert built["model"]["backbone"]["init_cfg"] == {
        "type": "Pretrained",
        "checkpoint": "weights.pth",
        "prefix": "backbone.",
    }
