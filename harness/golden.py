"""What is held fixed: the verdicts and metrics recorded from this project's own runs, with their tolerances.

One file for each paper, scale, kind of evidence and plan of seeds,
``golden/verdicts/<paper>/<scale>-<evidence>-<looks>.json``, written by ``--claims-update-golden`` alone. An entry
counts for the same data sets and the same plan only.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.relations import Verdict
from harness.verdicts import Row

TOLERANCE = 4.0
"""k of the tolerance k·sd·√(2/n): what two repetitions of an arm's mean may differ by."""

LEAST_TOLERANCE = 0.01
"""Another machine rounds differently, so that even an arm without spread moves a little."""


class GoldenError(Exception):
    """A golden file cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True)
class Expectation:
    """What a claim should come to.

    Attributes:
        verdict: The recorded verdict, or ``SUPPORTED`` where none is recorded: the paper says so.
        source: ``"golden"`` or ``"paper"``.
        arms: Recorded mean (``None``: no seed had a finite value) and tolerance by arm.
    """

    verdict: Verdict
    source: str
    arms: dict[str, tuple[float | None, float]]


class Golden:
    """The recorded verdicts beneath a folder.

    Args:
        root: ``golden/verdicts`` of the checkout.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[Path, dict[str, Any]] = {}

    def path(self, row: Row) -> Path:
        """File that holds the row's paper, scale, kind of evidence and plan of seeds."""
        looks = "-".join(str(seeds) for seeds in row.plan)
        return self.root / row.id.partition("/")[0] / f"{row.scale}-{row.evidence}-{looks}.json"

    def check(self, known: Iterable[str]) -> None:
        """Checks the files of the papers that the claims are of.

        Args:
            known: Names of the claims that exist, variants included; all of a paper's or none.

        Raises:
            GoldenError: A file does not parse or names a claim that does not exist.
        """
        names = set(known)
        papers = {name.partition("/")[0] for name in names}
        for file in sorted(file for paper in papers for file in (self.root / paper).glob("*.json")):
            for name in self._load(file)["claims"]:
                if name not in names:
                    raise GoldenError(
                        f"Expected {file} to record claims that exist, but it names {name!r}; "
                        "remove that entry, or give it the claim's new name."
                    )

    def expectation(self, row: Row) -> Expectation:
        """What the row's claim should come to under the same data sets and plan."""
        entry = self._load(self.path(row))["claims"].get(row.name)
        plain = row.to_dict()
        same = ("plan", "datasets", "relation", "metric")
        if entry is None or any(entry[name] != plain[name] for name in same):
            return Expectation(Verdict.SUPPORTED, "paper", {})
        arms = {name: (arm["mean"], arm["tolerance"]) for name, arm in entry["arms"].items()}
        return Expectation(Verdict(entry["verdict"]), "golden", arms)

    def record(self, rows: Iterable[Row]) -> list[Path]:
        """Writes the verdicts and metrics of the rows that ran, keeping the other entries of their files."""
        changed: dict[Path, dict[str, Any]] = {}
        for row in rows:
            if row.verdict in (Verdict.NOT_RUN, Verdict.ERROR):
                continue
            file = self.path(row)
            content = changed.setdefault(file, self._load(file))
            content["claims"][row.name] = entry_of(row)
        for file, content in changed.items():
            content["claims"] = dict(sorted(content["claims"].items()))
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary = file.with_suffix(".tmp")
            temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
            os.replace(temporary, file)
            self._files.pop(file, None)
        return sorted(changed)

    def _load(self, file: Path) -> dict[str, Any]:
        if file not in self._files:
            if not file.exists():
                return {"schema": 1, "claims": {}}
            try:
                content = json.loads(file.read_text("utf-8"))
                if content["schema"] != 1 or not isinstance(content["claims"], dict):
                    raise ValueError("another schema")
                for name, entry in content["claims"].items():
                    _check_entry(name, entry)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise GoldenError(
                    f"Expected {file} to hold recorded verdicts, but got: {error}; restore it, or remove it and record "
                    "it anew with --claims-update-golden."
                ) from error
            self._files[file] = content
        return self._files[file]


def _check_entry(name: str, entry: dict[str, Any]) -> None:
    """Raises ValueError where an entry lacks what :meth:`Golden.expectation` reads."""
    try:
        Verdict(entry["verdict"])
        whole = isinstance(entry["plan"], list) and isinstance(entry["datasets"], list)
        for arm in entry["arms"].values():
            whole = whole and (arm["mean"] is None or math.isfinite(arm["mean"] + arm["tolerance"]))
    except (KeyError, TypeError, AttributeError, ValueError):
        whole = False
    if not whole:
        raise ValueError(f"an entry {name!r} that is cut short")


def entry_of(row: Row) -> dict[str, Any]:
    """What is recorded of a row."""
    plain = row.to_dict()
    kept = ("verdict", "reason", "relation", "metric", "datasets", "evidence_notes", "plan", "seeds")
    return {
        **{name: plain[name] for name in kept},
        **{name: _rounded(plain[name]) for name in ("effect", "interval", "pvalue", "pvalue_against")},
        "arms": {
            arm.name: {
                "mean": _rounded(arm.mean),
                "sd": _rounded(arm.sd),
                "n": arm.n,
                "tolerance": _rounded(tolerance(arm.sd, arm.n, arm.mean)),
                "collapsed": arm.collapsed,
                "values": _rounded(list(arm.values)),
            }
            for arm in row.arms
        },
        "seconds": _rounded(row.seconds_trained + row.seconds_saved),
        "provenance": plain["provenance"],
    }


def tolerance(sd: float | None, n: int, mean: float | None = None) -> float:
    """How far an arm's mean may be from the recorded one: k·sd·√(2/n), at least 0.01 (1% of values above 1)."""
    floor = LEAST_TOLERANCE * max(1.0, abs(mean or 0.0))
    return max(floor, TOLERANCE * (sd or 0.0) * math.sqrt(2 / max(1, n)))


def compare(row: Row, expectation: Expectation) -> tuple[str, ...]:
    """What disagrees with the expectation, one sentence each; nothing where the test passes.

    A claim that is INCONCLUSIVE disagrees only with a recorded decision: a broken harness must not stay green.
    """
    problems = []
    if row.verdict is Verdict.NOT_RUN:
        return ()
    if row.verdict is Verdict.ERROR:
        return (f"the claim could not be decided: {row.reason}",)
    missed = row.verdict is Verdict.INCONCLUSIVE and expectation.source == "paper"
    if row.verdict is not expectation.verdict and not missed:
        said = "recorded" if expectation.source == "golden" else "what the paper says, nothing is recorded"
        problems.append(f"verdict: expected {expectation.verdict} ({said}), but got {row.verdict}")
    means = {arm.name: arm.mean for arm in row.arms}
    for name, (mean, allowed) in expectation.arms.items():
        found = means.get(name)
        recorded = "no value" if mean is None else f"{mean:.4f} ± {allowed:.4f}"
        measured = "no value" if found is None else f"{found:.4f}"
        differs = (mean is None) is not (found is None)
        if differs or (mean is not None and found is not None and abs(found - mean) > allowed):
            problems.append(f"{name}: expected {row.metric} {recorded} (recorded), but got {measured}")
    return tuple(problems)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
