"""The pipeline of ehsanimehr-dr, "Transfer Learning for Medical Image Classification".

Published: ResNet-18, ResNet-34 and DenseNet-121 of torchvision from ImageNet, photographs of 256×256 after CLAHE,
rotation, flip, crop and colour jitter, learning rate 1e-4 with weight decay 1e-3 and steps, batches of 24, dropout 0.5,
20 epochs; a first stage on APTOS without CLAHE in batches of 64, and a dropout of 0.4 in the second. The table's
columns name a best validation score, so the epoch with the best kappa on the validation images is taken.

Not printed, and read here as: Adam; a tenth of the learning rate after ten epochs; angles up to 15°, scales of 1 to
1.15, colours changed by up to a fifth. DeepDRiD is split as its challenge was: 400 photographs test. "Dual" means both
eyes, as the text says; the course template that it mentions pairs the two photographs of one eye, which is a variant.
Released weights of the domain are not named; a file that the user gives, or else this project's own first stage, takes
their place. Where single networks and ensembles are compared, the ensemble has seeds of its own.

Reduced: the same networks and images, half of the epochs, bf16.

Desk and smoke: small networks of the same families on small photographs, from random weights; the last epoch counts,
because few photographs are left to choose with, and test patients change with the seed, so that a verdict is not about
one split. Only where the paper compares DenseNet-121 with itself, the desk scale takes SqueezeNet 1.0, whose ImageNet
weights are small enough for a workstation (Han et al.'s Deep Compression); no other network there has seen ImageNet.
The recipes were chosen by spread within arms and absence of collapse, on seeds that no claim uses
(``benchmarks/spread.py``; the candidates are in ``benchmarks/README.md``).

A blur as narrow as the paper's leaves hardly a trace on photographs that small.

Where DeepDRiD and APTOS are absent, the photographs of Rahim et al. may stand in: three fifths of their patients for
DeepDRiD, the others for APTOS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from harness.specs import (
    IMAGENET,
    Attention,
    BenGraham,
    BestOnValidation,
    Budget,
    ChannelAttention,
    CircularCrop,
    Clahe,
    Classifier,
    ColourJitter,
    Data,
    FromJob,
    GaussianBlur,
    Initialisation,
    Last,
    Metric,
    Optimiser,
    Preparation,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Recipe,
    Resize,
    Scale,
    Scratch,
    SelfAttention,
    Shrink,
    SpatialAttention,
    Split,
    Step,
    Substitute,
    Transform,
    Weights,
)

BACKBONES = ("resnet18", "resnet34", "densenet121")

EARLY_LAYERS = {
    "resnet18": ("conv1", "bn1", "layer1"),
    "densenet121": ("features.conv0", "features.norm0", "features.denseblock1"),
    "squeezenet1_0": ("features.0", "features.3", "features.4"),
}
"""What is frozen where a claim freezes the first layers."""

ATTENTION: dict[str, Attention] = {
    "spatial-7": SpatialAttention(7, relu=True),
    "spatial-11": SpatialAttention(11, relu=True),
    "channel": ChannelAttention(),
    "self-attention": SelfAttention(),
}

CLAHE_AND_CIRCLE = (Clahe(), CircularCrop())

PREPROCESSING: dict[str, tuple[Preparation, ...]] = {
    "none": (),
    "clahe-circle": CLAHE_AND_CIRCLE,
    "clahe-circle-graham": (*CLAHE_AND_CIRCLE, BenGraham()),
    "clahe-circle-blur": (*CLAHE_AND_CIRCLE, GaussianBlur(2.0)),
}

JITTER = ColourJitter(0.2, 0.2, 0.2)

IMAGENET_WEIGHTS = {
    **{backbone: f"{backbone}.imagenet1k_v1" for backbone in BACKBONES},
    "squeezenet1_0": "squeezenet1_0.deepcompression",
}
"""Released ImageNet weights by backbone."""


@dataclass(frozen=True)
class Small:
    """What a scale with small networks spends.

    Attributes:
        network: What stays of the networks.
        single, plain: The backbone where one network alone is compared, and where the paper takes its smallest one.
        whole: Backbones that are as large as published and start from ImageNet; the others start from random weights.
        size: Of all photographs.
        target, first: Phantom photographs of the target and of the first stage.
        test: Share of the target's patients that test.
        epochs: Of the target and of the first stage.
        batch_size: Of both.
        learning_rate, tuning_rate: Adam's for small networks, and for those that start from ImageNet.
        dropout: Share of the published dropout that networks with so few features bear.
        step: After which share of the epochs the learning rate falls.
        one_source: Whether all seeds of an arm share one first stage.
    """

    network: Shrink
    single: str
    plain: str
    whole: tuple[str, ...]
    size: tuple[int, int]
    target: int
    first: int
    test: float
    epochs: int
    batch_size: int
    learning_rate: float
    tuning_rate: float
    dropout: float
    step: float
    one_source: bool


SMALL: dict[Scale, Small] = {
    "desk": Small(
        network=Shrink(16, 4, 0.5),
        single="squeezenet1_0",
        plain="resnet18",
        whole=("squeezenet1_0",),
        size=(80, 80),
        target=400,
        first=400,
        test=0.3,
        epochs=20,
        batch_size=16,
        learning_rate=3e-3,
        tuning_rate=1e-4,
        dropout=0.2,
        step=0.75,
        one_source=False,
    ),
    "smoke": Small(
        network=Shrink(8, 3, 0.25),
        single="resnet18",
        plain="resnet18",
        whole=(),
        size=(56, 56),
        target=480,
        first=320,
        test=0.5,
        epochs=8,
        batch_size=16,
        learning_rate=5e-3,
        tuning_rate=5e-3,
        dropout=0.2,
        step=0.75,
        one_source=True,
    ),
}


@dataclass(frozen=True)
class Pipeline:
    """Recipes of the paper's arms at one scale."""

    scale: Scale

    @property
    def paired(self) -> bool:
        """Whether seeds are compared as pairs: where the patients who test change with the seed, for all arms alike."""
        return self._small is not None

    @property
    def single_network(self) -> str:
        """The backbone where one network alone is compared; as published, DenseNet-121."""
        return self._small.single if self._small else "densenet121"

    @property
    def plain_network(self) -> str:
        """The same where the paper takes its smallest one, ResNet-18."""
        return self._small.plain if self._small else "resnet18"

    def from_imagenet(self, backbone: str, **changes: Any) -> Recipe:
        """Task A: a network from ImageNet, trained on DeepDRiD."""
        return self._graded(backbone, self._imagenet(backbone), **changes)

    def two_stages(self, backbone: str, **changes: Any) -> Recipe:
        """Task B: a network from ImageNet, trained on APTOS, then on DeepDRiD."""
        return self._graded(backbone, self._first_stage(backbone), dropout=0.4, **changes)

    def from_domain(self, backbone: str, **changes: Any) -> Recipe:
        """Task B: a network from weights of the domain, the user's or those of the first stage."""
        if self._small:  # a file is of a published network
            return self.two_stages(backbone, **changes)
        weights = Weights(f"yours/dr-{backbone}", otherwise=self._first_stage(backbone))
        return self._graded(backbone, weights, dropout=0.4, **changes)

    def dual(self, recipe: Recipe, companion: str = "other-eye") -> Recipe:
        """A recipe for two photographs at once: of both eyes, or two of the same eye."""
        assert isinstance(recipe.network, Classifier)
        return replace(recipe, data=replace(recipe.data, companion=companion), network=replace(recipe.network, views=2))

    def with_attention(self, recipe: Recipe, attention: Attention) -> Recipe:
        """A recipe whose network has attention on its last feature map."""
        assert isinstance(recipe.network, Classifier)
        return replace(recipe, network=replace(recipe.network, attention=attention))

    def prepared(self, recipe: Recipe, prepare: tuple[Preparation, ...]) -> Recipe:
        """A recipe on photographs that are prepared otherwise."""
        return replace(recipe, data=replace(recipe.data, prepare=prepare))

    def without_jitter(self, recipe: Recipe) -> Recipe:
        """A recipe that leaves colours as they are."""
        kept = tuple(each for each in recipe.transforms if not isinstance(each, ColourJitter))
        return replace(recipe, transforms=kept)

    def after(self, share: float) -> Recipe:
        """The plain network after a share of its epochs; shorter trainings are beginnings of the longer ones."""
        epochs = max(1, round(share * self._epochs))
        return self.from_imagenet(self.plain_network, budget=Budget(epochs, "epochs"), select=Last())

    def _graded(self, backbone: str, init: Initialisation, dropout: float = 0.5, **changes: Any) -> Recipe:
        """The target's training."""
        small = self._small
        data = Data(
            "deepdrid",
            split=Split("folds", small.test, validation=0.2) if small else Split("published", validation=0.25),
            count=small.target if small else 400,
            substitute=Substitute("dr_rahim", share=(0.4, 1.0)),
        )
        recipe = self._recipe(replace(data, prepare=(Clahe(),)), backbone, init, dropout, self._batch_size(24))
        return replace(recipe, **changes)

    def _first_stage(self, backbone: str) -> FromJob:
        """A network from ImageNet, trained on APTOS."""
        small = self._small
        data = Data(
            "aptos2019",
            split=Split("folds", test=0.1, validation=0.1),
            count=small.first if small else 400,
            substitute=Substitute("dr_rahim", share=(0.0, 0.4)),
        )
        recipe = self._recipe(data, backbone, self._imagenet(backbone), 0.5, self._batch_size(64))
        return FromJob(recipe, seed=0 if small and small.one_source else None)

    def _recipe(self, data: Data, backbone: str, init: Initialisation, dropout: float, batch_size: int) -> Recipe:
        small = self._small
        size = small.size if small else (256, 256)
        rate = 1e-4 if small is None else (small.tuning_rate if backbone in small.whole else small.learning_rate)
        return Recipe(
            data=replace(data, resize=Resize(size)),
            network=self._network(backbone, dropout),
            budget=Budget(self._epochs, "epochs", self._epochs if small is None else 1),
            init=init,
            transforms=self._transforms(size),
            normalise=IMAGENET,
            optimiser=Optimiser("adam", rate, weight_decay=1e-3),
            schedule=Step(max(1, round((small.step if small else 0.5) * self._epochs))),
            batch_size=batch_size,
            select=Last() if small else BestOnValidation(Metric("kappa")),
            precision="bf16" if self.scale == "reduced" else "fp32",
        )

    def _imagenet(self, backbone: str) -> Initialisation:
        """ImageNet's weights: released, or trained here as torchvision's references train; none of small networks."""
        small = self._small
        if small and backbone not in small.whole:
            return Scratch()
        classifier = Recipe(
            data=Data("imagenet", count=1000, resize=Resize((256, 256), "short-side")),
            network=self._network(backbone, 0.5),
            budget=Budget(90, "epochs"),
            transforms=(RandomCrop((224, 224)), RandomFlip()),
            normalise=IMAGENET,
            optimiser=Optimiser("sgd", 0.1, weight_decay=1e-4),
            schedule=Step(30),
            batch_size=256,
        )
        trained = FromJob(classifier, part="backbone")
        return Weights(IMAGENET_WEIGHTS[backbone], part="backbone", otherwise=trained)

    def _network(self, backbone: str, dropout: float) -> Classifier:
        small = self._small
        shrink = None if small is None or backbone in small.whole else small.network
        return Classifier(backbone, dropout if shrink is None or small is None else small.dropout * dropout, shrink)

    def _transforms(self, size: tuple[int, int]) -> tuple[Transform, ...]:
        return (RandomResize(1.0, 1.15), RandomRotation(15), RandomCrop(size), RandomFlip(), JITTER)

    def _batch_size(self, published: int) -> int:
        return self._small.batch_size if self._small else published

    @property
    def _epochs(self) -> int:
        if self._small:
            return self._small.epochs
        return 20 if self.scale == "paper" else 10

    @property
    def _small(self) -> Small | None:
        return SMALL.get(self.scale)
