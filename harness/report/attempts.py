"""A part of the report that cannot be made loses its own place only: a sentence stands there instead."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

LOG = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Failed:
    """What stands in the place of a part that could not be made.

    Attributes:
        sentence: Which part it is, and why.
    """

    sentence: str


def attempt(what: str, make: Callable[[], T]) -> T | Failed:
    """What ``make`` returns, or a sentence about what it raised; the log has the sentence, at DEBUG the traceback.

    Args:
        what: The part in a few words, ``"The confusion matrices"``.
        make: Makes it.

    >>> attempt("The curves", lambda: 1 / 0)
    Failed(sentence='The curves could not be drawn: ZeroDivisionError: division by zero.')
    """
    try:
        return make()
    except Exception as error:  # a page without one part is worth more than none
        reason = (str(error).splitlines() or [""])[0].rstrip(".")
        sentence = f"{what} could not be drawn: {type(error).__name__}{': ' if reason else ''}{reason}."
        LOG.warning("%s", sentence)
        LOG.debug("the traceback", exc_info=True)
        return Failed(sentence)
