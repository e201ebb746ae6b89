"""The exported project is the same arm: same files, same batches, same network, and mmseg's own tools run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image

from harness import metrics
from harness.data import Packed
from harness.data.splitting import Indices
from harness.evidence import Catalogue
from harness.export import ExportError, export, export_arm
from harness.models import building, weights
from harness.specs import Augmentation, Budget, Data, Loss, Model, Optimiser, Pretrained, Recipe, Schedule
from harness.training import evaluation
from harness.training.loader import Resident, ResidentLoader, normalise, order

ROOT = Path(__file__).resolve().parents[1]
HEIGHT, WIDTH = 22, 32  # not divisible by the network's stride of 4: 2 rows are padded
SPLIT: tuple[Indices, Indices] = (np.arange(6), np.arange(6, 9))

PLAIN = Recipe(
    data=Data("dme", labels="union", split="subject", size=(HEIGHT, WIDTH), evidence="phantom"),
    budget=Budget(2),
    model=Model(width=8, stages=3),
    loss=Loss(cross_entropy=1.0, dice=3.0, class_weight=(1.0, 10.0), dice_classes="foreground"),
    optimiser=Optimiser("adam", 5e-3, weight_decay=0.0),
    schedule=Schedule("poly"),
    batch_size=3,
    normalise=(46.6002, 54.681),
)
AUGMENTED = replace(PLAIN, augmentation=Augmentation((0.5, 2.0), crop=(16, 16), flip=0.5))


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=[1, 3], ids=["grey", "RGB"])
def packed(request: pytest.FixtureRequest) -> Packed:
    """Nine images of noise with masks of both classes and ignored pixels."""
    return noise(request.param)


def noise(channels: int = 1, classes: tuple[str, ...] = ("background", "fluid")) -> Packed:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, HEIGHT, WIDTH, channels), dtype=np.uint8)
    masks = rng.choice(np.array([*range(len(classes)), 255], np.uint8), (9, HEIGHT, WIDTH))
    ids = tuple(f"subject 1/{index}" for index in range(9))
    return Packed(images, masks, ids, ("1",) * 9, ("",) * 9, classes)


def config_of(file: Path, tmp_path: Path) -> Any:
    """The config for a Runner in this process: no workers, no log."""
    config = Config.fromfile(file)
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    config.update(work_dir=str(tmp_path / "work"), log_level="ERROR", experiment_name=tmp_path.name)
    return config


def first_batch(runner: Runner) -> tuple[torch.Tensor, torch.Tensor]:
    """The training images in order, as the exported pipeline and preprocessor hand them to the network."""
    dataset = runner.build_dataloader(runner._train_dataloader).dataset
    samples = [dataset[index] for index in range(len(dataset))]
    batch = {key: [sample[key] for sample in samples] for key in ("inputs", "data_samples")}
    ready = runner.model.data_preprocessor(batch, training=True)
    return ready["inputs"], torch.cat([sample.gt_sem_seg.data for sample in ready["data_samples"]])


def resident_batch(packed: Packed, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """The training images in order, as the harness hands them to the network."""
    data = Resident.place(packed, SPLIT[0], torch.device("cpu"))
    loader = ResidentLoader(data, replace(recipe, batch_size=len(data)), seed=0)
    places = np.argsort(order(0, len(data), len(data), 0))
    images, masks = loader.batch(0)
    return images[places], masks[places]


def test_files_hold_the_packed_pixels(packed: Packed, tmp_path: Path) -> None:
    file = export(PLAIN, packed, SPLIT, tmp_path / "arm")
    for part, indices in zip(("train", "val"), SPLIT, strict=True):
        images = sorted((file.parent / "images" / part).iterdir())
        masks = sorted((file.parent / "annotations" / part).iterdir())
        assert [path.name for path in images] == [path.name for path in masks]
        decoded = np.stack([np.asarray(Image.open(path)) for path in images])
        assert np.array_equal(decoded.reshape(packed.images[indices].shape), packed.images[indices])
        assert np.array_equal(np.stack([np.asarray(Image.open(path)) for path in masks]), packed.masks[indices])


def test_batches_without_augmentation_are_the_harness_s(packed: Packed, tmp_path: Path) -> None:
    runner = Runner.from_cfg(config_of(export(PLAIN, packed, SPLIT, tmp_path / "arm"), tmp_path))
    images, masks = first_batch(runner)
    expected, expected_masks = resident_batch(packed, PLAIN)
    assert images.shape == (6, 3, 24, WIDTH)
    torch.testing.assert_close(images, expected, rtol=0, atol=1e-5)
    assert torch.equal(masks, expected_masks)
    resident = torch.from_numpy(packed.images[SPLIT[0]]).permute(0, 3, 1, 2)
    torch.testing.assert_close(images[:, :, :HEIGHT], normalise(resident, *PLAIN.normalise), rtol=0, atol=1e-5)


def test_batches_at_half_size_differ_by_rounding_only(packed: Packed, tmp_path: Path) -> None:
    recipe = replace(PLAIN, augmentation=Augmentation((0.5, 0.5)), test_resize=0.5)
    runner = Runner.from_cfg(config_of(export(recipe, packed, SPLIT, tmp_path / "arm"), tmp_path))
    images, masks = first_batch(runner)
    expected, expected_masks = resident_batch(packed, recipe)
    assert images.shape == (6, 3, 12, WIDTH // 2)
    assert (images - expected).abs().max() * recipe.normalise[1] <= 0.5 + 1e-3  # grey levels
    # Each pixel is one of the four that it stands for, all as near: OpenCV takes the top left one, the harness any.
    blocks = torch.from_numpy(packed.masks[SPLIT[0]]).unfold(1, 2, 2).unfold(2, 2, 2).flatten(3)
    assert torch.equal(masks[:, : HEIGHT // 2], blocks[..., 0].long())
    assert (expected_masks[:, : HEIGHT // 2, :, None] == blocks).any(dim=-1).all()


@pytest.mark.parametrize("resize", [1.0, 0.5])
def test_network_and_evaluation_are_the_harness_s(resize: float, tmp_path: Path) -> None:
    packed, recipe = noise(), replace(PLAIN, test_resize=resize)
    runner = Runner.from_cfg(config_of(export(recipe, packed, SPLIT, tmp_path / "arm"), tmp_path))
    network = building.build(recipe.model, 2, recipe.loss, seed=3)
    missing, unexpected = runner.model.load_state_dict(network.state_dict())
    assert not missing
    assert not unexpected
    images, _ = resident_batch(packed, recipe)
    metas = [dict.fromkeys(("img_shape", "ori_shape", "pad_shape"), images.shape[2:])] * len(images)
    with torch.no_grad():
        ours = network.eval().encode_decode(images, metas)  # type: ignore[operator]
        assert torch.equal(runner.model.eval().encode_decode(images, metas), ours)
    found = runner.test()
    counts = evaluation.confusion(network, Resident.place(packed, SPLIT[1], torch.device("cpu")), recipe, 2)
    expected = metrics.summarise(counts, packed.classes)
    # In percent, two decimals. At half size mmseg rounds the resized image to whole grey levels.
    tolerance = 0.006 if resize == 1 else 0.5
    for name in ("mIoU", "mDice"):
        share = 1 if expected[name] > 1 else 100
        assert found[name] == pytest.approx(share * expected[name], abs=tolerance)


def test_initial_weights_load_as_the_harness_loads_them(tmp_path: Path) -> None:
    packed = noise()
    source = building.build(PLAIN.model, 5, Loss(), seed=1)  # five classes: the classifiers do not fit
    initial = (source.state_dict(), "a source")
    recipe = replace(PLAIN, init=Pretrained(replace(PLAIN, data=Data("camvid"))), frozen=("backbone",))
    file = export(recipe, packed, SPLIT, tmp_path / "arm", initial=initial)
    runner = Runner.from_cfg(config_of(file, tmp_path))
    expected = building.build(recipe.model, 2, recipe.loss, seed=3)
    runner.model.load_state_dict(expected.state_dict())
    left = weights.fit(expected, *initial)
    assert left
    runner.load_checkpoint(runner._load_from)
    for name, tensor in runner.model.state_dict().items():
        assert torch.equal(tensor, expected.state_dict()[name]), name


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_frozen_parts_stay_and_the_rest_trains(precision: Any, tmp_path: Path) -> None:
    recipe = replace(AUGMENTED, frozen=("backbone",), precision=precision)
    config = config_of(export(recipe, noise(), SPLIT, tmp_path / "arm", seed=4), tmp_path)
    config.load_from = str(tmp_path / "initial.pth")
    before = building.build(recipe.model, 2, recipe.loss, seed=0).state_dict()
    torch.save(before, config.load_from)
    Runner.from_cfg(config).train()
    after = torch.load(tmp_path / "work" / "weights.pth", weights_only=True)["state_dict"]
    for name in before:
        counted = name.endswith("num_batches_tracked") or not name.startswith(("backbone.", "decode_head.conv_seg"))
        assert counted or torch.equal(before[name], after[name]) == name.startswith("backbone."), name


def test_a_source_is_exported_with_its_arm(tmp_path: Path) -> None:
    data = replace(PLAIN.data, count=10)
    arm = replace(AUGMENTED, data=data, init=Pretrained(replace(AUGMENTED, data=data), seed=7))
    file = export_arm(arm, 1, Catalogue(None, "phantom", tmp_path / "cache"), tmp_path / "arm")
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
        "RandomCrop",
        "RandomFlip",
        "PackSegInputs",
    ]


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    packed = noise()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(ExportError, match="new or empty") as occupied:
        export(PLAIN, packed, SPLIT, tmp_path / "full")
    with pytest.raises(ExportError, match="train its source") as sourceless:
        export(replace(PLAIN, init=Pretrained(PLAIN)), packed, SPLIT, tmp_path / "arm")
    for error in (occupied, sourceless):
        assert "\n" not in str(error.value)
    with pytest.raises(weights.WeightsError, match="same architecture"):
        export(PLAIN, packed, SPLIT, tmp_path / "arm", initial=({"other": torch.zeros(1)}, "another network"))
    with pytest.raises(ValueError, match=r"it has no 'layer1'; choose of backbone"):
        export(replace(PLAIN, frozen=("layer1",)), packed, SPLIT, tmp_path / "arm")
    assert not (tmp_path / "arm").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frozen": ("layer1",)}, "it has no 'layer1'"),
        ({"init": Pretrained(replace(PLAIN, model=Model(width=16, stages=3)))}, "the source on dme to fit"),
    ],
)
def test_an_arm_that_cannot_train_is_not_exported_with_its_source(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    arm = replace(PLAIN, init=Pretrained(PLAIN))
    catalogue = Catalogue(None, "phantom", tmp_path / "cache")
    with pytest.raises(ValueError, match=said):
        export_arm(replace(arm, **changes), 1, catalogue, tmp_path / "arm")
    assert not (tmp_path / "arm").exists()


def test_mmseg_s_own_tool_trains_it(tmp_path: Path) -> None:
    import mmseg

    tool = Path(mmseg.__file__).parent / ".mim" / "tools" / "train.py"
    if not tool.is_file():
        pytest.skip(f"mmseg {mmseg.__version__} is installed without its tools")
    arm = replace(AUGMENTED, frozen=("backbone",), precision="bf16")  # all that mmengine lacks
    file = export(arm, noise(), SPLIT, tmp_path / "arm")
    finished = subprocess.run(
        [sys.executable, str(tool), str(file)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    log = finished.stdout + finished.stderr
    assert finished.returncode == 0, log[-3000:]
    assert "mIoU" in log
    assert (tmp_path / "arm" / "work_dir" / "iter_2.pth").is_file()
    assert torch.load(tmp_path / "arm" / "work_dir" / "weights.pth", weights_only=True)["state_dict"]
