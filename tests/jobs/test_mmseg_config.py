"""The text of an exported config, without files: what of a recipe becomes which entry. tests/test_export.py runs it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mmengine.config import Config

from harness import mmseg_config
from harness.specs import Augmentation, Budget, Data, Model, Optimiser, Recipe, Schedule

RECIPE = Recipe(Data("dme"), Budget(4, "epochs", evaluations=2), model=Model(width=8, stages=3), batch_size=3)


def config(seed: int = 0, load_from: str | None = None, channels: int = 1, **changes: object) -> dict:
    recipe = replace(RECIPE, **changes)  # type: ignore[arg-type]
    return mmseg_config.config(recipe, ("background", "fluid"), (22, 32, channels), 7, seed, load_from)


def test_epochs_become_iterations() -> None:
    built = config(schedule=Schedule("poly", power=0.8, min_lr=1e-4))
    assert built["train_cfg"] == {"type": "IterBasedTrainLoop", "max_iters": 12, "val_interval": 6}
    (schedule,) = built["param_scheduler"]
    assert schedule == {"type": "PolyLR", "eta_min": 1e-4, "power": 0.8, "begin": 0, "end": 12, "by_epoch": False}
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


def test_the_augmentation_becomes_mmsegs_pipeline() -> None:
    def steps(**changes: object) -> list[str]:
        return [step["type"] for step in config(**changes)["train_dataloader"]["dataset"]["pipeline"]]

    assert steps() == ["LoadImageFromFile", "LoadAnnotations", "PackSegInputs"]
    full = Augmentation((0.5, 2.0), crop=(16, 16), flip=0.5)
    assert steps(augmentation=full)[2:-1] == ["RandomResize", "RandomCrop", "RandomFlip"]
    assert steps(augmentation=Augmentation((0.5, 0.5)))[2:-1] == ["Resize"]


def test_images_are_padded_to_the_crop_else_to_the_stride() -> None:
    whole = config()["model"]["data_preprocessor"]
    assert (whole["size_divisor"], "size" in whole, whole["bgr_to_rgb"]) == (4, False, False)
    cropped = config(channels=3, augmentation=Augmentation(crop=(16, 16)))["model"]["data_preprocessor"]
    assert (cropped["size"], "size_divisor" in cropped, cropped["bgr_to_rgb"]) == ((16, 16), False, True)
    assert whole["test_cfg"] == cropped["test_cfg"] == {"size_divisor": 4}


def test_paths_are_relative_to_the_config() -> None:
    built = config(seed=5, load_from="weights.pth")
    assert (built["randomness"], built["load_from"]) == ({"seed": 5}, "weights.pth")
    assert built["work_dir"] == f"{mmseg_config.HERE}/work_dir"
    assert built["train_dataloader"]["dataset"]["data_root"] == mmseg_config.HERE


def test_the_text_reads_back_as_the_config() -> None:
    built = config(frozen=("backbone",), augmentation=Augmentation((0.5, 2.0), crop=(16, 16), flip=0.5))
    read = Config.fromstring(Config(built).pretty_text, ".py")
    assert read.model.to_dict() == built["model"]
    assert read.custom_hooks == built["custom_hooks"]
