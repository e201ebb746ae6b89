"""Checks that specs share: each raises one sentence that says what was expected and what the caller gave."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def one_of(owner: str, name: str, value: object, allowed: Iterable[object]) -> None:
    """Raises ValueError unless ``value`` is among ``allowed``."""
    allowed = tuple(allowed)
    if value not in allowed:
        expected = ", ".join(repr(item) for item in allowed)
        raise ValueError(f"Expected {owner} `{name}` to be one of {expected}, but got {value!r}.")


def number(owner: str, name: str, value: Any) -> None:
    """Raises ValueError unless ``value`` is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"Expected {owner} `{name}` to be a finite number, but got {value!r}.")


def whole(owner: str, name: str, value: Any) -> None:
    """Raises ValueError unless ``value`` is a whole number above 0, written as one."""
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected {owner} `{name}` to be a whole number above 0, but got {value!r}.")


def positive(owner: str, name: str, value: Any) -> None:
    """Raises ValueError unless ``value`` is a finite number above 0."""
    number(owner, name, value)
    if not value > 0:
        raise ValueError(f"Expected {owner} `{name}` to be greater than 0, but got {value!r}.")


def not_negative(owner: str, name: str, value: Any) -> None:
    """Raises ValueError unless ``value`` is a finite number of at least 0."""
    number(owner, name, value)
    if value < 0:
        raise ValueError(f"Expected {owner} `{name}` to be at least 0, but got {value!r}.")


def probability(owner: str, name: str, value: Any) -> None:
    """Raises ValueError unless ``value`` lies in [0, 1]."""
    number(owner, name, value)
    if not 0 <= value <= 1:
        raise ValueError(f"Expected {owner} `{name}` to be between 0 and 1, but got {value!r}.")


def size(owner: str, name: str, value: Any) -> None:
    """Raises ValueError unless ``value`` is a ``(height, width)`` of whole pixels above 0."""
    pixels = isinstance(value, tuple) and len(value) == 2 and all(isinstance(side, int) and side > 0 for side in value)
    if not pixels:
        raise ValueError(f"Expected {owner} `{name}` to be a (height, width) in pixels, but got {value!r}.")


def terms(owner: str, name: str, value: Any, kinds: type | tuple[type, ...], example: str) -> None:
    """Raises ValueError unless ``value`` is a tuple of these kinds."""
    if not isinstance(value, tuple) or not all(isinstance(item, kinds) for item in value):
        raise ValueError(f"Expected {owner} `{name}` to be a tuple as in {example}, but got {value!r}.")
