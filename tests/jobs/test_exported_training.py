"""mmengine's Runner and mmseg's own tool train the exported config as a plain loop trains the arm."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from exported import AUGMENTED, NETWORK, PARTS, PLAIN, config_of, first_batch, noise
from mmengine.hooks import Hook
from mmengine.runner import Runner

from harness.jobs import optimisation
from harness.jobs.export import export
from harness.networks import building, weights
from harness.specs import (
    Budget,
    Constant,
    CrossEntropy,
    Dice,
    Focal,
    Optimiser,
    Poly,
    Recipe,
    Step,
    Weights,
)

ROOT = Path(__file__).resolve().parents[2]


class Watch(Hook):
    """Records the loss, and seeds the heads' dropout anew at each iteration."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        torch.manual_seed(batch_idx)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        self.losses.append(outputs["loss"].item())


def plain_loop(recipe: Recipe, state: weights.State, images: torch.Tensor, targets: torch.Tensor) -> list[float]:
    """The losses of a training on one batch, without mmengine's runner."""
    module = building.build(recipe.network, 2, recipe.losses, seed=0)
    weights.fit(recipe.network, module, state, "a test")
    module.train()
    for part in optimisation.freeze(module, recipe.frozen):
        part.eval()
    optimiser = optimisation.optimiser(module, recipe.optimiser)
    scheduler = optimisation.scheduler(optimiser, recipe.schedule, recipe.budget.amount, epoch=1)
    losses = []
    for iteration in range(recipe.budget.amount):
        torch.manual_seed(iteration)
        with optimisation.autocast(images.device, recipe.precision):
            loss = building.loss(recipe.network, module, images, targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if scheduler is not None:
            scheduler.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    "changes",
    [
        {"losses": (CrossEntropy(),), "optimiser": Optimiser("sgd", 0.1), "schedule": Poly(min_lr=1e-3)},
        {"schedule": Step(3, 0.2), "frozen": ("backbone.encoder",)},
        {"losses": (Focal(), Dice(0.5)), "optimiser": Optimiser("adamw", 5e-3), "schedule": Constant()},
        {"precision": "bf16", "network": replace(NETWORK, head="pspnet")},
    ],
    ids=["SGD and poly", "Adam, step and a frozen part", "AdamW and focal", "bf16"],
)
def test_mmengines_runner_trains_to_the_curve_of_a_plain_loop(changes: dict[str, Any], tmp_path: Path) -> None:
    packed = noise(3)
    recipe = replace(PLAIN, budget=Budget(8), batch_size=len(PARTS.train), **changes)
    state = building.build(recipe.network, 2, recipe.losses, seed=5).state_dict()
    torch.save(state, tmp_path / "weights.pth")
    file = Weights(str(tmp_path / "weights.pth"), sha256((tmp_path / "weights.pth").read_bytes()).hexdigest())
    config = config_of(export(replace(recipe, init=file), packed, PARTS, tmp_path / "arm"), tmp_path)
    config.train_dataloader.sampler.shuffle = False
    runner, watch = Runner.from_cfg(config), Watch()
    runner.register_hook(watch)
    images, targets = first_batch(runner)
    runner.train()
    expected = plain_loop(recipe, state, images, targets)
    assert len(set(expected)) == 8
    assert watch.losses == pytest.approx(expected, rel=1e-6)
    slower = replace(recipe, optimiser=replace(recipe.optimiser, lr=0.9 * recipe.optimiser.lr))
    others = [slower] if recipe.schedule == Constant() else [slower, replace(recipe, schedule=Constant())]
    for other in others:
        assert watch.losses != pytest.approx(plain_loop(other, state, images, targets), rel=1e-5), "it must show"


def test_mmseg_s_own_tool_trains_it(tmp_path: Path) -> None:
    import mmseg

    tool = Path(mmseg.__file__).parent / ".mim" / "tools" / "train.py"
    if not tool.is_file():
        pytest.skip(f"mmseg {mmseg.__version__} is installed without its tools")
    arm = replace(AUGMENTED, frozen=("backbone",), precision="bf16")  # all that mmengine lacks
    file = export(arm, noise(), PARTS, tmp_path / "arm")
    finished = subprocess.run(
        [sys.executable, str(tool), str(file)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    log = finished.stdout + finished.stderr
    assert finished.returncode == 0, log[-3000:]
    assert "mIoU" in log
    assert (tmp_path / "arm" / "work_dir" / "iter_2.pth").is_file()
    assert torch.load(tmp_path / "arm" / "work_dir" / "weights.pth", weights_only=True)["state_dict"]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_frozen_parts_stay_and_the_rest_trains(precision: Any, tmp_path: Path) -> None:
    recipe = replace(AUGMENTED, frozen=("backbone",), precision=precision)
    config = config_of(export(recipe, noise(), PARTS, tmp_path / "arm", seed=4), tmp_path)
    config.load_from = str(tmp_path / "initial.pth")
    before = building.build(NETWORK, 2, recipe.losses, seed=0).state_dict()
    torch.save(before, config.load_from)
    Runner.from_cfg(config).train()
    after = torch.load(tmp_path / "work" / "weights.pth", weights_only=True)["state_dict"]
    for name in before:
        counted = name.endswith("num_batches_tracked") or not name.startswith(("backbone.", "decode_head.conv_seg"))
        assert counted or torch.equal(before[name], after[name]) == name.startswith("backbone."), name
