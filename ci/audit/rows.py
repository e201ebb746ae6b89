"""Where a paper's figures contradict one another, or what its text says of them, found by computation.

`audit` knows no paper: it looks at figures, at what their columns say that they hold, and at what claims and statements
say of them. Tables are taken as printed; with ``audit(paper.corrected())`` the same eyes look at the tables as the
golden file reads them. Claims and statements use the tables as read in both cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ci.audit.checks import POOLED, Cells, Violation, repairing_swaps, violations, written
from ci.audit.finding import Finding, sources
from ci.audit.identities import Interval, exact_spearman
from ci.audit.shares import Exchange, consensus, exchange, exchanged, implied_share, implying, replacements
from ci.audit.statements import borne_out, repeated
from harness.papers.published import Correlation, Figure, Paper, Table


def audit(paper: Paper) -> list[Finding]:
    """All contradictions among a paper's figures, in the order of its tables."""
    findings: list[Finding] = []
    for table in paper.tables:
        findings += _rows(paper, table)
        findings += _shares(paper, table)
        for correlation in paper.correlations:
            if correlation.table == table.id:
                findings += _correlation(paper, table, correlation)
    for off_table in paper.off_table.values():
        findings += repeated(paper, off_table)
    for claim in (*paper.claims.values(), *paper.statements.values()):
        findings += borne_out(paper, claim)
    return findings


def _rows(paper: Paper, table: Table) -> Iterator[Finding]:
    rows = {row.name: Cells.of(table, row.figures, paper.foreground_share) for row in table.rows}
    swaps = {name: repairing_swaps(cells) for name, cells in rows.items()}
    everywhere = set.intersection(*(set(found) for found in swaps.values())) if swaps else set()
    for name, cells in rows.items():
        found = violations(cells)
        if not found:
            continue
        if swaps[name]:
            yield _swapped(paper, table, name, cells, found[0], swaps[name], bool(everywhere))
        else:
            for violation in found:
                yield _violated(paper, table, name, cells, violation)


def _violated(paper: Paper, table: Table, row: str, cells: Cells, violation: Violation) -> Finding:
    figure = cells.figures[violation.column]
    expected = written(violation.expected, figure)
    sentence = _sentence(table, row, violation, expected, figure)
    if violation.kind.endswith("-averaged"):
        sentence += ", which means over images or batches allow and pooled counts do not"
    elif violation.kind in ("dice-iou", "iou-f1", "f1-precision-recall", "iou-precision-recall"):
        sentence += ", which means over images or batches cannot give either"
    return Finding(
        paper=paper.id,
        table=table.id,
        row=row,
        kind=violation.kind,
        expected=expected,
        found=figure.text,
        sentence=f"{sentence}.",
        repair=violation.repair,
        recovered=_resting(cells, violation),
    )


def _resting(cells: Cells, violation: Violation) -> tuple[str, ...]:
    return sources(cells.figures[heading] for heading in (violation.column, *violation.others))


def _sentence(table: Table, row: str, violation: Violation, expected: str, figure: Figure) -> str:
    return (
        f"Table {table.id}, row {row}: by {violation.basis}, {violation.column} is {expected}, "
        f"but printed is {figure.marked}"
    )


def _swapped(
    paper: Paper,
    table: Table,
    row: str,
    cells: Cells,
    violation: Violation,
    swaps: Sequence[tuple[str, str]],
    everywhere: bool,
) -> Finding:
    figure = cells.figures[violation.column]
    expected = written(violation.expected, figure)
    extent = f"in all {len(table.rows)} rows" if everywhere and len(table.rows) > 1 else "in this row alone"
    columns = " or ".join(f"{first} and {second}" for first, second in swaps)
    return Finding(
        paper=paper.id,
        table=table.id,
        row=row,
        # An exchange with the average always mends a best below it, so it is no evidence for one.
        kind=violation.kind if violation.kind == "best-below-average" else "swapped-columns",
        expected=expected,
        found=figure.text,
        sentence=f"{_sentence(table, row, violation, expected, figure)}; with {columns} exchanged nothing is wrong.",
        repair=f"exchange {columns} {extent}",
        recovered=_resting(cells, violation),
    )


def _shares(paper: Paper, table: Table) -> Iterator[Finding]:
    if not table.one_test_split:
        return
    rows = {row.name: Cells.of(table, row.figures, paper.foreground_share) for row in table.rows}
    swap = exchange(rows)
    if swap is not None:
        yield _exchanged(paper, table, rows, swap)
        rows = exchanged(rows, swap)
    shares = {name: share for name, cells in rows.items() if (share := implied_share(cells)) is not None}
    common, agreeing = consensus(list(shares.values()))
    if agreeing == len(shares):
        return
    if agreeing < 3 or 2 * agreeing <= len(shares):
        low, high = min(share.middle for share in shares.values()), max(s.middle for s in shares.values())
        yield Finding(
            paper.id,
            table.id,
            "all rows",
            "implied-share",
            "one share",
            f"{low:.1%} to {high:.1%}",
            f"Table {table.id}: the rows' foreground shares, implied by pooled counts, run from {low:.1%} to "
            f"{high:.1%}, though all are about one test split.",
            POOLED,
            sources(figure for cells in rows.values() for figure in implying(cells)),
        )
        return
    for name, share in shares.items():
        if not share.meets(common):
            options = replacements(rows[name], common)
            yield Finding(
                paper.id,
                table.id,
                name,
                "implied-share",
                _percent(common),
                _percent(share),
                f"Table {table.id}, row {name}: its figures imply a foreground share of {_percent(share)}, "
                f"{agreeing} of {len(shares)} rows one of {_percent(common)}.",
                " or ".join(f"{heading} {text}" for heading, text in options),
                sources(implying(rows[name])),
            )


def _exchanged(paper: Paper, table: Table, rows: dict[str, Cells], swap: Exchange) -> Finding:
    first, second = swap.rows
    texts = [rows[name].figures[swap.column].text for name in swap.rows]
    before = consensus([share for cells in rows.values() if (share := implied_share(cells)) is not None])[1]
    same = f"of {len(rows)} rows imply the same foreground share"
    exchange_them = f"the {swap.column} of {first} and {second} exchanged"
    if swap.mended:
        reading = ", ".join(f"{heading} {text} in row {row}" for row, heading, text in swap.mended)
        sentence = (
            f"with {exchange_them} and {reading}, {swap.rows_agreeing} {same}; as printed {before} do, with that "
            f"reading alone {swap.rows_mended}, with the exchange alone {swap.rows_exchanged}"
        )
    else:
        reading = ""
        sentence = f"with {exchange_them}, {swap.rows_agreeing} {same}, as printed {before} do"
    return Finding(
        paper=paper.id,
        table=table.id,
        row=f"{first}, {second}",
        kind="swapped-rows",
        expected=f"{texts[1]}, {texts[0]}",
        found=f"{texts[0]}, {texts[1]}",
        sentence=f"Table {table.id}: {sentence}.",
        repair=f"exchange {swap.column} of {first} and {second}{f', and {reading}' if reading else ''}",
        recovered=sources(figure for cells in rows.values() for figure in implying(cells)),
    )


def _percent(share: Interval) -> str:
    return f"{share.low:.2%} to {share.high:.2%}"


def _correlation(paper: Paper, table: Table, printed: Correlation) -> Iterator[Finding]:
    """The printed Spearman rho and p against those of the table's own columns.

    A figure printed without decimals (``1``, ``0``) is meant exactly, not rounded to an integer.
    """
    x, y = ([row.figures[name].value for row in table.rows] for name in (printed.x, printed.y))
    exact = exact_spearman(x, y)
    if exact is None:
        return
    where = f"Table {table.id}, {printed.x} against {printed.y}"
    name = f"{printed.x} against {printed.y}"
    used = sources(row.figures[column] for row in table.rows for column in (printed.x, printed.y))
    if abs(exact.rho - printed.rho.value) > _tolerance(printed.rho):
        yield Finding(
            paper.id,
            table.id,
            name,
            "rank-statistic",
            f"{exact.rho:.3f}",
            printed.rho.text,
            f"{where}: Spearman's rho is {exact.rho:.3f}, printed is {printed.rho.text}.",
            f"rho {exact.rho:.3f}",
            used,
        )
    tolerance = _tolerance(printed.pvalue)
    if min(abs(p - printed.pvalue.value) for p in (exact.one_sided, exact.two_sided)) > tolerance:
        approximate = _t_approximation(exact.rho, len(x))
        reason = ", which is the t approximation" if abs(approximate - printed.pvalue.value) <= tolerance else ""
        yield Finding(
            paper.id,
            table.id,
            name,
            "rank-p-value",
            f"{exact.two_sided:.3f} two-sided, {exact.one_sided:.3f} one-sided",
            printed.pvalue.text,
            f"{where}: rho = {exact.rho:.3f} over {len(x)} models has an exact p of {exact.two_sided:.3f} two-sided "
            f"and {exact.one_sided:.3f} one-sided, printed is {printed.pvalue.text}{reason}.",
            f"p {exact.two_sided:.3f}",
            used,
        )


def _tolerance(figure: Figure) -> float:
    return figure.half_width + 1e-9 if "." in figure.text else 0.0005


def _t_approximation(rho: float, pairs: int) -> float:
    """Two-sided p of rho by Student's t with n - 2 degrees of freedom (scipy.stats.spearmanr's)."""
    from scipy import stats

    if abs(rho) >= 1 - 1e-12:
        return 0.0
    statistic = rho * ((pairs - 2) / (1 - rho * rho)) ** 0.5
    return float(2 * stats.t.sf(abs(statistic), pairs - 2))
