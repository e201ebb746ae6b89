"""Where a result comes from: versions, device, date, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "torchvision", "mmsegmentation", "mmengine", "mmcv", "mmcv-lite", "numpy", "scipy", "statsmodels")


KERNELS = ("ONEDNN_", "DNNL_", "MKL_", "ATEN_", "OPENBLAS_")
"""Beginnings of environment variables that choose other kernels on a CPU."""


@cache
def versions() -> dict[str, str]:
    """Installed versions of what a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def commit() -> str:
    """The checkout's commit, with ``+`` where files were changed; empty outside a checkout."""
    root = Path(__file__).parent.parent
    try:
        ask = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
        return subprocess.run(ask, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def cpu_name(capability: str) -> str:
    """``"CPU (AMD EPYC, 25/1/1, AVX512)"``: what the results of tiny runs depend on, beside the versions.

    Family, model and stepping, because virtual machines hide the name; and the variables that choose other kernels.
    """
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8").partition("\n\n")[0]
    except OSError:
        text = ""
    entries = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    kind = "/".join(entries[key] for key in ("cpu family", "model", "stepping") if key in entries)
    chosen = [f"{name}={os.environ[name]}" for name in sorted(os.environ) if name.startswith(KERNELS)]
    words = [entries.get("model name") or platform.processor(), kind, capability, *chosen]
    return f"CPU ({', '.join(filter(None, words))})"


def provenance(device: str) -> dict[str, Any]:
    """Versions, the machine's device by its name, the date (UTC) and the commit."""
    return {
        "versions": versions(),
        "device": device,
        "machine": platform.machine(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
    }
