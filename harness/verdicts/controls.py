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


def stamp(controls: Sequence[Row]) -> str:
    """What every verdict of a run is stamped with where controls failed; empty where none did.

    >>> stamp([])
    ''
    """
    names = [slug(row) for row in failed(controls)]
    if not names:
        return ""
    return f"not to be trusted: the control{'' if len(names) == 1 else 's'} {', '.join(names)} failed"


def stamped(rows: Sequence[Row], controls: Sequence[Row]) -> list[Row]:
    """The rows of a run with the stamp of its controls."""
    text = stamp(controls)
    return [replace(row, stamp=text) for row in rows] if text else list(rows)
