"""Recipes of the controls: a tiny network on striped patches, of which it is known what can be learnt.

:mod:`harness.data.phantoms.stripes` draws the images. The target is a patch whose stripes rise to the right; the decoys
are as many patches whose stripes fall. On 24×24 pixels a U-Net of 8 channels and 2 stages tells them apart after 24
iterations, 0.3 s of one core, and no run collapses. ``benchmarks/controls.py`` measures how surely each control is
decided.

Two controls train on phantoms of photographs instead: natural scenes whose relatedness to the pets is set by a number
(:mod:`harness.data.phantoms.relatedness`), then pets on a frozen backbone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.specs import (
    Budget,
    CrossEntropy,
    Data,
    Dice,
    FromJob,
    Loss,
    Normalise,
    Optimiser,
    Poly,
    RandomFlip,
    Recipe,
    Resize,
    Segmenter,
    Shrink,
)

WHOLE, SOME, SHORT = 24, 12, 4
"""Iterations of a training that learns the target, and of shorter ones."""

PHOTOGRAPHS = 32
"""Iterations of a training on phantoms of photographs."""

GAIN = 0.05
"""Smallest difference of Dice that would matter; what is planted is several times as large."""

MARGIN = 0.1
"""Two arms that are equal by construction lie this close, four times the spread between seeds."""


HELP = 0.25
"""What weights that help gain at least in a short training: two thirds of what those with the same stripes gain."""


def trained(iterations: int = WHOLE, data: str = "discs", labels: str = "", **changes: Any) -> Recipe:
    """A training from scratch on patches of one kind, with one of their annotations."""
    recipe: dict[str, Any] = {
        "data": Data(data, labels=labels, resize=Resize((24, 24))),
        "network": Segmenter("unet-s5-d16", "fcn", Shrink(8, 2)),
        "budget": Budget(iterations),
        "normalise": Normalise(100.0, 35.0),
        "losses": (CrossEntropy(class_weight=(1.0, 3.0)), Dice(over="foreground")),
        "optimiser": Optimiser("adam", 0.01, weight_decay=0.0),
        "schedule": Poly(),
        "batch_size": 4,
    }
    return Recipe(**{**recipe, **changes})


def photographed(name: str, related: float | None = None, **changes: Any) -> Recipe:
    """A training on phantoms of photographs; ``related``: how closely their objects resemble the targets'."""
    recipe: dict[str, Any] = {
        "data": Data(name, resize=Resize((32, 32)), related=related),
        "transforms": (RandomFlip(),),
        "normalise": Normalise(116.0, 57.0),
        "losses": (CrossEntropy(),),
    }
    return replace(trained(PHOTOGRAPHS), **{**recipe, **changes})


def pets_after(source: str, related: float) -> Recipe:
    """A training on pets with the frozen backbone of a source that is as closely related to them."""
    return photographed("oxford_iiit_pet", init=FromJob(photographed(source, related)), frozen=("backbone",))


def weighted(every_target: float, every_pixel: float) -> tuple[Loss, ...]:
    """Two terms that pull apart: the first asks for every target pixel, the second for every pixel alike."""
    return CrossEntropy(every_target, class_weight=(1.0, 40.0)), CrossEntropy(every_pixel, class_weight=(1.0, 1.0))
