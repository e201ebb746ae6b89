"""Examples of every spec. Like :mod:`harness.specs` it imports only the standard library."""

from __future__ import annotations

from typing import Any

from harness.specs import (
    BenGraham,
    BestOnValidation,
    Boosted,
    Bootstrap,
    Budget,
    ChannelAttention,
    CircularCrop,
    Clahe,
    Classifier,
    ColourJitter,
    Combination,
    Constant,
    CrossEntropy,
    Data,
    Dice,
    Ensemble,
    Evaluation,
    Final,
    Focal,
    FromJob,
    Gap,
    GaussianBlur,
    Last,
    Metric,
    Normalise,
    Optimiser,
    Poly,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Recipe,
    Rescale,
    Reseeded,
    Resize,
    Scratch,
    Segmenter,
    SelfAttention,
    Shrink,
    SpatialAttention,
    Split,
    Step,
    Substitute,
    TimeTo,
    Training,
    Trend,
    Value,
    Weights,
    ZeroShot,
    digest,
    key,
)

SHA = "0123456789abcdef" * 4

SPLIT = Split("subject", validation=0.25)
RESIZE = Resize((48, 72))
SUBSTITUTE = Substitute("drive")
PREPARE = (CircularCrop(), Clahe(), BenGraham(), GaussianBlur(5.0))
DATA = Data("dme", "union", SPLIT, RESIZE, 20, PREPARE, substitute=SUBSTITUTE)
SHRINK = Shrink(8, 3)
SEGMENTER = Segmenter("unet-s5-d16", "fcn", SHRINK)
CLASSIFIER = Classifier("resnet18")
ALONE = (Classifier("resnet50"), Data("deepdrid"))
"""A recipe's network has two views where its data have a companion, so that neither can change alone in a recipe."""
ATTENTIONS = (SpatialAttention(), ChannelAttention(), SelfAttention())
WEIGHTS = Weights("a.pth", SHA)
METRIC = Metric("Dice", "fluid")
SELECT = BestOnValidation(METRIC)
TRANSFORMS = (
    Rescale(0.5),
    RandomResize(0.5, 2.0),
    RandomRotation(10.0),
    RandomCrop((32, 32)),
    RandomFlip(),
    ColourJitter(0.1, 0.2, 0.3),
)
LOSSES = (CrossEntropy(class_weight=(1.0, 10.0)), Dice(3.0), Focal())

PLAIN = Recipe(Data("dme"), SEGMENTER, Budget(10))
SOURCE = Recipe(Data("aptos"), CLASSIFIER, Budget(7), init=WEIGHTS, schedule=Step(3))
INIT = FromJob(SOURCE, "backbone")
BOOSTED = Recipe(SOURCE.data, CLASSIFIER, Budget(8), sample=Boosted(SOURCE))
DRAWN = Recipe(SOURCE.data, CLASSIFIER, Budget(8), sample=Bootstrap(1))
NORMALISE = Normalise(46.6002, 54.681)
OPTIMISER = Optimiser("adam", 0.001)
BUDGET = Budget(6, "epochs", 3)
RICH = Recipe(
    DATA, SEGMENTER, BUDGET, INIT, TRANSFORMS, NORMALISE, LOSSES, OPTIMISER, Poly(), 4, SELECT, ("backbone",), "bf16"
)
ZERO_SHOT = ZeroShot(PLAIN)
RESEEDED = Reseeded(RICH, 7)
ENSEMBLE = Ensemble((PLAIN, ZERO_SHOT))
TRAINING, EVALUATION, COMBINATION = Training(RICH, 3), Evaluation(ZERO_SHOT.recipe, 4), Combination(ENSEMBLE, 5)
MEASURES = (Final(METRIC), Trend(METRIC), Gap(METRIC), TimeTo(METRIC, 0.4))
VALUE = Value("scratch", Final(METRIC))

WHOLE = (TRAINING, EVALUATION, COMBINATION, RESEEDED, BOOSTED, DRAWN, MEASURES, VALUE, ATTENTIONS, ALONE)
"""Specs that hold every kind of spec with a field."""

CHANGES: tuple[tuple[Any, dict[str, Any]], ...] = (
    (SPLIT, {"kind": "random", "test": 0.3, "validation": 0.5}),
    (RESIZE, {"size": (72, 48), "fit": "nearest"}),
    (CircularCrop(), {"threshold": 11}),
    (SUBSTITUTE, {"name": "stare", "labels": "first", "subset": 8, "together": True, "share": (0.0, 0.5)}),
    (Clahe(), {"clip": 3.0, "tiles": 4}),
    (BenGraham(), {"sigma": 20.0}),
    (GaussianBlur(5.0), {"sigma": 6.0}),
    (
        DATA,
        {
            "name": "drive",
            "labels": "",
            "split": Split("folds", validation=0.25),
            "resize": None,
            "subset": 0.5,
            "prepare": (Clahe(), CircularCrop()),
            "share": (0.0, 0.5),
            "count": 41,
            "related": 0.5,
            "substitute": "drive",
            "evidence": "phantom",
        },
    ),
    (SHRINK, {"width": 16, "stages": 4, "depth": 0.5, "head": 16}),
    (SEGMENTER, {"backbone": "unet", "head": "pspnet", "shrink": None}),
    (CLASSIFIER, {"backbone": "resnet34", "dropout": 0.4, "shrink": SHRINK, "attention": ATTENTIONS[0]}),
    (ALONE[0], {"views": 2}),
    (ALONE[1], {"companion": "other-eye"}),
    (ATTENTIONS[0], {"kernel": 11, "relu": True}),
    (ATTENTIONS[1], {"reduction": 4}),
    (ATTENTIONS[2], {"heads": 2}),
    (TRANSFORMS[0], {"factor": 0.25}),
    (TRANSFORMS[1], {"low": 0.75, "high": 1.5}),
    (TRANSFORMS[2], {"degrees": 5.0}),
    (TRANSFORMS[3], {"size": (32, 16)}),
    (TRANSFORMS[4], {"probability": 1.0}),
    (TRANSFORMS[5], {"brightness": 0.0, "contrast": 0.1, "saturation": 0.4}),
    (LOSSES[0], {"weight": 2.0, "class_weight": None}),
    (LOSSES[1], {"weight": 1.0, "over": "foreground"}),
    (LOSSES[2], {"weight": 2.0, "gamma": 1.0, "alpha": 0.25, "class_weight": (1.0, 3.0)}),
    (OPTIMISER, {"name": "adamw", "lr": 0.01, "momentum": 0.0, "weight_decay": 0.0}),
    (RICH.schedule, {"power": 1.0, "min_lr": 1e-4}),
    (SOURCE.schedule, {"every": 4, "gamma": 0.5}),
    (BUDGET, {"amount": 7, "unit": "iterations", "evaluations": 1}),
    (METRIC, {"name": "IoU", "of": ""}),
    (SELECT, {"metric": Metric("loss")}),
    (NORMALISE, {"mean": (1.0, 2.0, 3.0), "std": 54.0}),
    (
        WEIGHTS,
        {
            "name": "b.pth",
            "sha256": SHA[::-1],
            "part": "backbone",
            "otherwise": FromJob(PLAIN),
            "path": "elsewhere/b.pth",
        },
    ),
    (INIT, {"recipe": PLAIN, "part": "all", "seed": 0, "shuffled": True}),
    (
        RICH,
        {
            "data": Data("dme", split=SPLIT),
            "network": CLASSIFIER,
            "budget": Budget(6),
            "init": Scratch(),
            "transforms": TRANSFORMS[:4],
            "normalise": Normalise(0.0, 1.0),
            "losses": LOSSES[::-1],
            "optimiser": Optimiser(),
            "schedule": Constant(),
            "batch_size": 8,
            "select": Last(),
            "frozen": (),
            "precision": "fp32",
            "sample": Bootstrap(2),
        },
    ),
    (DRAWN.sample, {"number": 2}),
    (BOOSTED.sample, {"after": DRAWN}),
    (ZERO_SHOT, {"recipe": Recipe(PLAIN.data, SEGMENTER, Budget(1), precision="bf16")}),
    (ENSEMBLE, {"members": (ZERO_SHOT, PLAIN), "method": "hard"}),
    (RESEEDED, {"arm": PLAIN, "by": 8}),
    (TRAINING, {"recipe": PLAIN, "seed": 4}),
    (EVALUATION, {"recipe": RICH, "seed": 0}),
    (COMBINATION, {"ensemble": Ensemble((PLAIN, PLAIN)), "seed": 6}),
    (MEASURES[0], {"metric": Metric("mIoU")}),
    (MEASURES[1], {"metric": Metric("mIoU")}),
    (MEASURES[2], {"metric": Metric("mIoU")}),
    (MEASURES[3], {"metric": Metric("mIoU"), "threshold": 0.5}),
    (VALUE, {"arm": "tuned", "measure": Trend(METRIC)}),
)
"""Of a spec of each kind in :data:`WHOLE`, another value of each of its fields."""


def written_down() -> dict[str, str]:
    """Digests and keys that no refactoring may change."""
    smoke = Recipe(
        data=Data("dme", labels="union", split=Split("subject"), count=110, resize=Resize((48, 72))),
        network=Segmenter("unet-s5-d16", "pspnet", Shrink(8, 3)),
        budget=Budget(6, "epochs", 6),
        transforms=(RandomResize(0.5, 2.0), RandomCrop((32, 32)), RandomFlip()),
        normalise=Normalise(46.6002, 54.681),
        losses=(CrossEntropy(class_weight=(1.0, 10.0)), Dice(3.0, over="foreground")),
        optimiser=Optimiser("adam", 0.01, weight_decay=0.0),
        schedule=Poly(),
    )
    pretrained = Recipe(smoke.data, smoke.network, smoke.budget, init=FromJob(PLAIN, seed=0))
    ensemble = Ensemble((smoke, pretrained, ZeroShot(pretrained)), "hard")
    return {
        "smoke recipe": digest(smoke),
        "pretrained": digest(pretrained),
        "zero shot": digest(ZeroShot(pretrained)),
        "ensemble": digest(ensemble),
        "key of a combination": key(
            Combination(ensemble, 2), lambda data: f"content of {data.name}", lambda job: {type(job).__name__: 1}
        ),
    }
