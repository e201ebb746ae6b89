"""The controls of a run in the terminal and in the report: one line, and a section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.report import phrasing
from harness.report.markdown import escape
from harness.verdicts import Row
from harness.verdicts.controls import failed, slug

MEANING = (
    "Their truth is planted in generated images: they tell whether this installation finds what is there, and nothing "
    "else."
)
"""What the report says of controls."""


@dataclass(frozen=True)
class Summary:
    """How the controls of a run came out.

    Attributes:
        text: One line, ``"controls: 12 of 13 as planted"``.
        failed: Name and reason of each that did not come out as planted.
        unfinished: How many more there are that did not come to their end.
        meaning: What controls are for.
    """

    text: str
    failed: tuple[str, ...] = ()
    unfinished: int = 0
    meaning: str = MEANING


def summary(controls: Sequence[Row], unfinished: int = 0) -> Summary:
    """How the controls came out.

    Args:
        controls: Those that ran.
        unfinished: How many more there are that did not come to their end.
    """
    wrong = failed(controls)
    planted = len(controls) - len(wrong)
    text = f"controls: {planted} of {len(controls) + unfinished} as planted"
    if unfinished:
        text += f", {unfinished} not finished"
    return Summary(text, tuple(f"{slug(row)}: {_why(row)}" for row in wrong), unfinished)


def lines(controls: Sequence[Row], unfinished: int = 0) -> Iterator[str]:
    """What the terminal says: one line where all is well, else why no verdict is to be trusted."""
    found = summary(controls, unfinished)
    if not found.failed:
        yield found.text
        return
    yield f"{found.text}; no verdict of this run is to be trusted:"
    yield from (f"  {sentence}" for sentence in found.failed)


def markdown_section(controls: Sequence[Row], unfinished: int = 0) -> str:
    """The section of ``verdicts.md``; empty where no controls ran. Arguments as of `summary`."""
    if not controls and not unfinished:
        return ""
    found = summary(controls, unfinished)
    rows = [
        f"| {row.verdict} | {escape(slug(row))} | {escape(row.statement)} "
        f"| {escape(phrasing.effect_text(row))} {escape(phrasing.interval_text(row))} "
        f"| {'<br>'.join(escape(phrasing.arm_text(arm)) for arm in row.arms)} |"
        for row in controls
    ]
    return "\n".join(
        [
            "",
            "## Controls",
            "",
            f"{found.text}. {MEANING}",
            "",
            *(f"- **{escape(sentence)}**" for sentence in found.failed),
            *([""] if found.failed else []),
            "| verdict | control | statement | effect | arms: mean ± sd |",
            "| --- " * 5 + "|",
            *rows,
            "",
        ]
    )


def _why(row: Row) -> str:
    reason = phrasing.reason_text(row) if row.reason else ""
    return f"{row.verdict}{f', {reason}' if reason else ''}"
