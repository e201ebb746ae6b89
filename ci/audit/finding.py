"""One contradiction among a paper's figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.papers import Figure


@dataclass(frozen=True)
class Finding:
    """One contradiction.

    Attributes:
        place: Id of the table, or the place of a claim or statement.
        row: Name of the row; two columns or a slug where it is not about one row.
        kind: What kind of contradiction, such as ``swapped-columns``; ``…-averaged`` where the figures fit means over
            images instead of pooled counts.
        sentence: The finding in one sentence; a dagger marks a figure that the paper's text lacks.
        repair: What would remove it, where the figures tell; empty otherwise.
        sources: Where the recovered figures that it rests on come from; empty where it rests on none.
    """

    place: str
    row: str
    kind: str
    sentence: str
    repair: str = ""
    sources: tuple[str, ...] = ()


def sources_of(figures: Iterable[Figure]) -> tuple[str, ...]:
    """Where the recovered ones among figures come from, each once."""
    return tuple(dict.fromkeys(figure.source for figure in figures if figure.recovered))
