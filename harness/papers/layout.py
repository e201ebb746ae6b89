"""The shape of ``golden/papers/<paper>.toml``, as far as it differs from what is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.papers.claims import Origin, RelationName
from harness.papers.published import Column, Correlation, Reading, Target


@dataclass(frozen=True)
class RowEntry:
    """A row: its cells, its name where that is not the cell of the table's key, and the headings recovered."""

    cells: tuple[str, ...]
    name: str = ""
    recovered: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableEntry:
    """A table: ``unit`` is that of columns without one, ``key`` the heading of the column that names the rows."""

    id: str
    title: str
    place: str
    unit: str
    columns: tuple[str, ...]
    key: str
    row: tuple[RowEntry, ...]
    figures: Mapping[str, Column] = field(default_factory=dict)
    reading: tuple[Reading, ...] = ()
    recovered_from: str = ""
    heading_note: str = ""


@dataclass(frozen=True)
class OffTableEntry:
    """A figure that stands in no table; ``recovered`` where the paper's text does not have it."""

    what: str
    text: str
    unit: str
    place: str
    recovered: bool = False


@dataclass(frozen=True)
class OtherEntry:
    """A claim by other figures: another column for every arm, another place for some arms, or both."""

    column: str = ""
    arms: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True)
class ClaimEntry:
    """A claim or statement; ``other`` is by metric."""

    statement: str
    place: str
    metric: str
    expect: RelationName
    unit: str = "fraction"
    arms: Mapping[str, Origin] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    predictor: Mapping[str, Origin] = field(default_factory=dict)
    note: str = ""
    other: Mapping[str, OtherEntry] = field(default_factory=dict)


@dataclass(frozen=True)
class PaperEntry:
    """The whole file."""

    id: str
    title: str
    authors: tuple[str, ...]
    claims: Mapping[str, ClaimEntry]
    year: int | None = None
    target: Target = field(default_factory=Target)
    table: tuple[TableEntry, ...] = ()
    correlation: tuple[Correlation, ...] = ()
    off_table: Mapping[str, OffTableEntry] = field(default_factory=dict)
    statements: Mapping[str, ClaimEntry] = field(default_factory=dict)
