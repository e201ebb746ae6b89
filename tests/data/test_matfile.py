"""Headers of MATLAB files against scipy's reading of them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.data import matfile

names = st.text("abcdefghijklmnopqrstuvwxyzABC_123", min_size=1, max_size=31).map(lambda text: f"v{text}"[:31])
arrays = st.tuples(
    st.lists(st.integers(1, 6), min_size=2, max_size=4), st.sampled_from([np.uint8, np.float32, np.float64])
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(names, arrays, min_size=1, max_size=4), st.booleans())
def test_shapes_equal_scipys(tmp_path: Path, contents: dict[str, tuple[list[int], type]], compressed: bool) -> None:
    path = tmp_path / "some.mat"
    scipy.io.savemat(
        path, {name: np.ones(shape, kind) for name, (shape, kind) in contents.items()}, do_compression=compressed
    )
    assert matfile.shapes(path) == {name: shape for name, shape, _ in scipy.io.whosmat(path)}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1), st.booleans())
def test_a_file_cut_anywhere_is_truncated_or_lacks_variables(tmp_path: Path, share: float, compressed: bool) -> None:
    path = tmp_path / "cut.mat"
    scipy.io.savemat(path, {"first": np.eye(9), "second": np.eye(7)}, do_compression=compressed)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * (len(content) - 1))])
    with contextlib.suppress(matfile.Truncated):
        assert set(matfile.shapes(path)) < {"first", "second"}
