"""The exported project is the same arm: same files, same batches, same network, same initial weights."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from exported import (
    AUGMENTED,
    HEIGHT,
    NETWORK,
    PARTS,
    PLAIN,
    STILL,
    TRANSFORMS,
    WIDTH,
    batch,
    config_of,
    first_batch,
    noise,
)
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image
from torch.nn import functional

from harness.data import Packed, Parts
from harness.jobs.export import ExportError, export, export_arm
from harness.networks import building, weights
from harness.specs import (
    BestOnValidation,
    Bootstrap,
    Classifier,
    CrossEntropy,
    Data,
    FromJob,
    Normalise,
    RandomCrop,
    Rescale,
    Shrink,
    Split,
)


@pytest.fixture(params=[1, 3], ids=["grey", "RGB"])
def packed(request: pytest.FixtureRequest) -> Packed:
    """Noise in grey and in colour."""
    return noise(request.param)


def test_files_hold_the_packed_pixels(packed: Packed, tmp_path: Path) -> None:
    file = export(PLAIN, packed, PARTS, tmp_path / "arm")
    assert sorted(path.name for path in (file.parent / "images").iterdir()) == ["test", "train"]
    for part, indices in (("train", PARTS.train), ("test", PARTS.test)):
        images = sorted((file.parent / "images" / part).iterdir())
        masks = sorted((file.parent / "annotations" / part).iterdir())
        assert [path.name for path in images] == [path.name for path in masks]
        decoded = np.stack([np.asarray(Image.open(path)) for path in images])
        assert np.array_equal(decoded.reshape(packed.images[indices].shape), packed.images[indices])
        assert np.array_equal(np.stack([np.asarray(Image.open(path)) for path in masks]), packed.targets[indices])


@pytest.mark.parametrize("normalise", [PLAIN.normalise, Normalise((120.0, 100.0, 80.0), (60.0, 50.0, 40.0))], ids=str)
def test_batches_without_augmentation_are_the_packed_images(
    normalise: Normalise, packed: Packed, tmp_path: Path
) -> None:
    recipe = replace(PLAIN, normalise=normalise)
    runner = Runner.from_cfg(config_of(export(recipe, packed, PARTS, tmp_path / "arm"), tmp_path))
    images, targets = first_batch(runner)
    expected, expected_targets = batch(packed, normalise)
    assert images.shape == (6, 3, 24, WIDTH)
    torch.testing.assert_close(images, expected, rtol=0, atol=1e-5)
    assert torch.equal(targets, expected_targets)


def test_batches_at_half_size_differ_by_rounding_only(packed: Packed, tmp_path: Path) -> None:
    recipe = replace(PLAIN, transforms=(Rescale(0.5),))
    runner = Runner.from_cfg(config_of(export(recipe, packed, PARTS, tmp_path / "arm"), tmp_path))
    images, targets = first_batch(runner)
    whole = batch(packed, recipe.normalise)[0][:, :, :HEIGHT]
    half = functional.interpolate(whole, scale_factor=0.5, mode="bilinear", align_corners=False)
    assert images.shape == (6, 3, 12, WIDTH // 2)
    difference = images[:, :, : HEIGHT // 2] - half
    assert difference.abs().max() * recipe.normalise.std <= 0.5 + 1e-3  # grey levels
    # Each pixel is one of the four that it stands for, all as near: OpenCV takes the top left one.
    blocks = torch.from_numpy(packed.targets[PARTS.train]).unfold(1, 2, 2).unfold(2, 2, 2).flatten(3)
    assert torch.equal(targets[:, : HEIGHT // 2], blocks[..., 0].long())


def test_every_transform_runs(packed: Packed, tmp_path: Path) -> None:
    recipe = replace(AUGMENTED, transforms=(Rescale(0.75), *TRANSFORMS))
    runner = Runner.from_cfg(config_of(export(recipe, packed, PARTS, tmp_path / "arm"), tmp_path))
    images, targets = first_batch(runner)
    assert images.shape == (6, 3, 16, 16)
    assert images.isfinite().all()
    assert set(targets.unique().tolist()) == {0, 1, 255}


def scores(predicted: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
    """mIoU and mDice in percent of two classes, pooled over valid pixels."""
    valid = targets != 255
    hit = [((predicted == k) & (targets == k)).sum() for k in (0, 1)]
    sizes = [(((predicted == k) & valid).sum() + (targets == k).sum()) for k in (0, 1)]
    iou = [h / (size - h) for h, size in zip(hit, sizes, strict=True)]
    dice = [2 * h / size for h, size in zip(hit, sizes, strict=True)]
    return {"mIoU": float(50 * sum(iou)), "mDice": float(50 * sum(dice))}


@pytest.mark.parametrize("rescale", [1.0, 0.5])
def test_network_and_evaluation_are_the_harness_s(rescale: float, tmp_path: Path) -> None:
    packed, recipe = noise(), replace(PLAIN, transforms=() if rescale == 1 else (Rescale(rescale),))
    runner = Runner.from_cfg(config_of(export(recipe, packed, PARTS, tmp_path / "arm"), tmp_path))
    module = building.build(NETWORK, 2, recipe.losses, seed=3).eval()
    missing, unexpected = runner.model.load_state_dict(module.state_dict())
    assert not missing
    assert not unexpected
    images, targets = batch(packed, recipe.normalise, "test")
    with torch.no_grad():
        if rescale == 0.5:
            images = functional.interpolate(images[:, :, :HEIGHT], scale_factor=0.5, mode="bilinear")
            images = functional.pad(images, (0, 0, 0, 1))
        logits = building.logits(NETWORK, module, images)
        if rescale == 0.5:
            logits = functional.interpolate(logits[:, :, : HEIGHT // 2], (HEIGHT, WIDTH), mode="bilinear")
    expected = scores(logits[:, :, :HEIGHT].argmax(dim=1), targets[:, :HEIGHT])
    values = runner.test()
    # In percent, two decimals. At half size mmseg rounds the resized image to whole grey levels.
    tolerance = 0.006 if rescale == 1 else 0.5
    assert {name: values[name] for name in expected} == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("part", ["all", "backbone"])
def test_initial_weights_load_as_the_harness_loads_them(part: Any, tmp_path: Path) -> None:
    packed = noise()
    source = building.build(NETWORK, 5, (CrossEntropy(),), seed=1)  # five classes: the last layers do not fit
    initial = (source.state_dict(), "a source")
    recipe = replace(PLAIN, init=FromJob(replace(PLAIN, data=Data("camvid")), part), optimiser=STILL)
    file = export(recipe, packed, PARTS, tmp_path / "arm", initial=initial)
    runner = Runner.from_cfg(config_of(file, tmp_path))
    expected = building.build(NETWORK, 2, recipe.losses, seed=3)
    loaded = weights.fit(NETWORK, expected, *initial, part)
    assert loaded.not_loaded
    runner.train()
    for name, parameter in runner.model.named_parameters():
        if name not in loaded.not_loaded or name.endswith(("conv.weight", "conv_seg.weight")):  # others start alike
            same = torch.allclose(parameter, expected.get_parameter(name), rtol=0, atol=1e-20)
            assert same == (name not in loaded.not_loaded), name


def test_a_source_that_is_still_to_train_is_loaded_by_part(tmp_path: Path) -> None:
    arm = replace(AUGMENTED, init=FromJob(AUGMENTED, "backbone"), optimiser=STILL)
    file = export_arm(arm, 1, lambda data: noise(), tmp_path / "arm")
    source = building.build(NETWORK, 2, arm.losses, seed=9)
    (file.parent / "source" / "work_dir").mkdir()
    torch.save({"state_dict": source.state_dict()}, file.parent / "source" / "work_dir" / "weights.pth")
    runner = Runner.from_cfg(config_of(file, tmp_path))
    runner.train()
    for name, parameter in runner.model.named_parameters():
        if name.startswith("backbone.") or name.endswith("conv.weight"):
            same = torch.allclose(parameter, source.get_parameter(name), rtol=0, atol=1e-20)
            assert same == name.startswith("backbone."), name


def test_a_source_is_exported_with_its_arm(tmp_path: Path) -> None:
    arm = replace(AUGMENTED, init=FromJob(AUGMENTED, seed=7))
    file = export_arm(arm, 1, lambda data: noise(), tmp_path / "arm")
    moved = shutil.move(file.parent, tmp_path / "elsewhere")
    config, source = (Config.fromfile(Path(moved) / name) for name in ("config.py", "source/config.py"))
    assert Path(config.load_from) == Path(source.work_dir) / "weights.pth"
    assert Path(config.train_dataloader.dataset.data_root) == Path(moved)
    assert (config.randomness.seed, source.randomness.seed) == (1, 7)
    assert source.load_from is None
    assert config.param_scheduler[0].type == "PolyLR"
    assert [step.type for step in config.train_dataloader.dataset.pipeline] == [
        "LoadImageFromFile",
        "LoadAnnotations",
        "RandomResize",
        "RandomRotate",
        "RandomCrop",
        "RandomFlip",
        "TorchvisionColourJitter",
        "PackSegInputs",
    ]


def test_source_weights_come_with_the_arm(tmp_path: Path) -> None:
    source = building.build(NETWORK, 2, PLAIN.losses, seed=1).state_dict()
    torch.save(source, tmp_path / "weights.pt")
    arm = replace(PLAIN, init=FromJob(PLAIN))
    file = export_arm(arm, 1, lambda data: noise(), tmp_path / "arm", tmp_path / "weights.pt")
    assert not (file.parent / "source").exists()
    assert weights.load(file.parent / "initial.pth").keys() == source.keys()
    with pytest.raises(weights.WeightsError, match="but there is no such file"):
        export_arm(arm, 1, lambda data: noise(), tmp_path / "other", tmp_path / "absent.pt")


def test_images_to_validate_with_are_a_part_of_their_own(tmp_path: Path) -> None:
    parts = Parts(np.arange(4), np.arange(4, 6), np.arange(6, 9))
    config = Config.fromfile(export(PLAIN, noise(), parts, tmp_path / "arm"))
    counts = {path.name: len(list(path.iterdir())) for path in (tmp_path / "arm" / "images").iterdir()}
    assert counts == {"train": 4, "val": 2, "test": 3}
    assert config.val_dataloader.dataset.data_prefix.img_path == "images/val"
    assert config.test_dataloader.dataset.data_prefix.img_path == "images/test"


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    packed = noise()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(ExportError, match="new or empty") as occupied:
        export(PLAIN, packed, PARTS, tmp_path / "full")
    with pytest.raises(ExportError, match="train its source") as sourceless:
        export(replace(PLAIN, init=FromJob(PLAIN)), packed, PARTS, tmp_path / "arm")
    for error in (occupied, sourceless):
        assert "\n" not in str(error.value)
    with pytest.raises(weights.WeightsError, match="same architecture"):
        export(PLAIN, packed, PARTS, tmp_path / "arm", initial=({"other": torch.zeros(1)}, "another network"))
    with pytest.raises(ValueError, match=r"it has no 'layer1'; choose of backbone"):
        export(replace(PLAIN, frozen=("layer1",)), packed, PARTS, tmp_path / "arm")
    assert not (tmp_path / "arm").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"frozen": ("layer1",)}, "it has no 'layer1'"),
        ({"transforms": (RandomCrop((18, 16)),)}, "divisible by the network's stride of 4"),
        (
            {"init": FromJob(replace(PLAIN, network=replace(NETWORK, shrink=Shrink(16, 3))))},
            "the source on dme to fit",
        ),
        ({"sample": Bootstrap(1)}, "but got one that sees a sample drawn with replacement"),
        ({"init": FromJob(PLAIN, shuffled=True)}, "but got one that shuffles them"),
        (
            {"network": Classifier("resnet18"), "losses": (CrossEntropy(),)},
            "resnet18 classifies, which mmsegmentation cannot",
        ),
        (
            {"select": BestOnValidation(), "data": replace(PLAIN.data, split=Split("subject", validation=0.2))},
            "export it with select=Last",
        ),
    ],
)
def test_an_arm_that_cannot_train_is_not_exported_with_its_source(
    changes: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    arm = replace(replace(PLAIN, init=FromJob(PLAIN)), **changes)
    with pytest.raises(ValueError, match=sentence):
        export_arm(arm, 1, lambda data: noise(), tmp_path / "arm")
    assert not (tmp_path / "arm").exists()
