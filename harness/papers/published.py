"""What a paper printed: figures, rows, tables and claims, as frozen records.

Figures keep the text that was printed, since the number of decimals is the rounding that an audit must allow for.
Values are fractions of one where the table is in percent or in fractions, and plain numbers where its unit is
``none``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType

from harness.papers.claims import PublishedClaim

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
        recovered: Whether it was missing from the paper's text and taken from elsewhere.
        source: Where a recovered or corrected figure comes from; empty otherwise.
    """

    text: str
    value: float
    half_width: float
    recovered: bool = False
    source: str = ""

    @classmethod
    def parse(cls, text: str, unit: str, *, recovered: bool = False, source: str = "") -> Figure:
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
        return cls(text, float(Decimal(text) * scale), half_width, recovered, source)

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
        name: The column's heading as printed.
        quantity: What is measured: ``iou``, ``dice``, ``f1``, ``precision``, ``recall``, ``accuracy``,
            ``mean-iou``, ``mean-dice``, ``mean-f1``, ``mean-recall`` (over foreground and background), ``kappa``,
            or a name of the paper's own, which the audit leaves alone.
        unit: ``percent``, ``fraction`` or ``none``.
        statistic: ``best`` or ``average`` of several trainings; empty where the paper does not say.
        split: ``test``, ``validation`` or empty.
    """

    name: str
    quantity: str
    unit: str
    statistic: str = ""
    split: str = ""


@dataclass(frozen=True)
class Row:
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

    `one_test_split` says that its rows were measured on the same test images, so that they share a foreground share.
    `heading_note` says which headings differ from what the paper's text has; empty where none does.
    """

    id: str
    title: str
    place: str
    headings: tuple[str, ...]
    columns: Mapping[str, Column]
    rows: tuple[Row, ...]
    readings: tuple[Reading, ...] = ()
    one_test_split: bool = False
    heading_note: str = ""

    def row(self, name: str) -> Row:
        """The row of that name.

        Raises:
            ValueError: There is none.
        """
        for row in self.rows:
            if row.name == name:
                return row
        found = ", ".join(row.name for row in self.rows)
        raise ValueError(f"expected a row of table {self.id} ({found}), but got {name!r}")

    def figure(self, row: str, column: str) -> Figure:
        """One figure of the table as this object holds it (as printed, or as read after `corrected`).

        Raises:
            ValueError: There is no such row, or no figure in that column of it.
        """
        figures = self.row(row).figures
        if column not in figures:
            found = ", ".join(figures)
            raise ValueError(f"expected a column of figures of table {self.id} ({found}), but got {column!r}")
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
            table = replace(table, rows=rows, columns=MappingProxyType(columns))
        return replace(table, readings=())


def _read(row: Row, reading: Reading, columns: Mapping[str, Column]) -> Row:
    figures = dict(row.figures)
    cells = dict(row.cells)
    for meant, printed in reading.columns.items():
        if printed in row.figures:
            figures[meant] = row.figures[printed]
            cells[meant] = row.cells[printed]
    for name, text in reading.figures.items():
        figures[name] = Figure.parse(text, columns[name].unit, recovered=True, source=reading.reason)
        cells[name] = text
    return replace(row, cells=MappingProxyType(cells), figures=MappingProxyType(figures))


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
        name: Its name in the file.
        what: What it is, in words.
        figure: The figure; recovered where the paper's text does not have it.
        place: Where it stands.
        claim: Slug of the claim that it is about; empty for none.
        repeats: Table, row and column of the figure that it should equal; None where it repeats none.
    """

    name: str
    what: str
    figure: Figure
    place: str
    claim: str = ""
    repeats: tuple[str, str, str] | None = None


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
        statements: What else its text says about its own figures, by name: audited, not tested.
        off_table: Figures that stand in no table, by name.
        correlations: Rank correlations that it prints.
        foreground_share: Share of the target data set's pixels that are foreground, or None where not known.
        foreground_share_source: Where that share comes from.
        assumption: What is read into the paper without standing there; empty for nothing.
    """

    id: str
    title: str
    authors: tuple[str, ...]
    year: int | None
    tables: tuple[Table, ...]
    claims: Mapping[str, PublishedClaim]
    correlations: tuple[Correlation, ...] = ()
    foreground_share: float | None = None
    foreground_share_source: str = ""
    assumption: str = ""
    statements: Mapping[str, PublishedClaim] = field(default_factory=dict)
    off_table: Mapping[str, OffTable] = field(default_factory=dict)

    @cached_property
    def _tables(self) -> dict[str, Table]:
        return {table.id: table for table in self.tables}

    def table(self, table_id: str) -> Table:
        """The table of that number.

        Raises:
            ValueError: There is none.
        """
        if table_id not in self._tables:
            found = ", ".join(self._tables)
            raise ValueError(f"expected a table of {self.id} ({found}), but got {table_id!r}")
        return self._tables[table_id]

    def claim(self, slug: str) -> PublishedClaim:
        """The claim ``<paper>/<slug>``.

        Raises:
            ValueError: There is none.
        """
        if slug not in self.claims:
            found = ", ".join(self.claims)
            raise ValueError(f"expected a claim of {self.id} ({found}), but got {slug!r}")
        return self.claims[slug]

    def corrected(self) -> Paper:
        """The paper with every table as it is to be read."""
        return replace(self, tables=tuple(table.corrected() for table in self.tables))
