"""What determines a training: frozen, hashable specs of plain types.

A :class:`Recipe` is everything that determines one training but its seed. Recipes form a graph, since pretraining is
itself a training: ``Recipe.init`` may be :class:`Pretrained`, which holds another recipe.

Nothing here imports torch: recipes are built, hashed and compared while pytest collects.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal

Scale = Literal["paper", "reduced", "smoke"]
SCALES: tuple[Scale, ...] = ("paper", "reduced", "smoke")

HEADS = ("fcn", "pspnet", "deeplabv3")

POOLED = {"pspnet": "decode_head.psp_modules.0.1.bn", "deeplabv3": "decode_head.image_pool.1.bn"}
"""Batch normalisation of one value an image, by head: it cannot be trained on one image."""


def _one_of(owner: str, name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        expected = ", ".join(repr(item) for item in allowed)
        raise ValueError(f"Expected {owner} `{name}` to be one of {expected}, but got {value!r}.")


def _positive(owner: str, name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"Expected {owner} `{name}` to be greater than 0, but got {value!r}.")


@dataclass(frozen=True)
class Data:
    """One data set as a training sees it.

    Attributes:
        name: Name of the data set, as in :func:`harness.data.names`.
        labels: Which annotation: ``"union"``, ``"expert1"`` or ``"expert2"`` for DME, ``""`` where there is one only.
        split: ``"published"``; ``"subject"``: the last fifth of the subjects is the test split; ``"random"``:
            a random fifth of the images, drawn anew for each seed.
        size: ``(height, width)`` in pixels that every image is resized to when it is packed; ``None`` keeps it.
        count: How many phantom images are generated; real data are always used whole.
        substitute: Another real data set that may stand in where this one is absent; the table names it.
        evidence: ``""`` until the data set is resolved (see :mod:`harness.evidence`), then ``"real"`` or ``"phantom"``.
    """

    name: str
    labels: str = ""
    split: Literal["published", "subject", "random"] = "published"
    size: tuple[int, int] | None = None
    count: int = 40
    substitute: str = field(default="", metadata={"identity": False})
    evidence: Literal["", "real", "phantom"] = ""

    def __post_init__(self) -> None:
        _one_of("data", "split", self.split, ("published", "subject", "random"))
        _positive("data", "count", self.count)


@dataclass(frozen=True)
class Model:
    """mmsegmentation's U-Net S5-D16 with one of its heads, or the same network cut down for the smoke scale.

    Attributes:
        backbone: Network family, a key of :data:`harness.models.building.CONFIGS`.
        head: ``"fcn"``, ``"pspnet"`` or ``"deeplabv3"``: which of mmsegmentation's ``*_unet_s5-d16.py`` is built.
        width: Channels of the first stage (64 as published).
        stages: Resolutions of the encoder (5 as published); the input must be divisible by ``2 ** (stages - 1)``.
    """

    backbone: str = "unet"
    head: str = "fcn"
    width: int = 64
    stages: int = 5

    def __post_init__(self) -> None:
        _one_of("model", "head", self.head, HEADS)
        _positive("model", "width", self.width)
        if not 2 <= self.stages <= 5:
            raise ValueError(f"Expected model `stages` to be between 2 and 5, but got {self.stages!r}.")

    @property
    def stride(self) -> int:
        """What the height and width of an input, in pixels, must be divisible by."""
        return 1 << (self.stages - 1)


@dataclass(frozen=True)
class Scratch:
    """Kaiming initialisation, as mmsegmentation initialises U-Net."""

    kind: Literal["scratch"] = "scratch"


@dataclass(frozen=True)
class Checkpoint:
    """Weights from a file. Its content identifies it; where it lies does not.

    Attributes:
        path: Where the file is.
        sha256: Expected hash of the file, 64 hexadecimal digits.
    """

    path: str = field(metadata={"identity": False})
    sha256: str
    kind: Literal["checkpoint"] = "checkpoint"

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise ValueError(f"Expected checkpoint `sha256` to be 64 hexadecimal digits, but got {self.sha256!r}.")


@dataclass(frozen=True)
class Pretrained:
    """The weights of another recipe's run; parameters whose name and shape fit are loaded, as mmengine does.

    Attributes:
        recipe: The source recipe.
        seed: Seed of the source run; ``None``: the seed of the run that is initialised, so that the source is
            retrained for each seed. With a number all seeds share one checkpoint, and the table says so.
    """

    recipe: Recipe
    seed: int | None = None
    kind: Literal["pretrained"] = "pretrained"


Initialisation = Scratch | Checkpoint | Pretrained


@dataclass(frozen=True)
class Augmentation:
    """Random resize, crop and flip, with parameters per sample.

    Attributes:
        resize: Range of the scale factor, drawn uniformly (``(1, 1)``: none).
        crop: ``(height, width)`` in pixels of the random crop; ``None``: the whole image, padded to the network's
            stride. An image that is smaller than the crop after resizing is padded with ignored pixels.
        flip: Probability of a horizontal flip.
    """

    resize: tuple[float, float] = (1.0, 1.0)
    crop: tuple[int, int] | None = None
    flip: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.resize
        if not 0 < low <= high:
            raise ValueError(
                f"Expected augmentation `resize` to be an increasing range above 0, but got {self.resize}."
            )
        if self.crop is None and low != high:
            raise ValueError("Expected augmentation `crop` to be a size where `resize` is random, but got None.")
        if not 0 <= self.flip <= 1:
            raise ValueError(f"Expected augmentation `flip` to be a probability, but got {self.flip!r}.")


@dataclass(frozen=True)
class Loss:
    """Weighted sum of mmsegmentation's cross entropy and soft Dice losses.

    Attributes:
        cross_entropy: Weight of the cross entropy.
        dice: Weight of the Dice loss.
        class_weight: Weight of each class in the cross entropy; ``None``: equal weights.
        dice_classes: ``"all"``: mmsegmentation's default, a sigmoid for every class; ``"foreground"``: softmax,
            without class 0.
    """

    cross_entropy: float = 1.0
    dice: float = 0.0
    class_weight: tuple[float, ...] | None = None
    dice_classes: Literal["all", "foreground"] = "all"

    def __post_init__(self) -> None:
        if min(self.cross_entropy, self.dice) < 0 or self.cross_entropy + self.dice == 0:
            raise ValueError(f"Expected loss weights of at least 0 that are not all 0, but got {self!r}.")
        _one_of("loss", "dice_classes", self.dice_classes, ("all", "foreground"))


@dataclass(frozen=True)
class Optimiser:
    """torch's optimiser of that name; ``momentum`` is SGD's."""

    name: Literal["sgd", "adam", "adamw"] = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0005

    def __post_init__(self) -> None:
        _one_of("optimiser", "name", self.name, ("sgd", "adam", "adamw"))
        _positive("optimiser", "lr", self.lr)


@dataclass(frozen=True)
class Schedule:
    """Learning rate by iteration: constant, or mmengine's ``PolyLR`` down to ``min_lr``."""

    name: Literal["constant", "poly"] = "constant"
    power: float = 0.9
    min_lr: float = 0.0

    def __post_init__(self) -> None:
        _one_of("schedule", "name", self.name, ("constant", "poly"))


@dataclass(frozen=True)
class Budget:
    """Length of a training, in epochs or iterations, and how often it is evaluated on the way.

    Attributes:
        amount: Number of epochs or iterations.
        unit: An epoch is ``ceil(training images / batch size)`` iterations.
        evaluations: Evenly spaced evaluations on the test split; the last one is at the end. They draw the learning
            curve and choose nothing.
    """

    amount: int
    unit: Literal["epochs", "iterations"] = "iterations"
    evaluations: int = 1

    def __post_init__(self) -> None:
        _positive("budget", "amount", self.amount)
        _positive("budget", "evaluations", self.evaluations)
        _one_of("budget", "unit", self.unit, ("epochs", "iterations"))

    def iterations(self, train_images: int, batch_size: int) -> int:
        """Iterations that the budget amounts to."""
        if self.unit == "iterations":
            return self.amount
        return self.amount * -(-train_images // batch_size)

    def evaluated_at(self, iterations: int) -> tuple[int, ...]:
        """Iterations, counted from 1, after which the run is evaluated; the last is ``iterations``.

        >>> Budget(100, evaluations=4).evaluated_at(100)
        (25, 50, 75, 100)
        """
        count = min(self.evaluations, iterations)
        return tuple(sorted({round(iterations * (k + 1) / count) for k in range(count)}))


@dataclass(frozen=True)
class Recipe:
    """Everything that determines one training but its seed.

    Attributes:
        normalise: Mean and standard deviation, in grey levels 0–255, that images are normalised with.
        test_resize: Scale factor of the images at evaluation; metrics are taken at the packed resolution.
        precision: ``"bf16"`` trains under autocast.
        frozen: Name prefixes of the parameters that are not trained, ``"backbone"`` for example. Whether the network
            has them is found by :func:`harness.models.building.check_frozen`.
    """

    data: Data
    budget: Budget
    model: Model = Model()
    init: Initialisation = Scratch()
    augmentation: Augmentation = Augmentation()
    loss: Loss = Loss()
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    batch_size: int = 8
    normalise: tuple[float, float] = (116.0, 57.0)
    test_resize: float = 1.0
    precision: Literal["fp32", "bf16"] = "fp32"
    frozen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _positive("recipe", "batch_size", self.batch_size)
        _positive("recipe", "test_resize", self.test_resize)
        _one_of("recipe", "precision", self.precision, ("fp32", "bf16"))
        crop, stride = self.augmentation.crop, self.model.stride
        if crop is not None and (crop[0] % stride or crop[1] % stride):
            raise ValueError(
                f"Expected the crop to be divisible by the network's stride of {stride}, but got {crop[0]}×{crop[1]}; "
                f"choose multiples of {stride}."
            )
        if not isinstance(self.frozen, tuple) or not all(isinstance(name, str) and name for name in self.frozen):
            raise ValueError(
                f"Expected recipe `frozen` to be a tuple of names of parts of the network, but got {self.frozen!r}; "
                'write ("backbone",), for example.'
            )
        if self.batch_size == 1:
            self._check_single()

    def _check_single(self) -> None:
        """Raises ValueError where a batch normalisation would train on a single value per channel."""
        head, stride = self.model.head, self.model.stride
        if head in POOLED and not self._freezes(POOLED[head]):
            raise ValueError(
                f"Expected recipe `batch_size` to be at least 2 with the head {head!r}, which pools each image to one "
                "pixel before batch normalisation, but got 1; take a larger batch or the head 'fcn'."
            )
        if self.augmentation.crop == (stride, stride) and not self._freezes(
            f"backbone.encoder.{self.model.stages - 1}"
        ):
            raise ValueError(
                f"Expected the crop to be larger than the network's stride of {stride} where recipe `batch_size` is 1, "
                f"because batch normalisation needs more than one pixel, but got {stride}×{stride}; enlarge either."
            )

    def _freezes(self, part: str) -> bool:
        """Whether a part of the network is frozen, by its own name or as part of another."""
        return any(part == name or part.startswith(f"{name}.") for name in self.frozen)

    def check_crop(self, image: tuple[int, int]) -> None:
        """Raises ValueError where the crop is larger than images of that (height, width) at their largest scale."""
        crop = self.augmentation.crop
        if crop is None:
            return
        largest = tuple(round(side * self.augmentation.resize[1]) for side in image)
        if crop[0] > largest[0] or crop[1] > largest[1]:
            raise ValueError(
                f"Expected the crop to fit into the images of {self.data.name} at their largest scale, "
                f"{largest[0]}×{largest[1]}, but got {crop[0]}×{crop[1]}; choose a smaller crop."
            )

    def lineage(self) -> Iterator[Recipe]:
        """The recipes that this one starts from, the farthest first, then itself."""
        if isinstance(self.init, Pretrained):
            yield from self.init.recipe.lineage()
        yield self

    def with_data(self, resolve: Any) -> Recipe:
        """The same recipe with ``resolve`` applied to the data of every training in its lineage."""
        init = self.init
        if isinstance(init, Pretrained):
            init = replace(init, recipe=init.recipe.with_data(resolve))
        return replace(self, data=resolve(self.data), init=init)


def to_dict(spec: Any, *, identity: bool = False) -> Any:
    """A spec as plain JSON types.

    Args:
        spec: A spec of this module, or a plain value.
        identity: Leave out what does not identify a training: where a file lies, which substitute was allowed.
    """
    if is_dataclass(spec) and not isinstance(spec, type):
        return {
            item.name: to_dict(getattr(spec, item.name), identity=identity)
            for item in fields(spec)
            if not (identity and item.metadata.get("identity") is False)
        }
    if isinstance(spec, (tuple, list)):
        return [to_dict(item, identity=identity) for item in spec]
    return spec


def digest(value: Any) -> str:
    """SHA-256, as hexadecimal, of the canonical JSON of a spec; ints and equal floats hash alike."""
    return hashlib.sha256(_canonical(to_dict(value, identity=True)).encode()).hexdigest()


def _canonical(value: Any) -> str:
    def unify(item: Any) -> Any:
        if isinstance(item, float) and item.is_integer():
            return int(item)
        if isinstance(item, dict):
            return {key: unify(entry) for key, entry in item.items()}
        if isinstance(item, list):
            return [unify(entry) for entry in item]
        return item

    return json.dumps(unify(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
