"""Two reports side by side: which verdicts changed, and whether the environment did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.golden import tolerance
from harness.report import phrasing
from harness.report.document import ReportError, read_json
from harness.verdicts import Arm, Row

CONTEXT = ("scale", "evidence", "datasets", "evidence_notes", "relation", "metric", "plan")
"""What has to be the same of a row for its verdict to answer the same question."""


@dataclass(frozen=True)
class Change:
    """A claim whose verdict is another one.

    Attributes:
        name: The claim with its variant.
        old, new: The verdicts.
        effects: Both effects with their intervals, in words.
        context: What else differs of the claim's row or of its runs' device and versions.
    """

    name: str
    old: str
    new: str
    effects: tuple[str, str]
    context: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """What differs between two reports.

    Attributes:
        same: Number of claims with the same verdict.
        changes: Claims with another verdict.
        adjusted: Claims whose verdict is the same but not the one after Holm.
        moved: Arms whose mean moved by more than their own spread explains, in the same environment.
        added, removed: Claims that only one report has.
        environment: What differs of device, versions and data, one sentence each.
        commits: Both commits where they differ; a changed program is what is compared, not an environment.
    """

    same: int
    changes: tuple[Change, ...] = ()
    adjusted: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    commits: tuple[str, str] | None = None

    @property
    def exit_code(self) -> int:
        """1 where a verdict changed in the same environment, else 0."""
        return int(not self.environment and any(not change.context for change in self.changes))

    @property
    def text(self) -> str:
        """The comparison for a reader, in lines without a last line break."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.commits:
            yield f"commit: {self.commits[0] or 'unknown'} → {self.commits[1] or 'unknown'}"
        yield from (f"warning: {sentence}" for sentence in self.environment)
        verb = "changed" if self.changes else "changed: none"
        yield f"verdicts {verb}" + (":" if self.changes else "")
        for change in self.changes:
            yield f"  {change.name}: {change.old} → {change.new}"
            yield f"      effect {change.effects[0]} → {change.effects[1]}"
            yield from (f"      warning: {sentence}" for sentence in change.context)
        for title, names in (
            ("after Holm changed", self.adjusted),
            ("means moved beyond their tolerance", self.moved),
            ("only in the new report", self.added),
            ("only in the old report", self.removed),
        ):
            if names:
                yield f"{title}:"
                yield from (f"  {name}" for name in names)
        noun = "verdict is" if self.same == 1 else "verdicts are"
        yield f"{self.same} {noun} the same."
        if self.changes and not self.exit_code:
            yield "The environments differ, so the changes are reported but are no failure."


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """Compares two documents as :func:`harness.report.document.read_json` gives them.

    Raises:
        ReportError: A row is not as ``docs/verdicts-schema.md`` says.
    """
    before, after = _rows(old), _rows(new)
    environment = tuple(_environment(old["environment"], new["environment"]))
    changes, adjusted, moved, same = [], [], [], 0
    for key in before.keys() & after.keys():
        a, b = before[key], after[key]
        context = tuple(_context(a, b))
        if a.verdict is not b.verdict:
            changes.append(Change(_title(b), str(a.verdict), str(b.verdict), (_effect(a), _effect(b)), context))
            continue
        same += 1
        if a.adjusted_verdict != b.adjusted_verdict:
            adjusted.append(f"{_title(b)}: {a.adjusted_verdict or 'none'} → {b.adjusted_verdict or 'none'}")
        if not context and not environment:
            moved += [f"{_title(b)}, {sentence}" for sentence in _moved(a.arms, b.arms)]
    commits = (str(old["environment"].get("commit") or ""), str(new["environment"].get("commit") or ""))
    return Comparison(
        same=same,
        changes=tuple(sorted(changes, key=lambda change: change.name)),
        adjusted=tuple(sorted(adjusted)),
        moved=tuple(sorted(moved)),
        added=tuple(_title(after[key]) for key in sorted(after.keys() - before.keys())),
        removed=tuple(_title(before[key]) for key in sorted(before.keys() - after.keys())),
        environment=environment,
        commits=commits if commits[0] != commits[1] else None,
    )


def compare_files(old: Path, new: Path) -> tuple[str, int]:
    """What ``python -m harness compare OLD.json NEW.json`` prints, and its exit code.

    Returns:
        The text, and 0: no verdict changed, or only between different environments; 1: a verdict changed in the same
        environment; 2: a file cannot be read, the text says why.
    """
    try:
        comparison = compare(read_json(Path(old)), read_json(Path(new)))
    except ReportError as error:
        return str(error), 2
    return comparison.text, comparison.exit_code


def _rows(document: Mapping[str, Any]) -> dict[tuple[str, str], Row]:
    """Rows by name and scale: the same claim at another scale is another question."""
    try:
        rows = [Row.from_dict(content) for content in document["rows"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ReportError(f"Expected rows as docs/verdicts-schema.md describes them, but got: {error!r}.") from error
    return {(row.name, row.scale): row for row in rows}


def _environment(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in ("device", "machine", "data_root"):
        if old.get(name) != new.get(name):
            yield f"{name.replace('_', ' ')} differs: {_shown(old.get(name))} → {_shown(new.get(name))}"
    yield from _versions(old.get("versions"), new.get("versions"))


def _versions(old: Any, new: Any) -> Iterator[str]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if old != new:
            yield f"versions differ: {_shown(old)} → {_shown(new)}"
        return
    differing = [
        f"{name} {_shown(old.get(name))} → {_shown(new.get(name))}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    if differing:
        yield f"versions differ: {', '.join(differing)}"


def _context(old: Row, new: Row) -> Iterator[str]:
    for name in CONTEXT:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{name.replace('_', ' ')} differs: {_shown(before)} → {_shown(after)}"
    if old.provenance and new.provenance:
        before, after = old.provenance.get("device"), new.provenance.get("device")
        if before != after:
            yield f"device of the runs differs: {_shown(before)} → {_shown(after)}"
        yield from _versions(old.provenance.get("versions"), new.provenance.get("versions"))


def _moved(old: tuple[Arm, ...], new: tuple[Arm, ...]) -> Iterator[str]:
    """The golden files' tolerance, k·sd·√(2/n), taken from the old report."""
    after = {arm.name: arm for arm in new}
    for arm in old:
        other = after.get(arm.name)
        if other is None or other.metric != arm.metric or arm.mean is None or other.mean is None:
            continue
        if abs(other.mean - arm.mean) > tolerance(arm.sd, arm.n, arm.mean):
            yield f"{arm.name}: {phrasing.arm_value(arm)} → {phrasing.arm_value(other)}"


def _title(row: Row) -> str:
    return f"{row.name} ({row.scale})"


def _effect(row: Row) -> str:
    return " ".join(filter(None, [phrasing.effect_text(row), phrasing.interval_text(row)]))


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)
