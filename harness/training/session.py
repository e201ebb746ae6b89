"""From a run to its entry in the store: loads data and weights, trains, writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from harness import data as datasets
from harness.checkpoints import WeightsError
from harness.evidence import Catalogue
from harness.models import building, weights
from harness.provenance import cpu_name, provenance
from harness.runs import Record, Run
from harness.specs import Checkpoint, Recipe, to_dict
from harness.store import Store
from harness.training.loop import Diverged, Training
from harness.training.progress import Progress

REPORT_SECONDS = 0.5


class Failure(Exception):
    """A training came to nothing.

    Attributes:
        transient: The reason lies in the machine, not in the recipe; it is worth trying again.
    """

    def __init__(self, reason: str, *, transient: bool) -> None:
        super().__init__(reason)
        self.transient = transient


def check(recipe: Recipe) -> None:
    """Checks what only the network can tell, before anything trains: what is frozen, and the weights it starts from.

    Takes 30 ms where there is something to check, and as long as reading a checkpoint file takes.

    Raises:
        Failure: The network has no part that is frozen, or the weights do not fit; in one sentence.
    """
    classes = len(datasets.adapter(recipe.data.name).classes)
    try:
        building.check_frozen(recipe, classes)
        weights.check(recipe, classes)
    except ValueError as error:
        raise Failure(str(error), transient=False) from error


def train(
    run: Run,
    key: str,
    *,
    store: Store,
    catalogue: Catalogue,
    device: str,
    source_weights: Path | None,
    keep_weights: bool,
    session: str,
    report: Callable[[dict[str, Any]], None],
) -> Record:
    """Trains a run, or goes on from its checkpoint, and writes the result to the store.

    Args:
        run: What to train; its lock is held.
        key: Its key.
        store, catalogue: Where results go and data come from.
        device: ``"cpu"`` or ``"cuda:N"``.
        source_weights: Weights of the run that it starts from.
        keep_weights: Whether another run needs this one's weights.
        session: Name of the invocation.
        report: Called about twice a second with ``iteration``, ``iterations``, ``seconds`` and ``dice``.

    Raises:
        Failure: The recipe does not fit the data or the network, the loss diverged, or memory ran out.
    """
    recipe, where = run.recipe, torch.device(device)
    if where.type == "cpu":
        torch.set_num_threads(1)  # two are no faster on these networks, and one makes runs repeatable
    else:
        torch.cuda.set_device(where)
    packed = catalogue.load(recipe.data)
    try:
        recipe.check_crop((packed.images.shape[1], packed.images.shape[2]))
        building.check_frozen(recipe, len(packed.classes))
    except ValueError as error:
        raise Failure(str(error), transient=False) from None
    split = datasets.split(packed, recipe.data, run.seed)
    said = [0.0]

    def tell(progress: Progress, iterations: int) -> None:
        if time.monotonic() - said[0] < REPORT_SECONDS:
            return
        said[0] = time.monotonic()
        latest = progress.curve[-1]["metrics"] if progress.curve else {}
        score = latest.get(f"Dice.{packed.classes[1]}") if len(packed.classes) == 2 else latest.get("mDice")
        report({"iteration": progress.iteration, "iterations": iterations, "seconds": progress.seconds, "dice": score})

    try:
        training = Training(
            recipe,
            run.seed,
            packed,
            split,
            where,
            initial=_initial(recipe, source_weights),
            checkpoint=store.partial(key) / "checkpoint.pt",
            report=tell,
        )
        result = training.run()
    except Diverged as error:
        raise Failure(f"{error}; lower the learning rate or use fp32", transient=False) from error
    except WeightsError as error:
        raise Failure(str(error), transient=False) from error
    except torch.OutOfMemoryError as error:
        raise Failure(f"the {where.type} ran out of memory; run fewer workers at once (-n)", transient=True) from error
    if where.type == "cuda":
        name = torch.cuda.get_device_name(where)
    else:
        name = cpu_name(torch.backends.cpu.get_cpu_capability())
    record = Record(
        key=key,
        recipe=to_dict(recipe),
        seed=run.seed,
        status="finished",
        session=session,
        classes=list(packed.classes),
        curve=result.progress.curve,
        losses=[[iteration, loss] for iteration, loss in result.progress.losses],
        train_ids=list(result.train_ids),
        test_ids=list(result.test_ids),
        test_subjects=list(result.test_subjects),
        preview_ids=list(result.preview_ids),
        not_loaded=list(result.not_loaded),
        iterations=result.iterations,
        train_images=len(result.train_ids),
        seconds=result.progress.seconds,
        peak_memory=result.peak_memory,
        provenance={**provenance(name), "kind": where.type},
    )
    kept = None
    if keep_weights:
        kept = store.partial(key) / "weights.pt"
        kept.parent.mkdir(parents=True, exist_ok=True)
        torch.save(result.state, kept)
    store.write(record, counts=result.counts, previews=result.previews, weights=kept)
    return record


def _initial(recipe: Recipe, source_weights: Path | None) -> tuple[weights.State, str] | None:
    if isinstance(recipe.init, Checkpoint):
        return weights.read(recipe.init), recipe.init.path
    if source_weights is not None:
        state = torch.load(source_weights, map_location="cpu", weights_only=True)
        return state, "the source run"
    return None
