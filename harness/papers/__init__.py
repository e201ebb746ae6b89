"""The papers' own figures: loading, typed access, an audit of their contradictions, and what they can support.

The files are ``golden/papers/<paper>.toml``. Importing this package imports neither torch nor scipy.
"""

from harness.papers.audit import Finding, audit
from harness.papers.claims import PublishedClaim
from harness.papers.findings import findings_markdown
from harness.papers.loading import load, paper_ids
from harness.papers.published import Column, Correlation, Figure, Paper, Reading, Row, Table
from harness.papers.support import PublishedSupport, support

__all__ = [
    "Column",
    "Correlation",
    "Figure",
    "Finding",
    "Paper",
    "PublishedClaim",
    "PublishedSupport",
    "Reading",
    "Row",
    "Table",
    "audit",
    "findings_markdown",
    "load",
    "paper_ids",
    "support",
]
