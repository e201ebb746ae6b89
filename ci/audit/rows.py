"""What is wrong within each row of a table, and whether an exchange of columns explains it."""

from __future__ import annotations

from collections.abc import Iterator

from ci.audit.checks import Cells, Violation, repairing_swaps, violations, written
from ci.audit.finding import Finding, sources_of
from harness.papers import Table

AVERAGES = {
    None: "",
    True: ", which means over images or batches allow and pooled counts do not",
    False: ", which means over images or batches cannot give either",
}


def row_findings(table: Table, foreground_share: float | None) -> Iterator[Finding]:
    """Figures that do not fit the others of their row.

    Args:
        table: The table.
        foreground_share: Share of the data set's pixels that are foreground, where it is known.
    """
    rows = {row.name: Cells.of(table, row.figures, foreground_share) for row in table.rows}
    swaps = {name: repairing_swaps(cells) for name, cells in rows.items()}
    everywhere = len(rows) > 1 and bool(set.intersection(*map(set, swaps.values())))
    for name, cells in rows.items():
        wrong = violations(cells)
        if wrong and swaps[name]:
            columns = " or ".join(f"{first} and {second}" for first, second in swaps[name])
            extent = f"in all {len(rows)} rows" if everywhere else "in this row alone"
            # An exchange with the average always mends a best below it, so it is no evidence for one.
            kind = wrong[0].kind if wrong[0].kind == "best-below-average" else "swapped-columns"
            reason = f"; with {columns} exchanged nothing is wrong"
            yield _finding(cells, name, wrong[0], kind, reason, f"exchange {columns} {extent}")
        else:
            for violation in wrong:
                yield _finding(cells, name, violation, violation.kind, AVERAGES[violation.averaged], violation.repair)


def _finding(cells: Cells, row: str, violation: Violation, kind: str, reason: str, repair: str) -> Finding:
    figure = cells.figures[violation.column]
    return Finding(
        cells.table.id,
        row,
        kind,
        f"Table {cells.table.id}, row {row}: by {violation.basis}, {violation.column} is "
        f"{written(violation.expected, figure)}, but printed is {figure.marked}{reason}.",
        repair,
        sources_of(cells.figures[heading] for heading in (violation.column, *violation.others)),
    )
