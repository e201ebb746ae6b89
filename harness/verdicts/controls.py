"""Controls: claims whose truth is planted. They say whether a run's other verdicts may be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.relations import Looks, Verdict
from harness.verdicts.golden import Expectation
from harness.verdicts.rows import Row

PAPER = "controls"
"""What stands for the paper in a control's id; ``claims/test_controls.py`` holds them."""

LOOKS = Looks.fixed(5)
"""The plan of seeds of every control, whatever the claims beside them are decided with."""

PLANTED = Expectation(Verdict.SUPPORTED, "planted")
"""What every control should come to. Nothing is recorded for it: its truth is known by construction."""


def is_control(name: str) -> bool:
    """Whether a claim of this id or name is a control.

    >>> is_control("controls/nothing-beats-itself"), is_control("huang-dme/larger-batch-is-better")
    (True, False)
    """
    return name.partition("/")[0] == PAPER


def slug(row: Row) -> str:
    """A control's id without the pseudo-paper."""
    return row.name.partition("/")[2]


def failed(controls: Sequence[Row]) -> list[Row]:
    """The controls that did not come out as planted; one that stayed open or could not be decided is among them."""
    return [row for row in controls if row.verdict is not PLANTED.verdict]


def stamp(controls: Sequence[Row], unfinished: int = 0) -> str:
    """What every verdict of a run is stamped with where controls failed or have no row; empty where none did.

    Args:
        controls: Those that ran.
        unfinished: How many more there are that did not come to their end.

    >>> stamp([]), stamp([], unfinished=2)
    ('', 'not to be trusted: 2 controls did not end')
    """
    names = [slug(row) for row in failed(controls)]
    if not names and unfinished:
        which = "1 control did not end" if unfinished == 1 else f"{unfinished} controls did not end"
        return f"not to be trusted: {which}"
    if not names:
        return ""
    return f"not to be trusted: the control{'' if len(names) == 1 else 's'} {', '.join(names)} failed"


def stamped(rows: Sequence[Row], controls: Sequence[Row], unfinished: int = 0) -> list[Row]:
    """The rows of a run with the stamp of its controls; arguments as of `stamp`."""
    text = stamp(controls, unfinished)
    return [replace(row, stamp=text) for row in rows] if text else list(rows)
