"""Of every registered family the smallest network of each head, and the parts of it that a recipe can freeze."""

from __future__ import annotations

from itertools import product

from harness.networks import Family, registered
from harness.specs import Budget, Classifier, Data, Network, Recipe, Resize, Segmenter, Shrink

HEADS = ("fcn", "pspnet", "deeplabv3", "deeplabv3plus", "upernet", "linear")

SHRUNK = tuple(
    Shrink(*each, head=head)
    for each in ((8, 4, 0.25), (16, 2, 0.34), (24, 4, 0.25), (8, 2), (8, 3), (8, 4))
    for head in (8, None)
)

SIZE = (64, 64)
"""Height and width of images that all of them take."""


def small_networks(size: tuple[int, int] = SIZE) -> dict[str, tuple[Family, Network]]:
    """By name, of the families that split their forward pass, where images of that size suit the network."""
    found: dict[str, tuple[Family, Network]] = {}
    for family in registered():
        if not family.trunk:
            continue
        backbone = family.backbones[0]
        plain = [shrink for shrink in SHRUNK if shrink.head is None]
        candidates: list[Network] = [Classifier(backbone, shrink=shrink) for shrink in (*plain, None)]
        if family.kind is Segmenter:
            candidates = [Segmenter(backbone, head, shrink) for head, shrink in product(HEADS, SHRUNK)]
        for network in candidates:
            name = f"{family.name} {getattr(network, 'head', '')}".strip()
            if name not in found and _suits(family, network, size):
                found[name] = family, network
    return found


def _suits(family: Family, network: Network, size: tuple[int, int]) -> bool:
    try:
        family.check(Recipe(Data("dme", resize=Resize(size)), network, Budget(1), batch_size=4))
    except ValueError:
        return False
    return True
