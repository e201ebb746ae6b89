"""What is held fixed: the verdicts and metrics recorded from this project's own runs, with their tolerances.

One file for each paper, scale, kind of evidence and plan of seeds,
``golden/verdicts/<paper>/<scale>-<evidence>-<looks>.json``, written by ``--claims-update-golden`` alone. A row is
compared with an entry that answers the same question (:class:`harness.verdicts.digests.QuestionDigest`).
"""

from __future__ import annotations

import json
import math
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.converter import build, plain
from harness.relations import Verdict
from harness.verdicts.recorded import Entry, RecordedArm, Recording, entry_of
from harness.verdicts.rows import Arm, Row

REPEATS = 1e-3
"""What one run may come to differently, relatively, when it is repeated on the CPU in the same environment: it is
deterministic, so this is for rounding alone."""


WHY = {"golden": "recorded", "paper": "what the paper says, nothing is recorded", "planted": "planted"}
"""Where an expected verdict is from, in words."""


class GoldenError(Exception):
    """A golden file cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True)
class Expectation:
    """What a claim should come to.

    Attributes:
        verdict: The recorded verdict, or ``SUPPORTED`` where none is recorded: the paper says so.
        source: ``"golden"``, ``"paper"``, or ``"planted"`` of a control.
        arms: The recorded arms.
        repeats: Whether the runs are of the environment that was recorded: on the CPU each seed has to come to the same
            again.
    """

    verdict: Verdict
    source: str
    arms: Mapping[str, RecordedArm] = field(default_factory=dict)
    repeats: bool = False


class Golden:
    """The recorded verdicts beneath a folder.

    Args:
        root: ``golden/verdicts`` of the checkout.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._files: dict[Path, Recording] = {}

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
            for name in self._load(file).claims:
                if name not in names:
                    raise GoldenError(
                        f"Expected {file} to record claims that exist, but it names {name!r}; "
                        "remove that entry, or give it the claim's new name."
                    )

    def expectation(self, row: Row) -> Expectation:
        """What the row's claim should come to: as recorded for the same question, else as the paper says."""
        entry = self._load(self.path(row)).claims.get(row.name)
        if entry is None or entry.question != row.question:
            return Expectation(Verdict.SUPPORTED, "paper")
        repeats = entry.seeds == row.seeds and _repeatable(entry.provenance, row.provenance)
        return Expectation(entry.verdict, "golden", entry.arms, repeats)

    def uncompared(self, row: Row) -> tuple[str, ...]:
        """In what the recorded entry of a row's claim, scale and evidence asks another question.

        Returns:
            Nothing where the entry was compared, and where there is none.
        """
        own = self.path(row)
        entry = self._load(own).claims.get(row.name)
        if entry is not None:
            return entry.question.differences(row.question)
        others = (self._load(file) for file in sorted(own.parent.glob(f"{row.scale}-{row.evidence}-*.json")))
        entries = [recording.claims[row.name] for recording in others if row.name in recording.claims]
        return min((entry.question.differences(row.question) for entry in entries), key=len, default=())

    def record(self, rows: Iterable[Row]) -> list[Path]:
        """Writes the verdicts and metrics of the rows that ran, keeping the other entries of their files."""
        changed: dict[Path, dict[str, Entry]] = {}
        for row in rows:
            if row.verdict in (Verdict.NOT_RUN, Verdict.ERROR):
                continue
            file = self.path(row)
            changed.setdefault(file, dict(self._load(file).claims))[row.name] = entry_of(row)
        for file, claims in changed.items():
            content = _rounded(plain(Recording(dict(sorted(claims.items())))))
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary = file.with_suffix(f".{uuid.uuid4().hex}")
            temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
            os.replace(temporary, file)
            self._files.pop(file, None)
        return sorted(changed)

    def _load(self, file: Path) -> Recording:
        if file not in self._files:
            if not file.exists():
                return Recording()
            try:
                self._files[file] = build(json.loads(file.read_text("utf-8")), Recording)
            except (OSError, ValueError) as error:
                raise GoldenError(
                    f"Expected {file} to hold recorded verdicts, but got: {error}; restore it, or remove it and record "
                    "it anew with --claims-update-golden."
                ) from error
        return self._files[file]


def disagreements(row: Row, expectation: Expectation) -> tuple[str, ...]:
    """What disagrees with the expectation, one sentence each; nothing where the test passes.

    A claim that is INCONCLUSIVE disagrees only with a recorded or planted one: a broken harness must not stay green.
    """
    if row.verdict is Verdict.NOT_RUN:
        return ()
    if row.verdict is Verdict.ERROR:
        return (f"the claim could not be decided: {row.reason}",)
    problems = []
    missed = row.verdict is Verdict.INCONCLUSIVE and expectation.source == "paper"
    if row.verdict is not expectation.verdict and not missed:
        why = WHY[expectation.source]
        problems.append(f"verdict: expected {expectation.verdict} ({why}), but got {row.verdict}")
    means = {arm.name: arm.mean for arm in row.arms}
    for name, recorded in expectation.arms.items():
        mean = means.get(name)
        if recorded.mean is None or mean is None:
            moved = recorded.mean is not mean
        else:
            moved = abs(mean - recorded.mean) > recorded.tolerance
        if moved:
            before = "no value" if recorded.mean is None else f"{recorded.mean:.4f} ± {recorded.tolerance:.4f}"
            now = "no value" if mean is None else f"{mean:.4f}"
            problems.append(f"{name}: expected {row.metric} {before} (recorded), but got {now}")
    if expectation.repeats:
        pairs = ((arm, expectation.arms[arm.name]) for arm in row.arms if arm.name in expectation.arms)
        problems += [
            problem for arm, recorded in pairs if (problem := _unrepeated(arm, recorded.values, row.first_seed))
        ]
    return tuple(problems)


def _repeatable(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether runs of these two provenances repeat each other: on the CPU of one machine, with the same versions."""
    kinds = {"versions": Mapping, "device": str, "machine": str}  # a list: the runs of a claim differ among themselves
    single = all(now.get(name) and isinstance(now[name], kind) for name, kind in kinds.items())
    same = all(recorded.get(name) == now.get(name) for name in kinds)
    return single and same and str(now["device"]).startswith("CPU")


def _unrepeated(arm: Arm, recorded: tuple[float | None, ...], first: int) -> str:
    """Which seed of an arm, from `first` on, came to something else in the environment that was recorded; or empty."""

    def same(before: float | None, now: float | None) -> bool:
        if before is None or now is None:
            return before is now
        return math.isclose(_rounded(before), _rounded(now), rel_tol=REPEATS)

    pairs = list(enumerate(zip(recorded, arm.values, strict=False), first))
    wrong = [(seed, before, now) for seed, (before, now) in pairs if not same(before, now)]
    if not wrong:
        return ""
    seed, before, now = wrong[0]
    more = f", and so do {len(wrong) - 1} more of {len(pairs)} seeds" if len(wrong) > 1 else ""
    return (
        f"{arm.name}: seed {seed} was recorded with {arm.metric} {_figure(before)} with these versions on such a CPU, "
        f"where runs repeat, but came to {_figure(now)}{more}; if a change of program or data is meant, record it anew "
        "with --claims-update-golden"
    )


def _figure(value: float | None) -> str:
    return "no value" if value is None else f"{value:.5g}"


def _rounded(value: Any) -> Any:
    """Numbers with five digits, in plain types."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
