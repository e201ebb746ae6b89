"""What is left of a device's memory, with and without a container's limit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.jobs import memory

CPU = torch.device("cpu")
MIB = 2**20


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the system's files; 100 MiB are available."""
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text("MemTotal:  204800 kB\nMemFree:  10 kB\nMemAvailable:  102400 kB\nHugePages: 0\n")
    return tmp_path


@pytest.mark.parametrize(
    ("limit", "used", "expected"),
    [
        (None, None, 100 * MIB),
        ("max", 10 * MIB, 100 * MIB),
        (50 * MIB, 20 * MIB, 30 * MIB),
        (500 * MIB, 20 * MIB, 100 * MIB),
        (50 * MIB, 51 * MIB, 0),
        ("much", 1, 100 * MIB),
    ],
)
def test_the_container_limits_what_is_free(
    machine: Path, limit: str | int | None, used: int | None, expected: int
) -> None:
    if limit is not None:
        (machine / "memory.max").write_text(f"{limit}\n")
        (machine / "memory.current").write_text(f"{used}\n")
    assert memory.free_memory(CPU) == expected


@pytest.mark.parametrize("content", [None, "", "MemTotal: 5 kB\n", "MemAvailable: much\n"])
def test_nothing_is_free_where_nobody_tells(machine: Path, content: str | None) -> None:
    (machine / "meminfo").unlink()
    if content is not None:
        (machine / "meminfo").write_text(content)
    assert memory.free_memory(CPU) == 0


@pytest.mark.skipif(not memory.MEMINFO.exists(), reason="needs /proc/meminfo")
def test_this_machine_has_memory_left() -> None:
    assert MIB < memory.free_memory(CPU) < 2**50


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_what_torch_keeps_for_later_counts_as_free() -> None:
    device = torch.device("cuda:0")
    torch.zeros(1, device=device)
    before = memory.free_memory(device)
    held = torch.zeros(64 * MIB, dtype=torch.uint8, device=device)
    assert memory.free_memory(device) <= before - 60 * MIB
    del held
    assert abs(memory.free_memory(device) - before) < 32 * MIB
