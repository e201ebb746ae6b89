"""The papers' own figures: what is published, typed, and how it is read.

The files are ``golden/papers/<paper>.toml``. Importing this package imports neither torch nor scipy.
"""

from harness.papers.claims import Origin, PublishedClaim
from harness.papers.loading import load, paper_ids
from harness.papers.published import Column, Correlation, Figure, OffTable, Paper, Reading, Row, Table

__all__ = [
    "Column",
    "Correlation",
    "Figure",
    "OffTable",
    "Origin",
    "Paper",
    "PublishedClaim",
    "Reading",
    "Row",
    "Table",
    "load",
    "paper_ids",
]
