"""What `python -m harness papers` prints: the audit of the papers' figures."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from harness.papers import findings_page, load, paper_ids


def print_page(names: Sequence[str]) -> int:
    """Prints the page for the papers named, or for all, as Markdown; 2 where one of them is not recorded."""
    try:
        papers = [load(name) for name in names or paper_ids()]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(findings_page(papers), end="")
    return 0
