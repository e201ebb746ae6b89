"""How much memory a device has left."""

from __future__ import annotations

from pathlib import Path

import torch

MEMINFO = Path("/proc/meminfo")

CGROUP = Path("/sys/fs/cgroup")
"""Where a container sees its own limit (version 2 of the kernel's control groups)."""


def free_memory(device: torch.device) -> int:
    """Bytes that a process may still take on a device; 0 where the operating system does not tell.

    What torch's allocator keeps on a GPU for later counts as free.
    """
    if device.type == "cuda":
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + idle
    try:
        fields = dict(line.split(":", 1) for line in MEMINFO.read_text("utf-8").splitlines())
        free = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 0
    try:
        limit, used = ((CGROUP / f"memory.{name}").read_text("utf-8").strip() for name in ("max", "current"))
        return free if limit == "max" else max(0, min(free, int(limit) - int(used)))
    except (OSError, ValueError):
        return free
