"""Where a result comes from: versions, device, date, commit."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "torchvision", "mmsegmentation", "mmengine", "mmcv", "mmcv-lite", "numpy", "scipy", "statsmodels")


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
    """``"CPU (AMD EPYC, AVX512)"``: what the results of tiny runs depend on, beside the versions."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"CPU ({', '.join(filter(None, [model or platform.processor(), capability]))})"


def provenance(device: str) -> dict[str, Any]:
    """Versions, the machine's device by its name, the date (UTC) and the commit."""
    return {
        "versions": versions(),
        "device": device,
        "machine": platform.machine(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
    }
