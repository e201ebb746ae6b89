"""A checkpoint file is read back as it was written for the same job, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.jobs import checkpoint

KEY, OTHER = "ab" * 32, "cd" * 32
CONTENT = {"weights": {"a": torch.arange(5.0)}, "progress": {"iteration": 3, "losses": [(1, 0.5)]}, "best": None}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "partial" / "checkpoint"
    checkpoint.save(path, KEY, CONTENT)
    return path


def test_what_was_saved_is_loaded(file: Path) -> None:
    loaded = checkpoint.load(file, KEY)
    assert loaded is not None
    assert torch.equal(loaded["weights"]["a"], CONTENT["weights"]["a"])
    assert {name: loaded[name] for name in ("progress", "best")} == {
        name: CONTENT[name] for name in ("progress", "best")
    }
    assert file.exists()


def test_where_nothing_was_saved_there_is_nothing(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "nowhere" / "checkpoint", KEY) is None


def test_every_flipped_byte_is_noticed_and_the_file_removed(file: Path) -> None:
    whole = file.read_bytes()
    rng = np.random.default_rng(0)
    places = [0, 63, 64, 127, 128, len(whole) - 1, *rng.integers(0, len(whole), 54)]
    for place, bit in zip(places, rng.integers(0, 8, 60), strict=True):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(bit)
        file.write_bytes(damaged)
        assert checkpoint.load(file, KEY) is None, place
        assert not file.exists()


@pytest.mark.parametrize("length", [0, 1, 64, 127, 128, 200, -1])
def test_a_file_cut_short_is_noticed_and_removed(length: int, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:length])
    assert checkpoint.load(file, KEY) is None
    assert not file.exists()


def test_a_checkpoint_of_another_job_is_not_used(file: Path) -> None:
    assert checkpoint.load(file, OTHER) is None
    assert not file.exists()


def test_a_folder_in_its_place_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    assert checkpoint.load(tmp_path / "checkpoint", KEY) is None


def test_no_code_is_run_by_loading(file: Path) -> None:
    """A pickle of anything but tensors and plain values is refused, although its checksum is right."""
    checkpoint.save(file, KEY, {"path": Path("x")})
    assert checkpoint.load(file, KEY) is None


def test_want_of_memory_costs_no_checkpoint(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(torch, "load", exhausted)
    with pytest.raises(MemoryError):
        checkpoint.load(file, KEY)
    assert file.exists()


def test_the_content_is_on_the_disk_before_it_has_its_name(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def flushing(handle: int) -> None:
        size = os.fstat(handle).st_size
        steps.append(f"flushed {size}")
        fsync(handle)

    def renaming(old: Path, new: Path) -> None:
        steps.append(f"renamed {os.stat(old).st_size} to {Path(new).name}")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(os, "replace", renaming)
    checkpoint.save(file, KEY, CONTENT)
    size = file.stat().st_size
    assert steps == [f"flushed {size}", f"renamed {size} to checkpoint"]


def test_a_checkpoint_is_replaced_whole_or_not_at_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(file, KEY, CONTENT)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["checkpoint"]
