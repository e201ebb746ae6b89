"""The audit's findings as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ci.audit import Finding, audit
from harness.papers import OffTable, Paper

HEADER = """\
# What contradicts itself in the papers' tables

Printed by `python -m ci.audit`: computed from the figures in `golden/papers`, as printed, with their rounding.
Claims and statements, which are in our words, are held against the tables as those files read them.
"""


def findings_page(papers: Iterable[Paper]) -> str:
    """The page ``docs/papers-audit.md`` in Markdown: a section per paper with a row per finding."""
    return "\n".join([HEADER, *("\n".join([*_section(paper), ""]) for paper in papers)])


def _section(paper: Paper) -> Iterator[str]:
    findings = audit(paper)
    count = sum(len(row.figures) for table in paper.tables for row in table.rows)
    noun = "finding" if len(findings) == 1 else "findings"
    yield from (f"## {paper.id}", "", f"{paper.title}: {count} figures, {len(findings) or 'no'} {noun}.")
    if findings:
        yield from ("", "| kind | finding | what would remove it |", "| --- | --- | --- |")
        yield from (f"| {f.kind} | {_cell(f.sentence)} | {_cell(f.repair)} |" for f in findings)
    if remarks := list(_remarks(paper, findings)):
        yield ""
        yield from (f"- {remark}" for remark in remarks)


def _remarks(paper: Paper, findings: list[Finding]) -> Iterator[str]:
    """What a reader must know: which figures were recovered, what was renamed or assumed, what is in no table."""
    sources = dict.fromkeys(source for finding in findings for source in finding.sources)
    if sources:
        yield f"† Not in the paper's text. Taken from: {'; '.join(sources)}."
    renamed: dict[str, list[str]] = {}
    for table in paper.tables:
        if table.heading_note:
            renamed.setdefault(table.heading_note, []).append(table.id)
    for note, tables in renamed.items():
        yield f"Headings of Table{'s' if len(tables) > 1 else ''} {', '.join(tables)}: {note}."
    if paper.target.assumption:
        yield f"Assumed: {paper.target.assumption}."
    if paper.off_table:
        yield f"In no table: {'; '.join(_off_table(figure) for figure in paper.off_table.values())}."


def _off_table(figure: OffTable) -> str:
    return f"{figure.figure.marked} ({figure.what}; {figure.place})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
