"""The forward pass in two parts: features of a backbone, and loss and logits from them."""

from __future__ import annotations

import pytest
import torch
from small_networks import SIZE, small_networks
from torch.utils.flop_counter import FlopCounterMode

from harness.networks import Family, building, family
from harness.networks.features import Features, joined
from harness.specs import Budget, Classifier, CrossEntropy, Data, Dice, Loss, Network, Recipe, Segmenter, Shrink

SMALL = small_networks()
UNET = Segmenter("unet-s5-d16", "fcn", Shrink(8, 3))


def built(network: Network) -> torch.nn.Module:
    """The network with its trunk in evaluation mode."""
    losses: tuple[Loss, ...] = (CrossEntropy(), Dice(3.0)) if isinstance(network, Segmenter) else (CrossEntropy(),)
    module = building.build(network, 2, losses, seed=0).to(memory_format=torch.channels_last).train()
    for part in building.parts(module, family(network).trunk):
        part.requires_grad_(False).eval()
    return module


def batch(network: Network, size: tuple[int, int] = SIZE) -> tuple[torch.Tensor, torch.Tensor]:
    stream = torch.Generator().manual_seed(1)
    images = torch.randn(3, 3, *size, generator=stream).contiguous(memory_format=torch.channels_last)
    shape = (3, *size) if isinstance(network, Segmenter) else (3,)
    return images, torch.randint(0, 2, shape, generator=stream)


def test_every_family_that_splits_has_small_networks() -> None:
    assert {"unet fcn", "unet pspnet", "unet deeplabv3", "resnet", "squeezenet"} <= set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_loss_and_logits_of_features_are_those_of_the_images_with_the_same_random_numbers(name: str) -> None:
    _, network = SMALL[name]
    module, (images, targets) = built(network), batch(network)
    features = building.features(network, module, images)
    assert len(features) == 3
    assert not any(level.requires_grad for level in features.levels)
    found = []
    for inputs in (images, features):
        torch.manual_seed(5)
        loss = building.loss(network, module, inputs, targets)
        found.append([loss.detach(), torch.rand(())])
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1]), "as many random numbers"
    module.eval()
    with torch.no_grad():
        assert torch.equal(building.logits(network, module, images), building.logits(network, module, features))


@pytest.mark.parametrize("name", SMALL)
def test_all_that_learns_is_in_the_trunk_or_behind_it(name: str) -> None:
    own, network = SMALL[name]
    outline = building.outline(network, 2, (CrossEntropy(),))
    first = {parameter.partition(".")[0] for parameter, _ in outline.named_parameters()}
    assert set(own.trunk) | set(own.heads) >= first - {"neck"}
    assert not set(own.trunk) & set(own.heads)


@pytest.mark.parametrize("name", SMALL)
def test_the_cost_of_the_trunk_is_what_torch_counts(name: str) -> None:
    own, network = SMALL[name]
    module = building.outline(network, 2, (CrossEntropy(),)).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        building.features(network, module, torch.empty(1, 3, *SIZE, device="meta"))
    counted = counter.get_total_flops() / 2
    assert counted / 1.5 < own.trunk_cost(network, SIZE) < 1.5 * counted


def test_levels_that_no_head_reads_are_empty() -> None:
    features = building.features(UNET, built(UNET), batch(UNET)[0])
    assert [level.shape[1] for level in features.levels] == [0, 16, 8]


def test_deeplab_v3_plus_reads_the_first_level_too() -> None:
    module = built(UNET)
    module.decode_head.c1_bottleneck = torch.nn.Identity()
    assert all(level.shape[1] for level in building.features(UNET, module, batch(UNET)[0]).levels)


def test_features_of_single_images_join_to_those_of_the_batch_in_the_same_memory_format() -> None:
    features = building.features(UNET, built(UNET), batch(UNET)[0])
    again = joined(list(features.each()))
    assert again.size == features.size == SIZE
    for one, other in zip(again.levels, features.levels, strict=True):
        assert torch.equal(one, other)
        assert one.stride() == other.stride() or not one.numel()
    single = next(features.each())
    assert single.nbytes == 4 * (16 * 32 * 32 + 8 * 64 * 64)
    assert all(part.untyped_storage().nbytes() == part.nbytes for part in single.levels), "the batch is let go"


def freezing(network: Network, *frozen: str) -> Recipe:
    return Recipe(Data("dme"), network, Budget(1), frozen=frozen)


@pytest.mark.parametrize(
    ("network", "frozen", "expected"),
    [
        (UNET, ("backbone",), True),
        (UNET, ("backbone", "auxiliary_head"), True),
        (UNET, ("backbone.encoder",), False),
        (UNET, ("decode_head",), False),
        (UNET, (), False),
        (Classifier("resnet18"), ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4"), True),
        (Classifier("resnet18"), ("conv1", "bn1", "layer1", "layer2", "layer3"), False),
        (Classifier("squeezenet1_1"), ("features",), True),
        (Classifier("squeezenet1_1"), ("features.0", "features.3"), False),
    ],
)
def test_features_stay_where_the_whole_trunk_is_frozen(
    network: Network, frozen: tuple[str, ...], expected: bool
) -> None:
    assert family(network).freezes_trunk(freezing(network, *frozen)) is expected


def test_a_family_that_cannot_split_never_has_features_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    own = family(UNET)
    monkeypatch.setattr(type(own), "trunk", ())
    assert not own.freezes_trunk(freezing(UNET, "backbone"))
    for use in (Family.features, Family.loss_of, Family.logits_of):
        with pytest.raises(NotImplementedError, match="the family unet has no trunk"):
            use(own, *[None] * (use.__code__.co_argcount - 1))


def test_features_count_their_images() -> None:
    assert len(Features((torch.zeros(5, 0, 2, 2), torch.zeros(5, 3, 4, 4)), (8, 8))) == 5
