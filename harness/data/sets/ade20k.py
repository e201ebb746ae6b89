"""ADE20K: scenes parsed into 150 classes, Zhou et al. 2017, the SceneParsing benchmark of 2016."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.dataset import IGNORED
from harness.data.pairs import Pair, PairedImages


class Ade20k(PairedImages):
    """The training and the validation images; the latter are tested with, since the test annotations are withheld.

    An annotation stores 0 for "other", which is ignored, and 1 to 150 for the classes, as mmsegmentation reads it with
    ``reduce_zero_label``.
    """

    name = "ade20k"
    title = "ADE20K"
    size = (512, 683)
    folder = "ADEChallengeData2016"
    classes = (
        "wall", "building", "sky", "floor", "tree", "ceiling", "road", "bed", "windowpane", "grass", "cabinet",
        "sidewalk", "person", "earth", "door", "table", "mountain", "plant", "curtain", "chair", "car", "water",
        "painting", "sofa", "shelf", "house", "sea", "mirror", "rug", "field", "armchair", "seat", "fence", "desk",
        "rock", "wardrobe", "lamp", "bathtub", "railing", "cushion", "base", "box", "column", "signboard",
        "chest of drawers", "counter", "sand", "sink", "skyscraper", "fireplace", "refrigerator", "grandstand", "path",
        "stairs", "runway", "case", "pool table", "pillow", "screen door", "stairway", "river", "bridge", "bookcase",
        "blind", "coffee table", "toilet", "flower", "book", "hill", "bench", "countertop", "stove", "palm",
        "kitchen island", "computer", "swivel chair", "boat", "bar", "arcade machine", "hovel", "bus", "towel", "light",
        "truck", "tower", "chandelier", "awning", "streetlight", "booth", "television receiver", "airplane",
        "dirt track", "apparel", "pole", "land", "bannister", "escalator", "ottoman", "bottle", "buffet", "poster",
        "stage", "van", "ship", "fountain", "conveyer belt", "canopy", "washer", "plaything", "swimming pool", "stool",
        "barrel", "basket", "waterfall", "tent", "bag", "minibike", "cradle", "oven", "ball", "food", "step", "tank",
        "trade name", "microwave", "pot", "animal", "bicycle", "lake", "dishwasher", "screen", "blanket", "sculpture",
        "hood", "sconce", "vase", "traffic light", "tray", "ashcan", "fan", "pier", "crt screen", "plate", "monitor",
        "bulletin board", "shower", "radiator", "glass", "clock", "flag",
    )  # fmt: skip
    foreground = ""
    meaning = {0: IGNORED, **{index + 1: index for index in range(150)}}  # noqa: RUF012
    source = "http://sceneparsing.csail.mit.edu"
    layout = "ADEChallengeData2016/{images/{training,validation}/*.jpg,annotations/{training,validation}/*.png}"

    def pairs(self, base: Path) -> Iterator[Pair]:
        for folder, published in (("training", "train"), ("validation", "test")):
            images, masks = base / "images" / folder, base / "annotations" / folder
            stems = {path.stem for path in (*images.glob("*.jpg"), *masks.glob("*.png"))}
            for stem in stems:
                yield Pair(images / f"{stem}.jpg", masks / f"{stem}.png", stem, stem, published)


ADAPTER = Ade20k({"train": 20210, "test": 2000})
