"""The pipeline of wang-pets, "A Study of Transfer Learning Performance for Semantic Segmentation from Various Source
Domains".

Published: DeepLabV3 on ResNet-50, images of 256×256 (ISIC and MAS3K resized by nearest pixel, Cityscapes and VOC cut
out of the centre; how COCO's came to that size is not stated, and here they are cut out as well), ten epochs of source
and of target, Adam 1e-3, cross entropy, flip; the target's weights with the lowest validation loss are evaluated.
Batches are not stated; 8 here. The target is cut to 2210 training images of the publisher's training side, of which
a fifth validates; all of the publisher's test side tests, five times as many images as in the paper. Sources are cut to
2464 images, what 95% of the smallest one are, but for COCO.

Reduced: the same, with 400 training images of the target, 2464 of every source but COCO, 10 000 of COCO, and bf16.

Desk and smoke: a small network of the same family on small images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.specs import (
    IMAGENET,
    BestOnValidation,
    Budget,
    CrossEntropy,
    Data,
    FromJob,
    Initialisation,
    Optimiser,
    RandomFlip,
    Recipe,
    Resize,
    Scale,
    Scratch,
    Segmenter,
    Shrink,
    Split,
    Substitute,
)

SIZE = (256, 256)

FITS = {
    "voc2012": "centre-crop",
    "coco2017": "centre-crop",
    "cityscapes": "centre-crop",
    "isic2018": "nearest",
    "mas3k": "nearest",
}
"""How a source's images come to one size."""

STAND_INS = {
    "voc2012": ("camvid", ""),
    "cityscapes": ("dme", "union"),
    "isic2018": ("drive", ""),
    "mas3k": ("chase_db1", ""),
}
"""Real data sets, and their annotations, that may stand in for absent small sources; most of CamVid's training images
stand in for COCO. They keep what the claims say of sizes. They know nothing of cats and dogs: in their place
related-source-transfers-better asks whether photographs of streets do better than medical images."""

STAND_IN_IMAGES = 16
"""Training images of each of them."""

FEW_PIXELS = CrossEntropy(class_weight=(1.0, 4.0))
"""Cross entropy of small networks, which without weights find nothing of a target that is small in its images."""


@dataclass(frozen=True)
class Small:
    """What a scale with a small network spends.

    Attributes:
        network: What stays of the network.
        size: Of all images.
        train, source, large: Training images of the target, of a source, and of COCO.
        epochs: Of the source and of the target.
        learning_rate: Adam's.
        one_source: Whether all seeds of an arm share one source.
    """

    network: Shrink
    size: tuple[int, int]
    train: int
    source: int
    large: int
    epochs: int
    learning_rate: float
    one_source: bool


SMALL: dict[Scale, Small] = {
    "desk": Small(Shrink(16, 4, 0.25, 32), (48, 48), 256, 80, 240, 10, 3e-3, one_source=False),
    "smoke": Small(Shrink(8, 4, 0.25, 16), (32, 32), 64, 48, 192, 10, 1e-2, one_source=True),
}


@dataclass(frozen=True)
class Pipeline:
    """Recipes of the paper's arms at one scale."""

    scale: Scale

    def scratch(self) -> Recipe:
        """The baseline: no training before."""
        return self._pets(Scratch())

    def frozen(self, source: str) -> Recipe:
        """A new head on a backbone from a source that stays as it is."""
        return replace(self.unfrozen(source), frozen=("backbone",))

    def unfrozen(self, source: str) -> Recipe:
        """A new head on a backbone from a source, both trained."""
        one = self._small is not None and self._small.one_source
        return self._pets(FromJob(self.source(source), part="backbone", seed=0 if one else None))

    def source(self, name: str) -> Recipe:
        """The training of a source network."""
        small = self._small
        size = small.size if small else SIZE
        large = name == "coco2017"
        data = Data(
            name,
            split=Split() if large else Split("random", test=0.05),
            resize=Resize(size, "area" if small else FITS[name]),
            subset=self._subset(large),
            substitute=self._substitute(name),
        )
        if large and data.subset is None:  # more phantoms than of a small source
            data = replace(data, count=10_000)
        return self._recipe(data, Scratch())

    def _substitute(self, name: str) -> Substitute:
        """What may stand in for a source; where one does, all do, because the claims compare their sizes."""
        if name == "coco2017":
            return Substitute("camvid", subset=self._small.large if self._small else 360, together=True)
        other, labels = STAND_INS[name]
        return Substitute(other, labels, STAND_IN_IMAGES, together=True)

    def _subset(self, large: bool) -> int | None:
        if small := self._small:
            return small.large if large else small.source
        if large:
            return 10_000 if self.scale == "reduced" else None
        return 2_464

    def _pets(self, init: Initialisation) -> Recipe:
        small = self._small
        data = Data(
            "oxford_iiit_pet",
            split=Split("published", validation=0.2),
            resize=Resize(small.size if small else SIZE),
            subset=small.train if small else {"paper": 2_210, "reduced": 400}[self.scale],
            substitute=Substitute("kvasir_seg", subset=640 if self.scale == "paper" else None),
        )
        losses = (FEW_PIXELS if small else CrossEntropy(),)
        return replace(self._recipe(data, init), losses=losses, select=BestOnValidation())

    def _recipe(self, data: Data, init: Initialisation) -> Recipe:
        small = self._small
        epochs = small.epochs if small else 10
        if isinstance(data.subset, int):  # phantoms: enough for the subset beside what validates and tests
            data = replace(data, count=2 * data.subset)
        return Recipe(
            data=data,
            network=Segmenter("r50-d8", "deeplabv3", small and small.network),
            budget=Budget(epochs, "epochs", epochs),
            init=init,
            transforms=(RandomFlip(),),
            normalise=IMAGENET,
            optimiser=Optimiser("adam", small.learning_rate if small else 1e-3, weight_decay=0.0),
            precision="bf16" if self.scale == "reduced" else "fp32",
        )

    @property
    def _small(self) -> Small | None:
        return SMALL.get(self.scale)
