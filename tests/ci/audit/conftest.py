"""Papers made up for the tests."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from harness.papers import Column, Figure, Paper, Table, TableRow, Target

MakePaper = Callable[..., Paper]


def _make_paper(
    columns: Mapping[str, str | Column],
    rows: Mapping[str, Sequence[str]],
    *,
    unit: str = "percent",
    share: float | None = None,
) -> Paper:
    described = {
        name: column if isinstance(column, Column) else Column(column, unit) for name, column in columns.items()
    }
    table = Table(
        id="1",
        title="made up",
        place="nowhere",
        headings=("Model", *columns),
        columns=described,
        rows=tuple(
            TableRow(
                name,
                {"Model": name, **dict(zip(columns, texts, strict=True))},
                {
                    heading: Figure.parse(text, described[heading].unit)
                    for heading, text in zip(columns, texts, strict=True)
                },
            )
            for name, texts in rows.items()
        ),
    )
    return Paper("made-up", "made up", (), None, (table,), target=Target(foreground_share=share))


@pytest.fixture(scope="session")
def make_paper() -> MakePaper:
    """A paper with one table, from columns (quantity by heading) and printed rows."""
    return _make_paper
