"""Torchvision's ResNets and DenseNets: as published, and smaller."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from torchvision import models

from harness.networks import WeightsError, building, family, weights
from harness.networks.families.densenet import LAYERS
from harness.networks.families.resnet import BLOCKS
from harness.specs import (
    Budget,
    Classifier,
    CrossEntropy,
    Data,
    FromJob,
    Network,
    RandomCrop,
    Recipe,
    Shrink,
    SpatialAttention,
)

PLAIN = (CrossEntropy(),)
NAMES = (*BLOCKS, *LAYERS)
SMALL = [
    Classifier(name, shrink=shrink)
    for name in ("resnet18", "resnet34", "resnet50", "densenet121", "densenet161")
    for shrink in (Shrink(8, 2, 0.5), Shrink(6, 3, 0.34), Shrink(16, 4, 0.25))
]


def built(network: Classifier, seed: int = 0, classes: int = 3) -> torch.nn.Module:
    return building.build(network, classes, PLAIN, seed)


def recipe(network: Network, **changes: Any) -> Recipe:
    return Recipe(**{"data": Data("dr_rahim"), "network": network, "budget": Budget(1), **changes})


@pytest.mark.parametrize("name", NAMES)
def test_the_published_network_has_torchvisions_tensors(name: str) -> None:
    with torch.device("meta"):
        theirs = models.get_model(name)
    ours = building.outline(Classifier(name), 1000, PLAIN)
    shapes = {each: tensor.shape for each, tensor in theirs.state_dict().items()}
    assert {each: tensor.shape for each, tensor in ours.state_dict().items()} == shapes


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_the_published_network_starts_and_computes_as_torchvisions(name: str) -> None:
    ours = built(Classifier(name, dropout=0.0), seed=5)
    torch.manual_seed(5)
    theirs = models.get_model(name, num_classes=3)
    state = theirs.state_dict()
    assert all(torch.equal(tensor, state[each]) for each, tensor in ours.state_dict().items())
    images = torch.randn(2, 3, 40, 40)
    assert torch.equal(ours(images), theirs(images))
    assert torch.equal(ours.eval()(images), theirs.eval()(images))


@pytest.mark.parametrize("name", ["resnet34", "densenet121"])
def test_dropout_lies_between_pooling_and_the_last_layer(name: str) -> None:
    network = Classifier(name, dropout=1.0, shrink=Shrink(8, 2, 0.34))
    module, images = built(network), torch.randn(2, 3, 24, 24)
    bias = module.get_submodule(family(network).last).bias
    assert torch.equal(module(images), bias.expand(2, 3))
    assert not torch.equal(module.eval()(images), bias.expand(2, 3))


@pytest.mark.parametrize("network", SMALL, ids=str)
def test_a_smaller_network_trains_and_is_what_the_family_says(network: Classifier) -> None:
    own, module = family(network), built(network)
    images = torch.randn(2, 3, 49, 64)
    building.loss(network, module, images, torch.tensor([0, 2])).backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    maps = own.maps(module, images)
    assert maps.shape == (2, own.channels(network), *own.map_size(network, (49, 64)))
    assert next(iter(module.parameters())).shape[0] == network.shrink.width
    assert building.logits(network, module, images).shape == (2, 3)
    own.check(recipe(network, transforms=(RandomCrop((49, 64)),)))


@pytest.mark.parametrize("network", SMALL, ids=str)
def test_the_cost_of_a_smaller_network_is_what_torch_counts(network: Classifier) -> None:
    module = building.outline(network, 2, ()).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        building.logits(network, module, torch.empty(1, 3, 64, 96, device="meta"))
    assert family(network).cost(network, (64, 96)) == pytest.approx(counter.get_total_flops() / 2, rel=0.05)


@pytest.mark.parametrize("depth", [0.25, 0.34, 0.5, 1.0])
@pytest.mark.parametrize("names", [("resnet18", "resnet34"), ("densenet121", "densenet169", "densenet201")])
def test_deeper_networks_stay_deeper(names: tuple[str, ...], depth: float) -> None:
    convolutions = [
        sum(
            isinstance(part, torch.nn.Conv2d)
            for part in building.outline(Classifier(name, shrink=Shrink(8, 4, depth)), 2, ()).modules()
        )
        for name in names
    ]
    assert all(less < more for less, more in pairwise(convolutions))


def test_a_densenets_width_scales_its_growth() -> None:
    module = building.outline(Classifier("densenet121", shrink=Shrink(12, 3, 0.5)), 2, ())
    blocks = [module.get_submodule(f"features.denseblock{number}") for number in (1, 2, 3)]
    assert [len(block) for block in blocks] == [3, 6, 12]
    assert {layer.conv2.out_channels for block in blocks for layer in block.children()} == {6}
    assert module.features.conv0.out_channels == 12


@pytest.mark.parametrize("network", SMALL[::3], ids=str)
def test_smaller_networks_start_by_torchvisions_rule(network: Classifier) -> None:
    wide = Classifier(network.backbone, shrink=Shrink(48, 2, 0.34))
    mode = "fan_out" if network.backbone.startswith("resnet") else "fan_in"
    checked = 0
    for part in built(wide).modules():
        if isinstance(part, torch.nn.Conv2d) and part.weight.numel() > 2000:
            fan = part.weight[0].numel() if mode == "fan_in" else part.out_channels * part.weight[0, 0].numel()
            assert part.weight.std().item() == pytest.approx((2 / fan) ** 0.5, rel=0.1)
            checked += 1
    assert checked > 2


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (Classifier("squeezenet1_0", shrink=Shrink(8, 4)), "shrink` of squeezenet1_0 to be None, because torchvision"),
        (Classifier("resnet34", shrink=Shrink(8, 5)), "`stages` of resnet34 to be 2 or 3 or 4, but got 5."),
        (Classifier("densenet121", shrink=Shrink(8, 1)), "`stages` of densenet121 to be 2 or 3 or 4, but got 1."),
        (Classifier("densenet121", shrink=Shrink(9, 3)), "`width` of densenet121 to be even, because each layer adds"),
        (Classifier("resnet18", shrink=Shrink(8, 3, head=8)), "shrink `head` of a classifier to be None"),
    ],
)
def test_a_size_that_does_not_exist_is_one_sentence(network: Classifier, sentence: str) -> None:
    for use in (lambda: family(network).check(recipe(network)), lambda: building.outline(network, 2, ())):
        with pytest.raises(ValueError, match="Expected") as error:
            use()
        assert sentence in str(error.value)


@pytest.mark.parametrize("stages", [2, 3, 4])
def test_a_densenet_refuses_images_that_torch_would_refuse(stages: int) -> None:
    network = Classifier("densenet121", shrink=Shrink(4, stages, 0.1))
    module, own = built(network), family(network)
    for side in range(2, 70):
        for batch in (1, 2):
            given = recipe(network, batch_size=batch, transforms=(RandomCrop((side, side)),))
            try:
                module(torch.randn(batch, 3, side, side))
            except (ValueError, RuntimeError):
                with pytest.raises(ValueError, match="Expected images"):
                    own.check(given)
            else:
                own.check(given)


@pytest.mark.parametrize("frozen", [(), ("layer2",), ("layer1", "layer2")])
def test_a_smaller_resnet_refuses_a_single_image_that_torch_would_refuse(frozen: tuple[str, ...]) -> None:
    network = Classifier("resnet18", shrink=Shrink(4, 2, 0.5))
    module, own = built(network), family(network)
    for part in frozen:
        module.get_submodule(part).eval()
    for side in (1, 2, 3, 4, 5, 8, 9):
        given = recipe(network, batch_size=1, frozen=frozen, transforms=(RandomCrop((side, side)),))
        try:
            module(torch.randn(1, 3, side, side))
        except ValueError:
            with pytest.raises(ValueError, match="where recipe `batch_size` is 1"):
                own.check(given)
        else:
            own.check(given)


@pytest.mark.parametrize(
    ("backbone", "early", "next_part"),
    [
        ("resnet18", ("conv1", "bn1", "layer1"), "layer2"),
        ("densenet121", ("features.conv0", "features.norm0", "features.denseblock1"), "features.transition1"),
    ],
)
@pytest.mark.parametrize("shrink", [None, Shrink(8, 3, 0.5)], ids=["published", "small"])
def test_early_layers_can_be_frozen(backbone: str, early: tuple[str, ...], next_part: str, shrink: Any) -> None:
    network = Classifier(backbone, shrink=shrink)
    frozen = recipe(network, frozen=early)
    building.check_frozen(frozen, 2)
    assert not family(network).freezes_trunk(frozen)
    assert family(network).freezes_trunk(recipe(network, frozen=family(network).trunk))
    module = building.outline(network, 2, ())
    for part in building.parts(module, early):
        part.requires_grad_(False)
    free = [name for name, parameter in module.named_parameters() if parameter.requires_grad]
    assert free[0].startswith(f"{next_part}.")


def as_published(state: weights.State) -> dict[str, torch.Tensor]:
    """Under the names that torchvision's published files of DenseNets have."""
    old = {f".{kind}{number}.": f".{kind}.{number}." for kind in ("norm", "conv") for number in (1, 2)}
    renamed = {}
    for name, tensor in state.items():
        new = name
        for now, then in old.items():
            new = new.replace(now, then) if "denselayer" in name else new
        if not new.endswith("num_batches_tracked"):
            renamed[new] = tensor
    return renamed


def test_a_densenet_takes_a_file_with_the_names_of_torchvisions_first() -> None:
    network = Classifier("densenet121", shrink=Shrink(8, 3, 0.5))
    source, target = built(network, 1, classes=10), built(network, 2, classes=3)
    file = as_published(source.state_dict())
    assert "features.denseblock1.denselayer1.norm.1.weight" in file
    loaded = weights.fit(network, target, file, "a file")
    assert loaded.unused == ("classifier.weight", "classifier.bias")
    assert loaded.classes == (10, 3)
    given, own = source.state_dict(), target.state_dict()
    learnt = [name for name in own if name.startswith("features.") and not name.endswith("num_batches_tracked")]
    assert loaded.loaded == len(learnt)
    assert all(torch.equal(own[name], given[name]) for name in learnt)


def test_the_names_of_a_whole_published_file_all_fit() -> None:
    network = Classifier("densenet121")
    file = as_published(building.outline(network, 1000, ()).state_dict())
    fitted = weights.fitting(network, building.outline(network, 5, ()).state_dict(), file, "a file", "backbone")
    assert len(fitted.tensors) == len(file) - 2


def test_a_densenet_of_another_depth_is_refused() -> None:
    one, other = (Classifier("densenet121", shrink=Shrink(8, 3, depth)) for depth in (0.5, 0.25))
    starting = recipe(one, init=FromJob(recipe(other)))
    with pytest.raises(WeightsError, match="to fit the backbone of densenet121, but they lack"):
        weights.check(starting, lambda data: 5)


@pytest.mark.parametrize("network", SMALL[:1] + SMALL[9:10], ids=str)
def test_the_last_map_is_what_is_pooled(network: Classifier) -> None:
    own, module, seen = family(network), built(network).eval(), []
    own.last_map(module).register_forward_hook(lambda part, given, output: seen.append(output))
    images = torch.randn(2, 3, 32, 48)
    logits = module(images)
    [maps] = seen
    assert maps.shape == (2, own.channels(network), *own.map_size(network, (32, 48)))
    torch.testing.assert_close(logits, module.get_submodule(own.last)(maps.mean((2, 3))))


def test_attention_to_positions_needs_several_of_them() -> None:
    for name, stages, one, several in (("resnet18", 4, 32, 33), ("densenet121", 4, 60, 61), ("densenet121", 3, 28, 29)):
        network = Classifier(name, shrink=Shrink(8, stages, 0.25), attention=SpatialAttention())
        family(network).check(recipe(network, transforms=(RandomCrop((several, one)),)))
        with pytest.raises(ValueError, match=f"of {name} to have several positions .* images of {one}×{one} pixels"):
            family(network).check(recipe(network, transforms=(RandomCrop((one, one)),)))
