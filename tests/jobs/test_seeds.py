"""One seed gives each role a stream of its own."""

from __future__ import annotations

import hashlib
import itertools
from typing import get_args

import numpy as np

from harness.jobs.seeds import Role, generator, role_seed

ROLES = get_args(Role)


def test_roles_and_seeds_never_share_a_stream() -> None:
    seeds = [role_seed(seed, role) for seed in range(500) for role in ROLES]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_roles_seed_is_the_same_in_every_process() -> None:
    assert role_seed(0, "order") == int(hashlib.sha256(b"order:0").hexdigest()[:16], 16) // 2
    first, again = (generator(3, "order", 17).random(5).tolist() for _ in range(2))
    assert first == again


def test_streams_of_roles_seeds_and_steps_are_independent() -> None:
    streams = [
        generator(seed, role, step).standard_normal(400)
        for seed, role, step in itertools.product((0, 1), ("order", "augmentation"), (0, 1, 2))
    ]
    correlations = np.corrcoef(streams)
    np.fill_diagonal(correlations, 0)
    assert np.abs(correlations).max() < 0.2
