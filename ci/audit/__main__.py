"""``python -m ci.audit``: prints the page ``docs/papers-audit.md``, or checks that it is up to date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ci.audit.page import findings_page
from harness.papers import load, paper_ids

PAGE = Path(__file__).resolve().parents[2] / "docs" / "papers-audit.md"


def main(arguments: list[str] | None = None) -> int:
    """Prints the page, or with ``--check`` compares it with the one in ``docs``.

    Args:
        arguments: Those of the command line by default.

    Returns:
        The exit status: 1 where ``--check`` finds another page in ``docs``, 2 where a paper cannot be read.
    """
    parser = argparse.ArgumentParser(prog="python -m ci.audit", description="Audits the papers' own figures.")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("papers", nargs="*", default=[], metavar="PAPER", help="ids of papers; all by default")
    chosen.add_argument("--check", action="store_true", help="exit 1 where docs/papers-audit.md is not up to date")
    options = parser.parse_args(arguments)
    try:
        page = findings_page(load(name) for name in options.papers or paper_ids())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if not options.check:
        print(page, end="")
        return 0
    if PAGE.read_text("utf-8") == page:
        return 0
    print(
        "Expected docs/papers-audit.md to be what `python -m ci.audit` prints, but got another page; "
        "do `python -m ci.audit > docs/papers-audit.md`.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
