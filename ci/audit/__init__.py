"""Where the papers' own figures contradict one another, found by computation.

``python -m ci.audit`` prints the page ``docs/papers-audit.md``.
"""

from ci.audit.finding import Finding
from ci.audit.ranks import rank_findings
from ci.audit.rows import row_findings
from ci.audit.statements import statement_findings
from harness.papers import Paper

__all__ = ["Finding", "audit"]


def audit(paper: Paper) -> list[Finding]:
    """All contradictions among a paper's figures, in the order of its tables, then of its claims and statements.

    The audit knows no paper: it looks at figures, at what their columns say that they hold, and at what claims and
    statements say of them. It takes tables as printed; ``audit(paper.corrected())`` takes them as the golden file
    reads them. Claims and statements use the tables as read in both cases.
    """
    findings: list[Finding] = []
    for table in paper.tables:
        findings += row_findings(table, paper.target.foreground_share)
        for correlation in paper.correlations:
            if correlation.table == table.id:
                findings += rank_findings(table, correlation)
    for claim in (*paper.claims.values(), *paper.statements.values()):
        findings += statement_findings(claim)
    return findings
