"""``verdicts.json``: the rows and where they come from, for programs. ``docs/verdicts-schema.md`` describes it."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from harness.relations import EffectKind, Verdict
from harness.verdicts import Arm, Row

SCHEMA = 1

Bound = float | Literal["inf", "-inf"] | None
"""A number as JSON has it where it may be infinite."""

ARM: Mapping[str, Any] = get_type_hints(Arm)
ROW: Mapping[str, Any] = {
    **get_type_hints(Row),
    "effect": Bound,
    "interval": tuple[Bound, Bound] | None,
    "arms": tuple[dict[str, Any], ...],
}
"""What the fields have to be, as types."""

DECISION: Mapping[str, Any] = {
    "effect": Bound,
    "effect_kind": EffectKind,
    "interval": tuple[Bound, Bound] | None,
    "measure": str | None,
    "compares": tuple[str, ...],
    "seed_effects": tuple[Bound, ...],
    "boundaries": tuple[Bound, ...],
    "target": Bound,
    "pvalue": Bound,
    "pvalue_against": Bound,
    "exact_pvalue": Bound,
    "parts": tuple[dict[str, Any], ...],
}
"""What is read of a decision, and what it has to be."""


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
    """The document that :func:`write_json` wrote; :func:`rows_of` makes rows of its ``rows``.

    Raises:
        ReportError: There is no such file, or it is something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise ReportError(f"Expected a verdicts.json at {path}, but got: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ReportError(f"Expected {path} to be a verdicts.json, but it is not JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        schema = content.get("schema") if isinstance(content, dict) else None
        raise ReportError(f"Expected {path} to be a verdicts.json of schema {SCHEMA}, but got schema {schema!r}.")
    if not isinstance(content.get("rows"), list) or not isinstance(content.get("environment"), dict):
        raise ReportError(f"Expected {path} to hold rows and an environment, but got {', '.join(content)}.")
    return content


def rows_of(content: Mapping[str, Any], source: str) -> list[Row]:
    """The rows of a document that :func:`read_json` gave, in its order.

    Args:
        content: The document.
        source: What the document is called in a message, such as its path.

    Raises:
        ReportError: A row is not as ``docs/verdicts-schema.md`` says, or a claim is there twice.
    """
    rows: list[Row] = []
    numbers: dict[str, int] = {}
    for number, entry in enumerate(content["rows"], 1):
        name = entry.get("id") if isinstance(entry, Mapping) else None
        which = f"row {number} ({name})" if isinstance(name, str) else f"row {number}"
        if problem := _row_problem(entry):
            raise ReportError(
                f"Expected {which} of {source} to be as docs/verdicts-schema.md describes it, but {problem}."
            )
        row = Row.from_dict(entry)
        if row.key in numbers:
            raise ReportError(
                f"Expected {source} to hold each claim once for each scale, but rows {numbers[row.key]} and {number} "
                f"are both {row.key}."
            )
        numbers[row.key] = number
        rows.append(row)
    return rows


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


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number there")


def _row_problem(entry: Any) -> str:
    """What is wrong with a row, as a clause; empty where it can be read."""
    if not isinstance(entry, Mapping):
        return f"it is {_short(entry)}, not an object"
    if problem := _problem(entry, ROW, Row):
        return problem
    for number, arm in enumerate(entry["arms"], 1):
        name = arm.get("name")
        if problem := _problem(arm, ARM, Arm, f" of arm {name if isinstance(name, str) else number}"):
            return problem
    decision, of = entry["decision"], " of its decision"
    problem = _problem(decision, {"decision": dict[str, Any] | None}, of=of)
    return problem or _decision_problem(decision.get("decision") or {}, of)


def _decision_problem(decision: Mapping[str, Any], of: str) -> str:
    """The same of a decision, and of those that it consists of."""
    if problem := _problem(decision, DECISION, of=of):
        return problem
    return next(filter(None, (_decision_problem(part, of) for part in decision.get("parts", ()))), "")


def _problem(
    content: Mapping[str, Any], hints: Mapping[str, Any], kind: type[Arm] | type[Row] | None = None, of: str = ""
) -> str:
    """The first field that is of another type than the hints say, or that no version of its kind left out."""
    for name, hint in hints.items():
        if name in content and not _fits(content[name], hint):
            return f"`{name}`{of} is {_short(content[name])}, not {_words(hint)}"
    for each in fields(kind) if kind else ():
        if each.name not in content and each.default is MISSING and each.default_factory is MISSING:
            return f"`{each.name}`{of} is missing"
    return ""


def _fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value can be read as a type."""
    arguments, origin = get_args(hint), get_origin(hint) or hint
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in arguments)
    if origin in (Literal, Verdict):
        return isinstance(value, str) and value in (arguments or list(Verdict))
    if origin is tuple and arguments[-1] is not Ellipsis:
        return isinstance(value, list) and len(value) == len(arguments) and all(map(_fits, value, arguments))
    if origin is tuple:
        return isinstance(value, list) and all(_fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(item, arguments[1]) for item in value.values())
    if origin in (int, float):
        number = isinstance(value, (int, origin)) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max
    return origin is Any or isinstance(value, origin)


def _words(hint: Any) -> str:
    """A type as a reader of JSON calls it."""
    arguments, origin = get_args(hint), get_origin(hint) or hint
    if origin in (Union, UnionType):
        return " or ".join(map(_words, arguments))
    if origin is Literal:
        return " or ".join(json.dumps(each) for each in arguments)
    if origin is tuple:
        count = "an array" if arguments[-1] is Ellipsis else f"an array of {len(arguments)}"
        return f"{count} ({_words(arguments[0])} each)"
    if origin is dict:
        return "an object" if arguments[1] is Any else f"an object ({_words(arguments[1])} each)"
    if origin is Verdict:
        return "one of " + ", ".join(Verdict)
    return {float: "a number", int: "a whole number", str: "a text", NoneType: "null"}.get(origin, "another type")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
