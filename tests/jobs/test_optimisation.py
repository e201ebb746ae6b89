"""Optimiser, schedule, precision and frozen parts against torch's and the papers' formulas."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from harness.jobs import optimisation
from harness.specs import Constant, Optimiser, Poly, Schedule, Step


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


@pytest.mark.parametrize(
    ("spec", "kind", "settings"),
    [
        (Optimiser("sgd", 0.1, 0.8, 0.01), torch.optim.SGD, {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.01}),
        (Optimiser("adam", 0.1, 0.8, 0.01), torch.optim.Adam, {"lr": 0.1, "weight_decay": 0.01}),
        (Optimiser("adamw", 0.2, 0.8, 0.02), torch.optim.AdamW, {"lr": 0.2, "weight_decay": 0.02}),
    ],
)
def test_the_optimiser_is_torchs(spec: Optimiser, kind: type, settings: dict[str, float]) -> None:
    built = optimisation.optimiser(network(), spec)
    assert type(built) is kind
    (group,) = built.param_groups
    assert {name: group[name] for name in settings} == settings


def test_frozen_parts_are_left_out() -> None:
    module = network()
    frozen = optimisation.freeze(module, ("0", "1"))
    assert frozen == [module[0], module[1]]
    (group,) = optimisation.optimiser(module, Optimiser()).param_groups
    assert group["params"] == list(module[2].parameters())
    with pytest.raises(ValueError, match="it has no '3'; choose of 0, 1, 2"):
        optimisation.freeze(module, ("3",))


def rates(spec: Schedule, iterations: int, epoch: int = 2, resume_at: int | None = None, folder: Path | None = None):
    """The learning rate of each iteration; at ``resume_at`` a new optimiser and schedule go on from a file."""
    module, used = network(), []
    optimiser = optimisation.optimiser(module, Optimiser(lr=1.0))
    scheduler = optimisation.scheduler(optimiser, spec, iterations, epoch)
    for iteration in range(iterations):
        if iteration == resume_at:
            assert scheduler is not None
            torch.save([optimiser.state_dict(), scheduler.state_dict()], folder / "checkpoint.pt")
            optimiser = optimisation.optimiser(module, Optimiser(lr=1.0))
            scheduler = optimisation.scheduler(optimiser, spec, iterations, epoch)
            states = torch.load(folder / "checkpoint.pt", weights_only=True)
            for each, state in zip((optimiser, scheduler), states, strict=True):
                each.load_state_dict(state)
        used.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if scheduler is not None:
            scheduler.step()
    return used


def test_schedules_are_by_their_formulas() -> None:
    assert rates(Constant(), 5) == [1.0] * 5
    poly = [(1 - 0.1) * (1 - k / 9) ** 0.9 + 0.1 for k in range(10)]  # the last iteration has the lowest rate
    assert rates(Poly(0.9, 0.1), 10) == pytest.approx(poly)
    assert rates(Step(2, 0.1), 10, epoch=2) == pytest.approx([1.0] * 4 + [0.1] * 4 + [0.01] * 2)


@pytest.mark.parametrize("spec", [Poly(0.9, 0.1), Step(1, 0.5)])
def test_a_schedule_goes_on_from_a_file_of_plain_values(spec: Schedule, tmp_path: Path) -> None:
    assert rates(spec, 10, resume_at=5, folder=tmp_path) == rates(spec, 10)


def test_precision_is_of_the_forward_pass() -> None:
    images = torch.randn(2, 3)
    for precision, kind in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with optimisation.autocast(torch.device("cpu"), precision):
            assert network()(images).dtype == kind
