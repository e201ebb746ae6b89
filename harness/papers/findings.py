"""The audit's findings as a page."""

from __future__ import annotations

from collections.abc import Iterable

from harness.papers.audit import audit
from harness.papers.published import Paper


def findings_markdown(papers: Iterable[Paper]) -> str:
    """A section per paper with a row per finding, in Markdown; it ends with a newline."""
    lines: list[str] = []
    for paper in papers:
        findings = audit(paper)
        count = sum(len(row.figures) for table in paper.tables for row in table.rows)
        noun = "finding" if len(findings) == 1 else "findings"
        lines += [f"## {paper.id}", "", f"{paper.title}: {count} figures, {len(findings) or 'no'} {noun}.", ""]
        if findings:
            lines += ["| kind | finding | what would remove it |", "| --- | --- | --- |"]
            lines += [f"| {f.kind} | {_cell(f.sentence)} | {_cell(f.repair)} |" for f in findings]
            lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
