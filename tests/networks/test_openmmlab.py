"""mmsegmentation on top of mmcv-lite: what the papers' models need is there, and what is missing says so."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import mmcv
import pytest
import torch

import harness.networks.openmmlab  # isort: skip
import mmcv.ops
from mmengine.config import Config
from mmseg.registry import MODELS

LITE = importlib.util.find_spec("mmcv._ext") is None
lite = pytest.mark.skipif(not LITE, reason="the compiled mmcv is installed")
CONFIGS = Path(importlib.util.find_spec("mmseg").origin).parent / ".mim" / "configs" / "_base_" / "models"


@lite
def test_the_placeholder_is_gone_after_the_import() -> None:
    assert "mmcv._ext" not in sys.modules
    assert not hasattr(mmcv, "_ext")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("mmcv._ext")


@lite
@pytest.mark.parametrize(
    "call",
    [
        lambda: mmcv.ops.nms(torch.rand(3, 4), torch.rand(3), 0.5),
        lambda: mmcv.ops.roi_align(torch.rand(1, 1, 4, 4), torch.rand(1, 5), (2, 2)),
    ],
    ids=["nms", "roi_align"],
)
def test_calling_a_missing_operator_is_one_clear_sentence(call) -> None:
    with pytest.raises(
        RuntimeError, match=r"The operator mmcv\.ops `\w+` is compiled, and mmcv-lite does not have it: install"
    ):
        call()


def test_a_placeholder_is_not_put_over_a_compiled_part_that_is_there(tmp_path: Path) -> None:
    package = tmp_path / "mmcv" / "ops"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package.parent / "_ext.py").write_text("real = True")
    (package / "__init__.py").write_text("from mmcv import _ext\nassert _ext.real is True")
    source = Path(harness.networks.openmmlab.__file__).read_text("utf-8").partition("\nwith warnings.catch_warnings")[0]
    code = f"{source}\nimport_mmcv_ops()\nassert sys.modules['mmcv._ext'].real is True\nprint('untouched')"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "untouched", done.stderr


NORM = {"type": "BN", "requires_grad": True}


def shrunk(name: str, backbone: dict, channels: list[int] | int) -> dict:
    """A published config with a small backbone, so that it builds within a moment."""
    config = Config.fromfile(CONFIGS / f"{name}.py").model.to_dict()
    for key in ("pretrained", "data_preprocessor"):
        config.pop(key, None)
    config["backbone"] = {**config["backbone"], **backbone}
    if "norm_cfg" in config["backbone"] and config["backbone"]["norm_cfg"]["type"] == "SyncBN":
        config["backbone"]["norm_cfg"] = NORM
    if "neck" in config:
        config["neck"].update(in_channels=channels, out_channels=channels[0])
    auxiliary = config.get("auxiliary_head")
    for head in filter(None, (config["decode_head"], auxiliary)):
        several = isinstance(head["in_channels"], list)
        index = head["in_index"]
        head.update(norm_cfg=NORM, channels=8, num_classes=2)
        head["in_channels"] = channels if several else channels[index]
        if "c1_in_channels" in head:
            head.update(c1_in_channels=channels[0], c1_channels=8)
    return config


RESNET_18 = {"depth": 18, "base_channels": 8}
RESNET_50 = {"depth": 50, "base_channels": 4}
SWIN = {"embed_dims": 12, "depths": [1, 1, 2, 1], "pretrain_img_size": 32}
VIT = {"img_size": (32, 32), "embed_dims": 24, "num_heads": 3, "num_layers": 4, "out_indices": (0, 1, 2, 3)}
HRNET = {
    "extra": {
        f"stage{n}": {
            "num_modules": 1,
            "num_branches": n,
            "block": "BOTTLENECK" if n == 1 else "BASIC",
            "num_blocks": (1,) * n,
            "num_channels": (8, 16, 24, 32)[:n] if n > 1 else (8,),
        }
        for n in (1, 2, 3, 4)
    }
}


@pytest.mark.parametrize(
    ("name", "backbone", "channels"),
    [
        ("fcn_r50-d8", RESNET_18, [8, 16, 32, 64]),
        ("pspnet_r50-d8", RESNET_50, [16, 32, 64, 128]),
        ("deeplabv3_r50-d8", RESNET_50, [16, 32, 64, 128]),
        ("deeplabv3plus_r50-d8", RESNET_50, [16, 32, 64, 128]),
        ("upernet_r50", RESNET_50, [16, 32, 64, 128]),
        ("fcn_hr18", HRNET, [8, 16, 24, 32]),
        ("upernet_vit-b16_ln_mln", VIT, [24, 24, 24, 24]),
        ("upernet_swin", SWIN, [12, 24, 48, 96]),
    ],
)
def test_every_model_that_the_papers_name_builds_and_predicts(name: str, backbone: dict, channels: list[int]) -> None:
    network = MODELS.build(shrunk(name, backbone, channels)).eval()
    with torch.no_grad():
        logits = network.encode_decode(torch.rand(1, 3, 32, 32), [{"img_shape": (32, 32)}])
    assert logits.shape == (1, 2, 32, 32)
