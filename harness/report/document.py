"""``verdicts.json``: the rows and where they come from, for programs. ``docs/verdicts-schema.md`` describes it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.converter import Misfit, build, plain
from harness.verdicts import Row

SCHEMA = 2


class ReportError(Exception):
    """A report cannot be read; the message is one sentence for the user."""


@dataclass(frozen=True)
class Document:
    """The content of ``verdicts.json``.

    Attributes:
        environment: Versions, device, commit, date.
        rows: The claims, each once for each scale.
        controls: The controls that ran beside them, as rows.
    """

    environment: dict[str, Any]
    rows: tuple[Row, ...]
    schema: int = SCHEMA
    controls: tuple[Row, ...] = ()

    def __post_init__(self) -> None:
        keys = [row.key for row in self.rows]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"Expected each claim once for each scale, but {key} is there {keys.count(key)} times")


def complete(environment: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """The environment with what the caller left out: the date, and the devices that the rows' runs name."""
    devices = list(dict.fromkeys(device for row in rows for device in _listed(row.provenance.get("device"))))
    defaults = {
        "versions": {},
        "commit": "",
        "device": devices[0] if len(devices) == 1 else devices or None,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {**defaults, **{name: value for name, value in environment.items() if value is not None}}


def write_json(rows: Sequence[Row], path: Path, environment: Mapping[str, Any], controls: Sequence[Row] = ()) -> Path:
    """Writes the document at once, replacing an earlier one.

    Args:
        rows: The claims.
        path: The file.
        environment: Plain types.
        controls: The controls.

    Returns:
        The file.
    """
    content = plain(Document(dict(environment), tuple(rows), controls=tuple(controls)))
    return replace_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Document:
    """The document that :func:`write_json` wrote.

    Raises:
        ReportError: There is no such file, it is of another schema, or it is something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise ReportError(f"Expected a verdicts.json at {path}, but got: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"Expected {path} to be a verdicts.json, but it is not JSON: {error}.") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise ReportError(
            f"Expected {path} to be a verdicts.json of schema {SCHEMA}, but got schema {schema!r}; write it anew with "
            "this version, which takes the runs that are in the store."
        )
    try:
        return build(content, Document)
    except Misfit as error:
        raise ReportError(
            f"Expected {path} to be as docs/verdicts-schema.md describes it, but {error}; write it anew."
        ) from error


def replace_text(path: Path, text: str) -> Path:
    """Writes a text file beside its place and renames it into it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    temporary.write_text(text, "utf-8", errors="replace")
    os.replace(temporary, path)
    return path


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value] if value else []


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number there")
