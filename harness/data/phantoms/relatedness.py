"""How closely phantoms of sources are related to those of the targets, polyps and pets, and why.

Each object of a source is drawn like one of the targets, in outline, surface and contrast, with the probability
``Data.related``, and else like things of its own. With 0 for every source no source is related: the planted absence.
Street scenes know of no target: :mod:`harness.data.phantoms.streets` draws them with nothing of either.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harness.specs import Data

RELATED: Mapping[str, float] = {
    "ade20k": 0.8,  # the most diverse scenes, animals among them; the closest source of zhou-kvasir
    "coco2017": 0.8,  # ten kinds of animals; the related and large source of wang-pets
    "voc2012": 0.8,  # six kinds of animals, cats and dogs above all; the related and small source of wang-pets
    "imagenet": 0.4,  # about 400 of its 1000 classes are animals
    "mas3k": 0.3,  # animals, but in water and without fur
    "isic2018": 0.2,  # round patches on skin, without bodies
}
"""The relatedness that ``Data.related=None`` stands for, by source. Cityscapes and CamVid have 0."""


def relatedness(data: Data) -> float:
    """The probability, 0 to 1, that an object of a source is drawn like a target's."""
    return RELATED[data.name] if data.related is None else data.related


def is_related(data: Data, rng: np.random.Generator) -> bool:
    """Whether the next object is drawn like a target's; a higher ``related`` turns more objects, and none back."""
    return bool(rng.random() < relatedness(data))
