"""What identifies a spec: its canonical form, and the digest of it.

The canonical form of a spec is its kind and the fields that differ from their defaults. It depends on no Python
version, no file layout and no docstring, and a new field with a default changes no digest. A *changed* default does:
``ci/parts.py`` watches this package for that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any

VERSION = 1
"""Of the canonical form and of the specs' defaults: raise it when either changes. It is part of every key."""

SPEC = "spec"
"""Holds a spec's class name in its canonical form. No spec has a field of that name."""

NOT_IDENTITY: Mapping[str, bool] = {"identity": False}
"""Metadata of a field that identifies nothing: where a file lies, which substitute a claim allows."""


def identified_by(other: str) -> Mapping[str, str]:
    """Metadata of a field that identifies only while another one is empty: a file's name until its hash is known."""
    return {"identified_by": other}


def canonical(value: Any) -> Any:
    """A spec in canonical form, as plain JSON types.

    Args:
        value: A spec, a plain value, or a tuple, list or mapping of such.

    Returns:
        Of a spec: its class name as ``"spec"``, and every field that identifies it and differs from its default. Equal
        numbers are equal: ``1.0`` becomes ``1``.

    Raises:
        TypeError: The value is none of these.

    >>> canonical((1.0, 0.5, "a"))
    [1, 0.5, 'a']
    """
    if is_dataclass(value) and not isinstance(value, type):
        kept = {item.name: getattr(value, item.name) for item in fields(value) if _identifies(item, value)}
        return {SPEC: type(value).__name__, **{name: canonical(entry) for name, entry in kept.items()}}
    if isinstance(value, Enum):
        return canonical(value.value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [canonical(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    raise TypeError(f"Expected a spec or a plain value, but got {value!r}.")


def rebuilt(content: Any, kinds: Mapping[str, type]) -> Any:
    """The spec of a canonical form, as far as its fields identify it.

    Args:
        content: As :func:`canonical` gives it.
        kinds: Spec classes by name.

    Raises:
        KeyError, TypeError, ValueError: A kind or a field is of another version, or a field that identifies nothing is
            needed (the name of a file).

    >>> from harness.specs import Split
    >>> rebuilt(canonical(Split("subject")), {"Split": Split})
    Split(kind='subject', test=0.2, validation=0.0)
    """
    if isinstance(content, Mapping) and SPEC in content:
        return kinds[content[SPEC]](**{name: rebuilt(value, kinds) for name, value in content.items() if name != SPEC})
    return tuple(rebuilt(item, kinds) for item in content) if isinstance(content, list) else content


def digest(value: Any) -> str:
    """SHA-256, as 64 hexadecimal digits, of a value's canonical form."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _identifies(item: Field[Any], spec: Any) -> bool:
    if item.metadata.get("identity") is False:
        return False
    if (other := item.metadata.get("identified_by")) and getattr(spec, other):
        return False
    default = item.default_factory() if item.default_factory is not MISSING else item.default
    return bool(default is MISSING or getattr(spec, item.name) != default)
