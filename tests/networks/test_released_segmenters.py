"""Released weights in the real segmenters, without values: the names and shapes of publishers fit, at full size."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest
import torch
from test_layouts import authors_swin, timm_vit
from torchvision.models import resnet50

from harness.networks import WeightsError, building, weights
from harness.networks.library import Library
from harness.specs import CrossEntropy, Segmenter, Shrink, Weights

REAL = Path(os.environ.get("CLAIMS_DATA_ROOT") or Path(__file__).parents[3] / "shared" / "data") / "weights"
SQUEEZENET = REAL / "squeezenet1_0_deepcompression_torchvision.pth"

SEGMENTERS = (
    Segmenter("r18-d8", "fcn"),
    Segmenter("r50-d8", "pspnet"),
    Segmenter("r101-d8", "deeplabv3"),
    Segmenter("r50", "upernet"),
    Segmenter("hr48", "fcn"),
    Segmenter("vit-b16_ln_mln", "upernet"),
    Segmenter("swin-base-patch4-window7", "upernet"),
)
R18, R50, *_, VIT, SWIN = SEGMENTERS


@cache
def outline(network: Segmenter, classes: int = 2) -> weights.State:
    return building.outline(network, classes, ()).state_dict()


def left(network: Segmenter, fitted: weights.Fitted) -> set[str]:
    """What of a network's backbone other weights do not hold."""
    return {name for name in outline(network) if name.startswith("backbone.")} - fitted.tensors.keys()


@pytest.mark.parametrize("network", SEGMENTERS, ids=lambda network: network.backbone)
def test_a_released_segmenter_of_19_classes_leaves_the_last_layers_alone(network: Segmenter) -> None:
    fitted = weights.fitting(network, outline(network), outline(network, 19), "a file")
    rest = outline(network).keys() - fitted.tensors.keys()
    assert rest
    assert all(name.endswith((".conv_seg.weight", ".conv_seg.bias")) for name in rest)


@pytest.mark.parametrize("network", SEGMENTERS, ids=lambda network: network.backbone)
def test_a_released_backbone_alone_fits_its_segmenter(network: Segmenter) -> None:
    own = outline(network)
    alone = {name.removeprefix("backbone."): own[name] for name in own if name.startswith("backbone.")}
    fitted = weights.fitting(network, own, {**alone, "head.weight": torch.empty(1000, 8, device="meta")}, "a file")
    assert left(network, fitted) == set()


def test_the_authors_swin_base_fits() -> None:
    with torch.device("meta"):
        state = authors_swin(7, 128, (2, 2, 18, 2), (4, 8, 16, 32))
    rest = left(SWIN, weights.fitting(SWIN, outline(SWIN), state, "a file"))
    norms = {f"backbone.norm{output}.{kind}" for output in range(4) for kind in ("weight", "bias")}
    assert {name for name in rest if not name.endswith("relative_position_index")} == norms
    with torch.device("meta"):
        wider = authors_swin(12, 128, (2, 2, 18, 2), (4, 8, 16, 32))
        small = authors_swin(7, 96, (2, 2, 18, 2), (3, 6, 12, 24))
    assert left(SWIN, weights.fitting(SWIN, outline(SWIN), wider, "a file")) == rest
    with pytest.raises(WeightsError, match="the weights of a file to fit the backbone of swin-base"):
        weights.fitting(SWIN, outline(SWIN), small, "a file")


def test_timms_vit_base_fits_with_its_positions_resized() -> None:
    with torch.device("meta"):
        state, small = timm_vit(12, 768, 196, 16), timm_vit(12, 384, 196, 16)
    fitted = weights.fitting(VIT, outline(VIT), state, "a file")
    assert {name.split(".")[1] for name in left(VIT, fitted)} <= {"ln1"}
    assert fitted.tensors["backbone.pos_embed"].shape == outline(VIT)["backbone.pos_embed"].shape != (1, 197, 768)
    with pytest.raises(WeightsError, match="the weights of a file to fit the backbone of vit-b16"):
        weights.fitting(VIT, outline(VIT), small, "a file")


def test_weights_of_another_depth_are_one_sentence_with_the_files_name() -> None:
    with pytest.raises(WeightsError, match=r"of fcn_r50 \(fcn_r50\.pth\) to fit the backbone of r18-d8, but they lack"):
        weights.fitting(R18, outline(R18), outline(R50), "fcn_r50 (fcn_r50.pth)")
    with torch.device("meta"):
        state = resnet50().state_dict()
    with pytest.raises(WeightsError, match="to have the stem of r50-d8, three 3×3 convolutions"):
        weights.fitting(R50, outline(R50), state, "resnet50.pth")


@pytest.mark.skipif(not SQUEEZENET.is_file(), reason=f"{SQUEEZENET.name} is not there")
@pytest.mark.parametrize("shrink", [None, Shrink(width=96, stages=4, head=16)])
def test_the_real_squeezenet_starts_a_segmenter(shrink: Shrink | None) -> None:
    network = Segmenter("squeezenet1_0", "fcn", shrink)
    found = Library(REAL).find(Weights("squeezenet1_0.deepcompression"))
    assert isinstance(found, Weights)
    module, state = building.build(network, 2, (CrossEntropy(),), 0), weights.read(found)
    loaded = weights.fit(network, module, state, weights.name_of(found))
    assert loaded.loaded == 50
    assert all(name.startswith("decode_head.") for name in loaded.not_loaded)
    assert loaded.unused == ("backbone.classifier.1.weight", "backbone.classifier.1.bias")
    after = module.state_dict()
    assert all(torch.equal(after[f"backbone.{name}"], state[name]) for name in state if name.startswith("features."))
