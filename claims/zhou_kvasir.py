"""The pipeline of zhou-kvasir, "An Empirical Study of Transfer Learning for Colorectal Polyps Image Segmentation".

Published: Kvasir-SEG, 80% of the images train and 20% test; images of 640×640, crops of 512, flip, brightness,
contrast and saturation jitter (by how much is not printed; mmsegmentation's photometric distortion is taken),
ImageNet's mean and standard deviation; SGD 0.01 with momentum 0.9 and weight decay 0.005, or AdamW 6e-5 for
transformers; poly decay with power 0.9; batches of 8; 16 000 iterations. Networks start from mmsegmentation's released
checkpoints. The test images change with the seed, so that a verdict is not about one split; near-duplicates of
Kvasir-SEG stay on one side.

A source whose checkpoint is absent is trained as mmsegmentation's configs for Cityscapes train, 80 000 iterations of 8
crops, but from random weights where the claim needs no ImageNet backbone, and with the weight decay of the fine-tuning.
AdamW has mmsegmentation's weight decay of 0.01, because the paper's 0.005 stands beside SGD.

Reduced: the same networks, images and checkpoints, a tenth of the iterations, crops of 512×512 of street scenes too,
bf16.

Desk and smoke: small networks of the same families, whose depths keep their order, on small images, with Adam, or AdamW
for transformers. Their sources are trained here, from random weights; only where a claim compares with an ImageNet
backbone, all of its networks start from one. At the desk scale that is SqueezeNet 1.0, whose ImageNet weights are small
enough for a workstation (Han et al.'s Deep Compression); at the smoke scale, and where they are absent, it is trained
here too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.specs import (
    IMAGENET,
    Budget,
    Classifier,
    ColourJitter,
    CrossEntropy,
    Data,
    FromJob,
    Initialisation,
    Optimiser,
    Poly,
    RandomCrop,
    RandomFlip,
    RandomResize,
    Recipe,
    Resize,
    Scale,
    Scratch,
    Segmenter,
    Shrink,
    Split,
    Step,
    Substitute,
    Weights,
)

JITTER = ColourJitter(brightness=0.125, contrast=0.5, saturation=0.5)

VIT, SWIN = "vit-b16_ln_mln", "swin-base-patch4-window7"

TRANSFORMERS = (VIT, SWIN)

RELEASED = {
    ("r18-d8", "fcn", "cityscapes"): "fcn_r18-d8_4xb2-80k_cityscapes-512x1024",
    ("r18-d8", "pspnet", "cityscapes"): "pspnet_r18-d8_4xb2-80k_cityscapes-512x1024",
    ("r18-d8", "deeplabv3", "cityscapes"): "deeplabv3_r18-d8_4xb2-80k_cityscapes-512x1024",
    ("r18", "upernet", "cityscapes"): "upernet_r18_4xb2-80k_cityscapes-512x1024",
    ("r50-d8", "fcn", "cityscapes"): "fcn_r50-d8_4xb2-80k_cityscapes-512x1024",
    ("r101-d8", "fcn", "cityscapes"): "fcn_r101-d8_4xb2-80k_cityscapes-512x1024",
    ("r50", "upernet", "ade20k"): "upernet_r50_4xb4-160k_ade20k-512x512",
    (VIT, "upernet", "ade20k"): "vit_vit-b16-ln_mln_upernet_8xb2-160k_ade20k-512x512",
    (
        "swin-base-patch4-window7",
        "upernet",
        "ade20k",
    ): "swin-base-patch4-window7-in1k-pre_upernet_8xb2-160k_ade20k-512x512",
    ("hr48", "fcn", "cityscapes"): "fcn_hr48_4xb2-160k_cityscapes-512x1024",
    ("hr48", "fcn", "voc2012"): "fcn_hr48_4xb4-40k_voc12aug-512x512",
    ("hr48", "fcn", "ade20k"): "fcn_hr48_4xb4-160k_ade20k-512x512",
}
"""mmsegmentation's checkpoints by backbone, head and source; the paper does not say which of several it took."""

IMAGENET_WEIGHTS = {"hr48": "open-mmlab://msra/hrnetv2_w48", "squeezenet1_0": "squeezenet1_0.deepcompression"}
"""Released ImageNet weights by backbone."""


FEW_PIXELS = CrossEntropy(class_weight=(1.0, 4.0))
"""Cross entropy of small networks, which without weights predict no polyp for hundreds of iterations on real images."""


@dataclass(frozen=True)
class Small:
    """What a scale with small networks spends.

    Attributes:
        imagenet: The backbone that starts from ImageNet.
        resnet, hrnet, squeezenet, vit, swin: What stays of each kind of backbone and of its heads.
        image: Size of all images.
        crop: Side of the crops.
        count: Phantom images of each data set.
        iterations, evaluations: Budget of a fine-tuning.
        source_iterations: Budget of a source.
        learning_rate, transformer_rate: Adam's, and AdamW's for transformers.
        one_source: Whether all seeds of an arm share one source where no source's own score is asked for.
    """

    imagenet: str
    resnet: Shrink
    hrnet: Shrink
    squeezenet: Shrink
    vit: Shrink
    swin: Shrink
    image: tuple[int, int]
    crop: int
    count: int
    iterations: int
    evaluations: int
    source_iterations: int
    learning_rate: float
    transformer_rate: float
    one_source: bool


SMALL: dict[Scale, Small] = {
    "desk": Small(
        imagenet="squeezenet1_0",
        resnet=Shrink(16, 4, 0.25, 32),
        hrnet=Shrink(16, 3, 0.25, 32),
        squeezenet=Shrink(96, 4, head=32),
        vit=Shrink(64, 3, 0.25, 32),
        swin=Shrink(16, 3, 0.25, 32),
        image=(64, 64),
        crop=48,
        count=100,
        iterations=250,
        evaluations=5,
        source_iterations=200,
        learning_rate=3e-3,
        transformer_rate=2e-3,
        one_source=False,
    ),
    "smoke": Small(
        imagenet="hr48",
        resnet=Shrink(8, 4, 0.25, 16),
        hrnet=Shrink(8, 2, 0.25, 16),
        squeezenet=Shrink(96, 4, head=16),
        vit=Shrink(32, 3, 0.25, 16),
        swin=Shrink(8, 2, 0.25, 16),
        image=(48, 48),
        crop=32,
        count=80,
        iterations=160,
        evaluations=4,
        source_iterations=60,
        learning_rate=1e-2,
        transformer_rate=5e-3,
        one_source=True,
    ),
}


@dataclass(frozen=True)
class Pipeline:
    """Recipes of the paper's arms at one scale."""

    scale: Scale

    @property
    def small(self) -> bool:
        """Whether networks are small and trained from random weights here."""
        return self._small is not None

    @property
    def from_imagenet(self) -> str:
        """The backbone of the networks that start from ImageNet: the published HRNet-48, or a smaller one."""
        return self._small.imagenet if self._small else "hr48"

    def fine_tuned(
        self,
        backbone: str,
        head: str,
        source: str,
        substitute: str | Substitute = "",
        *,
        own: bool | None = None,
        imagenet: str | None = None,
    ) -> Recipe:
        """A network pretrained on a source, trained on polyps.

        Args:
            backbone, head: The network.
            source: What it is pretrained on.
            substitute: Real data that may stand in for an absent source.
            own: Whether each seed trains a source of its own, so that the source's score can be compared; ``None``:
                where the released checkpoint is absent, and at the small scales, where seeds may share it.
            imagenet: What may stand in for ImageNet, where a source that is trained here starts from a backbone from
                there; ``None``: it starts from random weights.
        """
        seed = 0 if self._small and self._small.one_source and not own else None
        trained = FromJob(self.source(backbone, head, source, substitute, imagenet=imagenet), seed=seed)
        if self._small or own:
            return self.polyps(backbone, head, trained)
        otherwise = trained if own is None else None
        return self.polyps(backbone, head, Weights(RELEASED[backbone, head, source], otherwise=otherwise))

    def from_classification(self, backbone: str, head: str, substitute: str) -> Recipe:
        """A network with a backbone from ImageNet, or what may stand in, and a random head, trained on polyps."""
        return self.polyps(backbone, head, self._imagenet(backbone, substitute))

    def polyps(self, backbone: str, head: str, init: Initialisation) -> Recipe:
        """The target's training."""
        small = self._small
        iterations = {"paper": 16_000, "reduced": 1_600}.get(self.scale, 0)
        return Recipe(
            data=Data(
                "kvasir_seg",
                split=Split("folds"),
                count=small.count if small else 40,
                resize=Resize(small.image if small else (640, 640)),
            ),
            network=self._network(backbone, head),
            budget=Budget(small.iterations, evaluations=small.evaluations)
            if small
            else Budget(iterations, "iterations", 10),
            init=init,
            transforms=(RandomCrop((small.crop, small.crop) if small else (512, 512)), RandomFlip(), JITTER),
            normalise=IMAGENET,
            losses=(FEW_PIXELS if small else CrossEntropy(),),
            optimiser=self._optimiser(backbone),
            schedule=Poly(),
            precision="bf16" if self.scale == "reduced" else "fp32",
        )

    def source(
        self, backbone: str, head: str, name: str, substitute: str | Substitute = "", *, imagenet: str | None = None
    ) -> Recipe:
        """The training of a source network, as in mmsegmentation's configs but for its length at the reduced scale."""
        small, street = self._small, name == "cityscapes"
        data = Data(name, substitute=substitute)
        recipe = Recipe(
            data=data,
            network=self._network(backbone, head),
            budget=Budget(80_000 if self.scale == "paper" else 8_000),
            init=Scratch() if imagenet is None else self._imagenet(backbone, imagenet),
            transforms=(
                RandomResize(0.5, 2.0),
                RandomCrop((512, 1024) if street and self.scale == "paper" else (512, 512)),
                RandomFlip(),
                JITTER,
            ),
            normalise=IMAGENET,
            optimiser=self._optimiser(backbone),
            schedule=Poly(min_lr=0.0 if backbone in TRANSFORMERS else 1e-4),
            precision="bf16" if self.scale == "reduced" else "fp32",
        )
        if not small:
            # Their images differ in size; a pack has one.
            return recipe if street else replace(recipe, data=replace(data, resize=Resize((512, 512), "short-side")))
        return replace(
            recipe,
            data=replace(data, count=small.count, resize=Resize(small.image)),
            budget=Budget(small.source_iterations),
            transforms=(RandomCrop((small.crop, small.crop)), RandomFlip()),
            schedule=Poly(),
        )

    def _imagenet(self, backbone: str, substitute: str) -> Initialisation:
        """A backbone from ImageNet: the released one, or trained here as torchvision's references train."""
        small = self._small
        classifier = Recipe(
            data=Data("imagenet", resize=Resize((256, 256), "short-side"), substitute=substitute),
            network=Classifier(backbone),
            budget=Budget(90, "epochs"),
            transforms=(RandomCrop((224, 224)), RandomFlip()),
            normalise=IMAGENET,
            optimiser=Optimiser("sgd", 0.1, weight_decay=1e-4),
            schedule=Step(30),
            batch_size=256,
        )
        seed = None
        if small:
            shrink = replace(small.hrnet, head=None) if backbone == "hr48" else None
            classifier = replace(
                classifier,
                data=replace(classifier.data, count=small.count, resize=Resize(small.image)),
                network=Classifier(backbone, shrink=shrink),
                budget=Budget(small.source_iterations),
                transforms=(RandomCrop((small.crop, small.crop)), RandomFlip()),
                optimiser=self._optimiser(backbone),
                schedule=Poly(),
                batch_size=8,
            )
            seed = 0 if small.one_source else None
        trained = FromJob(classifier, part="backbone", seed=seed)
        if self.scale == "smoke":
            return trained
        return Weights(IMAGENET_WEIGHTS[backbone], part="backbone", otherwise=trained)

    @property
    def _small(self) -> Small | None:
        return SMALL.get(self.scale)

    def _network(self, backbone: str, head: str) -> Segmenter:
        small = self._small
        if small is None:
            return Segmenter(backbone, head)
        shrinks = {"hr48": small.hrnet, "squeezenet1_0": small.squeezenet, VIT: small.vit, SWIN: small.swin}
        return Segmenter(backbone, head, shrinks.get(backbone, small.resnet))

    def _optimiser(self, backbone: str) -> Optimiser:
        small = self._small
        if backbone in TRANSFORMERS:
            return Optimiser("adamw", small.transformer_rate if small else 6e-5, weight_decay=0.01)
        if small:
            return Optimiser("adam", small.learning_rate, weight_decay=0.0)
        return Optimiser("sgd", 0.01, weight_decay=0.005)
