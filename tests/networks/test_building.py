"""Networks: mmsegmentation's own configs, whole or cut down, and their initialisation by seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mmseg
import pytest
import torch
from mmengine.config import Config

from harness.models import building
from harness.specs import HEADS, POOLED, Budget, Data, Loss, Model, Recipe

TINY = Model(width=8, stages=3)
CROSS_ENTROPY = Loss()


def published(head: str) -> dict:
    base = Path(mmseg.__file__).parent / ".mim" / "configs" / "_base_" / "models"
    return Config.fromfile(base / f"{head}_unet_s5-d16.py").model.to_dict()


def without(config: dict, *names: str) -> dict:
    """A config without the given keys, at every depth."""
    return {
        key: without(value, *names) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in names
    }


def equal(one: torch.nn.Module, two: torch.nn.Module, prefix: str = "") -> bool:
    first, second = one.state_dict(), two.state_dict()
    assert first.keys() == second.keys()
    chosen = [name for name in first if name.startswith(prefix)]
    assert chosen, prefix
    return all(torch.equal(first[name], second[name]) for name in chosen)


@pytest.mark.parametrize("head", HEADS)
def test_the_published_size_is_mmsegs_config_but_for_norm_losses_and_whole_images(head: str) -> None:
    differs = ("norm_cfg", "loss_decode", "test_cfg", "pretrained", "data_preprocessor")
    built = building.config(Model(head=head), 2, CROSS_ENTROPY)
    assert without(built, *differs) == without(published(head), *differs)
    assert built["backbone"]["norm_cfg"] == built["decode_head"]["norm_cfg"] == {"type": "BN", "requires_grad": True}
    assert built["test_cfg"] == {"mode": "whole"}
    for part in ("decode_head", "auxiliary_head"):
        (loss,) = built[part]["loss_decode"]
        assert {**published(head)[part]["loss_decode"], "loss_name": "loss_ce"} == loss


def test_the_published_unet_has_29_million_parameters() -> None:
    with torch.device("meta"):
        network = building.MODELS.build(building.config(Model(head="fcn"), 2, CROSS_ENTROPY))
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == pytest.approx(29.06e6, rel=0.005)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("loss", [CROSS_ENTROPY, Loss(1.0, 3.0, (1.0, 10.0), "foreground")], ids=["published", "smoke"])
def test_every_head_trains_both_heads_and_every_parameter_at_the_smoke_scale(head: str, loss: Loss) -> None:
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    network = building.build(replace(TINY, head=head), 2, loss, seed=0)
    images = torch.randn(2, 3, 16, 24)
    masks = torch.randint(0, 2, (2, 1, 16, 24))
    masks[:, :, :3] = 255
    samples = [SegDataSample(gt_sem_seg=PixelData(data=mask)) for mask in masks]
    values = network.loss(images, samples)
    names = {"loss_ce", "loss_dice"} if loss.dice else {"loss_ce"}
    assert {f"{part}.{name}" for part in ("decode", "aux") for name in names} == {n for n in values if ".loss" in n}
    sum(value for name, value in values.items() if ".loss" in name).backward()
    without_gradient = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without_gradient == []
    assert network.encode_decode(images, [{"img_shape": (16, 24)}] * 2).shape == (2, 2, 16, 24)


def forward(network: torch.nn.Module, images: torch.Tensor) -> None:
    features = network.extract_feat(images)
    for head in (network.decode_head, network.auxiliary_head):
        head(features)


@pytest.mark.parametrize("head", HEADS)
def test_a_recipe_for_single_images_is_refused_where_torch_would_refuse_them(head: str) -> None:
    network = building.build(replace(TINY, head=head), 2, CROSS_ENTROPY, seed=0)
    image = torch.randn(1, 3, 16, 24)
    if head in POOLED:
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            forward(network, image)
        network.get_submodule(POOLED[head]).eval()  # the only one that is left with one value
    forward(network, image)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        forward(network, torch.randn(1, 3, TINY.stride, TINY.stride))
    network.get_submodule(f"backbone.encoder.{TINY.stages - 1}").eval()
    if head == "fcn":
        forward(network, torch.randn(1, 3, TINY.stride, TINY.stride))


@pytest.mark.parametrize("head", HEADS)
def test_an_outline_has_the_networks_names_and_shapes_and_draws_nothing(head: str) -> None:
    model = replace(TINY, head=head)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    outline = building.outline(model, 2, CROSS_ENTROPY)
    assert torch.equal(torch.rand(4), expected)
    state, whole = outline.state_dict(), building.build(model, 2, CROSS_ENTROPY, seed=0).state_dict()
    assert all(tensor.device.type == "meta" for tensor in state.values())
    assert {name: t.shape for name, t in state.items()} == {name: t.shape for name, t in whole.items()}


def freezing(*frozen: str) -> Recipe:
    return Recipe(Data("dme"), Budget(1), model=TINY, frozen=frozen)


@pytest.mark.parametrize(
    ("frozen", "said"),
    [
        (("encoder",), "it has no 'encoder'; choose of backbone, decode_head, auxiliary_head."),
        (
            ("auxiliary_head", "backbone.layer1"),
            "it has no 'backbone.layer1'; choose of backbone.encoder, backbone.decoder.",
        ),
        (("decode_head.conv_seg.weight",), "it has no 'decode_head.conv_seg.weight'; choose of decode_head.conv_seg."),
        (("backbone", "decode_head", "auxiliary_head"), "decode_head, auxiliary_head are all of it; leave one out."),
    ],
)
def test_what_cannot_be_frozen_is_one_sentence(frozen: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match="Expected `frozen`") as error:
        building.check_frozen(freezing(*frozen), 2)
    assert str(error.value).endswith(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("frozen", [(), ("backbone",), ("backbone.encoder.0", "decode_head.conv_seg")])
def test_what_can_be_frozen_is_accepted(frozen: tuple[str, ...]) -> None:
    building.check_frozen(freezing(*frozen), 2)


def test_the_auxiliary_heads_losses_count_by_two_fifths() -> None:
    built = building.config(TINY, 2, Loss(1.0, 3.0))
    weights = {
        part: [loss["loss_weight"] for loss in built[part]["loss_decode"]] for part in ("decode_head", "auxiliary_head")
    }
    assert weights == {"decode_head": [1.0, 3.0], "auxiliary_head": pytest.approx([0.4, 1.2])}


def test_class_weights_reach_both_heads() -> None:
    built = building.config(TINY, 2, Loss(2.0, class_weight=(1.0, 10.0)))
    for part, share in (("decode_head", 1.0), ("auxiliary_head", 0.4)):
        (loss,) = built[part]["loss_decode"]
        assert loss["type"] == "WeightedCrossEntropyLoss"
        assert loss["class_weight"] == [1.0, 10.0]
        assert loss["loss_weight"] == pytest.approx(2.0 * share)


def test_a_loss_with_weight_0_is_not_built() -> None:
    (only,) = building.config(TINY, 2, Loss(0.0, 1.0))["decode_head"]["loss_decode"]
    assert only["type"] == "MaskedDiceLoss"
    assert only["ignore_index"] == 255, "every class counts"
    (only,) = building.config(TINY, 2, Loss(0.0, 1.0, dice_classes="foreground"))["decode_head"]["loss_decode"]
    assert (only["use_sigmoid"], only["ignore_index"]) == (False, 0)


def test_initialisation_is_a_function_of_the_seed_whatever_was_drawn_before() -> None:
    first = building.build(TINY, 2, CROSS_ENTROPY, seed=7)
    torch.rand(100)
    torch.manual_seed(12345)
    assert equal(first, building.build(TINY, 2, CROSS_ENTROPY, seed=7))
    other = building.build(TINY, 2, CROSS_ENTROPY, seed=8)
    for part in ("backbone.encoder", "backbone.decoder", "decode_head.conv_seg", "auxiliary_head.conv_seg"):
        assert not equal(first, other, part), part


def test_building_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    building.build(TINY, 2, CROSS_ENTROPY, seed=0)
    assert torch.equal(torch.rand(4), expected)


def test_arms_that_differ_in_their_loss_only_start_from_the_same_weights() -> None:
    losses = (CROSS_ENTROPY, Loss(0.0, 1.0), Loss(1.0, 3.0, (1.0, 10.0), "foreground"))
    first, *others = [building.build(TINY, 2, loss, seed=1) for loss in losses]
    assert all(equal(first, other) for other in others)


def test_classifiers_start_small_as_mmsegmentations_do() -> None:
    network = building.build(Model(width=8, stages=2), 19, CROSS_ENTROPY, seed=0)
    for head in (network.decode_head, network.auxiliary_head):
        assert head.conv_seg.weight.std().item() == pytest.approx(0.01, rel=0.15)
        assert head.conv_seg.bias.abs().max() == 0


def test_convolutions_start_from_kaiming_and_norms_from_one() -> None:
    network = building.build(Model(width=32, stages=2), 2, CROSS_ENTROPY, seed=0)
    for name, module in network.backbone.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
            assert module.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1), name
        elif isinstance(module, torch.nn.BatchNorm2d):
            assert bool((module.weight == 1).all()), name
