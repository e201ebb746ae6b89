"""Two reports side by side: which verdicts changed, and whether the environment did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.relations import Verdict
from harness.report import phrasing
from harness.report.document import Document, ReportError, read_json
from harness.verdicts import Arm, Row
from harness.verdicts.recorded import tolerance

CONTEXT = ("scale", "evidence", "datasets", "evidence_notes", "relation", "metric", "plan")
"""What has to be the same of a row for its verdict to answer the same question."""

NAMED = 3
"""Claims that a line names; more are counted."""


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
class Changes:
    """What differs between two reports.

    Attributes:
        same: Number of claims with the same verdict.
        changes: Claims with another verdict.
        adjusted: Claims whose verdict is the same but not the one after Holm.
        arms: Claims that lost or gained arms.
        effects: Claims with the same verdict whose effect or interval reads otherwise.
        moved: Arms whose mean moved by more than their own spread explains, in the same environment.
        added, removed: Claims that only one report has.
        environment: What differs of device, versions and data, one sentence each.
        unknown: What only one report names of them. It excuses nothing: a report of no runs has no device.
        context: What differs of the common claims' rows and runs, one sentence for each kind with its claims.
        differing: Number of claims with the same verdict that ``context`` speaks of.
        commits: Both commits where they differ; a changed program is what is compared, not an environment.
    """

    same: int
    changes: tuple[Change, ...] = ()
    adjusted: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    differing: int = 0
    commits: tuple[str, str] | None = None

    @property
    def exit_code(self) -> int:
        """1 where a verdict changed or a claim is gone in the same environment, or where no claim is common; else 0."""
        return int(bool(self._failures()))

    @property
    def text(self) -> str:
        """The comparison for a reader, in lines without a last line break."""
        return "\n".join(self._lines())

    def _failures(self) -> list[str]:
        """Why the comparison fails, one clause each.

        Another device or scale can take claims away as it can change verdicts. No environment explains that nothing is
        left to compare: a pipeline would stay green without a single claim.
        """
        if not self.same and not self.changes:
            return ["the reports have no claim in common, so nothing was compared"]
        if self.environment:
            return []
        changed, gone = sum(not change.context for change in self.changes), len(self.removed)
        clauses = (
            (changed, f"{changed} verdict{'' if changed == 1 else 's'} changed in the same environment"),
            (gone, f"{gone} claim{' is' if gone == 1 else 's are'} gone"),
        )
        return [clause for count, clause in clauses if count]

    def _lines(self) -> Iterator[str]:
        if self.commits:
            yield f"commit: {self.commits[0] or 'unknown'} → {self.commits[1] or 'unknown'}"
        yield from (f"warning: {sentence}" for sentence in (*self.environment, *self.unknown, *self.context))
        verb = "changed" if self.changes else "changed: none"
        yield f"verdicts {verb}" + (":" if self.changes else "")
        for change in self.changes:
            yield f"  {change.name}: {change.old} → {change.new}"
            yield f"      effect {change.effects[0]} → {change.effects[1]}"
            yield from (f"      warning: {sentence}" for sentence in change.context)
        for title, names in (
            ("after Holm changed", self.adjusted),
            ("arms differ", self.arms),
            ("effects moved", self.effects),
            ("means moved beyond their tolerance", self.moved),
            ("only in the new report", self.added),
            ("gone: only in the old report", self.removed),
        ):
            if names:
                yield f"{title}:"
                yield from (f"  {name}" for name in names)
        noun = "verdict is" if self.same == 1 else "verdicts are"
        part = "" if self.differing == self.same else f" {self.differing} of them"
        but = f", but{part} with what the warnings say" if self.differing else ""
        yield f"{self.same} {noun} the same{but}."
        failures = self._failures()
        if failures:
            yield f"failure: {' and '.join(failures)}."
        elif self.changes or self.removed:
            yield "The environments or what was asked differ, so this is reported but is no failure."


def compare(old: Document, new: Document) -> Changes:
    """What changed from one report to another. The same claim at another scale is another claim."""
    before, after = ({row.key: row for row in document.rows} for document in (old, new))
    environment = dict(_environment(old.environment, new.environment))
    contexts: dict[str, dict[str, str]] = {}
    changes, adjusted, arms, effects, moved = [], [], [], [], []
    for key in sorted(before.keys() & after.keys()):
        a, b = before[key], after[key]
        title = _title(b)
        contexts[title] = context = dict(_context(a, b))
        arms += [f"{title}: {sentence}" for sentence in _arms(a, b)]
        shown = (_effect(a), _effect(b))
        if a.verdict is not b.verdict:
            sentences = tuple(_sentence(*item) for item in context.items())
            changes.append(Change(title, str(a.verdict), str(b.verdict), shown, sentences))
            continue
        if a.adjusted_verdict != b.adjusted_verdict:
            adjusted.append(f"{title}: {a.adjusted_verdict or 'none'} → {b.adjusted_verdict or 'none'}")
        if shown[0] != shown[1]:
            effects.append(f"{title}: {shown[0]} → {shown[1]}")
        if not context and not environment:
            moved += [f"{title}, {sentence}" for sentence in _moved(a.arms, b.arms)]
    commits = (str(old.environment.get("commit") or ""), str(new.environment.get("commit") or ""))
    changed = {change.name for change in changes}
    return Changes(
        same=len(contexts) - len(changes),
        changes=tuple(changes),
        adjusted=tuple(adjusted),
        arms=tuple(arms),
        effects=tuple(effects),
        moved=tuple(moved),
        added=tuple(_title(after[key]) for key in sorted(after.keys() - before.keys())),
        removed=tuple(_title(before[key]) for key in sorted(before.keys() - after.keys())),
        environment=tuple(_sentence(*item) for item in environment.items()),
        unknown=tuple(_unknown(old.environment, new.environment)),
        context=tuple(_grouped(contexts, environment)),
        differing=sum(bool(context) for title, context in contexts.items() if title not in changed),
        commits=commits if commits[0] != commits[1] else None,
    )


def compare_files(old: Path, new: Path) -> tuple[str, int]:
    """What ``python -m harness compare OLD.json NEW.json`` prints, and its exit code.

    Returns:
        The text, and 0: no verdict changed and no claim is gone, or only between different environments; 1: one did in
        the same environment, or no claim is common; 2: a file cannot be read, the text says why.
    """
    try:
        changes = compare(read_json(Path(old)), read_json(Path(new)))
    except ReportError as error:
        return str(error), 2
    return changes.text, changes.exit_code


def _environment(old: Mapping[str, Any], new: Mapping[str, Any], of: str = "") -> Iterator[tuple[str, str]]:
    """What differs of what both name, with both values."""
    for name in ("device", "machine", "data_root"):
        before, after = old.get(name), new.get(name)
        if _known(before) and _known(after) and before != after:
            yield f"{name.replace('_', ' ')}{of}", f"{_shown(before)} → {_shown(after)}"
    before, after = old.get("versions"), new.get("versions")
    if _known(before) and _known(after) and before != after:
        yield f"versions{of}", _versions(before, after)


def _unknown(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in ("device", "machine", "data_root", "versions"):
        before, after = _known(old.get(name)), _known(new.get(name))
        if before != after:
            yield f"the {'new' if before else 'old'} report does not say its {name.replace('_', ' ')}"


def _known(value: Any) -> bool:
    return value is not None and (isinstance(value, bool) or bool(value))


def _versions(old: Any, new: Any) -> str:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return f"{_shown(old)} → {_shown(new)}"
    names = [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
    return ", ".join(f"{name} {_shown(old.get(name))} → {_shown(new.get(name))}" for name in names)


def _context(old: Row, new: Row) -> Iterator[tuple[str, str]]:
    for name in CONTEXT:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield name.replace("_", " "), f"{_shown(before)} → {_shown(after)}"
    recipes = (old.question.arms, new.question.arms)
    if all(recipes) and recipes[0] != recipes[1]:
        yield "recipes", f"{recipes[0]} → {recipes[1]}"
    yield from _environment(old.provenance, new.provenance, " of the runs")


def _sentence(what: str, change: str) -> str:
    return f"{what} {'differ' if what.partition(' of ')[0].endswith('s') else 'differs'}: {change}"


def _grouped(contexts: Mapping[str, Mapping[str, str]], environment: Mapping[str, str]) -> Iterator[str]:
    """One sentence for each kind of difference, with the claims of each change; not what the environment names already.

    Args:
        contexts: What differs, by the title of each common claim.
        environment: What differs between the reports.
    """
    grouped: dict[str, dict[str, list[str]]] = {}
    for title, context in contexts.items():
        for what, change in context.items():
            if environment.get(what.removesuffix(" of the runs")) != change:
                grouped.setdefault(what, {}).setdefault(change, []).append(title)
    for what, by_change in grouped.items():
        changes = (f"{change} ({_claims(titles, len(contexts))})" for change, titles in by_change.items())
        yield _sentence(what, "; ".join(changes))


def _claims(titles: Sequence[str], common: int) -> str:
    if len(titles) == common > 1:
        return f"all {common} claims"
    return ", ".join(titles) if len(titles) <= NAMED else f"{len(titles)} claims"


def _arms(old: Row, new: Row) -> Iterator[str]:
    """Arms that only one of two rows that ran has."""
    if Verdict.NOT_RUN in (old.verdict, new.verdict):
        return
    before, after = [arm.name for arm in old.arms], [arm.name for arm in new.arms]
    words = [f"{name} is gone" for name in before if name not in after]
    words += [f"{name} is new" for name in after if name not in before]
    if words:
        yield ", ".join(words)


def _moved(old: tuple[Arm, ...], new: tuple[Arm, ...]) -> Iterator[str]:
    """The golden files' tolerance, k·sd·√(2/n), taken from the old report."""
    after = {arm.name: arm for arm in new}
    for arm in old:
        other = after.get(arm.name)
        if other is None or other.metric != arm.metric:
            continue
        if arm.mean is None or other.mean is None:
            moved = arm.mean is not other.mean
        else:
            moved = abs(other.mean - arm.mean) > tolerance(arm.sd, arm.n, arm.mean)
        if moved:
            yield f"{arm.name}: {phrasing.arm_value(arm)} → {phrasing.arm_value(other)}"


def _title(row: Row) -> str:
    return f"{row.name} ({row.scale})"


def _effect(row: Row) -> str:
    return " ".join(filter(None, [phrasing.effect_text(row), phrasing.interval_text(row)]))


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)
