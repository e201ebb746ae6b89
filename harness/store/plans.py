"""Plans of seeds that came to their end, so that a plan chosen after another one ended does not go unnoticed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.specs import digest
from harness.store.files import replace_text


def end_plan(
    plans: Path, question: Mapping[str, Any], seeds: Sequence[int], verdict: str
) -> list[tuple[tuple[int, ...], str]]:
    """Notes that a plan of seeds came to its end, and returns the plans that had ended before it.

    Nothing depends on it: what cannot be written or read is left out.

    Args:
        plans: Folder of the ended plans.
        question: What was asked of which jobs, as plain types; other plans of the same question are found by it.
        seeds: The plan's looks.
        verdict: What it came to.

    Returns:
        The looks and the verdict of every other plan that had ended before this one did for the first time, the
        earliest first.
    """
    folder = plans / digest(dict(question))
    file = folder / f"{'-'.join(map(str, seeds))}.json"
    known = {path: plan for path in folder.glob("*.json") if (plan := _read(path)) is not None}
    ended = known[file]["ended"] if file in known else time.time()
    content = {**question, "plan": list(seeds), "verdict": verdict, "ended": ended}
    if content != known.get(file):
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            replace_text(file, json.dumps(content))
    others = sorted((plan for path, plan in known.items() if path != file), key=lambda plan: plan["ended"])
    return [(tuple(plan["plan"]), plan["verdict"]) for plan in others if plan["ended"] < ended]


def _read(file: Path) -> dict[str, Any] | None:
    """A plan that came to its end; ``None`` where the file cannot be read."""
    try:
        content: dict[str, Any] = json.loads(file.read_text("utf-8"))
        content["plan"] = [int(seeds) for seeds in content["plan"]]
        content["verdict"] = str(content["verdict"])
        content["ended"] = float(content["ended"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return content
