"""Progress of the trainings in flight, for whoever watches. Nothing depends on it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.store.files import replace_text

FILE = "progress.json"


def report(folder: Path, progress: Mapping[str, Any]) -> None:
    """Tells other processes how far a training is.

    A disk that is full disturbs no training here: the checkpoint and the result report it.

    Args:
        folder: The training's own, made where it is absent.
        progress: ``"label"`` and whatever there is to show.
    """
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        replace_text(folder / FILE, json.dumps({**progress, "updated": time.time()}))


def in_flight(partial: Path, seconds: float) -> list[dict[str, Any]]:
    """Progress of the trainings that reported within the last ``seconds``, by label.

    Args:
        partial: Folder of the trainings' folders.
        seconds: A training that was killed is silent for longer.
    """
    reports = []
    for file in partial.glob(f"*/{FILE}"):
        try:
            progress = json.loads(file.read_text("utf-8"))
            recent = time.time() - progress["updated"] <= seconds
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if recent:
            reports.append(progress)
    return sorted(reports, key=lambda progress: str(progress.get("label")))
