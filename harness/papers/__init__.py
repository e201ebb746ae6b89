"""The papers' own figures and claims, typed, and how they are read from ``golden/papers``.

Importing this package imports neither torch nor scipy.
"""

from harness.papers.claims import Origin, PublishedClaim
from harness.papers.loading import load, paper_ids
from harness.papers.published import Column, Correlation, Figure, OffTable, Paper, Reading, Table, TableRow, Target

__all__ = [
    "Column",
    "Correlation",
    "Figure",
    "OffTable",
    "Origin",
    "Paper",
    "PublishedClaim",
    "Reading",
    "Table",
    "TableRow",
    "Target",
    "load",
    "paper_ids",
]
