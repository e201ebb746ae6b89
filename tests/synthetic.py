"""Recipes, records and a trainer that trains nothing: for tests of everything around the training.

The fake trainer obeys the recipe: ``optimiser.lr`` is the score that a run comes to, plus noise that depends on the
seed; a word in ``frozen`` makes it fail. Environment: ``FAKE_LOG`` (a line for each training), ``FAKE_SECONDS``.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from harness.evidence import Evidence
from harness.metrics import summarise
from harness.plan import Comparison
from harness.relations import Greater, Looks
from harness.runs import Record, Run
from harness.specs import Budget, Data, Optimiser, Pretrained, Recipe, to_dict

CLASSES = ("background", "fluid")


def recipe(
    score: float, *frozen: str, source: Recipe | None = None, source_seed: int | None = None, **data: Any
) -> Recipe:
    """A recipe whose runs come to about ``score``."""
    made = Recipe(
        data=Data(
            **{"name": "dme", "labels": "union", "split": "subject", "size": (48, 72), "evidence": "phantom", **data}
        ),
        budget=Budget(10),
        optimiser=Optimiser("adam", lr=score),
        frozen=frozen,
    )
    if source is None:
        return made
    return Recipe(**{**vars(made), "init": Pretrained(source, source_seed)})


def comparison(arms: dict[str, Recipe], relation: Any = None, **changes: Any) -> Comparison:
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
        "metric": "IoU.fluid",
        "evidence": Evidence("phantom", ("DME",)),
        "looks": Looks.fixed(3),
    }
    return Comparison(**{**fields, **changes})


def counts(score: float, images: int = 6) -> np.ndarray[Any, Any]:
    """Confusion counts ``(N, 2, 2)`` with about that IoU of the foreground."""
    hit = round(1000 * min(max(score, 0.0), 1.0))
    return np.array([[[5000, 0], [1000 - hit, hit]]] * images, np.int64)


def record(run: Run, key: str, score: float | None = None, **changes: Any) -> Record:
    """The record of a finished run."""
    noise = np.random.default_rng([run.seed, int(run.recipe.optimiser.lr * 1e6)]).normal(0, 0.01)
    reached = run.recipe.optimiser.lr + float(noise) if score is None else score
    curve = [
        {"iteration": 5 * k, "epoch": 5.0 * k, "metrics": summarise(counts(reached * k / 2), CLASSES)} for k in (1, 2)
    ]
    fields: dict[str, Any] = {
        "key": key,
        "recipe": to_dict(run.recipe),
        "seed": run.seed,
        "status": "finished",
        "session": "earlier",
        "classes": list(CLASSES),
        "curve": curve,
        "test_ids": [f"image {number}" for number in range(6)],
        "test_subjects": [f"subject {number}" for number in range(6)],
        "iterations": 10,
        "train_images": 8,
        "seconds": 10.0,
        "provenance": {"versions": {}, "device": "CPU", "kind": "cpu", "date": "2026-05-04T10:00:00+00:00"},
    }
    return Record(**{**fields, **changes})


class Failure(Exception):
    """As :class:`harness.training.session.Failure`."""

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
    """What was trained, in the order of the beginnings: ``"<score>/<seed>"``."""
    file = path or Path(os.environ["FAKE_LOG"])
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.split()[1] for line in lines if line.startswith("begin")]


def train(run: Run, key: str, *, store: Any, keep_weights: bool, session: str, report: Any, **_: Any) -> Record:
    """Pretends to train."""
    name = f"{run.recipe.optimiser.lr:g}/{run.seed}"
    log(f"begin {name} {os.getpid()}")
    report({"iteration": 1, "iterations": 10, "seconds": 0.1, "dice": 0.1})
    time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
    if "diverge" in run.recipe.frozen:
        raise Failure("the loss was NaN at iteration 7; lower the learning rate or use fp32", transient=False)
    if "memory" in run.recipe.frozen and not os.environ.get("FAKE_MEMORY"):
        raise Failure("the cpu ran out of memory; run fewer workers at once (-n)", transient=True)
    if "bug" in run.recipe.frozen:
        raise RuntimeError("something unforeseen\nwith a second line")
    if "interrupt" in run.recipe.frozen and not os.environ.get("FAKE_CALM"):
        raise KeyboardInterrupt
    weights = None
    if keep_weights:
        weights = store.partial(key) / "weights.pt"
        weights.write_bytes(b"weights of " + key.encode())
    score = 0.0 if "collapse" in run.recipe.frozen else None
    result = record(run, key, score, session=session)
    log(f"end {name} {os.getpid()}")  # before it can be found: whoever waits for it begins later
    store.write(result, counts=counts(0.5), previews=np.zeros((1, 2, 2), np.uint8), weights=weights)
    return result


def check(recipe: Recipe) -> None:
    """Pretends to look at the network: it has no part ``"nowhere"``."""
    log(f"check {recipe.optimiser.lr:g} {os.getpid()}")
    if "nowhere" in recipe.frozen:
        raise Failure("Expected `frozen` to name parts of the network, but it has no 'nowhere'.", transient=False)


def install() -> None:
    """Puts the fake trainer in the place of :mod:`harness.training.session`."""
    module = ModuleType("harness.training.session")
    module.train, module.check, module.Failure = train, check, Failure  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
