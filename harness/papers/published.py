"""What a paper printed: figures, rows, tables and claims, as frozen records.

Figures keep the text that was printed, since the number of decimals is the rounding that an audit must allow for.
Values are fractions of one where the table is in percent or in fractions, and plain numbers where its unit is
``none``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from harness.papers.claims import Origin, PublishedClaim

UNITS: Mapping[str, Decimal] = MappingProxyType(
    {"percent": Decimal("0.01"), "fraction": Decimal(1), "none": Decimal(1)}
)


@dataclass(frozen=True)
class Figure:
    """One printed number.

    Attributes:
        text: The digits as printed, such as ``"54.3"``.
        value: The number in the unit that the library uses (fractions for percent and fractions).
        half_width: Half a unit of the last printed decimal, on the scale of ``value``.
        source: Where it comes from, if the paper's text lacks it or has another one in its place; empty otherwise.
    """

    text: str
    value: float
    half_width: float
    source: str = ""

    @classmethod
    def parse(cls, text: str, unit: str, *, source: str = "") -> Figure:
        """Read a printed number.

        Raises:
            ValueError: ``text`` is not a finite plain decimal number, or ``unit`` is unknown.

        >>> figure = Figure.parse("54.3", "percent")
        >>> round(figure.value, 6), round(figure.half_width, 6)
        (0.543, 0.0005)
        """
        if unit not in UNITS:
            raise ValueError(f"expected a unit of {', '.join(UNITS)}, but got {unit!r}")
        whole, _, decimals = text.removeprefix("-").partition(".")
        if not (whole.isdecimal() and (not decimals or decimals.isdecimal())):
            raise ValueError(f"expected a plain decimal number, but got {text!r}")
        scale = UNITS[unit]
        half_width = float(Decimal("0.5").scaleb(-len(decimals)) * scale)
        return cls(text, float(Decimal(text) * scale), half_width, source)

    @property
    def recovered(self) -> bool:
        """Whether it comes from elsewhere than the paper's text."""
        return bool(self.source)

    @property
    def low(self) -> float:
        """Smallest value that rounds to the printed text."""
        return self.value - self.half_width

    @property
    def high(self) -> float:
        """Largest value that rounds to the printed text."""
        return self.value + self.half_width

    @property
    def marked(self) -> str:
        """The digits, with a dagger where they were recovered."""
        return f"{self.text}†" if self.recovered else self.text


@dataclass(frozen=True)
class Column:
    """What a column of figures holds.

    Attributes:
        quantity: What is measured: ``iou``, ``dice``, ``f1``, ``precision``, ``recall``, ``accuracy``,
            ``mean-iou``, ``mean-dice``, ``mean-f1``, ``mean-recall`` (over foreground and background), ``kappa``,
            or a name of the paper's own, which the audit leaves alone.
        unit: ``percent``, ``fraction`` or ``none``; in a file also empty, for the table's.
        statistic: ``best`` or ``average`` of several trainings; empty where the paper does not say.
        split: ``test``, ``validation`` or empty.
    """

    quantity: str
    unit: str = ""
    statistic: Literal["", "best", "average"] = ""
    split: str = ""


@dataclass(frozen=True)
class TableRow:
    """One row of a table: every cell as printed, and the cells that are figures, by column heading."""

    name: str
    cells: Mapping[str, str]
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Reading:
    """How a table, or some of its rows, is to be read where it cannot be meant as printed.

    Attributes:
        reason: Why, in one sentence.
        rows: Names of the rows concerned; empty for all.
        columns: From a column's heading to the heading under which its figures were printed.
        figures: From a column's heading to the figure that belongs there.
        quantities: From a column's heading to the quantity that it holds.
    """

    reason: str
    rows: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    quantities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table as printed, with the readings that correct it kept apart.

    Attributes:
        id: Its number.
        title: What it shows, in our words.
        place: Where it stands.
        headings: The headings of all columns.
        columns: The columns of figures, by heading.
        rows: Its rows.
        readings: Corrections, in the order in which they apply.
        heading_note: Which headings differ from what the paper's text has; empty where none does.
    """

    id: str
    title: str
    place: str
    headings: tuple[str, ...]
    columns: Mapping[str, Column]
    rows: tuple[TableRow, ...]
    readings: tuple[Reading, ...] = ()
    heading_note: str = ""

    def row(self, name: str) -> TableRow:
        """The row of that name.

        Raises:
            ValueError: There is none.
        """
        for row in self.rows:
            if row.name == name:
                return row
        names = ", ".join(row.name for row in self.rows)
        raise ValueError(f"expected a row of table {self.id} ({names}), but got {name!r}")

    def figure(self, row: str, column: str) -> Figure:
        """One figure of the table as this object holds it (as printed, or as read after `corrected`).

        Raises:
            ValueError: There is no such row, or no figure in that column of it.
        """
        figures = self.row(row).figures
        if column not in figures:
            headings = ", ".join(figures)
            raise ValueError(f"expected a column of figures of table {self.id} ({headings}), but got {column!r}")
        return figures[column]

    def corrected(self) -> Table:
        """The table as it is to be read: every reading applied, in order."""
        table = self
        for reading in self.readings:
            rows = tuple(
                _read(row, reading, table.columns) if not reading.rows or row.name in reading.rows else row
                for row in table.rows
            )
            columns = {
                name: replace(column, quantity=reading.quantities.get(name, column.quantity))
                for name, column in table.columns.items()
            }
            table = replace(table, rows=rows, columns=columns)
        return replace(table, readings=())


def _read(row: TableRow, reading: Reading, columns: Mapping[str, Column]) -> TableRow:
    figures = dict(row.figures)
    cells = dict(row.cells)
    for meant, printed in reading.columns.items():
        if printed in row.figures:
            figures[meant] = row.figures[printed]
            cells[meant] = row.cells[printed]
    for name, text in reading.figures.items():
        figures[name] = Figure.parse(text, columns[name].unit, source=reading.reason)
        cells[name] = text
    return replace(row, cells=cells, figures=figures)


@dataclass(frozen=True)
class Correlation:
    """A rank correlation that the paper prints, with the columns of the table that it is about."""

    table: str
    x: str
    y: str
    rho: Figure
    pvalue: Figure
    place: str


@dataclass(frozen=True)
class OffTable:
    """A figure that stands in no table.

    Attributes:
        what: What it is, in words.
        figure: The figure; recovered where the paper's text does not have it.
        place: Where it stands.
    """

    what: str
    figure: Figure
    place: str


@dataclass(frozen=True)
class Target:
    """The data set that a paper's scores are of.

    Attributes:
        name: The data set, its foreground and its split.
        assumption: What is read into the paper without standing there; empty for nothing.
        foreground_share: Share of its pixels that are foreground, where it is known.
        foreground_share_source: Where that share comes from.
    """

    name: str = ""
    assumption: str = ""
    foreground_share: float | None = None
    foreground_share_source: str = ""

    def __post_init__(self) -> None:
        if self.foreground_share is not None and not 0 < self.foreground_share < 1:
            raise ValueError(f"expected foreground_share to be between 0 and 1, but got {self.foreground_share}")


@dataclass(frozen=True)
class Paper:
    """A paper: its tables as printed, and its claims with their figures as corrected.

    Attributes:
        id: Name of its file.
        title: Its title.
        authors: Its authors.
        year: Year of publication, where known.
        tables: Its tables as printed.
        claims: The claims to be tested, by slug.
        correlations: Rank correlations that it prints.
        target: The data set that its scores are of.
        statements: What else its text says about its own figures, by name: audited, not tested.
        off_table: Figures that stand in no table, by name.
    """

    id: str
    title: str
    authors: tuple[str, ...]
    year: int | None
    tables: tuple[Table, ...]
    claims: Mapping[str, PublishedClaim] = field(default_factory=dict)
    correlations: tuple[Correlation, ...] = ()
    target: Target = field(default_factory=Target)
    statements: Mapping[str, PublishedClaim] = field(default_factory=dict)
    off_table: Mapping[str, OffTable] = field(default_factory=dict)

    def table(self, table_id: str) -> Table:
        """The table of that number.

        Raises:
            ValueError: There is none.
        """
        for table in self.tables:
            if table.id == table_id:
                return table
        ids = ", ".join(table.id for table in self.tables)
        raise ValueError(f"expected a table of {self.id} ({ids}), but got {table_id!r}")

    def figure(self, origin: Origin) -> Figure:
        """The figure that stands at a place.

        Raises:
            ValueError: There is none.
        """
        if not origin.off_table:
            return self.table(origin.table).figure(origin.row, origin.column)
        if origin.off_table not in self.off_table:
            names = ", ".join(self.off_table) or "none"
            raise ValueError(f"expected a figure off the tables of {self.id} ({names}), but got {origin.off_table!r}")
        return self.off_table[origin.off_table].figure

    def corrected(self) -> Paper:
        """The paper with every table as it is to be read."""
        return replace(self, tables=tuple(table.corrected() for table in self.tables))
