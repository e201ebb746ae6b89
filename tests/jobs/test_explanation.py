"""harness.jobs.explanation: Grad-CAM against one worked out by hand, and heat maps in the store."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from demand import Seeds, finished
from torch import nn
from torch.nn import functional

from harness.data import Catalogue
from harness.jobs.explanation import heat_map
from harness.networks import building, family
from harness.scheduling.scheduler import Scheduler
from harness.specs import (
    Budget,
    ChannelAttention,
    Classifier,
    Data,
    Optimiser,
    Recipe,
    Resize,
    Shrink,
    Split,
    ZeroShot,
    job,
)
from harness.store import Store

RECIPE = Recipe(
    data=Data(
        "dr_rahim",
        split=Split("subject", test=0.3, validation=0.2),
        resize=Resize((40, 48)),
        count=40,
        evidence="phantom",
    ),
    network=Classifier("resnet18", dropout=0.2, shrink=Shrink(8, 3)),
    budget=Budget(6, evaluations=2),
    optimiser=Optimiser("adam", 1e-3, weight_decay=0.0),
    batch_size=8,
)


class Tiny(nn.Module):
    """Two convolutions, a rectifier that may work in place, and a last layer."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.map = nn.Conv2d(4, 5, 3, stride=2, padding=1)
        self.after = nn.ReLU(inplace=inplace)
        self.last = nn.Linear(5, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.after(self.map(self.first(images).relu())).mean((2, 3)))


class Pairs(Tiny):
    """The same for two views: through one backbone at once, or one after the other."""

    def __init__(self, together: bool) -> None:
        super().__init__()
        self.together, self.last = together, nn.Linear(10, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        views = images.chunk(2, 1)
        if self.together:
            maps = list(self.map(self.first(torch.cat(views)).relu()).chunk(2))
        else:
            maps = [self.map(self.first(view).relu()) for view in views]
        return self.last(torch.cat([each.relu().mean((2, 3)) for each in maps], 1))


def by_hand(maps: torch.Tensor, logits: Callable[[torch.Tensor], torch.Tensor], of_class: int, size: tuple[int, int]):
    """Selvaraju et al. 2017, equations 1 and 2, from the feature maps ``(1, K, u, v)`` on."""
    maps = maps.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(logits(maps)[0, of_class], maps)
    weights = gradient.mean((2, 3), keepdim=True)
    heat = (weights * maps).sum(1, keepdim=True).relu().detach()
    heat = heat - heat.min()
    heat = functional.interpolate(heat / heat.max(), size, mode="bilinear", align_corners=False)[0, 0]
    return (255 * (heat - heat.min()) / (heat.max() - heat.min())).numpy()


@pytest.mark.parametrize("inplace", [False, True])
def test_it_is_grad_cam(inplace: bool) -> None:
    """A rectifier in place, as DenseNet's, once gave the weighted sum of the rectified maps."""
    torch.manual_seed(1)
    network, image = Tiny(inplace).eval(), torch.randn(1, 3, 24, 36)
    maps = network.map(network.first(image).relu())
    seen = 0
    for of_class in range(3):
        expected = by_hand(maps, lambda found: network.last(found.relu().mean((2, 3))), of_class, (24, 36))
        found = heat_map(network, network.map, image, of_class)
        assert found.dtype == np.uint8
        if np.isfinite(expected).all():
            seen += 1
            np.testing.assert_allclose(found, expected, atol=1.0)
    assert seen >= 2


@pytest.mark.parametrize("together", [False, True])
def test_of_two_views_it_is_the_first_ones(together: bool) -> None:
    torch.manual_seed(3)
    network, image = Pairs(together).eval(), torch.randn(1, 6, 24, 24)
    one, other = (network.map(network.first(view).relu()) for view in image.chunk(2, 1))

    def logits(found: torch.Tensor) -> torch.Tensor:
        return network.last(torch.cat([each.relu().mean((2, 3)) for each in (found, other)], 1))

    np.testing.assert_allclose(heat_map(network, network.map, image, 1), by_hand(one, logits, 1, (24, 24)), atol=1.0)


def test_the_network_stays_what_it_was() -> None:
    network, image = Tiny().eval(), torch.randn(1, 3, 16, 16)
    before = copy.deepcopy(network.state_dict())
    heat_map(network, network.map, image, 0)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not network.map._forward_hooks


def test_where_nothing_speaks_for_a_class_it_is_dark() -> None:
    network = Tiny().eval()
    nn.init.zeros_(network.last.weight)
    assert not heat_map(network, network.map, torch.randn(1, 3, 16, 16), 0).any()


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("backbone", ["resnet18", "densenet121"])
def test_every_family_of_the_claims_has_heat_maps(backbone: str, views: int) -> None:
    network = Classifier(backbone, shrink=Shrink(8, 3, 0.25), views=views)
    module = building.build(network, 5, RECIPE.losses, seed=0).eval()
    heat = heat_map(module, family(network).last_map(module), torch.randn(1, 3 * views, 64, 64), 2)
    assert heat.shape == (64, 64)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Scheduler:
    folder = tmp_path_factory.mktemp("explained")
    demand = Seeds({"trained": RECIPE, "start": ZeroShot(RECIPE)})
    made = Scheduler(Store(folder / "store"), Catalogue(None, folder / "data"), [demand], {"smoke": "cpu"})
    made.finish(demand)
    return made


@pytest.mark.parametrize("arm", [RECIPE, ZeroShot(RECIPE)], ids=["training", "evaluation"])
def test_heat_maps_are_made_on_demand_of_the_preview_images(scheduler: Scheduler, arm: Recipe | ZeroShot) -> None:
    record, store = finished(scheduler, arm), scheduler.store
    assert not store.has(record.key, "explanations")
    assert scheduler.add(job(arm, 0), "explanations", "smoke")
    with np.load(store.artifact(record.key, "explanations")) as content:
        maps = content["maps"]
    assert maps.shape == (len(record.preview_ids), 40, 48)
    assert maps.dtype == np.uint8
    marker = Path(store.root / "disposable" / f"{record.key}-weights.pt")
    assert marker.exists(), "a picture is no reason to keep the weights"
    assert scheduler.record(job(arm, 0)) == record


def test_of_a_pair_the_image_is_explained_and_not_its_companion(tmp_path: Path) -> None:
    network = replace(RECIPE.network, views=2, attention=ChannelAttention())
    recipe = replace(RECIPE, data=replace(RECIPE.data, companion="other-eye"), network=network, budget=Budget(1))
    demand = Seeds({"pairs": recipe})
    scheduler = Scheduler(Store(tmp_path / "store"), Catalogue(None, tmp_path / "data"), [demand], {"smoke": "cpu"})
    scheduler.finish(demand)
    record = finished(scheduler, recipe)
    assert scheduler.add(job(recipe, 0), "explanations", "smoke")
    with np.load(scheduler.store.artifact(record.key, "explanations")) as content:
        assert content["maps"].shape == (len(record.preview_ids), 40, 48)
