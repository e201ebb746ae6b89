"""One contradiction that the audit found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.papers.published import Figure


@dataclass(frozen=True)
class Finding:
    """One contradiction.

    Attributes:
        paper: Id of the paper.
        table: Id of the table, or the place of a claim or statement.
        row: Name of the row; ``all rows``, two rows, two columns or a slug where it is not about one row.
        kind: What kind of contradiction, such as ``swapped-columns``; ``…-averaged`` where the figures fit means over
            images instead of pooled counts.
        expected: What the rest permits, written like the printed figure.
        found: The printed figure.
        sentence: The finding in one sentence; a dagger marks a figure that was missing from the paper's text.
        repair: What would remove it, where the figures tell; empty otherwise.
        recovered: Where the recovered figures that it rests on come from; empty where it rests on none.
    """

    paper: str
    table: str
    row: str
    kind: str
    expected: str
    found: str
    sentence: str
    repair: str = ""
    recovered: tuple[str, ...] = ()


def sources(figures: Iterable[Figure]) -> tuple[str, ...]:
    """Where the recovered ones among figures come from, each once."""
    return tuple(dict.fromkeys(figure.source for figure in figures if figure.recovered))
