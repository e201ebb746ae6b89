"""Entries of a TOML document, checked: a mistake is a `ValueError` of one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MISSING: Any = object()


def get(where: str, entry: Any, key: str, kind: type, default: Any = _MISSING) -> Any:
    """The value of a key, of a type; the default where there is none."""
    require(isinstance(entry, dict), f"expected {where} to be a table, but got {entry!r}")
    if key not in entry:
        if default is _MISSING:
            raise ValueError(f"expected {where} to have {key!r}, but got only {', '.join(entry) or 'nothing'}")
        return default
    value = entry[key]
    require(isinstance(value, kind), f"expected {key!r} of {where} to be of type {kind.__name__}, but got {value!r}")
    return value


def strings(where: str, entry: Mapping[str, Any], key: str, default: Any = _MISSING) -> tuple[str, ...]:
    """A list of strings."""
    values = get(where, entry, key, list, default)
    for value in values:
        require(isinstance(value, str), f"expected {key!r} of {where} to hold strings, but got {value!r}")
    return tuple(values)


def require(condition: bool, message: str) -> None:
    """A `ValueError` with a message unless a condition holds."""
    if not condition:
        raise ValueError(message)


def keys(where: str, entry: Any, known: set[str]) -> None:
    """A `ValueError` for keys that are not known."""
    if isinstance(entry, dict) and (unknown := sorted(set(entry) - known)):
        raise ValueError(f"expected {where} to have only {', '.join(sorted(known))}, but got {', '.join(unknown)}")


def member(where: str, value: str, choices: tuple[str, ...]) -> None:
    """A `ValueError` for a value that is none of the choices."""
    if value not in choices:
        raise ValueError(f"expected {where} to be one of {', '.join(map(repr, choices))}, but got {value!r}")


def unique(what: str, values: list[str]) -> None:
    """A `ValueError` for a value that comes twice."""
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"expected {what} to differ from one another, but got {value!r} twice")
