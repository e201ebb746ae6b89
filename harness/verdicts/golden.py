"""What is held fixed: the verdicts and metrics recorded from this project's own runs, with their tolerances.

One file for each paper, scale, kind of evidence and plan of seeds,
``golden/verdicts/<paper>/<scale>-<evidence>-<looks>.json``, written by ``--claims-update-golden`` alone. An entry
counts for the same data sets, plan, relation and metric only.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.relations import Verdict
from harness.verdicts.judgement import Arm, Row

TOLERANCE = 4.0
"""k of the tolerance k·sd·√(2/n): what two repetitions of an arm's mean may differ by."""

LEAST_TOLERANCE = 0.01
"""Another machine rounds differently, so that even an arm without spread moves a little."""

REPEATS = 1e-3
"""What one run may come to differently, relatively, when it is repeated on the CPU in the same environment: it is
deterministic, so this is for rounding alone."""

SAME = {"relation": "relation", "metric": "metric", "plan": "plan of seeds", "datasets": "data sets"}
"""What an entry has to share with a row to be compared with it, in words."""


class GoldenError(Exception):
    """A golden file cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True)
class Expectation:
    """What a claim should come to.

    Attributes:
        verdict: The recorded verdict, or ``SUPPORTED`` where none is recorded: the paper says so.
        source: ``"golden"`` or ``"paper"``.
        arms: Recorded mean (``None``: no seed had a finite value) and tolerance by arm.
        values: Recorded value of each seed by arm, where the runs are of the environment that was recorded: on the CPU
            they have to come to the same again.
    """

    verdict: Verdict
    source: str
    arms: dict[str, tuple[float | None, float]]
    values: dict[str, tuple[float | str | None, ...]] = field(default_factory=dict)


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

    def check(self, known: Iterable[str], *, whole: bool = False) -> None:
        """Checks the files of the papers that the claims are of.

        Args:
            known: Names of the claims that exist, variants included; all of a paper's or none.
            whole: These are the claims of all papers, so that a folder of another paper is a mistake.

        Raises:
            GoldenError: A file does not parse, or names a claim or a paper that does not exist.
        """
        names = set(known)
        papers = {name.partition("/")[0] for name in names}
        for file in sorted(self.root.glob("*/*.json")):
            if file.parent.name not in papers:
                if whole:
                    raise GoldenError(
                        f"Expected {file.parent} to be of a paper that has claims, but there are none of "
                        f"{file.parent.name!r}; remove the folder, or give it the paper's new name."
                    )
                continue
            for name in self._load(file)["claims"]:
                if name not in names:
                    raise GoldenError(
                        f"Expected {file} to record claims that exist, but it names {name!r}; "
                        "remove that entry, or give it the claim's new name."
                    )

    def expectation(self, row: Row) -> Expectation:
        """What the row's claim should come to under the same data sets and plan."""
        entry = self._entry(self.path(row), row)
        if entry is None or _differs(entry, row):
            return Expectation(Verdict.SUPPORTED, "paper", {})
        arms = {name: (arm["mean"], arm["tolerance"]) for name, arm in entry["arms"].items()}
        values = {}
        if entry.get("seeds") == row.seeds and _repeatable(entry.get("provenance"), row.provenance):
            values = {name: tuple(arm.get("values", ())) for name, arm in entry["arms"].items()}
        return Expectation(Verdict(entry["verdict"]), "golden", arms, values)

    def uncompared(self, row: Row) -> tuple[str, ...]:
        """What the recorded entry of a row's claim, scale and evidence differs in, so that it was not compared.

        Returns:
            Nothing where the entry was compared, and where there is none.
        """
        own = self.path(row)
        entry = self._entry(own, row)
        if entry is not None:
            return _differs(entry, row)
        others = own.parent.glob(f"{row.scale}-{row.evidence}-*.json")
        found = [_differs(entry, row) for file in sorted(others) if (entry := self._entry(file, row)) is not None]
        return min(found, key=len, default=())

    def _entry(self, file: Path, row: Row) -> dict[str, Any] | None:
        entry: dict[str, Any] | None = self._load(file)["claims"].get(row.name)
        return entry

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


def _differs(entry: Mapping[str, Any], row: Row) -> tuple[str, ...]:
    """In what an entry is of another question than a row."""
    plain = row.to_dict()
    return tuple(words for name, words in SAME.items() if entry[name] != plain[name])


def _repeatable(recorded: Any, now: Mapping[str, Any]) -> bool:
    """Whether runs of these two provenances repeat each other: on the CPU of one machine, with the same versions."""
    if not isinstance(recorded, Mapping):
        return False
    kinds = {"versions": Mapping, "device": str, "machine": str}  # a list: the runs of a claim differ among themselves
    plain = {name: now.get(name) for name in kinds}
    single = all(plain[name] and isinstance(plain[name], kind) for name, kind in kinds.items())
    same = single and all(recorded.get(name) == value for name, value in plain.items())
    return same and str(plain["device"]).startswith("CPU")


def _check_entry(name: str, entry: dict[str, Any]) -> None:
    """Raises ValueError where an entry lacks what :meth:`Golden.expectation` reads."""
    try:
        Verdict(entry["verdict"])
        whole = all(isinstance(entry[part], list) for part in ("plan", "datasets"))
        whole = whole and all(isinstance(entry[part], str) for part in ("relation", "metric"))
        for arm in entry["arms"].values():
            whole = whole and isinstance(arm.get("values", []), list)
            whole = whole and (arm["mean"] is None or math.isfinite(arm["mean"] + arm["tolerance"]))
    except (KeyError, TypeError, AttributeError, ValueError):
        whole = False
    if not whole:
        raise ValueError(f"an entry {name!r} that is cut short")


def entry_of(row: Row) -> dict[str, Any]:
    """What is recorded of a row."""
    plain = row.to_dict()
    kept = ("verdict", "reason", "relation", "metric", "datasets", "evidence_notes", "plan", "seeds")
    # An arm's own spread of 3 seeds is often far too small: |t| with 2 degrees of freedom is above 4 in 6% of cases.
    spreads = [arm.sd for arm in row.arms if arm.sd is not None]
    pooled = math.sqrt(sum(sd**2 for sd in spreads) / len(spreads)) if spreads else 0.0
    return {
        **{name: plain[name] for name in kept},
        **{name: _rounded(plain[name]) for name in ("effect", "interval", "pvalue", "pvalue_against")},
        "arms": {
            arm.name: {
                "mean": _rounded(arm.mean),
                "sd": _rounded(arm.sd),
                "n": arm.n,
                "tolerance": _rounded(tolerance(max(arm.sd or 0.0, pooled), arm.n, arm.mean)),
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
    problems += [said for arm in row.arms if (said := _unrepeated(arm, expectation.values.get(arm.name, ())))]
    return tuple(problems)


def _unrepeated(arm: Arm, recorded: tuple[float | str | None, ...]) -> str:
    """Which seed of an arm did not come to what was recorded in the same environment; empty where all did."""

    def same(one: float | str | None, other: float | str | None) -> bool:
        if isinstance(one, (int, float)) and isinstance(other, (int, float)):
            return math.isclose(_rounded(float(one)), _rounded(float(other)), rel_tol=REPEATS)
        return one == other

    pairs = list(enumerate(zip(recorded, arm.values, strict=False)))
    wrong = [(seed, was, now) for seed, (was, now) in pairs if not same(was, now)]
    if not wrong:
        return ""
    seed, was, now = wrong[0]
    more = f", and so do {len(wrong) - 1} more of {len(pairs)} seeds" if len(wrong) > 1 else ""
    return (
        f"{arm.name}: seed {seed} was recorded with {arm.metric} {_shown(was)} with these versions on such a CPU, "
        f"where runs repeat, but came to {_shown(now)}{more}; if a change of program or data is meant, record it anew "
        "with --claims-update-golden"
    )


def _shown(value: float | str | None) -> str:
    if value is None:
        return "no value"
    return f"{value:.5g}" if isinstance(value, (int, float)) else str(value)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
