"""Measures what it saves to compute the features of a frozen backbone once.

    python benchmarks/frozen_features.py [--heads resnet50 linear fcn deeplabv3] [--rounds N] [--iterations 1]

Prints Markdown. The same frozen ResNet-50 is trained on the same noise of 512×512, whole and as it is, by
`harness.jobs.training.Trainer` without evaluations: the plain way, with the backbone in every iteration, and from
features. Each run starts anew. Its first iteration sees every image once: from features it fills the memory, and is
given apart. The two take turns, and ratios are taken within a round. Time is the processor's, of one
thread: what the clock shows on a machine that does nothing else.

The heads decide: features spare the backbone's forward pass and nothing of the head's forward and backward pass.

- resnet50: torchvision's classifier, whose last layer is trained;
- linear, fcn, deeplabv3: mmsegmentation's decode heads on ResNet-50 V1c with an output stride of 8, with their
  auxiliary heads where they have any.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness.data import Packed, Parts
from harness.networks import family
from harness.specs import Budget, Classifier, Data, Network, Normalise, Optimiser, Recipe, Resize, Segmenter

SEED = 0

HEADS = {"resnet50": 3, "linear": 3, "fcn": 1, "deeplabv3": 1}
"""Rounds by head, unless asked otherwise: an iteration of the heavy ones takes half a minute."""


@dataclass(frozen=True)
class Timing:
    """Processor seconds of the first iteration, and of each later one."""

    first: float
    later: float


def frozen(head: str, images: int, size: int, iterations: int) -> Recipe:
    """The recipe of one row of the table; a batch holds all images."""
    network: Network = Classifier(head) if head == "resnet50" else Segmenter("r50-d8", head)
    return Recipe(
        data=Data("drive", resize=Resize((size, size)), evidence="phantom"),
        network=network,
        budget=Budget(1 + iterations),
        normalise=Normalise((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
        optimiser=Optimiser("sgd", 1e-9),  # random backbones give features of any size
        batch_size=images,
        frozen=family(network).trunk,
    )


def noise(recipe: Recipe, images: int, size: int) -> Packed:
    """Random grey values and classes: time does not depend on what is seen."""
    rng = np.random.default_rng(SEED)
    shape = (images + 1, size, size)
    targets = rng.integers(0, 2, shape if recipe.task == "segmentation" else shape[:1], dtype=np.uint8)
    ids = tuple(map(str, range(images + 1)))
    pixels = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    return Packed(pixels, targets, ids, ids, ("train",) * len(ids), ("no", "yes"), "yes", recipe.task)


@contextmanager
def plain(recipe: Recipe) -> Iterator[None]:
    """The backbone runs in every iteration."""
    with mock.patch.object(type(family(recipe.network)), "trunk", ()):
        yield


def timed(recipe: Recipe, packed: Packed) -> Timing:
    """Trains once."""
    import torch

    from harness.jobs.training import Progress, Trainer

    marks: list[float] = []

    def report(progress: Progress, iterations: int) -> None:
        marks.append(time.process_time())

    parts = Parts(np.arange(recipe.batch_size), np.arange(0), np.arange(recipe.batch_size, recipe.batch_size + 1))
    trainer = Trainer(recipe, SEED, packed, parts, torch.device("cpu"), report=report)
    trainer.evaluated_at = frozenset()
    start = time.process_time()
    trainer.run()
    return Timing(marks[0] - start, (marks[-1] - marks[0]) / (len(marks) - 1))


def compare(head: str, options: argparse.Namespace) -> None:
    """Prints the row of one head."""
    recipe = frozen(head, options.images, options.size, options.iterations)
    packed = noise(recipe, options.images, options.size)
    ways: dict[str, list[Timing]] = {"plain": [], "features": []}
    rounds = options.rounds or HEADS[head]
    for number in range(rounds):
        # In alternating order, so that a machine that slows down favours neither.
        for way in list(ways)[:: 1 if number % 2 == 0 else -1]:
            if way == "features":
                ways[way].append(timed(recipe, packed))
                continue
            with plain(recipe):
                ways[way].append(timed(recipe, packed))
    gains = [slow.later / fast.later for slow, fast in zip(ways["plain"], ways["features"], strict=True)]

    def rate(seconds: list[float]) -> str:
        return f"{options.images / statistics.median(seconds):.3g}"

    print(
        f"| {head} | {rounds} | {rate([each.later for each in ways['plain']])} "
        f"| {rate([each.later for each in ways['features']])} "
        f"| {statistics.median(gains):.3g} ({min(gains):.3g}–{max(gains):.3g}) "
        f"| {rate([each.first for each in ways['features']])} |",
        flush=True,
    )


def main() -> int:
    """Parses the command line and measures what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=list(HEADS))
    parser.add_argument("--rounds", type=int, help="of every head")
    parser.add_argument("--iterations", type=int, default=1, help="timed in each run, after the first")
    parser.add_argument("--images", type=int, default=2, help="images, and size of the batch")
    parser.add_argument("--size", type=int, default=512, help="height and width in pixels")
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "mmsegmentation"))
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {versions}; {os.cpu_count()}-core CPU, one "
        f"thread; {options.images} images of {options.size}×{options.size}, rounds of "
        f"{options.iterations} iterations after the first\n"
    )
    print(
        "| head | rounds | plain, images/s | from features, images/s | ratio, median (range) | first pass, images/s |"
    )
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for head in options.heads:
        compare(head, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
