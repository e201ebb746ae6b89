"""Counts in a file: what is above 0 only, and the whole array again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.store.counts import dense, sparse


@given(arrays.arrays(np.int64, st.tuples(st.integers(0, 4), *[st.integers(1, 5)] * 2), elements=st.integers(0, 9)))
@settings(max_examples=50, deadline=None)
def test_counts_come_back_as_they_were(counts: np.ndarray) -> None:
    again = dense(sparse(counts))
    assert again.dtype == np.int64
    assert again.shape == counts.shape
    assert (again == counts).all()


def test_counts_of_150_classes_stay_small(tmp_path: Path) -> None:
    """500 images that show ten of 150 classes each: 90 MB as an array."""
    rng = np.random.default_rng(0)
    counts = np.zeros((500, 150, 150), np.int64)
    for image in counts:
        shown = rng.choice(150, 10, replace=False)
        image[np.ix_(shown, shown)] = rng.integers(0, 5000, (10, 10))
    np.savez_compressed(tmp_path / "counts.npz", **sparse(counts))
    assert (tmp_path / "counts.npz").stat().st_size < 400_000
    with np.load(tmp_path / "counts.npz") as content:
        assert (dense(content) == counts).all()
