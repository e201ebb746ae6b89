"""Which device to train on, found out without importing torch."""

from __future__ import annotations

import ctypes
from functools import cache


@cache
def gpu_count() -> int:
    """Number of CUDA GPUs that the driver shows to this process (``CUDA_VISIBLE_DEVICES`` is heeded)."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def choose(wanted: str, worker: int = 0) -> str:
    """The device of a worker: ``"cpu"`` or ``"cuda:N"``.

    Args:
        wanted: ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"`` (workers take turns), or ``"cuda:N"``.
        worker: Number of the worker process.

    Raises:
        ValueError: A device that does not exist.
    """
    count = gpu_count()
    if wanted == "cpu" or (wanted == "auto" and count == 0):
        return "cpu"
    if wanted in ("auto", "cuda") and count:
        return f"cuda:{worker % count}"
    kind, _, index = wanted.partition(":")
    if kind == "cuda" and index.isdigit() and int(index) < count:
        return wanted
    raise ValueError(
        f"Expected --claims-device to be auto, cpu, cuda or cuda:N, but got {wanted!r} on a machine with {count} GPUs; "
        "choose one that exists."
    )
