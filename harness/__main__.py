"""``python -m harness``: what belongs to no test run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.devices import gpu_count

COMPARE_STATUS = """Exit status: 0 where every claim of OLD.json has the same verdict in NEW.json. 1 where a verdict
changed, a claim is gone, or no claim is in both. 2 where a file cannot be read. Where the reports differ in device,
machine, versions or data, a changed verdict or a gone claim is a warning, with status 0; so is a changed verdict of a
claim that itself differs in scale, data, relation, metric, plan, or device and versions of its runs."""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m harness", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("marker", help="print the pytest marker of the largest scale that this machine serves")
    compare = commands.add_parser(
        "compare",
        help="say which verdicts changed between two verdicts.json",
        description="Says which verdicts changed between two verdicts.json, and what else differs: claims, data, "
        "plans, relations, arms, effects, device and versions.",
        epilog=COMPARE_STATUS,
    )
    compare.add_argument("old", type=Path, metavar="OLD.json", help="the verdicts to go by")
    compare.add_argument("new", type=Path, metavar="NEW.json", help="the verdicts to judge")
    table = commands.add_parser(
        "table",
        help="print the claims of some verdicts.json as one Markdown table, for a README",
        description="Prints the claims of some verdicts.json as one Markdown table, in the order of the files.",
    )
    table.add_argument("files", type=Path, nargs="+", metavar="VERDICTS.json")
    chosen = parser.parse_args(arguments)
    if chosen.command == "marker":
        print("gpu" if gpu_count() else "smoke")
        return 0
    if chosen.command == "table":
        return _table(chosen.files)
    from harness.report.compare import compare_files

    text, status = compare_files(chosen.old, chosen.new)
    print(text, file=sys.stderr if status == 2 else sys.stdout)
    return status


def _table(files: list[Path]) -> int:
    from harness.report.document import ReportError, read_json
    from harness.report.markdown import markdown_table

    try:
        rows = [row for file in files for row in read_json(file).rows]
    except ReportError as error:
        print(error, file=sys.stderr)
        return 2
    print(markdown_table(rows, arms=False), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
