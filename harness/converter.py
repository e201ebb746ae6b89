"""The one converter between this project's dataclasses and plain JSON types, both ways.

JSON has no names for numbers that are not finite: an infinite one is ``"inf"`` or ``"-inf"``, NaN is ``null``. Enums
are written by value, tuples as arrays. Reading ignores fields that this version does not know and gives missing ones
their defaults, so that versions read each other's files.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from enum import Enum
from typing import Any, Literal, TypeVar, get_args, get_origin

import cattrs
from cattrs.gen import make_dict_structure_fn, make_mapping_structure_fn

Built = TypeVar("Built")

INFINITE = {"inf": math.inf, "-inf": -math.inf}
"""How JSON has infinite numbers."""


class Misfit(ValueError):
    """Plain types do not fit a dataclass; the message is a clause that names the first place, to follow ``but``."""


class _Wrong(ValueError):
    """What is wrong with a single value."""


def plain(value: Any) -> Any:
    """A dataclass, or a collection of some, as plain JSON types.

    >>> plain({"effect": math.inf, "interval": (0.5, math.nan)})
    {'effect': 'inf', 'interval': [0.5, None]}
    """
    return _CONVERTER.unstructure(value)


def build(content: Any, kind: type[Built], name: str = "") -> Built:
    """What :func:`plain` made plain types of.

    Args:
        content: Plain JSON types.
        kind: The dataclass.
        name: What the content is called in a message, before the place within it.

    Raises:
        Misfit: A field is missing that has no default, or a value is of another type.

    >>> from harness.relations import Looks
    >>> build({"at": [3], "early": [], "later": "ignored"}, Looks)
    Looks(at=(3,), early=())
    """
    try:
        return _CONVERTER.structure(content, kind)
    except (cattrs.BaseValidationError, ValueError, TypeError) as error:
        raise Misfit(_first(error, name)) from error


def _first(error: BaseException, name: str) -> str:
    """The first thing that is wrong, as a clause: ``arms[1].mean is "high", not a number``."""
    message = cattrs.transform_error(error, path="$", format_exception=_words)[0]
    what, _, where = message.rpartition(" @ ")
    place = (name + where.removeprefix("$")).removeprefix(".")
    return f"{place or 'it'} {what}"


def _words(error: BaseException, kind: Any) -> str:
    if isinstance(error, KeyError):
        return "is missing"
    if isinstance(error, _Wrong):
        return f"is {error}"
    if isinstance(error, ValueError):  # what the dataclass itself refuses
        return f"is refused: {str(error).removesuffix('.')}"
    return f"does not fit: {cattrs.v.format_exception(error, kind)}"


def _wrong(value: Any, expected: str) -> _Wrong:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return _Wrong(f"{text if len(text) <= 60 else f'{text[:57]}…'}, not {expected}")


def _float_to_json(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return float(value) if math.isfinite(value) else "inf" if value > 0 else "-inf"


def _list(items: tuple[Any, ...]) -> list[Any]:
    return [_CONVERTER.unstructure(item) for item in items]


def _float(value: Any, _: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, str) and value in INFINITE:
        return INFINITE[value]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > sys.float_info.max:
        raise _wrong(value, "a number")
    return float(value)


def _exact(kind: type, words: str) -> Callable[[Any, Any], Any]:
    """Takes a value of one plain type as it is: cattrs by itself turns 3 into ``"3"`` and ``""`` into ``False``."""

    def take(value: Any, of: Any) -> Any:
        if issubclass(of, Enum):  # cattrs takes a StrEnum for a str
            return _choice(value, of)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _wrong(value, words)
        return value

    return take


def _choice(value: Any, kind: Any) -> Any:
    """One of an enum's members or of a literal's values."""
    choices = {each: each for each in get_args(kind)} or {each.value: each for each in kind}
    if not isinstance(value, str) or value not in choices:
        raise _wrong(value, f"one of {', '.join(map(str, choices))}")
    return choices[value]


def _tuple(content: Any, kind: Any) -> tuple[Any, ...]:
    items = get_args(kind)
    if not isinstance(content, (list, tuple)):
        raise _wrong(content, "an array")
    if items[-1] is Ellipsis:
        return tuple(_CONVERTER.structure(content, list[items[0]]))  # type: ignore[valid-type]
    if len(content) != len(items):
        raise _wrong(content, f"an array of {len(items)}")
    return tuple(_CONVERTER.structure(value, item) for value, item in zip(content, items, strict=True))


def _object(kind: Any) -> Callable[[Any, Any], Any]:
    make: Any = make_dict_structure_fn if is_dataclass(kind) else make_mapping_structure_fn
    whole = make(kind, _CONVERTER)

    def structure(content: Any, of: Any) -> Any:
        if not isinstance(content, Mapping):
            raise _wrong(content, "an object")
        return whole(content, of)

    return structure


def _has_origin(wanted: Any) -> Callable[[Any], bool]:
    def check(kind: Any) -> bool:
        origin: Any = get_origin(kind)
        return origin is wanted

    return check


_CONVERTER = cattrs.Converter()
_CONVERTER.register_unstructure_hook(float, _float_to_json)
_CONVERTER.register_unstructure_hook(tuple, _list)
_CONVERTER.register_unstructure_hook_func(_has_origin(tuple), _list)
_CONVERTER.register_structure_hook(float, _float)
_CONVERTER.register_structure_hook(int, _exact(int, "a whole number"))
_CONVERTER.register_structure_hook(str, _exact(str, "a text"))
_CONVERTER.register_structure_hook(bool, _exact(bool, "true or false"))
_CONVERTER.register_structure_hook_func(_has_origin(Literal), _choice)
_CONVERTER.register_structure_hook_func(_has_origin(tuple), _tuple)
_CONVERTER.register_structure_hook_factory(is_dataclass, _object)
_CONVERTER.register_structure_hook_factory(_has_origin(dict), _object)
