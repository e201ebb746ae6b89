"""Measures what the harness adds to a training step, and plain mmsegmentation on the same arm beside it.

    python benchmarks/training_speed.py [--scale reduced --device cuda] [--rounds 9] [--data-root DIR]

Prints Markdown. Three paths train the same arm on the same number of images, in turn, round by round:

- bare step: forward, losses, backward and optimiser on one batch that lies on the device; nothing else;
- harness: `harness.jobs.training.Trainer`, as a claim trains, without evaluations;
- plain mmseg: the exported config by `Runner.from_cfg`, with its file pipeline and all cores as persistent workers.

Each starts anew in each round, from the same weights where the harness draws them, and is timed after a few iterations.
Ratios are taken within a round; their median is given, so that a busy machine disturbs all three alike.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import io
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from claims.huang_dme import Pipeline
from harness import data as datasets
from harness.data import Catalogue
from harness.specs import Budget, Recipe, Segmenter

SEED = 0


@dataclass(frozen=True)
class Timing:
    """Wall and processor seconds (of this process, without its workers) of the timed iterations."""

    wall: float
    processor: float


class Clock:
    """Runs between two moments, waiting for the device at both."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.marks: list[Timing] = []

    def mark(self) -> None:
        import torch

        if self.device != "cpu":
            torch.cuda.synchronize()
        self.marks.append(Timing(time.perf_counter(), time.process_time()))

    @property
    def elapsed(self) -> Timing:
        first, last = self.marks
        return Timing(last.wall - first.wall, last.processor - first.processor)


@dataclass(frozen=True)
class Arm:
    """What is trained: everything that the three paths share."""

    recipe: Recipe
    packed: datasets.Packed
    parts: datasets.Parts
    device: str
    warm_up: int

    @property
    def timed(self) -> int:
        """Iterations between the marks; the budget is the warm-up and these."""
        return self.recipe.budget.amount - self.warm_up


def bare_step(arm: Arm) -> Timing:
    """Forward, losses, backward and optimiser on the first batch that the harness trains on."""
    import torch

    from harness.jobs import optimisation
    from harness.jobs.batches import Batches
    from harness.jobs.resident import Resident
    from harness.jobs.training import started
    from harness.networks import building, family

    recipe, device, clock = arm.recipe, torch.device(arm.device), Clock(arm.device)
    network, _ = started(recipe, SEED, len(arm.packed.classes), device, None)
    network.train()
    optimiser = optimisation.optimiser(network, recipe.optimiser)
    stride = family(recipe.network).stride(recipe.network)
    images, targets = Batches(Resident.place(arm.packed, arm.parts.train, device), recipe, SEED, stride).batch(0)
    for iteration in range(recipe.budget.amount):
        if iteration == arm.warm_up:
            clock.mark()
        with optimisation.autocast(device, recipe.precision):
            loss = building.loss(recipe.network, network, images, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
    clock.mark()
    return clock.elapsed


def harness(arm: Arm) -> Timing:
    """The harness's training, timed where it reports."""
    import torch

    from harness.jobs.training import Progress, Trainer

    clock = Clock(arm.device)

    def report(progress: Progress, iterations: int) -> None:
        if progress.iteration in (arm.warm_up, iterations):
            clock.mark()

    trainer = Trainer(arm.recipe, SEED, arm.packed, arm.parts, torch.device(arm.device), report=report)
    trainer.evaluated_at = frozenset()
    trainer.run()
    return clock.elapsed


def plain_mmseg(arm: Arm, config: Path, workers: int) -> Timing:
    """The exported config, by mmengine's Runner."""
    from mmengine.config import Config
    from mmengine.hooks import Hook
    from mmengine.runner import Runner

    clock, last = Clock(arm.device), arm.recipe.budget.amount

    class Stopwatch(Hook):
        priority = "VERY_HIGH"

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):  # type: ignore[no-untyped-def]
            if batch_idx + 1 in (arm.warm_up, last):
                clock.mark()

    content = Config.fromfile(config)
    for entry in ("val_dataloader", "val_evaluator", "val_cfg", "test_dataloader", "test_evaluator", "test_cfg"):
        content.pop(entry)
    content.train_dataloader.num_workers = workers
    content.experiment_name = f"speed-{time.monotonic_ns()}"
    content.log_level = "ERROR"
    if arm.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        content.work_dir = folder
        runner = Runner.from_cfg(content)
        runner.register_hook(Stopwatch())
        runner.train()
    return clock.elapsed


def phantom(recipe: Recipe) -> Recipe:
    """The recipe on generated images."""
    return replace(recipe, data=replace(recipe.data, evidence="phantom"))


def real(recipe: Recipe) -> Recipe:
    """The recipe on the paper's own images."""
    return replace(recipe, data=replace(recipe.data, evidence="real", substitute=""))


def smoke_worker() -> int:
    """Trains one smoke recipe, with its evaluations, and prints the process's peak resident memory in MB."""
    import torch

    from harness.jobs.training import Trainer

    torch.set_num_threads(1)
    recipe = phantom(Pipeline("smoke").scratch("fcn"))
    packed = Catalogue(None).load(recipe.data)
    Trainer(recipe, SEED, packed, datasets.split(packed, recipe.data, SEED), torch.device("cpu")).run()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    return 0


def speed(options: argparse.Namespace) -> None:
    """Measures the three paths and prints their table."""
    import torch

    from harness.jobs.export import export

    torch.set_num_threads(1)
    torch.backends.cudnn.benchmark = options.device != "cpu"
    warnings.simplefilter("ignore")
    recipe = Pipeline(options.scale).scratch(options.head)
    recipe = real(recipe) if options.data_root else phantom(recipe)
    warm_up = 5 if options.device == "cpu" else 25  # the harness reports every 25th iteration on a GPU
    recipe = replace(recipe, budget=Budget(warm_up + options.iterations))
    packed = Catalogue(options.data_root).load(recipe.data)
    arm = Arm(recipe, packed, datasets.split(packed, recipe.data, SEED), options.device, warm_up)
    cores = len(os.sched_getaffinity(0))
    timings: dict[str, list[Timing]] = {}
    with tempfile.TemporaryDirectory() as folder:
        config = export(recipe, packed, arm.parts, Path(folder) / "arm", SEED)
        paths: dict[str, Callable[[], Timing]] = {
            "bare step": lambda: bare_step(arm),
            "harness": lambda: harness(arm),
            f"plain mmseg, {cores} workers": lambda: plain_mmseg(arm, config, cores),
        }
        for path in paths.values():
            path()  # imports, caches, the device's choice of algorithms
        for number in range(options.rounds):
            # In alternating order, so that a machine that slows down favours none.
            for name, path in list(paths.items())[:: 1 if number % 2 == 0 else -1]:
                timings.setdefault(name, []).append(path())
            print(".", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    device = torch.cuda.get_device_name() if options.device != "cpu" else f"{os.cpu_count()}-core CPU, one thread"
    print(f"\n{describe(recipe)}; {device}; {options.rounds} rounds of {arm.timed} iterations.\n")
    print_speed(timings, list(paths), arm)


def print_speed(timings: dict[str, list[Timing]], names: list[str], arm: Arm) -> None:
    """Images/s of each path, and its time over the bare step's in the same round."""
    print("| path | images/s, median (range) | time ÷ bare step's, median (quartiles) | processor time ÷ bare step's |")
    print("| --- | --- | --- | --- |")
    bare = timings[names[0]]
    images = arm.timed * arm.recipe.batch_size
    for name in names:
        rates = [images / timing.wall for timing in timings[name]]
        walls = [timing.wall / base.wall for timing, base in zip(timings[name], bare, strict=True)]
        busy = [timing.processor / base.processor for timing, base in zip(timings[name], bare, strict=True)]
        low, _, high = statistics.quantiles(walls, n=4) if len(walls) > 1 else (walls[0],) * 3
        processor = "workers not counted" if "mmseg" in name else f"{statistics.median(busy):.3f}"
        print(
            f"| {name} | {statistics.median(rates):.4g} ({min(rates):.4g}–{max(rates):.4g}) "
            f"| {statistics.median(walls):.3f} ({low:.3f}–{high:.3f}) | {processor} |"
        )
    gains = [slow.wall / fast.wall for slow, fast in zip(timings[names[2]], timings[names[1]], strict=True)]
    print(f"\nThe harness trains {statistics.median(gains):.2f} times as many images a second as plain mmseg.")


def describe(recipe: Recipe) -> str:
    """The arm in a few words."""
    size, network = "×".join(map(str, recipe.crop or ())), recipe.network
    assert isinstance(network, Segmenter)
    shrink = f" ({network.shrink.width} channels, {network.shrink.stages} stages)" if network.shrink else ""
    return (
        f"{network.backbone}{shrink} with {network.head}, {recipe.data.evidence} "
        f"{recipe.data.name}, crop {size}, batch {recipe.batch_size}, {recipe.precision}"
    )


def memory(options: argparse.Namespace) -> None:
    """Prints the resident memory of a smoke worker and the size of the packed data sets."""
    command = [sys.executable, __file__, "--smoke-worker"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    print(f"\nPeak resident memory of a smoke worker: {finished.stdout.split()[-1]} MB (to reach: under 1500 MB).")
    if options.data_root is None:
        return
    print("\n| packed | images | size | MB |\n| --- | --- | --- | --- |")
    pipeline, total = Pipeline("paper"), 0.0
    catalogue = Catalogue(options.data_root)
    for recipe in (pipeline.scratch("fcn"), pipeline.source("drive", "fcn"), pipeline.source("chase_db1", "fcn")):
        packed = catalogue.load(real(recipe).data)
        megabytes = (packed.images.nbytes + packed.targets.nbytes) / 1e6
        total += megabytes
        shape = "×".join(map(str, packed.images.shape[1:]))
        print(f"| {datasets.adapter(recipe.data.name).title} | {len(packed.ids)} | {shape} | {megabytes:.1f} |")
    print(f"| together (to reach: under 300 MB) | | | {math.ceil(total)} |")


def main() -> int:
    """Parses the command line and measures what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=("smoke", "reduced", "paper"), default="smoke")
    parser.add_argument("--head", default="fcn")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--iterations", type=int, default=50, help="timed in each round; a multiple of 25 on a GPU")
    parser.add_argument("--data-root", type=Path, help="real data; without it the arm trains on a phantom")
    parser.add_argument("--only", choices=("speed", "memory"), help="measure one of the two")
    parser.add_argument("--smoke-worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.smoke_worker:
        return smoke_worker()
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("torch", "mmengine", "mmsegmentation")
    )
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {versions}")
    if options.only != "memory":
        speed(options)
    if options.only != "speed":
        memory(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
