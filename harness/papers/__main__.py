"""``python -m harness.papers [PAPER ...]``: the audit of the papers' figures, as Markdown."""

from __future__ import annotations

import sys

from harness.papers import findings_markdown, load, paper_ids


def main(arguments: list[str]) -> int:
    """Print the findings for the papers named, or for all."""
    try:
        papers = [load(paper_id) for paper_id in arguments or paper_ids()]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(findings_markdown(papers), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
