"""How far a training is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """Where a training is; also what a checkpoint keeps beside the tensors.

    Attributes:
        curve: ``{"iteration": int, "epoch": float, "metrics": {...}}`` for each evaluation.
        losses: Training loss every few iterations, as ``(iteration, loss)``.
        seconds: Wall time of the iterations and evaluations so far, interruptions left out.
    """

    iteration: int = 0
    curve: list[dict[str, Any]] = field(default_factory=list)
    losses: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0
