"""The vocabulary: what determines a job, as frozen, hashable dataclasses of plain types.

Nothing here imports torch: specs are built, hashed and compared while pytest collects.
"""

from typing import Literal

from harness.specs.arms import (
    FITTED,
    Arm,
    Artifact,
    Combination,
    Ensemble,
    Evaluation,
    Job,
    Reseeded,
    Training,
    ZeroShot,
    ancestry,
    bagged,
    boosted,
    final,
    job,
    key,
    one_checkpoint,
    own_sources,
    recipe_of,
    recipes,
    replaced,
)
from harness.specs.data import CircularCrop, Clahe, Data, Part, Preparation, Resize, Split, Substitute
from harness.specs.identity import canonical, digest
from harness.specs.losses import CrossEntropy, Dice, Focal, Loss
from harness.specs.measures import FOREGROUND, Final, Gap, Measure, Metric, TimeTo, Trend, Value, parse
from harness.specs.networks import Classifier, Network, Segmenter, Shrink
from harness.specs.recipes import IMAGENET, FromJob, Initialisation, Normalise, Recipe, Scratch, Weights, WeightsPart
from harness.specs.sampling import Boosted, Bootstrap, Every, Sample
from harness.specs.schedules import (
    BestOnValidation,
    Budget,
    Constant,
    Last,
    Optimiser,
    Poly,
    Schedule,
    Selection,
    Step,
)
from harness.specs.transforms import (
    ColourJitter,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Rescale,
    Transform,
)

Scale = Literal["paper", "reduced", "desk", "smoke"]
SCALES: tuple[Scale, ...] = ("paper", "reduced", "desk", "smoke")
SMALL: tuple[Scale, ...] = ("desk", "smoke")
"""Scales whose networks are small enough for a CPU."""

__all__ = [
    "FITTED",
    "FOREGROUND",
    "IMAGENET",
    "SCALES",
    "SMALL",
    "Arm",
    "Artifact",
    "BestOnValidation",
    "Boosted",
    "Bootstrap",
    "Budget",
    "CircularCrop",
    "Clahe",
    "Classifier",
    "ColourJitter",
    "Combination",
    "Constant",
    "CrossEntropy",
    "Data",
    "Dice",
    "Ensemble",
    "Evaluation",
    "Every",
    "Final",
    "Focal",
    "FromJob",
    "Gap",
    "Initialisation",
    "Job",
    "Last",
    "Loss",
    "Measure",
    "Metric",
    "Network",
    "Normalise",
    "Optimiser",
    "Part",
    "Poly",
    "Preparation",
    "RandomCrop",
    "RandomFlip",
    "RandomResize",
    "RandomRotation",
    "Recipe",
    "Rescale",
    "Reseeded",
    "Resize",
    "Sample",
    "Scale",
    "Schedule",
    "Scratch",
    "Segmenter",
    "Selection",
    "Shrink",
    "Split",
    "Step",
    "Substitute",
    "TimeTo",
    "Training",
    "Transform",
    "Trend",
    "Value",
    "Weights",
    "WeightsPart",
    "ZeroShot",
    "ancestry",
    "bagged",
    "boosted",
    "canonical",
    "digest",
    "final",
    "job",
    "key",
    "one_checkpoint",
    "own_sources",
    "parse",
    "recipe_of",
    "recipes",
    "replaced",
]
