"""The papers' own figures: loading, typed access, and an audit of their contradictions.

The files are ``golden/papers/<paper>.toml``. Importing this package imports neither torch nor scipy.
"""

from harness.papers.audit import audit
from harness.papers.claims import Origin, PublishedClaim
from harness.papers.finding import Finding
from harness.papers.findings import findings_markdown, findings_page
from harness.papers.loading import load, paper_ids
from harness.papers.published import Column, Correlation, Figure, OffTable, Paper, Reading, Row, Table

__all__ = [
    "Column",
    "Correlation",
    "Figure",
    "Finding",
    "OffTable",
    "Origin",
    "Paper",
    "PublishedClaim",
    "Reading",
    "Row",
    "Table",
    "audit",
    "findings_markdown",
    "findings_page",
    "load",
    "paper_ids",
]
