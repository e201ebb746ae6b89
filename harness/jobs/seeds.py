"""One seed, several roles: each role draws from a stream of its own."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np

Role = Literal[
    "initialisation",
    "order",
    "augmentation",
    "augmentation of companions",
    "dropout",
    "shuffling",
    "bootstrap",
    "boosting",
]


def role_seed(seed: int, role: Role) -> int:
    """A 63-bit seed for one role of a run, so that arms that share a run's seed share each role's draws."""
    return int.from_bytes(hashlib.sha256(f"{role}:{seed}".encode()).digest()[:8], "big") >> 1


def generator(seed: int, role: Role, step: int) -> np.random.Generator:
    """The random numbers of one step: a function of (seed, role, step) alone, so that a resumed run draws the same."""
    return np.random.default_rng([role_seed(seed, role), step])
