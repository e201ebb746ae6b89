"""The papers' own figures: loading, typed access, an audit of their contradictions, and what they can support.

The files are ``golden/papers/<paper>.toml``. Importing this package imports neither torch nor scipy.
"""

from harness.papers.audit import audit
from harness.papers.claims import Origin, PublishedClaim
from harness.papers.finding import Finding
from harness.papers.findings import findings_markdown, findings_page
from harness.papers.loading import load, paper_ids
from harness.papers.published import Column, Correlation, Figure, OffTable, Paper, Reading, Row, Table
from harness.papers.support import PublishedSupport, support

__all__ = [
    "Column",
    "Correlation",
    "Figure",
    "Finding",
    "OffTable",
    "Origin",
    "Paper",
    "PublishedClaim",
    "PublishedSupport",
    "Reading",
    "Row",
    "Table",
    "audit",
    "findings_markdown",
    "findings_page",
    "load",
    "paper_ids",
    "support",
]
