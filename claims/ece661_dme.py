"""The pipeline of ece661-dme, "ML_Transfer-Learning-for-Semantic-Segmentation-in-Medical-Imaging", at each scale.

Published: released U-Nets S5-D16 that mmsegmentation trained on HRF, with FCN and DeepLabV3 heads; DME with the fluid
that expert 1 marked, 20% of the b-scans drawn at random for testing; pictures of 256×256 that are scaled to 512, in
training and in testing; no flip; batches of 2; 200 iterations ("iters" counts iterations, by the authors' code); SGD
0.01 as in mmsegmentation's default schedule, whose decay over 40 000 iterations is none over 200; ImageNet's mean and
standard deviation, as the released networks have them.

Readings: a crop of 256, 288 or 320 is a random window of that side in the picture of 512. In the authors' code the
rows named 256 do not crop at all: 256 is the side of the pictures there, and the network trains on all of the 512×512
pixels. The text's crop of 256 is the claim, the code's whole pictures are a variant of it (`whole`). A random split
puts b-scans of one subject on both sides; every claim that trains has a variant that splits by subject, and its row
shows the difference.

Which other released models the authors fine-tuned is not printed; one was a DeepLabV3 from VOC. Here it stands beside
an FCN from Cityscapes and a PSPNet from ADE20K, all on ResNet-50. A source whose checkpoint is absent is trained here,
the U-Nets as huang-dme trains them, the others as zhou-kvasir does, from random weights, and all on crops of 512×512,
which fit into the street scenes of CamVid too.

Reduced: the same networks, pictures and iterations; 2 000 iterations of a source, bf16.

Desk and smoke: small networks of the same families whose sources are trained here. Sides of 256, 288 and 320 keep
their ratio to each other and to the picture, 150, 200 and 300 iterations theirs. Losses are in the form that small
networks survive: cross entropy and focal loss with class weights, the Dice loss over the foreground. Schedules decay.
The recipes were chosen by spread within arms and absence of collapse, on seeds that no claim uses
(``benchmarks/spread.py``; the candidates are in ``benchmarks/README.md``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.specs import (
    IMAGENET,
    Budget,
    Constant,
    CrossEntropy,
    Data,
    Dice,
    Focal,
    FromJob,
    Loss,
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
    Weights,
    ZeroShot,
)

UNET, RESNET = "unet-s5-d16", "r50-d8"

PICTURE = 256
"""Side of the published pictures, which are enlarged to twice of it."""


@dataclass(frozen=True)
class Model:
    """A released model.

    Attributes:
        backbone, head: The network.
        source: What it was trained on.
        weights: mmsegmentation's name of it.
        substitute: Real data that may stand in for the source where it is trained here.
    """

    backbone: str
    head: str
    source: str
    weights: str
    substitute: str


MODELS = {
    "unet-fcn": Model(UNET, "fcn", "hrf", "unet-s5-d16_fcn_4xb4-40k_hrf-256x256", "chase_db1"),
    "unet-deeplabv3": Model(UNET, "deeplabv3", "hrf", "unet-s5-d16_deeplabv3_4xb4-40k_hrf-256x256", "chase_db1"),
    "deeplabv3-voc": Model(RESNET, "deeplabv3", "voc2012", "deeplabv3_r50-d8_4xb4-40k_voc12aug-512x512", "camvid"),
    "fcn-cityscapes": Model(RESNET, "fcn", "cityscapes", "fcn_r50-d8_4xb2-80k_cityscapes-512x1024", "camvid"),
    "pspnet-ade20k": Model(RESNET, "pspnet", "ade20k", "pspnet_r50-d8_4xb4-160k_ade20k-512x512", "camvid"),
}
"""The medical U-Nets and three models from natural scenes."""

NATURAL = tuple(name for name, model in MODELS.items() if model.backbone == RESNET)
"""Names of those from natural scenes."""

FEW_PIXELS = CrossEntropy(class_weight=(1.0, 10.0))
"""Cross entropy of small networks, which do not find fluid without weights."""

FEW_PIXELS_FOCAL = Focal(8.0, class_weight=(1.0, 10.0))
"""Focal loss of small networks: with the same weights, and about as steep at the start as the cross entropy."""

SMALL_LOSSES = (FEW_PIXELS, Dice(3.0, over="foreground"))
"""Of the small sources on vessels, as in huang-dme."""


@dataclass(frozen=True)
class Small:
    """What a scale with small networks spends.

    Attributes:
        unet, resnet: What stays of the backbones and heads.
        picture: Side of the pictures, which are enlarged to twice of it.
        eye, street: Sizes of fundus images and of natural scenes.
        source_crop: Side of the crops of a source.
        count: Phantom images of the target.
        iterations, evaluations: Budget of what 200 iterations are in the paper.
        source_iterations: Budget of a source.
        batch_size: Of a fine-tuning.
        optimiser, learning_rate: Of a fine-tuning.
        source_rate: Adam's, of a source.
        one_source: Whether all seeds of an arm share one source.
        paired: Whether seeds are compared as pairs, from the pilots: on real data arms of one seed share its random
            split (a correlation of .79 at the desk scale), at the smoke scale they are as unlike as arms of two.
    """

    unet: Shrink
    resnet: Shrink
    picture: int
    eye: tuple[int, int]
    street: tuple[int, int]
    source_crop: int
    count: int
    iterations: int
    evaluations: int
    source_iterations: int
    batch_size: int
    optimiser: Literal["sgd", "adam"]
    learning_rate: float
    source_rate: float
    one_source: bool
    paired: bool


SMALL: dict[Scale, Small] = {
    "desk": Small(
        unet=Shrink(16, 4, head=16),
        resnet=Shrink(16, 4, 0.25, 32),
        picture=64,
        eye=(160, 160),
        street=(120, 160),
        source_crop=64,
        count=80,
        iterations=120,
        evaluations=4,
        source_iterations=150,
        batch_size=4,
        optimiser="sgd",
        learning_rate=0.05,
        source_rate=1e-3,
        one_source=False,
        paired=True,
    ),
    "smoke": Small(
        unet=Shrink(8, 2, head=8),
        resnet=Shrink(8, 4, 0.25, 16),
        picture=32,
        eye=(48, 48),
        street=(48, 48),
        source_crop=32,
        count=80,
        iterations=80,
        evaluations=2,
        source_iterations=80,
        batch_size=8,
        optimiser="sgd",
        learning_rate=0.05,
        source_rate=5e-3,
        one_source=True,
        paired=False,
    ),
}

SplitKind = Literal["random", "folds"]


@dataclass(frozen=True)
class Pipeline:
    """Recipes of the paper's arms at one scale.

    Attributes:
        split: ``"random"`` as published, or ``"folds"``, by subject: other subjects test with each seed.
    """

    scale: Scale
    split: SplitKind = "random"

    @property
    def by_subject(self) -> Pipeline:
        """The same arms, tested on other subjects than those that train."""
        return replace(self, split="folds")

    @property
    def paired(self) -> bool:
        """Whether seeds are compared as pairs."""
        return self._small is None or self._small.paired

    @property
    def losses(self) -> dict[str, tuple[Loss, ...]]:
        """The three losses that are compared; at the small scales in the forms that small networks survive."""
        if self._small:
            return {"cross-entropy": (FEW_PIXELS,), "focal": (FEW_PIXELS_FOCAL,), "dice": (Dice(over="foreground"),)}
        return {"cross-entropy": (CrossEntropy(),), "focal": (Focal(),), "dice": (Dice(),)}

    def fine_tuned(
        self,
        model: str = "unet-fcn",
        *,
        crop: int | None = 256,
        iterations: int = 200,
        loss: str = "cross-entropy",
        **changes: Any,
    ) -> Recipe:
        """A released model trained on DME.

        Args:
            model: Of :data:`MODELS`.
            crop: Side of the window in a picture of 512; ``None``: the whole picture.
            iterations: As the paper counts them; a small scale has as large a share.
            loss: Of :attr:`losses`.
            changes: Other fields of the recipe.
        """
        small, whole = self._small, MODELS[model]
        side = small.picture if small else PICTURE
        recipe = Recipe(
            data=Data(
                "dme",
                labels="expert1",
                split=Split(self.split),
                count=small.count if small else 110,
                resize=Resize((side, side)),
            ),
            network=self._network(whole),
            budget=Budget(
                round(iterations * (small.iterations if small else 200) / 200), evaluations=self._evaluations
            ),
            init=self._start(model),
            transforms=(Rescale(2.0),),
            normalise=IMAGENET,
            losses=self.losses[loss],
            optimiser=self.optimiser(),
            schedule=Poly() if small else Constant(),
            batch_size=small.batch_size if small else 2,
            precision="bf16" if self.scale == "reduced" else "fp32",
        )
        if crop is not None:
            window = crop * side // PICTURE
            recipe = replace(recipe, transforms=(*recipe.transforms, RandomCrop((window, window))))
        return replace(recipe, **changes)

    def zero_shot(self, model: str) -> ZeroShot:
        """A released model on DME as it is, with a head drawn at random where it has other classes."""
        return ZeroShot(self.fine_tuned(model))

    def optimiser(self, times: float = 1.0) -> Optimiser:
        """The one of all arms, or that at another learning rate."""
        if small := self._small:
            return Optimiser(small.optimiser, times * small.learning_rate)
        return Optimiser("sgd", times * 0.01)

    @property
    def adam(self) -> Optimiser:
        """Adam at a usual rate; the paper prints none."""
        return Optimiser("adam", self._small.source_rate if self._small else 1e-3)

    @property
    def early_layers(self) -> tuple[str, ...]:
        """The first half of the U-Net's encoder; the paper does not say which layers it froze."""
        stages = self._small.unet.stages if self._small else 5
        return tuple(f"backbone.encoder.{stage}" for stage in range(stages // 2))

    def source(self, model: str) -> Recipe:
        """The training of a model where its checkpoint is absent."""
        small, of = self._small, MODELS[model]
        medical = of.backbone == UNET
        data = Data(of.source, substitute=of.substitute)
        if small:
            return Recipe(
                data=replace(data, resize=Resize(small.eye if medical else small.street)),
                network=self._network(of),
                budget=Budget(small.source_iterations),
                transforms=(RandomCrop((small.source_crop, small.source_crop)), RandomFlip()),
                normalise=IMAGENET,
                losses=SMALL_LOSSES if medical else (CrossEntropy(),),
                optimiser=Optimiser("adam", small.source_rate, weight_decay=0.0),
                schedule=Poly(),
            )
        paper = self.scale == "paper"
        if not medical and of.source != "cityscapes":  # their images differ in size; a pack has one
            data = replace(data, resize=Resize((512, 512), "short-side"))
        return Recipe(
            data=data,
            network=self._network(of),
            budget=Budget((40_000 if medical else 80_000) if paper else 2_000),
            transforms=(RandomResize(0.5, 2.0), RandomCrop((256, 256) if medical else (512, 512)), RandomFlip()),
            normalise=IMAGENET,
            optimiser=Optimiser("sgd", 0.01),
            schedule=Poly(min_lr=1e-4),
            batch_size=16 if medical else 8,
            precision="fp32" if paper else "bf16",
        )

    def _start(self, model: str) -> FromJob | Weights:
        small = self._small
        trained = FromJob(self.source(model), seed=0 if small and small.one_source else None)
        return trained if small else Weights(MODELS[model].weights, otherwise=trained)

    def _network(self, model: Model) -> Segmenter:
        small = self._small
        shrink = (small.unet if model.backbone == UNET else small.resnet) if small else None
        return Segmenter(model.backbone, model.head, shrink)

    @property
    def _evaluations(self) -> int:
        return self._small.evaluations if self._small else 10

    @property
    def _small(self) -> Small | None:
        return SMALL.get(self.scale)
