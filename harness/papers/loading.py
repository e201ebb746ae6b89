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

from harness.papers.claims import RELATIONS, PublishedClaim
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
    _keys("the paper", document, {"id", "title", "authors", "year", "target", "table", "correlation", "claims"})
    tables = tuple(_table(entry) for entry in _get("the paper", document, "table", list, []))
    _unique("tables", [table.id for table in tables])
    target = _get("the paper", document, "target", dict, {})
    share = _get("target", target, "foreground_share", float, None)
    if share is not None and not 0 < share < 1:
        raise ValueError(f"expected target.foreground_share to be between 0 and 1, but got {share}")
    authors = _strings("the paper", document, "authors")
    by_id = {table.id: table for table in tables}
    claims = {
        slug: _claim(slug, entry, {table_id: table.corrected() for table_id, table in by_id.items()})
        for slug, entry in _get("the paper", document, "claims", dict, {}).items()
    }
    return Paper(
        id=_get("the paper", document, "id", str),
        title=_get("the paper", document, "title", str),
        authors=authors,
        year=_get("the paper", document, "year", int, None),
        tables=tables,
        claims=MappingProxyType(claims),
        correlations=tuple(
            _correlation(entry, by_id) for entry in _get("the paper", document, "correlation", list, [])
        ),
        foreground_share=share,
        foreground_share_source=_get("target", target, "foreground_share_source", str, ""),
    )


def _table(entry: Mapping[str, Any]) -> Table:
    table_id = _get("a table", entry, "id", str)
    where = f"table {table_id}"
    _keys(where, entry, {"id", "title", "place", "unit", "columns", "key", "figures", "row", "reading"}
          | {"recovered_from", "one_test_split"})  # fmt: skip
    headings = _strings(where, entry, "columns")
    _unique(f"columns of {where}", list(headings))
    unit = _get(where, entry, "unit", str)
    columns = {
        name: _column(f"column {name!r} of {where}", name, value, unit, headings)
        for name, value in _get(where, entry, "figures", dict, {}).items()
    }
    key = _get(where, entry, "key", str)
    _member(f"key of {where}", key, headings)
    source = _get(where, entry, "recovered_from", str, "")
    rows = tuple(_row(where, row, headings, columns, key, source) for row in _get(where, entry, "row", list))
    _unique(f"rows of {where}", [row.name for row in rows])
    table = Table(
        id=table_id,
        title=_get(where, entry, "title", str),
        place=_get(where, entry, "place", str),
        headings=headings,
        columns=MappingProxyType(columns),
        rows=rows,
        one_test_split=_get(where, entry, "one_test_split", bool, False),
        readings=tuple(_reading(where, reading, columns) for reading in _get(where, entry, "reading", list, [])),
    )
    for reading in table.readings:
        for name in reading.rows:
            table.row(name)
    return table


def _column(where: str, name: str, entry: Any, unit: str, headings: tuple[str, ...]) -> Column:
    _require(isinstance(entry, dict), f"expected {where} to be a table with a quantity, but got {entry!r}")
    _keys(where, entry, {"quantity", "unit", "statistic", "split"})
    _member(f"figures of {where}", name, headings)
    column = Column(
        name=name,
        quantity=_get(where, entry, "quantity", str),
        unit=_get(where, entry, "unit", str, unit),
        statistic=_get(where, entry, "statistic", str, ""),
        split=_get(where, entry, "split", str, ""),
    )
    _member(f"unit of {where}", column.unit, tuple(UNITS))
    _member(f"statistic of {where}", column.statistic, ("", "best", "average"))
    return column


def _row(
    where: str,
    entry: Mapping[str, Any],
    headings: tuple[str, ...],
    columns: Mapping[str, Column],
    key: str,
    source: str,
) -> Row:
    _keys(f"a row of {where}", entry, {"cells", "name", "recovered"})
    texts = _strings(f"a row of {where}", entry, "cells")
    if len(texts) != len(headings):
        raise ValueError(f"expected a row of {where} to have {len(headings)} cells, but got {len(texts)}: {texts}")
    cells = dict(zip(headings, texts, strict=True))
    name = _get(f"a row of {where}", entry, "name", str, cells[key])
    recovered = _strings(f"row {name!r} of {where}", entry, "recovered", ())
    for heading in recovered:
        _member(f"recovered of row {name!r} of {where}", heading, tuple(columns))
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
    _keys(where, entry, {"reason", "rows", "columns", "figures", "quantities"})
    mappings = {name: dict(_get(where, entry, name, dict, {})) for name in ("columns", "figures", "quantities")}
    for name, mapping in mappings.items():
        for heading, value in mapping.items():
            _member(f"{name} of {where}", heading, tuple(columns))
            if name == "columns":
                _member(f"{name} of {where}", value, tuple(columns))
            if name == "figures":
                Figure.parse(value, columns[heading].unit)
    return Reading(
        reason=_get(where, entry, "reason", str),
        rows=_strings(where, entry, "rows", ()),
        **{name: MappingProxyType(mapping) for name, mapping in mappings.items()},
    )


def _claim(slug: str, entry: Mapping[str, Any], tables: Mapping[str, Table]) -> PublishedClaim:
    where = f"claim {slug!r}"
    _keys(where, entry, {"statement", "place", "metric", "unit", "expect", "arms", "pairs", "predictor", "note"})
    arms = {
        name: _value(f"arm {name!r} of {where}", ref, tables)
        for name, ref in _get(where, entry, "arms", dict, {}).items()
    }
    predictor = {
        name: _value(f"predictor {name!r} of {where}", ref, tables)
        for name, ref in _get(where, entry, "predictor", dict, {}).items()
    }
    pairs = []
    for pair in _get(where, entry, "pairs", list, []):
        if not (isinstance(pair, list) and len(pair) == 2):
            raise ValueError(f"expected a pair of {where} to be two arms, but got {pair!r}")
        for arm in pair:
            _member(f"pairs of {where}", arm, tuple(arms))
        pairs.append((pair[0], pair[1]))
    relation = _get(where, entry, "expect", str)
    _member(f"expect of {where}", relation, RELATIONS)
    if relation == "rank-correlation" and arms.keys() != predictor.keys():
        raise ValueError(f"expected predictor of {where} to name the arms {list(arms)}, but got {list(predictor)}")
    return PublishedClaim(
        slug=slug,
        statement=_get(where, entry, "statement", str),
        place=_get(where, entry, "place", str),
        metric=_get(where, entry, "metric", str),
        unit=_get(where, entry, "unit", str, "fraction"),
        relation=relation,
        arms=MappingProxyType(arms),
        pairs=tuple(pairs),
        predictor=MappingProxyType(predictor),
        note=_get(where, entry, "note", str, ""),
    )


def _value(where: str, ref: Any, tables: Mapping[str, Table]) -> float:
    """An arm's value: a reference to a corrected table's cell, or a number that the paper gives in its text."""
    if not isinstance(ref, dict) or set(ref) not in ({"value"}, {"table", "row", "column"}):
        raise ValueError(f"expected {where} to have table, row and column, or a value, but got {ref!r}")
    if "value" in ref:
        return Figure.parse(_get(where, ref, "value", str), "none").value
    _member(f"table of {where}", ref["table"], tuple(tables))
    try:
        return tables[ref["table"]].figure(ref["row"], ref["column"]).value
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _correlation(entry: Mapping[str, Any], tables: Mapping[str, Table]) -> Correlation:
    where = "a correlation"
    _keys(where, entry, {"table", "x", "y", "rho", "pvalue", "place"})
    table_id = _get(where, entry, "table", str)
    _member(f"table of {where}", table_id, tuple(tables))
    names = [_get(where, entry, axis, str) for axis in ("x", "y")]
    for name in names:
        _member(f"x and y of {where}", name, tuple(tables[table_id].columns))
    rho, pvalue = (Figure.parse(_get(where, entry, key, str), "none") for key in ("rho", "pvalue"))
    return Correlation(table_id, names[0], names[1], rho, pvalue, _get(where, entry, "place", str))


_MISSING: Any = object()


def _get(where: str, entry: Any, key: str, kind: type, default: Any = _MISSING) -> Any:
    _require(isinstance(entry, dict), f"expected {where} to be a table, but got {entry!r}")
    if key not in entry:
        if default is _MISSING:
            raise ValueError(f"expected {where} to have {key!r}, but got only {', '.join(entry) or 'nothing'}")
        return default
    value = entry[key]
    _require(isinstance(value, kind), f"expected {key!r} of {where} to be of type {kind.__name__}, but got {value!r}")
    return value


def _strings(where: str, entry: Mapping[str, Any], key: str, default: Any = _MISSING) -> tuple[str, ...]:
    values = _get(where, entry, key, list, default)
    for value in values:
        _require(isinstance(value, str), f"expected {key!r} of {where} to hold strings, but got {value!r}")
    return tuple(values)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _keys(where: str, entry: Any, known: set[str]) -> None:
    if isinstance(entry, dict) and (unknown := sorted(set(entry) - known)):
        raise ValueError(f"expected {where} to have only {', '.join(sorted(known))}, but got {', '.join(unknown)}")


def _member(where: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"expected {where} to be one of {', '.join(map(repr, choices))}, but got {value!r}")


def _unique(what: str, values: list[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"expected {what} to differ from one another, but got {value!r} twice")
