"""Backbones: what a small form keeps, SqueezeNet against torchvision's, and classifiers on segmenters' backbones."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from encoder_decoder_examples import RESNET, SHRUNK, classifier, small
from torch.nn import functional

from harness.networks import WeightsError, building, family, weights
from harness.networks.encoder_decoders.resnet import RESNETS
from harness.networks.encoder_decoders.vit import VIT
from harness.specs import (
    Budget,
    Classifier,
    CrossEntropy,
    Data,
    FromJob,
    Network,
    Recipe,
    Segmenter,
    Shrink,
)
from harness.specs.identity import digest

PLAIN = (CrossEntropy(),)


def built(network: Network, seed: int = 0, classes: int = 2) -> torch.nn.Module:
    return building.build(network, classes, PLAIN, seed)


@pytest.mark.parametrize("depth", [0.1, 0.25, 1.0])
@pytest.mark.parametrize("suffix", ["", "-d8"])
def test_deeper_resnets_stay_deeper(suffix: str, depth: float) -> None:
    head = "fcn" if suffix else "upernet"
    convolutions = []
    for name in ("r18", "r50", "r101"):
        module = building.outline(Segmenter(name + suffix, head, Shrink(8, 4, depth, 16)), 2, PLAIN)
        stages = [getattr(module.backbone, stage) for stage in module.backbone.res_layers]
        assert len(stages) == 4
        assert min(len(stage) for stage in stages) >= 1
        convolutions.append(sum(name.rpartition(".")[2].startswith("conv") for name, _ in module.named_modules()))
    assert convolutions == sorted(set(convolutions))


def test_a_quarter_of_the_depth_is_4_5_and_9_blocks() -> None:
    shrink = Shrink(8, 4, 0.25)
    blocks = [RESNETS[name].blocks(shrink) for name in ("r18-d8", "r50-d8", "r101-d8")]
    assert blocks == [(1, 1, 1, 1), (1, 1, 2, 1), (1, 1, 6, 1)]


@pytest.mark.parametrize("network", SHRUNK, ids=str)
def test_outputs_have_the_channels_and_sizes_that_are_stated(network: Segmenter) -> None:
    module, built_by = building.outline(network, 2, PLAIN), family(network)
    maps = module.extract_feat(torch.empty(2, 3, 64, 96, device="meta"))
    channels, reductions = built_by.decoded(network)
    assert [tuple(each.shape) for each in maps] == [
        (2, own, 64 // by, 96 // by) for own, by in zip(channels, reductions, strict=True)
    ]


def test_a_small_vit_has_patches_a_position_embedding_and_several_attention_heads() -> None:
    network = small("vit-b16_ln_mln", "upernet")
    backbone = built(network).backbone
    assert backbone.patch_embed.projection.kernel_size == (8, 8)
    assert backbone.pos_embed.shape == (1, 16 * 16 + 1, 32)
    assert backbone.pos_embed.std() > 0
    assert len(backbone.layers) == 4
    assert {layer.attn.attn.num_heads for layer in backbone.layers} == {4}
    images = torch.randn(2, 3, 32, 48)
    one, other = (backbone(each)[-1] for each in (images, images.flip(3)))
    assert not torch.allclose(one, other.flip(3), atol=1e-4)  # where a patch lies matters


def test_the_position_embedding_of_every_size_is_learnt_on_a_square_of_patches() -> None:
    assert {stages: VIT.grid(Shrink(32, stages)) for stages in (2, 3, 4)} == {2: 8, 3: 16, 4: 32}
    assert VIT.grid(None) * VIT.stride(None) == 512


def test_a_small_swin_shifts_its_windows() -> None:
    backbone = built(small("swin-base-patch4-window7", "upernet")).backbone
    for stage in backbone.stages:
        assert [block.attn.shift_size for block in stage.blocks] == [0, 2]
        assert {block.attn.window_size for block in stage.blocks} == {4}
        assert {block.attn.w_msa.num_heads for block in stage.blocks} <= {2, 4}
    # A window is 16 pixels wide: the corner of the image sees its own, the corner of the window the next one's too.
    backbone.eval()
    for patch, further in ((0, False), (3, True)):
        images = torch.randn(1, 3, 32, 32, requires_grad=True)
        (backbone(images)[0][0, :, patch, patch] * torch.randn(8)).sum().backward()
        assert images.grad[0, :, :16, :16].abs().sum() > 0
        assert bool(images.grad[0, :, 16:, 16:].abs().sum() > 0) is further


def test_dilated_squeezenet_is_torchvisions_between_its_own_values() -> None:
    from torchvision.models import squeezenet1_0

    network, theirs = Segmenter("squeezenet1_0", "fcn"), squeezenet1_0(weights=None).features
    ours = built(network).backbone
    theirs.load_state_dict(ours.features.state_dict())  # the same names and shapes
    images = torch.randn(2, 3, 64, 96)
    expected = theirs(functional.pad(images, (3, 3, 3, 3)))
    *_, given = ours(images)
    assert given.shape == (2, 512, 8, 12)
    torch.testing.assert_close(given[:, :, 1::2, 1::2], expected)


def test_squeezenet_keeps_its_published_size_under_a_smaller_head() -> None:
    whole, slim = (
        building.outline(Segmenter("squeezenet1_0", "fcn", shrink), 2, PLAIN)
        for shrink in (None, Shrink(96, 4, head=16))
    )
    assert {name: t.shape for name, t in whole.backbone.state_dict().items()} == {
        name: t.shape for name, t in slim.backbone.state_dict().items()
    }
    assert (whole.decode_head.channels, slim.decode_head.channels) == (128, 16)


def test_a_linear_probe_is_one_layer() -> None:
    module = built(small("r18-d8", "linear"))
    outside = {name: tuple(p.shape) for name, p in module.named_parameters() if not name.startswith("backbone.")}
    assert outside == {"decode_head.conv_seg.weight": (2, 64, 1, 1), "decode_head.conv_seg.bias": (2,)}
    images = torch.randn(2, 3, 32, 48)
    *_, last = module.eval().extract_feat(images)
    assert torch.allclose(module.decode_head(module.extract_feat(images)), module.decode_head.conv_seg(last))


@pytest.mark.parametrize("backbone", ["r18-d8", "hr48", "vit-b16_ln_mln", "swin-base-patch4-window7"])
def test_a_classifier_trains_and_is_a_function_of_its_seed(backbone: str) -> None:
    network = classifier(backbone)
    module, again, other = built(network, 1, 5), built(network, 1, 5), built(network, 2, 5)
    images, targets = torch.randn(3, 3, 32, 48), torch.tensor([0, 4, 2])
    building.loss(network, module, images, targets).backward()
    assert building.logits(network, module, images).shape == (3, 5)
    silent = [name for name, parameter in module.named_parameters() if parameter.grad is None]
    assert all(name.startswith(("backbone.norm0", "backbone.norm1", "backbone.norm2")) for name in silent)
    parameters = {name: value for name, value in module.named_parameters() if value.dim() > 1}
    assert all(torch.equal(value, again.get_parameter(name)) for name, value in parameters.items())
    differing = [name for name, value in parameters.items() if not torch.equal(value, other.get_parameter(name))]
    assert {"backbone", "head"} == {name.partition(".")[0] for name in differing}


def test_a_classifier_pools_the_features_of_all_branches_of_an_hrnet() -> None:
    network = Classifier("hr48", dropout=0.0, shrink=Shrink(8, 3, 0.25))
    module, images = built(network, classes=5), torch.randn(2, 3, 32, 48)
    features = torch.cat([functional.adaptive_avg_pool2d(each, 1).flatten(1) for each in module.backbone(images)], 1)
    assert features.shape == (2, 8 + 16 + 32)
    torch.testing.assert_close(module(images), features @ module.head.weight.T + module.head.bias)


def test_the_first_network_that_a_process_builds_may_be_a_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "harness.networks.openmmlab")
    built(classifier("r18"))
    assert "harness.networks.openmmlab" in sys.modules, "without it mmsegmentation cannot be imported on mmcv-lite"


def test_a_new_field_changes_no_key() -> None:
    assert digest(Classifier("resnet18")) == digest(Classifier("resnet18", 0.5, None))
    assert '"shrink"' not in str(Classifier("resnet18"))
    assert digest(Classifier("r18", shrink=Shrink(8, 4))) != digest(Classifier("r18"))


def test_a_classifier_that_does_not_exist_is_one_sentence() -> None:
    for network, sentence in (
        (
            Classifier("squeezenet1_0", shrink=RESNET),
            "of squeezenet1_0 to be None, because torchvision builds it whole",
        ),
        (Classifier("r18", shrink=RESNET), "shrink `head` of a classifier to be None, because it has no decode head"),
        (Classifier("r18", shrink=Shrink(8, 2)), "shrink `stages` of r18 to be 4, but got 2"),
    ):
        for use in (lambda each: family(each).check_network(each), lambda each: building.outline(each, 2, ())):
            with pytest.raises(ValueError, match="Expected") as error:
                use(network)
            assert sentence in str(error.value)


def starting(network: Network, source: Network, part: Any = "backbone") -> Recipe:
    return Recipe(Data("target"), network, Budget(1), init=FromJob(Recipe(Data("source"), source, Budget(1)), part))


def classes_of(data: Data) -> int:
    return {"source": 7, "target": 2}[data.name]


@pytest.mark.parametrize("part", ["backbone", "all"])
@pytest.mark.parametrize(
    ("backbone", "head", "source"),
    [
        ("r18-d8", "fcn", "r18-d8"),
        ("r50-d8", "linear", "r50"),
        ("hr48", "fcn", "hr48"),
        ("vit-b16_ln_mln", "upernet", "vit-b16_ln_mln"),
        ("swin-base-patch4-window7", "upernet", "swin-base-patch4-window7"),
    ],
)
def test_a_segmenter_starts_from_a_classifiers_backbone(backbone: str, head: str, source: str, part: Any) -> None:
    network, origin = small(backbone, head), classifier(source)
    weights.check(starting(network, origin, part), classes_of)
    module, given = built(network, 1), built(origin, 2, 7).state_dict()
    loaded = weights.fit(network, module, given, "a classification", part)
    assert loaded.unused == ("head.weight", "head.bias")
    assert not any(name.startswith("backbone.") for name in loaded.not_loaded)
    own = module.state_dict()
    taken = [name for name in own if name.startswith("backbone.")]
    assert loaded.loaded == len(taken)
    assert all(torch.equal(own[name], given[name]) for name in taken)


def test_a_classifier_starts_from_a_segmenters_backbone() -> None:
    network, origin = classifier("vit-b16_ln_mln"), small("vit-b16_ln_mln", "upernet")
    weights.check(starting(network, origin), classes_of)
    loaded = weights.fit(network, built(network, 1), built(origin, 2).state_dict(), "a segmentation", "backbone")
    assert loaded.not_loaded == ("head.weight", "head.bias")
    assert {name.partition(".")[0] for name in loaded.unused} == {"neck", "decode_head", "auxiliary_head"}


@pytest.mark.parametrize(
    ("network", "source", "words"),
    [
        (small("r18-d8", "fcn"), classifier("r50"), "to fit the backbone of r18-d8, but they lack"),
        (small("r50-d8", "fcn"), classifier("r101"), "but they hold 72 that it does not have"),
        (small("r18-d8", "fcn"), Classifier("r18"), "but they lack"),
        (small("r18-d8", "fcn"), Classifier("resnet18"), "but got torchvision's, one of 7×7"),
    ],
    ids=str,
)
def test_a_classifier_of_another_depth_width_or_library_is_refused(
    network: Segmenter, source: Classifier, words: str
) -> None:
    with pytest.raises(WeightsError, match=words):
        weights.check(starting(network, source), classes_of)
