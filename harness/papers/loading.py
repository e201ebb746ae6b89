"""Reading ``golden/papers/<paper>.toml``.

A mistake in a file is one `ValueError` of one sentence that names the file and the entry.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from cattrs import BaseValidationError, Converter, transform_error
from cattrs.v import format_exception

from harness.papers.claims import Origin, PublishedClaim
from harness.papers.layout import ClaimEntry, OffTableEntry, OtherEntry, PaperEntry, RowEntry, TableEntry
from harness.papers.published import Column, Figure, OffTable, Paper, Table, TableRow

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
    with _naming(str(path)):
        if not path.is_file():
            raise ValueError(
                f"expected one of {', '.join(paper_ids(root)) or 'no papers at all'}, but got {paper_id!r}"
            )
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        try:
            entry = _CONVERTER.structure(document, PaperEntry)
        except BaseValidationError as error:
            raise ValueError("; ".join(transform_error(error, path="paper", format_exception=_reason))) from None
        _known("id", entry.id, [paper_id])
        return _paper(entry)


def _exactly(value: Any, kind: type) -> Any:
    """The value, where it is of that type: cattrs would convert it, which loses the printed decimals of a number."""
    if type(value) is not kind:
        raise ValueError(f"expected a {kind.__name__}, but got {value!r}")
    return value


def _strings(value: Any, _: Any) -> tuple[str, ...]:
    return tuple(_exactly(text, str) for text in _exactly(value, list))


def _is_literal(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Literal


def _choice(value: Any, kind: Any) -> Any:
    if value not in get_args(kind):
        raise ValueError(f"expected one of {', '.join(map(repr, get_args(kind)))}, but got {value!r}")
    return value


def _reason(error: BaseException, kind: type | None) -> str:
    return str(error) if type(error) is ValueError else format_exception(error, kind)


_CONVERTER = Converter(forbid_extra_keys=True)
for _kind in (str, int, float, bool):
    _CONVERTER.register_structure_hook(_kind, _exactly)
_CONVERTER.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _strings)
_CONVERTER.register_structure_hook_func(_is_literal, _choice)
_CONVERTER.register_structure_hook(Figure, lambda text, _: Figure.parse(_exactly(text, str), "none"))


@contextmanager
def _naming(entry: str) -> Iterator[None]:
    """Puts an entry's name before what a `ValueError` says."""
    try:
        yield
    except ValueError as error:  # of tomllib and of Path.read_text too
        raise ValueError(f"{entry}: {error}") from None


def _known(what: str, name: str, choices: Collection[str]) -> None:
    if name not in choices:
        raise ValueError(f"expected {what} to be one of {', '.join(choices)}, but got {name!r}")


def _once(what: str, names: Sequence[str]) -> None:
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"expected {what} to differ from one another, but got {twice[0]!r} twice")


def _paper(entry: PaperEntry) -> Paper:
    _once("tables", [table.id for table in entry.table])
    paper = Paper(
        id=entry.id,
        title=entry.title,
        authors=entry.authors,
        year=entry.year,
        tables=tuple(_table(table) for table in entry.table),
        correlations=entry.correlation,
        target=entry.target,
        off_table={name: _off_table(name, figure) for name, figure in entry.off_table.items()},
    )
    for correlation in paper.correlations:
        for axis in (correlation.x, correlation.y):
            _known(
                f"x and y of the correlation in table {correlation.table}", axis, paper.table(correlation.table).columns
            )
    read = paper.corrected()
    return replace(
        paper,
        claims={slug: _claim("claim", slug, claim, read) for slug, claim in entry.claims.items()},
        statements={slug: _claim("statement", slug, claim, read) for slug, claim in entry.statements.items()},
    )


def _off_table(name: str, entry: OffTableEntry) -> OffTable:
    with _naming(f"figure {name!r} off the tables"):
        figure = Figure.parse(entry.text, entry.unit, source=entry.place if entry.recovered else "")
    return OffTable(entry.what, figure, entry.place)


def _table(entry: TableEntry) -> Table:
    with _naming(f"table {entry.id}"):
        _once("columns", entry.columns)
        for heading in (entry.key, *entry.figures):
            _known("key and figures", heading, entry.columns)
        columns = {name: replace(column, unit=column.unit or entry.unit) for name, column in entry.figures.items()}
        rows = tuple(_row(row, entry, columns) for row in entry.row)
        _once("rows", [row.name for row in rows])
        for reading in entry.reading:
            for name in reading.rows:
                _known("rows of a reading", name, [row.name for row in rows])
            for heading in (*reading.columns, *reading.columns.values(), *reading.figures, *reading.quantities):
                _known("columns, figures and quantities of a reading", heading, columns)
        table = Table(
            entry.id, entry.title, entry.place, entry.columns, columns, rows, entry.reading, entry.heading_note
        )
        table.corrected()  # a reading may hold a figure that is none
    return table


def _row(entry: RowEntry, table: TableEntry, columns: Mapping[str, Column]) -> TableRow:
    if len(entry.cells) != len(table.columns):
        raise ValueError(f"expected a row to have {len(table.columns)} cells, but got {list(entry.cells)}")
    cells = dict(zip(table.columns, entry.cells, strict=True))
    name = entry.name or cells[table.key]
    for heading in entry.recovered:
        _known(f"recovered of row {name!r}", heading, columns)
    if entry.recovered and not table.recovered_from:
        raise ValueError(f"expected recovered_from, since row {name!r} has recovered figures, but got none")
    figures = {}
    for heading, column in columns.items():
        with _naming(f"column {heading!r} in row {name!r}"):
            source = table.recovered_from if heading in entry.recovered else ""
            figures[heading] = Figure.parse(cells[heading], column.unit, source=source)
    return TableRow(name, cells, figures)


def _claim(kind: str, slug: str, entry: ClaimEntry, paper: Paper) -> PublishedClaim:
    with _naming(f"{kind} {slug!r}"):
        for arm in (arm for pair in entry.pairs for arm in pair):
            _known("pairs", arm, entry.arms)
        if entry.expect == "rank-correlation" and entry.predictor.keys() != entry.arms.keys():
            raise ValueError(f"expected predictor to name {list(entry.arms)}, but got {list(entry.predictor)}")
        claim = PublishedClaim(
            slug=slug,
            statement=entry.statement,
            place=entry.place,
            metric=entry.metric,
            unit=entry.unit,
            relation=entry.expect,
            arms={},
            pairs=entry.pairs,
            predictor={arm: paper.figure(origin).value for arm, origin in entry.predictor.items()},
            note=entry.note,
        )
        others = tuple(
            _measured(replace(claim, metric=metric), _moved(entry.arms, other), paper)
            for metric, other in entry.other.items()
        )
        return replace(_measured(claim, entry.arms, paper), others=others)


def _moved(arms: Mapping[str, Origin], other: OtherEntry) -> dict[str, Origin]:
    """Where the arms' figures stand by another metric."""
    for arm in other.arms:
        _known("arms of other", arm, arms)
    return {
        arm: other.arms.get(arm, replace(origin, column=other.column or origin.column)) for arm, origin in arms.items()
    }


def _measured(claim: PublishedClaim, origins: Mapping[str, Origin], paper: Paper) -> PublishedClaim:
    """The claim with its arms' figures."""
    figures = {arm: paper.figure(origin) for arm, origin in origins.items()}
    return replace(
        claim,
        arms={arm: figure.value for arm, figure in figures.items()},
        origins=origins,
        sources={arm: figure.source for arm, figure in figures.items() if figure.source},
    )
