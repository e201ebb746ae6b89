"""Released weights by name: what the installed libraries list, read without them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from torchvision import models

from harness.networks import released

FCN = "fcn_r18-d8_4xb2-80k_cityscapes-512x1024"
AMBIGUOUS = "deeplabv3plus_r101-d8_4xb4-160k_ade20k-512x512"


def test_a_config_of_mmsegmentation_is_its_checkpoint_with_the_reported_figures() -> None:
    found = released.known(FCN)
    assert found.file == "fcn_r18-d8_512x1024_80k_cityscapes_20201225_021327-6c50f8b4.pth"
    assert found.url.startswith("https://download.openmmlab.com/")
    assert found.url.endswith(f"/{found.file}")
    assert found.sha256 == "6c50f8b4"
    reported = released.reported(FCN)
    assert (reported.value, reported.metric, reported.data) == (71.11, "mIoU", "Cityscapes")
    assert reported.source.endswith("configs/fcn/metafile.yaml")
    assert released.reported(FCN, "mIoU(ms+flip)").value == 72.91


@pytest.mark.parametrize(
    "name",
    [
        "unet-s5-d16_fcn_4xb4-40k_stare-128x128",
        "pspnet_r101-d8_4xb2-80k_cityscapes-512x1024",
        "fcn_hr48_4xb2-160k_cityscapes-512x1024",
        "vit_vit-b16-ln_mln_upernet_8xb2-160k_ade20k-512x512",
        "swin-base-patch4-window7-in22k-pre_upernet_8xb2-160k_ade20k-512x512",
    ],
)
def test_the_checkpoints_that_claims_name_are_known(name: str) -> None:
    found = released.known(name)
    assert len(found.sha256) == 8
    assert found.file.endswith(f"-{found.sha256}.pth")
    assert released.reported(name).metric in ("mIoU", "mDice")


def test_one_name_of_several_files_is_refused_and_each_file_is_known_by_its_own() -> None:
    with pytest.raises(ValueError, match=f"mmsegmentation lists 2 as {AMBIGUOUS}; write ") as error:
        released.find(AMBIGUOUS)
    files = str(error.value).partition("; write ")[2].removesuffix(".").split(" or ")
    assert [released.known(file).file for file in files] == files
    assert released.known(files[0]).metrics != released.known(files[1]).metrics


def test_backbones_are_known_as_mmsegmentations_configs_name_them() -> None:
    assert released.known("open-mmlab://resnet18_v1c").file == "resnet18_v1c-b5776b93.pth"
    assert released.known("open-mmlab://msra/hrnetv2_w48").sha256 == "d2186c55"
    renamed, name = (released.known(f"open-mmlab://{name}") for name in ("resnet50_caffe", "detectron/resnet50_caffe"))
    assert renamed.url == name.url
    assert released.find("open-mmlab://resnet18_v9") is None
    with pytest.raises(ValueError, match="reported of open-mmlab://resnet18_v1c, which are none"):
        released.reported("open-mmlab://resnet18_v1c")


@pytest.mark.parametrize("name", models.list_models(module=models))
def test_classifiers_are_known_as_torchvision_has_them(name: str) -> None:
    for weights in models.get_model_weights(name):
        found = released.known(f"{name}.{weights.name.lower()}")
        assert found.url == weights.url
        [(data, metrics)] = weights.meta["_metrics"].items()
        assert found.metrics == {metric: value for metric, value in metrics.items() if value == value}
        assert found.data == data
        assert found.file.endswith(f"-{found.sha256}.pth")


def test_the_own_catalogue_has_a_whole_hash() -> None:
    found = released.known("squeezenet1_0.deepcompression")
    assert len(found.sha256) == 64
    assert not found.url


@pytest.mark.parametrize("name", ["fcn_r18", "resnet50.imagenet1k_v9", "resnet50", "a.pth", "configs", "FCN", "mIoU"])
def test_any_other_name_is_one_sentence(name: str) -> None:
    assert released.find(name) is None
    with pytest.raises(ValueError, match=r"Expected weights by a name of mmsegmentation's, .* but got "):
        released.reported(name)


@pytest.mark.parametrize("metric", ["Dice", "miou"])
def test_a_metric_that_is_not_reported_is_one_sentence(metric: str) -> None:
    with pytest.raises(ValueError, match=rf"which are mIoU, mIoU\(ms\+flip\), but got '{metric}'; choose"):
        released.reported(FCN, metric)


def test_names_are_found_without_torch_and_mmsegmentation() -> None:
    names = [FCN, "resnet50.imagenet1k_v1", "open-mmlab://resnet18_v1c"]
    code = (
        "import sys\nfrom harness.networks import library, released\n"
        f"[released.known(name) for name in {names}]\n"
        "print([name for name in ('torch', 'torchvision', 'mmseg', 'mmengine', 'pooch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
