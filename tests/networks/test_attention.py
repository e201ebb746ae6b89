"""Attention on the last feature map: against its formulas, and the rest of the network as it is without."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from harness.networks import building, family, weights
from harness.networks.attention import attention
from harness.specs import (
    Attention,
    Budget,
    ChannelAttention,
    Classifier,
    CrossEntropy,
    Data,
    Recipe,
    SelfAttention,
    Shrink,
    SpatialAttention,
)

PLAIN = (CrossEntropy(),)
SPECS: list[Attention] = [
    SpatialAttention(),
    SpatialAttention(11),
    ChannelAttention(4),
    SelfAttention(),
    SelfAttention(2),
]
SHRUNK = {"squeezenet1_1": None, "r18": Shrink(8, 4, 0.25), "swin-base-patch4-window7": Shrink(8, 2, 0.25)}
BACKBONES = ("resnet18", "densenet121", *SHRUNK)


def network(backbone: str, spec: Attention | None = None) -> Classifier:
    return Classifier(backbone, shrink=SHRUNK.get(backbone, Shrink(8, 3, 0.25)), attention=spec)


def built(backbone: str, spec: Attention | None = None, seed: int = 3) -> torch.nn.Module:
    return building.build(network(backbone, spec), 5, PLAIN, seed)


def random_maps() -> torch.Tensor:
    return torch.randn(3, 8, 5, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("kernel", [7, 11])
def test_spatial_attention_weighs_positions_as_cbam_does(kernel: int, relu: bool) -> None:
    module, maps = attention(SpatialAttention(kernel, relu), 8).train(), random_maps()
    read = torch.stack([maps.max(1).values, maps.mean(1)], dim=1)
    padded = functional.pad(read, [kernel // 2] * 4)
    weights = module.conv.weight
    score = torch.zeros(3, 5, 7)
    for row in range(5):
        for column in range(7):
            window = padded[:, :, row : row + kernel, column : column + kernel]
            score[:, row, column] = (window * weights).sum((1, 2, 3))
    normed = (score - score.mean()) / (score.var(unbiased=False) + 1e-5).sqrt()
    normed = normed.clamp(min=0) if relu else normed
    torch.testing.assert_close(module(maps), maps * torch.sigmoid(normed)[:, None])


def test_channel_attention_weighs_channels_as_cbam_does() -> None:
    module, maps = attention(ChannelAttention(4), 8), random_maps()
    first, _, last = module.mlp
    assert first.weight.shape == (2, 8)

    def perceptron(read: torch.Tensor) -> torch.Tensor:
        return (read @ first.weight.T + first.bias).clamp(min=0) @ last.weight.T + last.bias

    flat = maps.reshape(3, 8, 35)
    score = perceptron(flat.max(2).values) + perceptron(flat.mean(2))
    torch.testing.assert_close(module(maps), maps / (1 + torch.exp(-score))[:, :, None, None])


@pytest.mark.parametrize("heads", [1, 4])
def test_self_attention_adds_what_positions_attend_to(heads: int) -> None:
    module, maps = attention(SelfAttention(heads), 8), random_maps()
    assert torch.equal(module(maps), maps), "it starts as if it were not there"
    own = module.attention
    torch.nn.init.normal_(own.out_proj.weight)
    positions = maps.reshape(3, 8, 35).transpose(1, 2)
    query, key, value = (positions @ own.in_proj_weight.T + own.in_proj_bias).chunk(3, dim=2)
    found = []
    for one in range(heads):
        part = slice(one * 8 // heads, (one + 1) * 8 // heads)
        score = query[..., part] @ key[..., part].transpose(1, 2) / math.sqrt(8 // heads)
        found.append(score.softmax(2) @ value[..., part])
    added = torch.cat(found, dim=2) @ own.out_proj.weight.T + own.out_proj.bias
    torch.testing.assert_close(module(maps), maps + added.transpose(1, 2).reshape(maps.shape))


@pytest.mark.parametrize("spec", [SPECS[1], SPECS[2], SPECS[4]], ids=str)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_rest_of_the_network_starts_bit_for_bit_as_without_attention(backbone: str, spec: Attention) -> None:
    plain, attentive = built(backbone).state_dict(), built(backbone, spec).state_dict()
    assert {name for name in attentive if not name.startswith("attention.")} == set(plain)
    assert len(attentive) > len(plain)
    assert all(torch.equal(attentive[name], tensor) for name, tensor in plain.items())


def test_of_two_views_too_attention_changes_no_other_tensor() -> None:
    plain, attentive, single = (
        building.build(Classifier("resnet18", shrink=Shrink(8, 3, 0.25), views=number, attention=spec), 5, PLAIN, 3)
        for number, spec in ((2, None), (2, ChannelAttention(4)), (1, ChannelAttention(4)))
    )
    state = attentive.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in plain.state_dict().items())
    assert torch.equal(attentive.attention.mlp[0].weight, single.attention.mlp[0].weight)


def test_attention_is_drawn_by_the_seed() -> None:
    first, again, other = (built("resnet18", ChannelAttention(4), seed).attention.mlp[0].weight for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_it_changes_the_last_map_and_nothing_else(backbone: str, spec: Attention) -> None:
    given = network(backbone, spec)
    own, module = family(given), built(backbone, spec).eval()
    own.check(Recipe(Data("dr_rahim"), given, Budget(1)))
    for parameter in module.attention.parameters():
        torch.nn.init.normal_(parameter)
    images = torch.randn(2, 3, 64, 48)
    maps = own.maps(module, images)
    assert maps.shape == (2, own.channels(given), *own.map_size(given, (64, 48)))
    expected = own.decided(module, own.pooled(module, module.attention(maps)))
    seen = []
    own.last_map(module).register_forward_hook(lambda part, inputs, output: seen.append(output))
    torch.testing.assert_close(module(images), expected)
    torch.testing.assert_close(seen[0], module.attention(maps))
    plain = built(backbone).eval()
    assert not torch.allclose(module(images), plain(images))


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_everything_trains_even_where_the_backbone_is_frozen(spec: Attention) -> None:
    given, module = network("resnet18", spec), built("resnet18", spec)
    images, targets = torch.randn(4, 3, 48, 48), torch.tensor([0, 1, 2, 3])
    for part in building.parts(module, family(given).trunk):
        part.requires_grad_(False).eval()
    features = building.features(given, module, images)
    assert features.levels[0].shape == (4, 32, 3, 3), "of the map, not pooled: attention still trains"
    losses = []
    for inputs in (images, features):
        torch.manual_seed(1)
        losses.append(building.loss(given, module, inputs, targets))
    assert torch.equal(*losses)
    losses[0].backward()
    learning = {name for name, parameter in module.named_parameters() if parameter.grad is not None}
    assert learning == {name for name, _ in module.named_parameters() if name.startswith(("attention.", "fc."))}


def test_weights_without_attention_load_into_a_network_with_it_and_back() -> None:
    spec = SelfAttention(2)
    plain, attentive = built("resnet18"), built("resnet18", spec, 4)
    own = tuple(name for name in attentive.state_dict() if name.startswith("attention."))
    for part, left in (("all", ()), ("backbone", ("fc.weight", "fc.bias"))):
        loaded = weights.fit(network("resnet18", spec), attentive, plain.state_dict(), "a test", part)
        assert set(loaded.not_loaded) == {*own, *left}
    state = attentive.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in plain.state_dict().items() if "fc" not in name)
    loaded = weights.fit(network("resnet18"), built("resnet18", seed=5), state, "a test")
    assert (loaded.not_loaded, loaded.unused) == ((), own)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (network("resnet18", SelfAttention(3)), "heads` to divide the 32 channels of resnet18, but got 3; choose"),
        (network("resnet18", ChannelAttention(33)), "to be at most the 32 channels of resnet18, but got 33; choose"),
        (Classifier("hr48", attention=SelfAttention()), "of hr48 to be None, because it pools several feature maps"),
    ],
)
def test_attention_that_does_not_suit_the_map_is_one_sentence(given: Classifier, sentence: str) -> None:
    for use in (lambda: building.outline(given, 2, ()), lambda: family(given).check_network(given)):
        with pytest.raises(ValueError, match="Expected") as error:
            use()
        assert sentence in str(error.value)


def test_the_maps_of_several_branches_are_none() -> None:
    given = Classifier("hr48", shrink=Shrink(8, 3, 0.25))
    with pytest.raises(ValueError, match="one last feature map, but got one that pools 3; choose another"):
        family(given).last_map(building.outline(given, 2, ()))
