"""Claims, statements and figures off the tables, from their entries in ``golden/papers/<paper>.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from harness.papers.claims import Origin, PublishedClaim
from harness.papers.entries import get, keys, member, require
from harness.papers.published import Figure, OffTable, Table


def off_table_figure(name: str, entry: Mapping[str, Any], tables: Mapping[str, Table]) -> OffTable:
    """The figure ``[off_table.<name>]``; with ``repeats`` it is one that a table should have too.

    Raises:
        ValueError: The entry does not fit together, or not with the tables.
    """
    where = f"figure {name!r} off the tables"
    keys(where, entry, {"what", "text", "unit", "from", "place", "claim", "repeats"})
    source = get(where, entry, "from", str)
    member(f"from of {where}", source, ("text", "notes"))
    place = get(where, entry, "place", str)
    lost = source == "notes"
    try:
        text, unit = get(where, entry, "text", str), get(where, entry, "unit", str)
        figure = Figure.parse(text, unit, recovered=lost, source=place if lost else "")
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    repeats = get(where, entry, "repeats", dict, None)
    if repeats is not None:
        _figure(f"repeats of {where}", repeats, tables)
    return OffTable(
        name=name,
        what=get(where, entry, "what", str),
        figure=figure,
        place=place,
        claim=get(where, entry, "claim", str, ""),
        repeats=None if repeats is None else (repeats["table"], repeats["row"], repeats["column"]),
    )


def published_claim(
    where: str,
    slug: str,
    entry: Mapping[str, Any],
    tables: Mapping[str, Table],
    off_table: Mapping[str, OffTable],
    relations: tuple[str, ...],
) -> PublishedClaim:
    """The claim or statement of an entry, with its figures.

    Args:
        where: What the entry is, for messages.
        slug: Its name.
        entry: The entry.
        tables: The paper's tables as read, by id.
        off_table: The paper's figures off the tables, by name.
        relations: What it may expect.

    Raises:
        ValueError: The entry does not fit together, or not with the tables.
    """
    keys(where, entry, {"statement", "place", "metric", "unit", "expect", "arms", "pairs", "predictor", "note"}
          | {"monotonic", "other"})  # fmt: skip
    references = get(where, entry, "arms", dict, {})
    found = {name: _value(f"arm {name!r} of {where}", ref, tables, off_table) for name, ref in references.items()}
    predicting = {
        name: _value(f"predictor {name!r} of {where}", ref, tables, off_table)
        for name, ref in get(where, entry, "predictor", dict, {}).items()
    }
    pairs = []
    for pair in get(where, entry, "pairs", list, []):
        if not (isinstance(pair, list) and len(pair) == 2):
            raise ValueError(f"expected a pair of {where} to be two arms, but got {pair!r}")
        for arm in pair:
            member(f"pairs of {where}", arm, tuple(found))
        pairs.append((pair[0], pair[1]))
    relation = get(where, entry, "expect", str)
    member(f"expect of {where}", relation, relations)
    if relation in ("rank-correlation", "linear") and found.keys() != predicting.keys():
        raise ValueError(f"expected predictor of {where} to name the arms {list(found)}, but got {list(predicting)}")
    least = {"linear": 3, "ranking": 2}.get(relation, 0)
    require(len(found) >= least, f"expected {where} to have {least} arms or more, but got {list(found)}")
    claim = PublishedClaim(
        slug=slug,
        statement=get(where, entry, "statement", str),
        place=get(where, entry, "place", str),
        metric=get(where, entry, "metric", str),
        unit=get(where, entry, "unit", str, "fraction"),
        relation=relation,
        arms=MappingProxyType({name: value for name, (value, _) in found.items()}),
        pairs=tuple(pairs),
        predictor=MappingProxyType({name: value for name, (value, _) in predicting.items()}),
        predicted_by=" and ".join(dict.fromkeys(origin.column for _, origin in predicting.values())),
        note=get(where, entry, "note", str, ""),
        monotonic=get(where, entry, "monotonic", bool, False),
        origins=MappingProxyType({name: origin for name, (_, origin) in found.items()}),
    )
    others = tuple(
        _other(f"other {metric!r} of {where}", metric, change, claim, references, tables, off_table)
        for metric, change in get(where, entry, "other", dict, {}).items()
    )
    return replace(claim, others=others)


def _other(
    where: str,
    metric: str,
    change: Mapping[str, Any],
    claim: PublishedClaim,
    references: Mapping[str, Any],
    tables: Mapping[str, Table],
    off_table: Mapping[str, OffTable],
) -> PublishedClaim:
    """The claim by other figures: another column for every arm, other places for some arms, or both."""
    keys(where, change, {"column", "arms"})
    column = get(where, change, "column", str, None)
    places = get(where, change, "arms", dict, {})
    for arm in places:
        member(f"arms of {where}", arm, tuple(references))
    found = {}
    for arm, ref in references.items():
        moved = places.get(arm, ref if column is None else {**ref, "column": column})
        found[arm] = _value(f"arm {arm!r} of {where}", moved, tables, off_table)
    return replace(
        claim,
        metric=metric,
        arms=MappingProxyType({name: value for name, (value, _) in found.items()}),
        origins=MappingProxyType({name: origin for name, (_, origin) in found.items()}),
    )


def _value(
    where: str, ref: Any, tables: Mapping[str, Table], off_table: Mapping[str, OffTable]
) -> tuple[float, Origin]:
    """An arm's value and where it is from: a cell of a corrected table, or a figure off the tables."""
    if isinstance(ref, dict) and set(ref) == {"off_table"}:
        member(f"off_table of {where}", ref["off_table"], tuple(off_table))
        figure = off_table[ref["off_table"]].figure
        return figure.value, Origin("", "", "", "", figure.half_width, figure.recovered, figure.source)
    figure = _figure(where, ref, tables)
    statistic = tables[ref["table"]].columns[ref["column"]].statistic
    place = (ref["table"], ref["row"], ref["column"])
    return figure.value, Origin(*place, statistic, figure.half_width, figure.recovered, figure.source)


def _figure(where: str, ref: Any, tables: Mapping[str, Table]) -> Figure:
    if not isinstance(ref, dict) or set(ref) != {"table", "row", "column"}:
        raise ValueError(f"expected {where} to have table, row and column, or off_table, but got {ref!r}")
    member(f"table of {where}", ref["table"], tuple(tables))
    try:
        return tables[ref["table"]].figure(ref["row"], ref["column"])
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
