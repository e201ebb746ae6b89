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
    chosen = parser.parse_args(arguments)
    if chosen.command == "marker":
        print("gpu" if gpu_count() else "smoke")
        return 0
    from harness.report.compare import compare_files

    text, status = compare_files(chosen.old, chosen.new)
    print(text, file=sys.stderr if status == 2 else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
