"""Reading ``golden/papers/<paper>.toml``.

A mistake in a file is one `ValueError` of one sentence: the file, what was expected, and what was found.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.papers.claim_loading import off_table_figure, published_claim
from harness.papers.claims import RELATIONS, STATEMENT_RELATIONS
from harness.papers.entries import get, keys, member, require, strings, unique
from harness.papers.published import (
    UNITS,
    Column,
    Correlation,
    Figure,
    Paper,
    Reading,
    Row,
    Table,
)

ROOT = Path(__file__).resolve().parents[2] / "golden" / "papers"


def paper_ids(root: Path | str | None = None) -> tuple[str, ...]:
    """Ids of the papers in a folder (default: the repository's ``golden/papers``), sorted."""
    return tuple(sorted(path.stem for path in Path(root or ROOT).glob("*.toml")))


def load(paper_id: str, root: Path | str | None = None) -> Paper:
    """Load a paper's published figures and claims; the same object for the same file.

    Args:
        paper_id: Name of the file without its ending, such as ``huang-dme``.
        root: Folder of the files; the repository's ``golden/papers`` by default.

    Raises:
        ValueError: There is no such file, it does not parse, or its contents do not fit together.
    """
    return _load(paper_id, Path(root or ROOT))


@cache
def _load(paper_id: str, root: Path) -> Paper:
    path = root / f"{paper_id}.toml"
    if not path.is_file():
        found = ", ".join(paper_ids(root)) or "no papers at all"
        raise ValueError(f"{path}: expected the file of a paper ({found} found there), but got {paper_id!r}")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        paper = _paper(document)
        if paper.id != paper_id:
            raise ValueError(f"expected id to be the file's name {paper_id!r}, but got {paper.id!r}")
    except (ValueError, UnicodeDecodeError) as error:  # tomllib.TOMLDecodeError is a ValueError
        raise ValueError(f"{path}: {error}") from None
    return paper


def _paper(document: Mapping[str, Any]) -> Paper:
    keys("the paper", document, {"id", "title", "authors", "year", "target", "table", "correlation", "claims"}
          | {"statements", "off_table"})  # fmt: skip
    tables = tuple(_table(entry) for entry in get("the paper", document, "table", list, []))
    unique("tables", [table.id for table in tables])
    target = get("the paper", document, "target", dict, {})
    keys("target", target, {"name", "assumption", "foreground_share", "foreground_share_source"})
    share = get("target", target, "foreground_share", float, None)
    if share is not None and not 0 < share < 1:
        raise ValueError(f"expected target.foreground_share to be between 0 and 1, but got {share}")
    share_source = get("target", target, "foreground_share_source", str, "")
    if (share is None) != (not share_source):
        raise ValueError("expected target to have both foreground_share and foreground_share_source, but got only one")
    authors = strings("the paper", document, "authors")
    by_id = {table.id: table for table in tables}
    off_table = {
        name: off_table_figure(name, entry, by_id)
        for name, entry in get("the paper", document, "off_table", dict, {}).items()
    }
    corrected = {table_id: table.corrected() for table_id, table in by_id.items()}
    claims = {
        slug: published_claim(f"claim {slug!r}", slug, entry, corrected, off_table, RELATIONS)
        for slug, entry in get("the paper", document, "claims", dict, {}).items()
    }
    statements = {
        slug: published_claim(f"statement {slug!r}", slug, entry, corrected, off_table, STATEMENT_RELATIONS)
        for slug, entry in get("the paper", document, "statements", dict, {}).items()
    }
    for figure in off_table.values():
        if figure.claim:
            member(f"claim of figure {figure.name!r} off the tables", figure.claim, tuple(claims))
    return Paper(
        id=get("the paper", document, "id", str),
        title=get("the paper", document, "title", str),
        authors=authors,
        year=get("the paper", document, "year", int, None),
        tables=tables,
        claims=MappingProxyType(claims),
        correlations=tuple(_correlation(entry, by_id) for entry in get("the paper", document, "correlation", list, [])),
        foreground_share=share,
        foreground_share_source=share_source,
        assumption=get("target", target, "assumption", str, ""),
        statements=MappingProxyType(statements),
        off_table=MappingProxyType(off_table),
    )


def _table(entry: Mapping[str, Any]) -> Table:
    table_id = get("a table", entry, "id", str)
    where = f"table {table_id}"
    keys(where, entry, {"id", "title", "place", "unit", "columns", "key", "figures", "row", "reading"}
          | {"recovered_from", "one_test_split", "heading_note"})  # fmt: skip
    headings = strings(where, entry, "columns")
    unique(f"columns of {where}", list(headings))
    unit = get(where, entry, "unit", str)
    columns = {
        name: _column(f"column {name!r} of {where}", name, value, unit, headings)
        for name, value in get(where, entry, "figures", dict, {}).items()
    }
    key = get(where, entry, "key", str)
    member(f"key of {where}", key, headings)
    source = get(where, entry, "recovered_from", str, "")
    rows = tuple(_row(where, row, headings, columns, key, source) for row in get(where, entry, "row", list))
    unique(f"rows of {where}", [row.name for row in rows])
    table = Table(
        id=table_id,
        title=get(where, entry, "title", str),
        place=get(where, entry, "place", str),
        headings=headings,
        columns=MappingProxyType(columns),
        rows=rows,
        one_test_split=get(where, entry, "one_test_split", bool, False),
        readings=tuple(_reading(where, reading, columns) for reading in get(where, entry, "reading", list, [])),
        heading_note=get(where, entry, "heading_note", str, ""),
    )
    for reading in table.readings:
        for name in reading.rows:
            table.row(name)
    return table


def _column(where: str, name: str, entry: Any, unit: str, headings: tuple[str, ...]) -> Column:
    require(isinstance(entry, dict), f"expected {where} to be a table with a quantity, but got {entry!r}")
    keys(where, entry, {"quantity", "unit", "statistic", "split"})
    member(f"figures of {where}", name, headings)
    column = Column(
        name=name,
        quantity=get(where, entry, "quantity", str),
        unit=get(where, entry, "unit", str, unit),
        statistic=get(where, entry, "statistic", str, ""),
        split=get(where, entry, "split", str, ""),
    )
    member(f"unit of {where}", column.unit, tuple(UNITS))
    member(f"statistic of {where}", column.statistic, ("", "best", "average"))
    return column


def _row(
    where: str,
    entry: Mapping[str, Any],
    headings: tuple[str, ...],
    columns: Mapping[str, Column],
    key: str,
    source: str,
) -> Row:
    keys(f"a row of {where}", entry, {"cells", "name", "recovered"})
    texts = strings(f"a row of {where}", entry, "cells")
    if len(texts) != len(headings):
        raise ValueError(f"expected a row of {where} to have {len(headings)} cells, but got {len(texts)}: {texts}")
    cells = dict(zip(headings, texts, strict=True))
    name = get(f"a row of {where}", entry, "name", str, cells[key])
    recovered = strings(f"row {name!r} of {where}", entry, "recovered", ())
    for heading in recovered:
        member(f"recovered of row {name!r} of {where}", heading, tuple(columns))
    if recovered and not source:
        raise ValueError(f"expected {where} to say recovered_from, since row {name!r} has recovered figures")
    figures: dict[str, Figure] = {}
    for heading, column in columns.items():
        try:
            lost = heading in recovered
            figures[heading] = Figure.parse(cells[heading], column.unit, recovered=lost, source=source if lost else "")
        except ValueError as error:
            raise ValueError(f"column {heading!r} in row {name!r} of {where}: {error}") from None
    return Row(name, MappingProxyType(cells), MappingProxyType(figures))


def _reading(where: str, entry: Mapping[str, Any], columns: Mapping[str, Column]) -> Reading:
    where = f"a reading of {where}"
    keys(where, entry, {"reason", "rows", "columns", "figures", "quantities"})
    mappings = {name: dict(get(where, entry, name, dict, {})) for name in ("columns", "figures", "quantities")}
    for name, mapping in mappings.items():
        for heading, value in mapping.items():
            member(f"{name} of {where}", heading, tuple(columns))
            if name == "columns":
                member(f"{name} of {where}", value, tuple(columns))
            if name == "figures":
                Figure.parse(value, columns[heading].unit)
    return Reading(
        reason=get(where, entry, "reason", str),
        rows=strings(where, entry, "rows", ()),
        **{name: MappingProxyType(mapping) for name, mapping in mappings.items()},
    )


def _correlation(entry: Mapping[str, Any], tables: Mapping[str, Table]) -> Correlation:
    where = "a correlation"
    keys(where, entry, {"table", "x", "y", "rho", "pvalue", "place"})
    table_id = get(where, entry, "table", str)
    member(f"table of {where}", table_id, tuple(tables))
    names = [get(where, entry, axis, str) for axis in ("x", "y")]
    for name in names:
        member(f"x and y of {where}", name, tuple(tables[table_id].columns))
    rho, pvalue = (Figure.parse(get(where, entry, key, str), "none") for key in ("rho", "pvalue"))
    return Correlation(table_id, names[0], names[1], rho, pvalue, get(where, entry, "place", str))
