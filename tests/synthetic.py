"""Arms, records and a runner that trains nothing: for tests of everything around the training.

The fake runner obeys the recipe: ``optimiser.lr`` is the score that a job comes to, plus noise that depends on the
seed; a word in ``frozen`` makes it fail. Environment: ``FAKE_LOG`` (a line for each job), ``FAKE_SECONDS``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from harness.relations import Greater, Looks
from harness.specs import (
    Arm,
    Budget,
    Combination,
    Data,
    FromJob,
    Job,
    Optimiser,
    Recipe,
    Resize,
    Scratch,
    Segmenter,
    Shrink,
    Split,
    canonical,
    parse,
    recipe_of,
)
from harness.store import Record
from harness.tasks.segmentation import summarise
from harness.verdicts.evidence import Evidence
from harness.verdicts.question import Question

CLASSES = ("background", "fluid")
DATA = Data("dme", labels="union", split=Split("subject"), resize=Resize((48, 72)), evidence="phantom")
DRIVE = Data("drive", resize=Resize((48, 72)), evidence="phantom")
NETWORK = Segmenter("unet-s5-d16", "fcn", Shrink(width=8, stages=3))


def recipe(
    score: float, *frozen: str, source: Recipe | None = None, source_seed: int | None = None, data: Data = DATA
) -> Recipe:
    """A recipe whose jobs come to about ``score``."""
    return Recipe(
        data=data,
        network=NETWORK,
        budget=Budget(10),
        init=Scratch() if source is None else FromJob(source, seed=source_seed),
        optimiser=Optimiser("adam", lr=score),
        frozen=frozen,
    )


def question(arms: Mapping[str, Arm], relation: Any = None, **changes: Any) -> Question:
    """A claim that the first arm is better than the second."""
    fields: dict[str, Any] = {
        "paper": "tiny-paper",
        "slug": "first-is-better",
        "variant": "",
        "statement": "The first arm is better.",
        "place": "Table 1",
        "scale": "smoke",
        "arms": arms,
        "relation": relation or Greater(*list(arms)[:2]),
        "measure": "IoU.fluid",
        "evidence": Evidence("phantom", ("DME",)),
        "looks": Looks.fixed(3),
        **changes,
    }
    return Question(**{**fields, "measure": parse(fields["measure"])})


def counts(score: float, images: int = 6) -> np.ndarray[Any, Any]:
    """Confusion counts ``(N, 2, 2)`` with about that IoU of the foreground."""
    hit = round(1000 * min(max(score, 0.0), 1.0))
    return np.array([[[5000, 0], [1000 - hit, hit]]] * images, np.int64)


def record(job: Job, key: str, score: float | None = None, **changes: Any) -> Record:
    """The record of a finished job."""
    lr = recipe_of(job).optimiser.lr
    noise = np.random.default_rng([job.seed, int(lr * 1e6)]).normal(0, 0.01)
    reached = lr + float(noise) if score is None else score
    curve = [
        {"iteration": 5 * k, "epoch": 5.0 * k, "metrics": summarise(counts(reached * k / 2), CLASSES)} for k in (1, 2)
    ]
    fields: dict[str, Any] = {
        "key": key,
        "job": canonical(job),
        "kind": type(job).__name__,
        "seed": job.seed,
        "status": "finished",
        "session": "earlier",
        "task": "segmentation",
        "classes": list(CLASSES),
        "foreground": "fluid",
        "curve": curve,
        "collapsed": reached < 1e-4,
        "test_ids": [f"image {number}" for number in range(6)],
        "test_subjects": [f"subject {number}" for number in range(6)],
        "iterations": 10,
        "train_images": 8,
        "seconds": 10.0,
        "weights": taken(job),
        "provenance": {"versions": {}, "device": "CPU", "kind": "cpu", "date": "2026-05-04T10:00:00+00:00"},
    }
    return Record(**{**fields, **changes})


def taken(job: Job) -> dict[str, Any]:
    """What a job took from its input, as :class:`harness.networks.weights.Loaded` has it."""
    left = ["decode_head.conv_seg.weight", "decode_head.conv_seg.bias"]
    names = [recipe_of(each).data.name for each in job.inputs if not isinstance(job, Combination)]
    return {"origin": f"the training on {names[0]}", "loaded": 80, "not_loaded": left, "unused": []} if names else {}


class Failure(Exception):
    """As :class:`harness.jobs.running.Failure`."""

    def __init__(self, reason: str, *, transient: bool) -> None:
        super().__init__(reason)
        self.transient = transient


def log(line: str) -> None:
    """Adds a line to ``FAKE_LOG``, whole also when several processes write."""
    if path := os.environ.get("FAKE_LOG"):
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{line}\n".encode())
        os.close(handle)


def trained(path: Path | None = None) -> list[str]:
    """What was done, in the order of the beginnings: ``"<score>/<seed>"``."""
    file = path or Path(os.environ["FAKE_LOG"])
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.split()[1] for line in lines if line.startswith("begin")]


@dataclass(frozen=True)
class Runner:
    """As :class:`harness.jobs.running.Runner`."""

    store: Any
    catalogue: Any
    device: str
    session: str
    report: Callable[[dict[str, Any]], None]

    def run(self, job: Job, key: str, inputs: Mapping[Job, Path], asked: frozenset[str]) -> Record:
        """Pretends to do a job."""
        recipe = recipe_of(job)
        name = f"{recipe.optimiser.lr:g}/{job.seed}"
        log(f"begin {name} {os.getpid()}")
        self.report({"iteration": 1, "iterations": 10, "seconds": 0.1, "score": ("Dice.fluid", 0.1)})
        time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
        if "diverge" in recipe.frozen:
            raise Failure("the loss was NaN at iteration 7; lower the learning rate or use fp32", transient=False)
        if "memory" in recipe.frozen and not os.environ.get("FAKE_MEMORY"):
            raise Failure("the cpu ran out of memory; run fewer workers at once (-n)", transient=True)
        if "bug" in recipe.frozen:
            raise RuntimeError("something unforeseen\nwith a second line")
        if "interrupt" in recipe.frozen and not os.environ.get("FAKE_CALM"):
            raise KeyboardInterrupt
        artifacts = {name: self._file(key, name) for name in {"weights", *asked}}
        score = 0.0 if "collapse" in recipe.frozen else None
        result = record(job, key, score, session=self.session)
        log(f"end {name} {os.getpid()}")  # before it can be found: whoever waits for it begins later
        self.store.write(
            result, counts=counts(0.5), previews=np.zeros((1, 2, 2), np.uint8), artifacts=artifacts, keep=asked
        )
        return result

    def produce(self, job: Job, key: str, artifact: str) -> None:
        """Pretends to make an artifact from the weights."""
        log(f"produce {artifact} {recipe_of(job).optimiser.lr:g}/{job.seed} {os.getpid()}")
        self.store.add(key, artifact, self._file(key, artifact))

    def _file(self, key: str, name: str) -> Path:
        file: Path = self.store.partial(key) / f"{name}.staged"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"{name} of {key}".encode())
        return file


def check(recipe: Recipe, count: Callable[[Data], int]) -> None:
    """Pretends to look at the network: it has no part ``"nowhere"``."""
    log(f"check {recipe.optimiser.lr:g} {os.getpid()}")
    assert count(recipe.data) >= len(CLASSES)
    if "nowhere" in recipe.frozen:
        raise Failure("Expected `frozen` to name parts of the network, but it has no 'nowhere'.", transient=False)


def install() -> None:
    """Puts the fake runner in the place of :mod:`harness.jobs.running`."""
    module = ModuleType("harness.jobs.running")
    module.Runner, module.check, module.Failure = Runner, check, Failure  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
