"""Families: who builds what, which recipes suit a network, and what a forward pass costs."""

from __future__ import annotations

import subprocess
import sys
import types
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from harness.networks import building, family, registered, registry
from harness.networks.encoder_decoders import heads
from harness.networks.families.unet import HEAD_CHANNELS as HEADS
from harness.specs import (
    Budget,
    Classifier,
    CrossEntropy,
    Data,
    Dice,
    Network,
    RandomCrop,
    Recipe,
    Rescale,
    Resize,
    Segmenter,
    Shrink,
)

POOLED = {head: part for head, part in heads.POOLED.items() if head in HEADS}

TINY = Segmenter("unet-s5-d16", "fcn", Shrink(8, 3))
RESNET = Classifier("resnet18")


def check(network: Network = TINY, **changes: Any) -> None:
    recipe = Recipe(**{"data": Data("dme"), "network": network, "budget": Budget(1), **changes})
    family(network).check(recipe)


def crop(*size: int) -> dict[str, Any]:
    return {"transforms": (RandomCrop(size),)}


def test_every_backbone_has_one_family() -> None:
    served = [(each.kind, backbone) for each in registered() for backbone in each.backbones]
    assert len(served) == len(set(served))
    assert {(Segmenter, "unet-s5-d16"), (Classifier, "resnet18"), (Classifier, "squeezenet1_0")} <= set(served)
    names = [each.name for each in registered()]
    assert len(names) == len(set(names))
    assert all(each.version >= 1 for each in registered())


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (
            Segmenter("resnet18", "fcn"),
            "'unet-s5-d16', 'vit-b16_ln_mln', but got 'resnet18'.",
        ),
        (Segmenter("unet-s5-d16", "upernet"), "to be one of 'fcn', 'pspnet', 'deeplabv3', but got 'upernet'."),
        (Segmenter("unet-s5-d16", "fcn", Shrink(8, 1)), "to be between 2 and 5, but got 1."),
        (Segmenter("unet-s5-d16", "fcn", Shrink(8, 6)), "to be between 2 and 5, but got 6."),
    ],
)
def test_a_network_that_does_not_exist_is_one_sentence(network: Network, sentence: str) -> None:
    for use in (check, lambda network: building.build(network, 2, (), 0)):
        with pytest.raises(ValueError, match="Expected") as error:
            use(network)
        assert str(error.value).endswith(sentence)


def test_a_classifier_that_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"classifier `backbone` to be one of .*'resnet18', .*, but got 'vgg'"):
        check(Classifier("vgg"))


def test_the_crop_is_divisible_by_the_stride() -> None:
    assert family(TINY).stride(TINY) == 4
    assert family(TINY).stride(Segmenter("unet-s5-d16", "fcn")) == 16
    check(**crop(16, 20))
    with pytest.raises(ValueError, match="divisible by the network's stride of 4, but got 16×18; choose multiples"):
        check(**crop(16, 18))
    check(RESNET, **crop(33, 47))


def test_a_classifier_takes_no_dice() -> None:
    check(losses=(CrossEntropy(), Dice()))
    with pytest.raises(ValueError, match="Expected losses of a classification, but got Dice"):
        check(RESNET, losses=(CrossEntropy(), Dice()))


@pytest.mark.parametrize("head", sorted(POOLED))
def test_pooled_heads_train_on_no_single_image(head: str) -> None:
    network = Segmenter("unet-s5-d16", head, Shrink(8, 3))
    check(network, batch_size=2)
    with pytest.raises(ValueError, match="`batch_size` to be at least 2 with the head"):
        check(network, batch_size=1)
    for frozen in ("decode_head", POOLED[head]):
        check(network, batch_size=1, frozen=(frozen,))
    with pytest.raises(ValueError, match="`batch_size` to be at least 2 with the head"):
        check(network, batch_size=1, frozen=("backbone", "decode_head.conv_seg"))


@pytest.mark.parametrize(
    "small",
    [
        crop(4, 4),
        {"data": Data("dme", resize=Resize((3, 4)))},
        {"data": Data("dme", resize=Resize((6, 8))), "transforms": (Rescale(0.5),)},
    ],
)
def test_a_single_image_of_one_pixel_at_the_bottom_is_refused(small: dict[str, Any]) -> None:
    check(batch_size=2, **small)
    check(batch_size=1, **crop(4, 8))
    with pytest.raises(ValueError, match="larger than the network's stride of 4 where recipe `batch_size` is 1"):
        check(batch_size=1, **small)
    for frozen in ("backbone", "backbone.encoder", "backbone.encoder.2"):
        check(batch_size=1, **small, frozen=(frozen,))
    with pytest.raises(ValueError, match="larger than the network's stride"):
        check(batch_size=1, **small, frozen=("backbone.encoder.1",))


def forward(network: torch.nn.Module, images: torch.Tensor) -> None:
    features = network.extract_feat(images)
    for head in (network.decode_head, network.auxiliary_head):
        head(features)


@pytest.mark.parametrize("head", HEADS)
def test_a_recipe_for_single_images_is_refused_where_torch_would_refuse_them(head: str) -> None:
    module = building.build(Segmenter("unet-s5-d16", head, Shrink(8, 3)), 2, (CrossEntropy(),), seed=0)
    image = torch.randn(1, 3, 16, 24)
    if head in POOLED:
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            forward(module, image)
        module.get_submodule(POOLED[head]).eval()  # the only one that is left with one value
    forward(module, image)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        forward(module, torch.randn(1, 3, 4, 4))
    module.get_submodule("backbone.encoder.2").eval()
    if head == "fcn":
        forward(module, torch.randn(1, 3, 4, 4))


@pytest.mark.parametrize("frozen", [(), ("layer4",), ("layer3", "layer4"), ("bn1", "layer1", "layer2")])
def test_a_single_image_for_a_resnet_is_refused_where_torch_would_refuse_it(frozen: tuple[str, ...]) -> None:
    module = building.build(RESNET, 2, (CrossEntropy(),), seed=0)
    for part in frozen:
        module.get_submodule(part).eval()
    for side in (1, 2, 8, 9, 16, 17, 32, 33):
        try:
            module(torch.randn(1, 3, side, side))
        except ValueError:
            with pytest.raises(ValueError, match="where recipe `batch_size` is 1"):
                check(RESNET, batch_size=1, frozen=frozen, **crop(side, side))
        else:
            check(RESNET, batch_size=1, frozen=frozen, **crop(side, side))


def test_an_image_that_is_too_small_for_a_squeezenet_is_refused() -> None:
    network = Classifier("squeezenet1_0")
    module = building.build(network, 2, (), seed=0)
    check(network, **crop(21, 21))
    building.logits(network, module, torch.randn(1, 3, 21, 21))
    with pytest.raises(ValueError, match="at least 21×21 pixels for squeezenet1_0, but got 20×64; choose a larger"):
        check(network, **crop(20, 64))
    with pytest.raises(RuntimeError, match="too small"):
        building.logits(network, module, torch.randn(1, 3, 20, 64))


CLASSIFIERS = {each.name: each for each in registered() if each.kind is Classifier}

NETWORKS = [
    *(Segmenter("unet-s5-d16", head, shrink) for head in HEADS for shrink in (None, Shrink(8, 3), Shrink(16, 2))),
    *(Classifier(each) for name in ("resnet", "squeezenet") for each in CLASSIFIERS[name].backbones),
    *map(Classifier, CLASSIFIERS["densenet"].backbones[:2]),
]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_the_cost_is_what_torch_counts(network: Network) -> None:
    size = (64, 96) if isinstance(network, Segmenter) else (224, 160)
    module = building.outline(network, 2, ()).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        building.logits(network, module, torch.empty(1, 3, *size, device="meta"))
    assert family(network).cost(network, size) == pytest.approx(counter.get_total_flops() / 2, rel=0.25)


def test_families_are_asked_without_torch() -> None:
    code = (
        "import sys; from harness.networks import family, registered; from harness.specs import *\n"
        "from harness.networks.weight_files import verify\n"
        "assert len(registered()) >= 3\n"
        "segmenters = [Segmenter(name, 'upernet') for name in ('r50', 'vit-b16_ln_mln', 'swin-base-patch4-window7')]\n"
        "segmenters += [Segmenter(name, 'fcn') for name in ('unet-s5-d16', 'r50-d8', 'hr48', 'squeezenet1_0')]\n"
        "segmenters += [Classifier('densenet121', attention=SelfAttention(2))]\n"
        "for network in (*segmenters, Classifier('resnet18'), Classifier('r18', shrink=Shrink(8, 4, .25))):\n"
        "    recipe = Recipe(Data('dme'), network, Budget(1))\n"
        "    family(network).check(recipe); family(network).cost(network, (64, 64)); family(network).stride(network)\n"
        "print(*{'torch', 'mmseg', 'mmengine', 'torchvision', 'pytest'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_family_is_added_with_one_module(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(type(family(RESNET))):
        name, backbones = "own", ("own18",)

    module = types.ModuleType("harness.networks.families.own")
    module.FAMILY = Own()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names = [types.SimpleNamespace(name=name) for name in ("resnet", "own")]
    monkeypatch.setattr(registry.pkgutil, "iter_modules", lambda path: names)
    monkeypatch.setattr(registry, "registered", registered.__wrapped__)
    assert family(Classifier("own18")) is module.FAMILY
    assert family(RESNET).name == "resnet"
