"""Recipes: everything that determines one training but its seed.

Recipes form a graph, since pretraining is itself a training: ``Recipe.init`` may be :class:`FromJob`, which holds
another recipe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from harness.specs import checks
from harness.specs.data import Data
from harness.specs.identity import NOT_IDENTITY, identified_by
from harness.specs.losses import CrossEntropy, Loss
from harness.specs.networks import Classifier, Network, Segmenter
from harness.specs.sampling import Boosted, Every, Sample, check_sample
from harness.specs.schedules import BestOnValidation, Budget, Constant, Last, Optimiser, Poly, Schedule, Selection, Step
from harness.specs.transforms import RandomCrop, RandomFlip, RandomResize, Rescale, Transform, check_order

WeightsPart = Literal["all", "backbone"]
"""Which part of other weights a network starts from; ``"all"``: the head too, as far as it fits."""


@dataclass(frozen=True)
class Scratch:
    """The network's own random initialisation, Kaiming's for the networks here."""


@dataclass(frozen=True)
class Weights:
    """Released weights by name, or weights from a file. The file's content identifies them; where it lies does not.

    Attributes:
        name: mmsegmentation's name of a config with a released checkpoint
            (``"fcn_r18-d8_4xb2-80k_cityscapes-512x1024"``), another name that
            :func:`harness.networks.released.find` knows, or the path of a file.
        sha256: Hash of the file, 64 hexadecimal digits. A path needs it; of a name it is ``""`` until the file is found
            (:class:`harness.networks.library.Library`), and until then the name identifies the weights.
        part: What is taken from it.
        otherwise: The source to train where the file is absent; ``None``: there is no other way.
        path: Where the file of a name was found.
    """

    name: str = field(metadata=identified_by("sha256"))
    sha256: str = ""
    part: WeightsPart = "all"
    otherwise: FromJob | None = field(default=None, metadata=NOT_IDENTITY)
    path: str = field(default="", metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"Expected weights `name` to be a name or a path, but got {self.name!r}.")
        if self.sha256 and (len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef")):
            raise ValueError(f"Expected weights `sha256` to be 64 hexadecimal digits, but got {self.sha256!r}.")
        checks.one_of("weights", "part", self.part, ("all", "backbone"))
        if self.otherwise is not None and not isinstance(self.otherwise, FromJob):
            raise ValueError(f"Expected weights `otherwise` to be a FromJob, but got {self.otherwise!r}.")

    @property
    def file(self) -> str:
        """Where the file is."""
        return self.path or self.name


@dataclass(frozen=True)
class FromJob:
    """The weights of another recipe's training.

    Attributes:
        recipe: The source recipe.
        part: What is taken from it.
        seed: Seed of the source training; ``None``: the seed of the job that starts from it, so that the source is
            trained anew for each seed. With a number all seeds share one checkpoint, and the table says so.
        shuffled: Whether the entries of each tensor change places, drawn by the seed of the job that starts from them:
            the distribution of the weights stays, what they have learnt goes.
    """

    recipe: Recipe
    part: WeightsPart = "all"
    seed: int | None = None
    shuffled: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.recipe, Recipe):
            raise ValueError(f"Expected FromJob `recipe` to be a Recipe, but got {self.recipe!r}.")  # noqa: TRY004
        checks.one_of("FromJob", "part", self.part, ("all", "backbone"))
        if not isinstance(self.shuffled, bool):
            raise ValueError(f"Expected FromJob `shuffled` to be True or False, but got {self.shuffled!r}.")  # noqa: TRY004


Initialisation = Scratch | Weights | FromJob


@dataclass(frozen=True)
class Normalise:
    """Mean and standard deviation that images are normalised with, in grey levels 0–255.

    Attributes:
        mean, std: One number for all channels, or one for each of three.
    """

    mean: float | tuple[float, float, float]
    std: float | tuple[float, float, float]

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != 3:
                raise ValueError(
                    f"Expected Normalise `{name}` to be one number or a tuple of three, but got {value!r}."
                )
            channels = value if isinstance(value, tuple) else (value,)
            for channel in channels:
                (checks.positive if name == "std" else checks.number)("Normalise", name, channel)


IMAGENET = Normalise((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
"""Of RGB images, by the mean and standard deviation of ImageNet's, as torchvision and mmsegmentation do."""


@dataclass(frozen=True)
class Recipe:
    """Everything that determines one training but its seed.

    Attributes:
        data: What it trains and tests on.
        network: What it trains; the task, segmentation or classification, follows from it.
        budget: How long.
        init: What the network starts from.
        transforms: What is done to images on the way into the network.
        normalise: How grey levels become inputs.
        losses: Terms of the loss.
        select: Which evaluation's weights are the result.
        frozen: Names of the parts of the network that are not trained, ``"backbone"`` for example. Whether the network
            has them is checked by :mod:`harness.networks`.
        precision: ``"bf16"`` trains and evaluates under autocast.
        sample: Which training images it sees.
    """

    data: Data
    network: Network
    budget: Budget
    init: Initialisation = Scratch()
    transforms: tuple[Transform, ...] = ()
    normalise: Normalise = Normalise(116.0, 57.0)
    losses: tuple[Loss, ...] = (CrossEntropy(),)
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Constant()
    batch_size: int = 8
    select: Selection = Last()
    frozen: tuple[str, ...] = ()
    precision: Literal["fp32", "bf16"] = "fp32"
    sample: Sample = Every()

    def __post_init__(self) -> None:
        kinds: dict[str, type | tuple[type, ...]] = {
            "data": Data,
            "network": (Segmenter, Classifier),
            "budget": Budget,
            "init": (Scratch, Weights, FromJob),
            "normalise": Normalise,
            "optimiser": Optimiser,
            "schedule": (Constant, Poly, Step),
            "select": (Last, BestOnValidation),
        }
        for name, kind in kinds.items():
            if not isinstance(value := getattr(self, name), kind):
                words = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
                raise ValueError(f"Expected recipe `{name}` to be an instance of {words}, but got {value!r}.")  # noqa: TRY004
        checks.terms("recipe", "transforms", self.transforms, Transform, "(RandomCrop((256, 256)), RandomFlip())")
        checks.terms("recipe", "losses", self.losses, Loss, "(CrossEntropy(), Dice(3.0))")
        check_order(self.transforms)
        check_sample(self)
        if (views := getattr(self.network, "views", 1)) == 1 and self.data.companion:
            raise ValueError(
                f"Expected a network with views=2 for images of {self.data.name} that are seen with their "
                f"{self.data.companion}, but got {self.network!r}; take such a Classifier, or no companion."
            )
        if views == 2 and not self.data.companion:
            raise ValueError(
                f"Expected data `companion` to name what a network with views=2 sees beside each image of "
                f"{self.data.name}, but it is empty; name it, or take views=1."
            )
        if not self.losses:
            raise ValueError("Expected recipe `losses` to have a term, but got none; add CrossEntropy(), for example.")
        checks.whole("recipe", "batch_size", self.batch_size)
        checks.one_of("recipe", "precision", self.precision, ("fp32", "bf16"))
        if not isinstance(self.frozen, tuple) or not all(isinstance(name, str) and name for name in self.frozen):
            raise ValueError(
                f"Expected recipe `frozen` to be a tuple of names of parts of the network, but got {self.frozen!r}; "
                'write ("backbone",), for example.'
            )
        if isinstance(self.select, BestOnValidation) and not self.data.split.validation:
            raise ValueError(
                f"Expected the split of {self.data.name} to hold out images to select with, but its `validation` is 0; "
                "choose a share, or take select=Last()."
            )
        if self.crop is None and any(isinstance(each, RandomResize) for each in self.transforms):
            raise ValueError(
                "Expected a RandomCrop after RandomResize, so that all images of a batch are equally large."
            )

    @property
    def task(self) -> str:
        """Name of the task, as in :mod:`harness.tasks`."""
        return "segmentation" if isinstance(self.network, Segmenter) else "classification"

    @property
    def crop(self) -> tuple[int, int] | None:
        """``(height, width)`` in pixels of the random crop; ``None``: whole images."""
        return next((each.size for each in self.transforms if isinstance(each, RandomCrop)), None)

    @property
    def rescale(self) -> float:
        """Factor that images are scaled by in training and at evaluation."""
        return next((each.factor for each in self.transforms if isinstance(each, Rescale)), 1.0)

    def check_crop(self, image: tuple[int, int]) -> None:
        """Raises ValueError where the crop is larger than images of that (height, width) at their largest scale."""
        if self.crop is None:
            return
        factor = next((each.high for each in self.transforms if isinstance(each, RandomResize)), 1.0) * self.rescale
        largest = tuple(round(side * factor) for side in image)
        if self.crop[0] > largest[0] or self.crop[1] > largest[1]:
            raise ValueError(
                f"Expected the crop to fit into the images of {self.data.name} at their largest scale, "
                f"{largest[0]}×{largest[1]}, but got {self.crop[0]}×{self.crop[1]}; choose a smaller crop."
            )

    def mirrors_only(self, image: tuple[int, int]) -> bool:
        """Whether training sees images of that (height, width) only as they are and mirrored: nothing else is random.

        A crop that is as large as the rescaled image can be in one place only.
        """
        if not all(isinstance(each, (Rescale, RandomCrop, RandomFlip)) for each in self.transforms):
            return False
        scaled = (max(1, round(side * self.rescale)) for side in image)
        return self.crop is None or all(side <= cut for side, cut in zip(scaled, self.crop, strict=True))

    def lineage(self) -> Iterator[Recipe]:
        """The recipes that this one rests on, which it starts from or which its images are drawn after; then itself.

        Sources come before what starts from them; one may come several times.
        """
        if isinstance(self.sample, Boosted):
            yield from self.sample.after.lineage()
        if isinstance(self.init, FromJob):
            yield from self.init.recipe.lineage()
        yield self
