"""The pipeline of huang-dme, "Transfer learning for Domain Adaptation", at each scale.

Published: U-Net S5-D16, DME with the fluid that either expert marked, subjects 09 and 10 for testing (as in the
authors' code), resize 0.5–2.0, crop 256, flip, SGD 0.01 without appreciable decay, batch 8, 200 epochs, grey levels
normalised with 46.6002 and 54.681. Sources as in mmsegmentation's U-Net configs: 40 000 iterations with poly decay.

Reduced: the same networks and images, a fifth of the epochs, 2 000 iterations of the sources, street scenes in crops of
256×512, bf16.

Desk: a backbone of 16 channels and 4 stages, images and crops at a quarter of their published sides (124×192 and 64),
24 epochs. A pilot on seeds that no claim uses (3 each of 3 arms, 20 epochs, real data) had no collapsed run, spreads
of .012 to .071, and of .045, .041 and .062 between paired arms, where unpaired ones would have .089, .054 and .073.

Smoke: a backbone of 8 channels and 2 stages, heads of 8, crops of 24 from images of 32×48, 20 epochs. It was chosen
by the spread within arms and by the absence of collapse on seeds that no claim uses, and by no difference between arms
(``benchmarks/spread.py``; the candidates are in ``benchmarks/README.md``). It is evaluated after every epoch, because a
network that arrives within the first interval cannot be told from one that arrives at once.

With the published loss and optimiser networks this small predict background everywhere. The loss and learning rate
below were chosen because with them every head finds vessels within the 96 iterations of a source at the smoke scale
(Dice 0.3–0.5 on CHASE_DB1), and are the same for all arms but where the claim is about the loss.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from harness.specs import (
    Budget,
    Constant,
    CrossEntropy,
    Data,
    Dice,
    FromJob,
    Loss,
    Normalise,
    Optimiser,
    Poly,
    RandomCrop,
    RandomFlip,
    RandomResize,
    Recipe,
    Rescale,
    Resize,
    Scale,
    Segmenter,
    Shrink,
    Split,
)

HEADS = ("fcn", "pspnet", "deeplabv3")
MEDICAL = ("drive", "stare", "chase_db1", "hrf")

SUBSTITUTES = {"stare": "drive", "cityscapes": "camvid"}
"""Real data sets that may stand in for absent ones; the table names them."""

SOURCE_CROPS = {
    "drive": (64, 64),
    "stare": (128, 128),
    "chase_db1": (128, 128),
    "hrf": (256, 256),
    "cityscapes": (512, 1024),
}
"""Crop sizes of mmsegmentation's U-Net configs."""

FEW_PIXELS = CrossEntropy(class_weight=(1.0, 10.0))
"""Cross entropy of small networks, which do not find fluid without weights."""

SMALL_LOSSES = (FEW_PIXELS, Dice(3.0, over="foreground"))


@dataclass(frozen=True)
class Small:
    """What a scale with small networks spends.

    Attributes:
        network: Width and stages of the backbone.
        image, eye, street: Sizes of OCT, fundus and street images.
        crop: Side of the crops.
        epochs, evaluations: Budget of a fine-tuning.
        iterations: Budget of a source.
        learning_rate: Adam's.
        one_source: Whether all seeds of an arm share one source; sources for each seed would not fit into a smoke run.
        paired: Whether seeds are compared as pairs, from the pilots: at the smoke scale arms of one seed are as unlike
            as arms of two (a correlation of −.19 on phantoms).
    """

    network: Shrink
    image: tuple[int, int]
    eye: tuple[int, int]
    street: tuple[int, int]
    crop: int
    epochs: int
    evaluations: int
    iterations: int
    learning_rate: float
    one_source: bool
    paired: bool


SMALL: dict[Scale, Small] = {
    "desk": Small(
        Shrink(16, 4), (124, 192), (160, 160), (120, 160), 64, 24, 12, 300, 1e-3, one_source=False, paired=True
    ),
    "smoke": Small(
        Shrink(8, 2, head=8), (32, 48), (48, 48), (36, 54), 24, 20, 20, 96, 5e-3, one_source=True, paired=False
    ),
}


@dataclass(frozen=True)
class Pipeline:
    """Recipes of the paper's arms at one scale."""

    scale: Scale

    @property
    def paired(self) -> bool:
        """Whether seeds are compared as pairs."""
        return self._small is None or self._small.paired

    @property
    def losses(self) -> dict[str, tuple[Loss, ...]]:
        """The three losses that are compared; at the small scales in the forms that small networks survive."""
        if self._small:
            return {"cross-entropy": (FEW_PIXELS,), "dice": (Dice(over="foreground"),), "hybrid": SMALL_LOSSES}
        return {"cross-entropy": (CrossEntropy(),), "dice": (Dice(),), "hybrid": (CrossEntropy(), Dice(3.0))}

    @property
    def sources(self) -> tuple[str, ...]:
        """Medical sources of the grid: all four, but two at the small scales."""
        return ("drive", "chase_db1") if self._small else MEDICAL

    def fine_tuned(self, source: str, head: str, **changes: Any) -> Recipe:
        """The target's training, started from U-Net pretrained on ``source`` with the same head."""
        one = self._small is not None and self._small.one_source
        return replace(self.scratch(head), init=FromJob(self.source(source, head), seed=0 if one else None), **changes)

    def scratch(self, head: str, times: int = 1) -> Recipe:
        """The target's training from Kaiming initialisation, ``times`` the budget of a fine-tuning."""
        small = self._small
        return Recipe(
            data=Data(
                "dme", labels="union", split=Split("subject"), count=110, resize=Resize(small.image) if small else None
            ),
            network=self._network(head),
            budget=self.epochs(times),
            transforms=self._augmented((small.crop, small.crop) if small else (256, 256)),
            normalise=Normalise(46.6002, 54.681),
            losses=SMALL_LOSSES if small else (CrossEntropy(),),
            optimiser=self._optimiser,
            schedule=Poly() if small else Constant(),
            precision="bf16" if self.scale == "reduced" else "fp32",
        )

    def epochs(self, times: int = 1) -> Budget:
        """The text's 200 epochs, evaluated every tenth of them, or the scale's share."""
        amount, evaluations = {"paper": (200, 20), "reduced": (40, 20)}.get(self.scale, (0, 0))
        if self._small:
            amount, evaluations = self._small.epochs, self._small.evaluations
        return Budget(amount * times, "epochs", evaluations * times)

    def iterations(self) -> Budget:
        """The reading of the authors' code, in which 200 counts iterations, not epochs."""
        # Eight of ten subjects are 88 images, 11 batches of 8.
        return Budget(11 * self._small.epochs if self._small else 200, "iterations", 20)

    @property
    def without_augmentation(self) -> dict[str, Any]:
        """Whole images at half their size, in training and testing."""
        return {"transforms": (Rescale(0.5),)}

    def source(self, name: str, head: str) -> Recipe:
        """The training of a source network on retinal vessels or street scenes."""
        street = name == "cityscapes"
        data = Data(name, substitute=SUBSTITUTES.get(name, ""))
        if small := self._small:
            return Recipe(
                data=replace(data, resize=Resize(small.street if street else small.eye)),
                network=self._network(head),
                budget=Budget(small.iterations),
                transforms=self._augmented((small.crop, small.crop)),
                losses=(CrossEntropy(),) if street else SMALL_LOSSES,
                optimiser=self._optimiser,
                schedule=Poly(),
            )
        paper = self.scale == "paper"
        iterations = 2_000 if not paper else (160_000 if street else 40_000)
        return Recipe(
            data=data,
            network=self._network(head),
            budget=Budget(iterations),
            transforms=self._augmented((256, 512) if street and not paper else SOURCE_CROPS[name]),
            optimiser=self._optimiser,
            schedule=Poly(min_lr=1e-4),
            batch_size=16,
            precision="fp32" if paper else "bf16",
        )

    @property
    def _small(self) -> Small | None:
        return SMALL.get(self.scale)

    @property
    def _optimiser(self) -> Optimiser:
        if self._small:
            return Optimiser("adam", self._small.learning_rate, weight_decay=0.0)
        return Optimiser("sgd", 0.01)

    def _augmented(self, crop: tuple[int, int]) -> tuple[RandomResize, RandomCrop, RandomFlip]:
        return RandomResize(0.5, 2.0), RandomCrop(crop), RandomFlip()

    def _network(self, head: str) -> Segmenter:
        return Segmenter("unet-s5-d16", head, self._small.network if self._small else None)
