"""``verdicts.json``: the rows and where they come from, for programs. ``docs/verdicts-schema.md`` describes it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.verdicts import Row

SCHEMA = 1


class ReportError(Exception):
    """A report cannot be read; the message is one sentence for the user."""


def complete(environment: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """The environment with what the caller left out: the date, and the devices that the rows' runs name."""
    devices = list(dict.fromkeys(device for row in rows for device in _listed(row.provenance.get("device"))))
    found = {"versions": {}, "commit": "", "device": devices[0] if len(devices) == 1 else devices or None}
    given = {name: value for name, value in environment.items() if value is not None}
    return {**found, "date": datetime.now(UTC).isoformat(timespec="seconds"), **given}


def write_json(rows: Iterable[Row], path: Path, environment: Mapping[str, Any]) -> Path:
    """Writes the document at once, replacing an earlier one.

    Args:
        rows: The claims.
        path: The file.
        environment: Plain types; numbers that JSON has no name for become ``null``.

    Returns:
        The file.
    """
    content = {"schema": SCHEMA, "environment": plain(environment), "rows": [plain(row.to_dict()) for row in rows]}
    return replace_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The document that :func:`write_json` wrote; ``Row.from_dict`` makes rows of its ``rows``.

    Raises:
        ReportError: There is no such file, or it is something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ReportError(f"Expected a verdicts.json at {path}, but got: {error.strerror}.") from error
    except ValueError as error:
        raise ReportError(f"Expected {path} to be a verdicts.json, but it is not JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        schema = content.get("schema") if isinstance(content, dict) else None
        raise ReportError(f"Expected {path} to be a verdicts.json of schema {SCHEMA}, but got schema {schema!r}.")
    if not isinstance(content.get("rows"), list) or not isinstance(content.get("environment"), dict):
        raise ReportError(f"Expected {path} to hold rows and an environment, but got {', '.join(content)}.")
    return content


def plain(value: Any) -> Any:
    """Plain JSON types; NaN and infinite numbers are ``None``, what JSON does not know is written as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int)):
        return value
    return str(value)


def replace_text(path: Path, text: str) -> Path:
    """Writes a text file beside its place and renames it into it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, "utf-8", errors="replace")
    os.replace(temporary, path)
    return path


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value] if value else []
