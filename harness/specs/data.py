"""Specs of data: which data set, how it is split, resized and prepared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from harness.specs import checks
from harness.specs.identity import NOT_IDENTITY

Part = Literal["train", "validation", "test"]
"""One side of a split."""

WHOLE = (0.0, 1.0)
"""The share that is all subjects."""


@dataclass(frozen=True)
class Split:
    """Which images train, which select, and which test.

    Attributes:
        kind: ``"published"``: as the publisher or mmsegmentation's converter splits. ``"subject"``: the last subjects
            by name test. ``"random"``: images drawn anew for each seed, so that one subject may be on both sides.
            ``"folds"``: by subject as well, but the test fold rotates with the seed, so that every subject tests
            in turn.
        test: Share of the subjects (``"random"``: of the images) that test; a published split has its own.
        validation: Share of what does not test that is held out to choose with; it does not train. Drawn with the
            seed, by subject; in a random split, or where a publisher's training images are of one subject, by image.
    """

    kind: Literal["published", "subject", "random", "folds"] = "published"
    test: float = 0.2
    validation: float = 0.0

    def __post_init__(self) -> None:
        checks.one_of("split", "kind", self.kind, ("published", "subject", "random", "folds"))
        checks.number("split", "test", self.test)
        checks.number("split", "validation", self.validation)
        if not 0 < self.test < 1:
            raise ValueError(f"Expected split `test` to be a share between 0 and 1, but got {self.test!r}.")
        if not 0 <= self.validation < 1:
            raise ValueError(f"Expected split `validation` to be a share below 1, but got {self.validation!r}.")


@dataclass(frozen=True)
class Resize:
    """Brings every image to one size when the data set is packed.

    Attributes:
        size: ``(height, width)`` in pixels.
        fit: ``"area"``: both sides scaled, means over areas; masks keep the area of a foreground. ``"nearest"``: both
            sides scaled, nearest pixel, images too. ``"short-side"``: the aspect ratio is kept, the image covers the
            size, and its centre is cut out. ``"centre-crop"``: nothing is scaled, the centre is cut out, and what lies
            outside the image is black and ignored.
    """

    size: tuple[int, int]
    fit: Literal["area", "nearest", "short-side", "centre-crop"] = "area"

    def __post_init__(self) -> None:
        checks.size("resize", "size", self.size)
        checks.one_of("resize", "fit", self.fit, ("area", "nearest", "short-side", "centre-crop"))


class Preparation:
    """Base of what is done to every image before it is resized. A subclass is a frozen dataclass."""


@dataclass(frozen=True)
class Clahe(Preparation):
    """Contrast-limited adaptive histogram equalisation of the lightness (of a grey image: of its grey levels).

    Attributes:
        clip: Contrast limit, OpenCV's ``clipLimit``.
        tiles: Tiles along each side.
    """

    clip: float = 2.0
    tiles: int = 8

    def __post_init__(self) -> None:
        checks.positive("Clahe", "clip", self.clip)
        checks.whole("Clahe", "tiles", self.tiles)


@dataclass(frozen=True)
class CircularCrop(Preparation):
    """Cuts an image to the bounding box of its bright disc, as a fundus camera shows one, and blackens the corners.

    Attributes:
        threshold: Grey level that the disc exceeds.
    """

    threshold: int = 10

    def __post_init__(self) -> None:
        checks.not_negative("CircularCrop", "threshold", self.threshold)


@dataclass(frozen=True)
class GaussianBlur(Preparation):
    """Smooths an image with a Gaussian, which removes noise and the smallest lesions.

    Attributes:
        sigma: Its standard deviation in six hundredths of the image's shorter side: pixels where that has 600, as in
            :class:`BenGraham`.
    """

    sigma: float

    def __post_init__(self) -> None:
        checks.positive("GaussianBlur", "sigma", self.sigma)


@dataclass(frozen=True)
class BenGraham(Preparation):
    """Takes the local average colour away, 4 · image − 4 · blurred image + 128, so that light and camera matter less.

    From B. Graham's report on the Kaggle competition on diabetic retinopathy, 2015, as published code writes it.

    Attributes:
        sigma: Standard deviation of the Gaussian that averages, in six hundredths of the image's shorter side. Graham
            scaled every eye to a radius of 300 pixels and took 10; so the size of an image does not matter here either.
    """

    sigma: float = 10.0

    def __post_init__(self) -> None:
        checks.positive("BenGraham", "sigma", self.sigma)


@dataclass(frozen=True)
class Substitute:
    """Another real data set that stands in where one is absent; it identifies nothing until it does.

    Attributes:
        name: Its name; it has the same task.
        labels: Which of its annotations.
        subset: Of its training images only so many, as in :class:`Data`; ``None``: as the absent one.
        together: Whether it stands in as soon as one data set of the claim is absent whose substitute is such a one:
            where a claim compares sizes, a substitute beside the real thing would turn them round.
        share: Only the subjects between these shares, as in :class:`Data`, so that one data set can stand in for two
            that share no subject; the whole of it: as the absent one.
    """

    name: str = field(metadata=NOT_IDENTITY)
    labels: str = field(default="", metadata=NOT_IDENTITY)
    subset: int | float | None = field(default=None, metadata=NOT_IDENTITY)
    together: bool = field(default=False, metadata=NOT_IDENTITY)
    share: tuple[float, float] = field(default=WHOLE, metadata=NOT_IDENTITY)

    def __post_init__(self) -> None:
        _check_subset("substitute", self.subset)
        _check_share("substitute", self.share)


@dataclass(frozen=True)
class Data:
    """One data set as a job sees it.

    Attributes:
        name: Name of the data set, as in :func:`harness.data.names`.
        labels: Which annotation, ``"union"`` of DME for example; ``""`` where there is one only.
        split: Which images train, select and test.
        resize: What brings all images to one size; ``None`` keeps the published one.
        subset: Of the training images only so many (a whole number) or such a share (below 1), drawn by the seed so
            that a smaller subset is part of a larger one; ``None``: all.
        prepare: What is done to every image beforehand, in this order.
        companion: Which other image of the same subject a network sees beside each image, ``"other-eye"`` for example,
            one that the data set has; ``""``: none.
        share: ``(low, high)``: only the subjects between these shares of a fixed order that looks random, so that
            ``(0, 0.5)`` and ``(0.5, 1)`` are two data sets without a common subject. What is split, or taken as a
            subset, is what lies between.
        count: How many phantom images are generated; real data are always read whole.
        related: How closely a phantom's textures and shapes resemble the target's, from 0 to 1, where its generator
            knows of a target; ``None``: as the generator says. Real data are as they are.
        substitute: Another real data set that may stand in where this one is absent, by name or with its own
            annotation and number of images; the table names it.
        evidence: ``""`` until the data set is resolved (see :mod:`harness.verdicts.evidence`), then ``"real"`` or
            ``"phantom"``.
    """

    name: str
    labels: str = ""
    split: Split = Split()
    resize: Resize | None = None
    subset: int | float | None = None
    prepare: tuple[Preparation, ...] = ()
    companion: str = ""
    share: tuple[float, float] = WHOLE
    count: int = 40
    related: float | None = None
    substitute: str | Substitute = field(default="", metadata=NOT_IDENTITY)
    evidence: Literal["", "real", "phantom"] = ""

    def __post_init__(self) -> None:
        if not isinstance(self.split, Split):
            raise ValueError(f'Expected data `split` to be a Split as in Split("subject"), but got {self.split!r}.')  # noqa: TRY004
        if self.resize is not None and not isinstance(self.resize, Resize):
            raise ValueError(f"Expected data `resize` to be a Resize((height, width)), but got {self.resize!r}.")
        checks.terms("data", "prepare", self.prepare, Preparation, "(CircularCrop(), Clahe())")
        checks.whole("data", "count", self.count)
        checks.one_of("data", "evidence", self.evidence, ("", "real", "phantom"))
        _check_subset("data", self.subset)
        _check_share("data", self.share)
        if not isinstance(self.companion, str):
            raise ValueError(f'Expected data `companion` to be a name as "other-eye", but got {self.companion!r}.')  # noqa: TRY004
        if self.companion and self.split.kind == "random":
            raise ValueError(
                f"Expected a split by 'subject', in 'folds' or 'published' where each image has its {self.companion!r} "
                "beside it, but got 'random', which draws images: the two could be on different sides."
            )
        if self.related is not None:
            checks.probability("data", "related", self.related)

    @property
    def stand_in(self) -> Substitute | None:
        """The substitute; ``None``: none is allowed."""
        if isinstance(self.substitute, Substitute):
            return self.substitute
        return Substitute(self.substitute) if self.substitute else None

    @property
    def size(self) -> tuple[int, int] | None:
        """``(height, width)`` in pixels that images are packed at; ``None``: as published."""
        return self.resize.size if self.resize else None


def _check_subset(owner: str, subset: int | float | None) -> None:
    if isinstance(subset, float):
        if not 0 < subset < 1:  # 1.0 equals 1, one image, and would have its key
            raise ValueError(
                f"Expected {owner} `subset` to be a number of images or a share below 1, but got {subset!r}."
            )
    elif subset is not None:
        checks.whole(owner, "subset", subset)


def _check_share(owner: str, share: tuple[float, float]) -> None:
    if not isinstance(share, tuple) or len(share) != 2:
        raise ValueError(f"Expected {owner} `share` to be a (low, high) as in (0.0, 0.5), but got {share!r}.")
    for bound in share:
        checks.number(owner, "share", bound)
    if not 0 <= share[0] < share[1] <= 1:
        raise ValueError(f"Expected {owner} `share` to be a (low, high) with 0 <= low < high <= 1, but got {share!r}.")
