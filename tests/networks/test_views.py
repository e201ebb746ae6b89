"""Two views: an image and its companion through one backbone, and a last layer for both."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.networks import building, family, views, weights
from harness.specs import (
    Attention,
    Budget,
    ChannelAttention,
    Classifier,
    CrossEntropy,
    Data,
    RandomCrop,
    Recipe,
    SelfAttention,
    Shrink,
    Split,
)

PLAIN = (CrossEntropy(),)
SHRUNK = {
    "squeezenet1_1": None,
    "r18": Shrink(8, 4, 0.25),
    "hr48": Shrink(8, 3, 0.25),
    "vit-b16_ln_mln": Shrink(32, 3, 0.25),
}
BACKBONES = ("resnet18", "densenet121", *SHRUNK)
every = pytest.mark.parametrize("backbone", BACKBONES)


def network(backbone: str, number: int = 2, spec: Attention | None = None, dropout: float = 0.5) -> Classifier:
    return Classifier(backbone, dropout, SHRUNK.get(backbone, Shrink(8, 3, 0.25)), number, spec)


def built(given: Classifier, seed: int = 3) -> torch.nn.Module:
    return building.build(given, 5, PLAIN, seed)


def pairs(number: int = 3, side: int = 64) -> torch.Tensor:
    return torch.randn(number, 6, side, side, generator=torch.Generator().manual_seed(0))


def recipe(given: Classifier, **changes: Any) -> Recipe:
    data = Data("deepdrid", split=Split("subject"), companion="other-eye" if given.views == 2 else "")
    return Recipe(**{"data": data, "network": given, "budget": Budget(1), **changes})


def swapped(images: torch.Tensor) -> torch.Tensor:
    return images[:, [3, 4, 5, 0, 1, 2]]


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_views_are_taken_apart_and_put_side_by_side_again(number: int, batch: int, channels: int) -> None:
    images = torch.randn(batch, number * channels, 2, 3)
    single = views.singly(images, number)
    assert single.shape == (number * batch, channels, 2, 3)
    for view in range(number):
        assert torch.equal(single[view * batch], images[0, view * channels : (view + 1) * channels])
    assert torch.equal(views.together(single, number), images)


@every
@pytest.mark.parametrize("spec", [None, ChannelAttention(4)], ids=["plain", "attention"])
def test_both_views_pass_through_the_backbone_by_hand(backbone: str, spec: Attention | None) -> None:
    if backbone == "hr48" and spec is not None:
        pytest.skip("it pools several maps and takes no attention")
    own, module = family(network(backbone)), built(network(backbone, spec=spec)).eval()
    single = built(network(backbone, 1, spec)).eval()
    images = pairs()
    left, right = (building.features(network(backbone, 1, spec), single, images[:, at : at + 3]) for at in (0, 3))
    both = building.features(network(backbone, spec=spec), module, images)
    assert both.size == (64, 64)
    torch.testing.assert_close(both.levels[0], torch.cat([left.levels[0], right.levels[0]], dim=1))
    swap = building.features(network(backbone, spec=spec), module, swapped(images))
    torch.testing.assert_close(swap.levels[0], torch.cat([right.levels[0], left.levels[0]], dim=1))
    pooled = [
        own.pooled(single, single.attention(side.levels[0])) if spec else side.levels[0] for side in (left, right)
    ]
    logits = own.decided(module, torch.cat(pooled, dim=1))
    torch.testing.assert_close(building.logits(network(backbone, spec=spec), module, images), logits)
    assert logits.shape == (3, 5)


def test_the_last_layer_reads_the_pooled_features_of_both() -> None:
    module = built(network("resnet18", dropout=0.0)).eval()
    maps = [family(network("resnet18")).maps(module, each) for each in pairs().split(3, dim=1)]
    read = torch.cat([each.mean((2, 3)) for each in maps], dim=1)
    torch.testing.assert_close(module(pairs()), read @ module.fc.weight.T + module.fc.bias)


@every
def test_all_but_the_last_layer_starts_as_for_one_view_and_it_is_drawn_by_the_same_rule(backbone: str) -> None:
    own = family(network(backbone))
    one, two = built(network(backbone, 1)), built(network(backbone))
    state, last = two.state_dict(), {f"{own.last}.weight", f"{own.last}.bias"}
    differing = {name for name, tensor in one.state_dict().items() if not torch.equal(tensor, state[name])}
    single, double = (module.get_submodule(own.last) for module in (one, two))
    assert f"{own.last}.weight" in differing <= last
    assert double.weight.shape[1] == 2 * single.weight.shape[1]
    rule = 1.0 if backbone in ("squeezenet1_1", *SHRUNK) else 0.5**0.5  # torch's linear layers start by their width
    assert double.weight.std().item() == pytest.approx(rule * single.weight.std().item(), rel=0.25)
    assert bool((double.bias == 0).all()) == bool((single.bias == 0).all())


def test_batch_normalisation_sees_both_views() -> None:
    module = built(network("resnet18"))
    images = pairs()
    images[:, 3:] += 5
    module(images)
    seen = torch.nn.functional.conv2d(torch.cat(images.split(3, dim=1)), module.conv1.weight, stride=2, padding=3)
    torch.testing.assert_close(module.bn1.running_mean, 0.1 * seen.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    assert int(module.bn1.num_batches_tracked) == 1


@every
def test_it_trains_from_images_as_from_features(backbone: str) -> None:
    given = network(backbone)
    module = built(given).to(memory_format=torch.channels_last).train()
    for part in building.parts(module, family(given).trunk):
        part.requires_grad_(False).eval()
    targets, losses = torch.tensor([0, 1, 2]), []
    features = building.features(given, module, pairs())
    assert len(features) == 3
    for inputs in (pairs(), features):
        torch.manual_seed(1)
        losses.append(building.loss(given, module, inputs, targets))
    assert torch.equal(*losses)
    losses[0].backward()
    last = family(given).last
    assert {name for name, parameter in module.named_parameters() if parameter.grad is not None} == {
        f"{last}.weight",
        f"{last}.bias",
    }
    assert family(given).freezes_trunk(recipe(given, frozen=family(given).trunk))


@every
def test_weights_of_one_view_load_into_two_but_for_the_last_layer(backbone: str) -> None:
    own = family(network(backbone))
    source, target = built(network(backbone, 1), 7), built(network(backbone))
    loaded = weights.fit(network(backbone), target, source.state_dict(), "a test")
    assert loaded.classes == (), "equally many classes: nothing is said of them"
    assert loaded.not_loaded == (f"{own.last}.weight",)
    state = target.state_dict()
    taken = [name for name in source.state_dict() if name != f"{own.last}.weight"]
    assert all(torch.equal(state[name], source.state_dict()[name]) for name in taken)


@every
def test_two_views_cost_twice_as_much(backbone: str) -> None:
    one, two = network(backbone, 1), network(backbone)
    assert family(two).cost(two, (64, 48)) == 2 * family(one).cost(one, (64, 48))
    assert family(two).trunk_cost(two, (64, 48)) == 2 * family(one).trunk_cost(one, (64, 48))


@pytest.mark.parametrize("backbone", ["resnet18", "densenet121", "r18"])
def test_a_batch_of_one_pair_is_two_images_to_batch_normalisation(backbone: str) -> None:
    images = (RandomCrop((32, 32)),)
    for number in (1, 2):
        given = Classifier(backbone, views=number)
        alone = recipe(given, batch_size=1, transforms=images)
        if number == 2:
            family(given).check(alone)
            building.build(given, 2, PLAIN, 0)(torch.randn(1, 6, 32, 32))
        else:
            with pytest.raises(ValueError, match="`batch_size` is 1"):
                family(given).check(alone)


@pytest.mark.parametrize("backbone", ["resnet18", "densenet121", "squeezenet1_1", "r18"])
@pytest.mark.parametrize("spec", [None, SelfAttention(2)], ids=["plain", "attention"])
def test_the_last_map_has_all_images_then_all_companions(backbone: str, spec: Attention | None) -> None:
    given = network(backbone, spec=spec)
    own, module, seen = family(given), built(given).eval(), []
    own.last_map(module).register_forward_hook(lambda part, inputs, output: seen.append(output))
    module(pairs())
    module(swapped(pairs()))
    assert seen[0].shape == (6, own.channels(given), *own.map_size(given, (64, 64)))
    torch.testing.assert_close(seen[0][:3], seen[1][3:])
    torch.testing.assert_close(seen[0][3:], seen[1][:3])


def test_a_copy_of_the_module_is_its_own() -> None:
    module = built(network("resnet18", spec=SelfAttention())).eval()
    twin = copy.deepcopy(module)
    assert torch.equal(twin(pairs()), module(pairs()))
    twin.fc.weight.data.zero_()
    assert not torch.equal(twin(pairs()), module(pairs()))
