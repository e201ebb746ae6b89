"""``python -m harness``: what belongs to no test run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.devices import gpu_count


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("marker", help="print the pytest marker of the largest scale that this machine serves")
    compare = commands.add_parser("compare", help="say which verdicts changed between two verdicts.json")
    compare.add_argument("old", type=Path)
    compare.add_argument("new", type=Path)
    commands.add_parser("papers", help="print what contradicts itself in the papers' tables")
    chosen = parser.parse_args(arguments)
    if chosen.command == "marker":
        print("gpu" if gpu_count() else "smoke")
        return 0
    if chosen.command == "compare":
        from harness.report.compare import compare_files

        try:
            text, status = compare_files(chosen.old, chosen.new)
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            return 2
        print(text)
        return status
    from harness.papers import load, paper_ids
    from harness.papers.findings import findings_markdown

    print(findings_markdown([load(name) for name in paper_ids()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
