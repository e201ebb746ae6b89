"""What a paper's text says of its own figures, held against them."""

from __future__ import annotations

from collections.abc import Iterator

from ci.audit.agreement import agreement, said
from ci.audit.checks import rounding
from ci.audit.finding import Finding, sources
from harness.papers.claims import PublishedClaim
from harness.papers.published import OffTable, Paper


def repeated(paper: Paper, stated: OffTable) -> Iterator[Finding]:
    """A figure of the text that a table has too."""
    if stated.repeats is None:
        return
    table, row, column = stated.repeats
    figures = paper.table(table).row(row).figures
    printed = figures[column]
    if rounding(stated.figure).meets(rounding(printed)):
        return
    elsewhere = [name for name, figure in figures.items() if rounding(stated.figure).meets(rounding(figure))]
    yield Finding(
        paper=paper.id,
        table=table,
        row=row,
        kind="text-against-table",
        expected=stated.figure.text,
        found=printed.text,
        sentence=f"Table {table}, row {row}: {stated.place} gives {stated.figure.marked} as {stated.what}, but printed "
        f"as {column} is {printed.marked}.",
        repair=f"the row has it as {' and '.join(elsewhere)}" if elsewhere else "",
        recovered=sources((stated.figure, printed)),
    )


def borne_out(paper: Paper, claim: PublishedClaim) -> Iterator[Finding]:
    """A claim or statement that the paper's own figures go against: all that are given for it, or some."""
    cases = [claim, *claim.others]
    found = [case for each in cases if (case := agreement(each)) is not None]
    note = f" ({claim.note})" if claim.note else ""
    recovered = tuple(
        dict.fromkeys(origin.source for case in cases for arm, origin in case.origins.items() if arm in case.recovered)
    )
    if against := [case for case in found if case.against]:
        first = against[0]
        yield Finding(
            paper=paper.id,
            table=claim.place,
            row=claim.slug,
            kind="claim-against-figures" if len(against) == len(found) else "claim-depends-on-figures",
            expected=f"{first.comparisons} of {first.comparisons}",
            found=first.count,
            sentence=f"{claim.slug}: {'; '.join(case.sentence for case in found)}{note}.",
            recovered=recovered,
        )
    if claim.relation == "ranking" and (missing := list(_unranked(paper, claim))):
        yield Finding(
            paper=paper.id,
            table=claim.place,
            row=claim.slug,
            kind="ranking-incomplete",
            expected=f"{len(claim.arms) + len(missing)} rows",
            found=f"{len(claim.arms)} rows",
            sentence=f"{claim.slug}: the ranking by {claim.metric} leaves out {'; '.join(missing)}{note}.",
            recovered=recovered,
        )


def _unranked(paper: Paper, claim: PublishedClaim) -> Iterator[str]:
    """Rows of the ranking's own columns that lie between two ranked ones and are not ranked."""
    ranked = sorted(claim.arms, key=lambda arm: -claim.arms[arm])
    columns = {(origin.table, origin.column) for origin in claim.origins.values() if origin.table}
    rows = {(origin.table, origin.row) for origin in claim.origins.values()}
    for table, column in sorted(columns):
        for row in paper.table(table).corrected().rows:
            value = row.figures[column].value
            above = [arm for arm in ranked if claim.arms[arm] > value]
            below = [arm for arm in ranked if claim.arms[arm] < value]
            if (table, row.name) not in rows and above and below:
                between = f"between {said(claim, above[-1])} and {said(claim, below[0])}"
                yield f"{row.name} {row.figures[column].marked}, {between}"
