"""Networks: mmsegmentation's and torchvision's own, their losses and logits, and their initialisation by seed."""

from __future__ import annotations

from pathlib import Path

import mmseg
import pytest
import torch
from mmengine.config import Config
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from harness.networks import building, family
from harness.networks.families.unet import HEAD_CHANNELS as HEADS
from harness.specs import Budget, Classifier, CrossEntropy, Data, Dice, Focal, Loss, Network, Recipe, Segmenter, Shrink

PLAIN = (CrossEntropy(),)
SMOKE = (CrossEntropy(class_weight=(1.0, 10.0)), Dice(3.0, "foreground"))
RESNET = Classifier("resnet18")


def unet(head: str = "fcn", width: int = 8, stages: int = 3) -> Segmenter:
    return Segmenter("unet-s5-d16", head, Shrink(width, stages))


TINY = unet()


def config(network: Segmenter, losses: tuple[Loss, ...] = PLAIN, classes: int = 2) -> dict:
    return family(network).config(network, classes, losses)


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
    built = config(Segmenter("unet-s5-d16", head))
    assert without(built, *differs) == without(published(head), *differs)
    assert built["backbone"]["norm_cfg"] == built["decode_head"]["norm_cfg"] == {"type": "BN", "requires_grad": True}
    assert built["test_cfg"] == {"mode": "whole"}
    for part in ("decode_head", "auxiliary_head"):
        (loss,) = built[part]["loss_decode"]
        assert {**published(head)[part]["loss_decode"], "loss_name": "loss_ce"} == loss


def test_the_published_unet_has_29_million_parameters() -> None:
    network = building.outline(Segmenter("unet-s5-d16", "fcn"), 2, PLAIN)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == pytest.approx(29.06e6, rel=0.005)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    images, targets = torch.randn(2, 3, 16, 24), torch.randint(0, 2, (2, 16, 24))
    targets[:, :3] = 255
    return images, targets


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("losses", [PLAIN, SMOKE, (Focal(),)], ids=["published", "smoke", "focal"])
def test_every_head_trains_both_heads_and_every_parameter_at_the_smoke_scale(
    head: str, losses: tuple[Loss, ...]
) -> None:
    network = unet(head)
    module = building.build(network, 2, losses, seed=0)
    images, targets = batch()
    building.loss(network, module, images, targets).backward()
    without_gradient = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without_gradient == []
    assert building.logits(network, module, images).shape == (2, 2, 16, 24)


@pytest.mark.parametrize("losses", [PLAIN, SMOKE], ids=["published", "smoke"])
def test_the_loss_is_what_mmengines_train_step_trains_on(losses: tuple[Loss, ...]) -> None:
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    module = building.build(TINY, 2, losses, seed=0)
    images, targets = batch()
    samples = [SegDataSample(gt_sem_seg=PixelData(data=target)) for target in targets.unsqueeze(1)]
    torch.manual_seed(1)  # of the heads' dropout
    values = module.loss(images, samples)
    terms = [value for name, value in values.items() if ".loss" in name]
    assert len(terms) == 2 * len(losses)
    torch.manual_seed(1)
    assert building.loss(TINY, module, images, targets) == sum(terms)


def test_a_classifiers_loss_is_the_sum_of_its_terms() -> None:
    losses = (CrossEntropy(2.0, (1.0, 2.0, 3.0)), Focal(0.5))
    module = building.build(RESNET, 3, losses, seed=0).eval()
    images, targets = torch.randn(4, 3, 40, 56), torch.tensor([0, 2, 1, 1])
    logits = building.logits(RESNET, module, images)
    assert logits.shape == (4, 3)
    cross_entropy = functional.cross_entropy(logits, targets, torch.tensor([1.0, 2.0, 3.0]))
    focal = sigmoid_focal_loss(logits, functional.one_hot(targets).float(), alpha=0.5, reduction="mean")
    torch.testing.assert_close(building.loss(RESNET, module, images, targets), 2 * cross_entropy + 0.5 * focal)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "squeezenet1_0"])
def test_a_classifier_is_torchvisions_by_its_names_and_drops_before_its_last_layer(backbone: str) -> None:
    from torchvision.models import get_model

    network = Classifier(backbone, dropout=0.75)
    ours, theirs = building.outline(network, 1000, PLAIN), get_model(backbone, weights=None)
    shapes = {name: tensor.shape for name, tensor in theirs.state_dict().items()}
    assert {name: tensor.shape for name, tensor in ours.state_dict().items()} == shapes
    (dropout,) = [module for module in ours.modules() if isinstance(module, torch.nn.Dropout)]
    assert dropout.p == 0.75


def test_a_classifier_without_dropout_computes_what_torchvisions_does() -> None:
    from torchvision.models import resnet18

    network = Classifier("resnet18", dropout=0.0)
    ours, theirs = building.build(network, 5, PLAIN, seed=0), resnet18(num_classes=5)
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(2, 3, 40, 40)
    assert torch.equal(building.logits(network, ours, images), theirs(images))


def test_the_dropout_of_a_classifier_is_its_own() -> None:
    module = building.build(Classifier("resnet18", dropout=1.0), 5, PLAIN, seed=0)
    images = torch.randn(2, 3, 40, 40)
    assert torch.equal(building.logits(RESNET, module, images), module.fc.bias.expand(2, 5))
    assert not torch.equal(building.logits(RESNET, module.eval(), images), module.fc.bias.expand(2, 5))


@pytest.mark.parametrize("network", [TINY, RESNET])
def test_class_weights_for_other_classes_are_refused(network: Network) -> None:
    for use in (lambda *args: building.build(*args, seed=0), building.outline):
        with pytest.raises(ValueError, match="a weight for each of 3 classes, but got 2"):
            use(network, 3, (CrossEntropy(class_weight=(1.0, 10.0)),))


@pytest.mark.parametrize("network", [*map(unet, HEADS), RESNET], ids=str)
def test_an_outline_has_the_networks_names_and_shapes_and_draws_nothing(network: Network) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    outline = building.outline(network, 2, PLAIN)
    assert torch.equal(torch.rand(4), expected)
    state, whole = outline.state_dict(), building.build(network, 2, PLAIN, seed=0).state_dict()
    assert all(tensor.device.type == "meta" for tensor in state.values())
    assert {name: t.shape for name, t in state.items()} == {name: t.shape for name, t in whole.items()}


def freezing(*frozen: str) -> Recipe:
    return Recipe(Data("dme"), TINY, Budget(1), frozen=frozen)


@pytest.mark.parametrize(
    ("frozen", "end"),
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
def test_what_cannot_be_frozen_is_one_sentence(frozen: tuple[str, ...], end: str) -> None:
    with pytest.raises(ValueError, match="Expected `frozen`") as error:
        building.check_frozen(freezing(*frozen), 2)
    assert str(error.value).endswith(end)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("frozen", [(), ("backbone",), ("backbone.encoder.0", "decode_head.conv_seg")])
def test_what_can_be_frozen_is_accepted(frozen: tuple[str, ...]) -> None:
    building.check_frozen(freezing(*frozen), 2)


def test_the_auxiliary_heads_losses_count_by_two_fifths() -> None:
    built = config(TINY, (CrossEntropy(), Dice(3.0)))
    weights = {
        part: [loss["loss_weight"] for loss in built[part]["loss_decode"]] for part in ("decode_head", "auxiliary_head")
    }
    assert weights == {"decode_head": [1.0, 3.0], "auxiliary_head": pytest.approx([0.4, 1.2])}


def test_class_weights_reach_both_heads() -> None:
    built = config(TINY, (CrossEntropy(2.0, (1.0, 10.0)),))
    for part, share in (("decode_head", 1.0), ("auxiliary_head", 0.4)):
        (loss,) = built[part]["loss_decode"]
        assert (loss["type"], loss["term"], loss["class_weight"]) == ("TermLoss", "ce", (1.0, 10.0))
        assert loss["loss_weight"] == pytest.approx(2.0 * share)


@pytest.mark.parametrize("network", [TINY, RESNET])
def test_initialisation_is_a_function_of_the_seed_whatever_was_drawn_before(network: Network) -> None:
    first = building.build(network, 2, PLAIN, seed=7)
    torch.rand(100)
    torch.manual_seed(12345)
    assert equal(first, building.build(network, 2, PLAIN, seed=7))
    other = building.build(network, 2, PLAIN, seed=8)
    segmenter = ("backbone.encoder", "backbone.decoder", "decode_head.conv_seg", "auxiliary_head.conv_seg")
    for part in segmenter if network is TINY else ("conv1", "layer4", "fc"):
        assert not equal(first, other, part), part


def test_building_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    building.build(TINY, 2, PLAIN, seed=0)
    assert torch.equal(torch.rand(4), expected)


def test_arms_that_differ_in_their_loss_only_start_from_the_same_weights() -> None:
    losses = (PLAIN, SMOKE, (Dice(), Focal()))
    first, *others = [building.build(TINY, 2, loss, seed=1) for loss in losses]
    assert all(equal(first, other) for other in others)


def test_classifiers_start_small_as_mmsegmentations_do() -> None:
    network = building.build(unet(stages=2), 19, PLAIN, seed=0)
    for head in (network.decode_head, network.auxiliary_head):
        assert head.conv_seg.weight.std().item() == pytest.approx(0.01, rel=0.15)
        assert head.conv_seg.bias.abs().max() == 0


def test_convolutions_start_from_kaiming_and_norms_from_one() -> None:
    network = building.build(unet(width=32, stages=2), 2, PLAIN, seed=0)
    for name, module in network.backbone.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
            assert module.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.1), name
        elif isinstance(module, torch.nn.BatchNorm2d):
            assert bool((module.weight == 1).all()), name
