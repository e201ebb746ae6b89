"""Rows of the claim-verdict table: what a claim says, what was measured, and what follows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from harness import papers
from harness.plan import Comparison, metrics_of
from harness.relations import Decision, EffectKind, SequentialDecision, Verdict
from harness.relations.decision import json_number
from harness.relations.two_level import FEW_SUBJECTS
from harness.runs import Record, Run
from harness.spread import over_subjects


@dataclass(frozen=True)
class Arm:
    """One arm as measured.

    Attributes:
        metric: What ``values`` holds.
        values: One for each seed, ``None`` where the run failed; ``"inf"`` for a time that was never reached.
        mean, sd: Over the seeds with a finite value; ``None`` where there are too few.
        collapsed: Number of runs whose predictions hold nearly no foreground.
        failed: Reasons of the runs that failed.
        others: Mean of every further metric that the relation reads.
        keys: The runs in the store.
        published: The paper's own value for this arm, if it gives one.
    """

    name: str
    metric: str
    values: tuple[float | str | None, ...]
    mean: float | None
    sd: float | None
    n: int
    collapsed: int
    failed: tuple[str, ...]
    keys: tuple[str, ...]
    others: dict[str, float | None] = field(default_factory=dict)
    published: float | None = None


@dataclass(frozen=True)
class Row:
    """One claim of the table. :meth:`to_dict` is the schema of ``verdicts.json``."""

    id: str
    variant: str
    statement: str
    place: str
    relation: str
    metric: str
    scale: str
    evidence: str
    datasets: tuple[str, ...]
    evidence_notes: tuple[str, ...]
    arms: tuple[Arm, ...]
    verdict: Verdict
    reason: str
    effect: float | None
    interval: tuple[float, float] | None
    pvalue: float | None
    pvalue_against: float | None
    detectable: float | None
    decision: dict[str, Any]
    plan: tuple[int, ...]
    seeds: int
    stopped: str
    published_effect: float | None
    seconds_trained: float = 0.0
    seconds_saved: float = 0.0
    expected: str = ""
    expected_from: str = ""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    adjusted_verdict: str = ""
    over_subjects: tuple[dict[str, Any], ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    effect_kind: EffectKind = "difference"

    @property
    def name(self) -> str:
        """Id with the variant in brackets."""
        return f"{self.id}[{self.variant}]" if self.variant else self.id

    @property
    def key(self) -> str:
        """Name and scale: what tells two rows of one report apart."""
        return f"{self.name}@{self.scale}"

    def to_dict(self) -> dict[str, Any]:
        """The row as plain JSON types; infinite effects and bounds are ``"inf"``, other nameless numbers ``None``."""
        return dict(_plain(asdict(self)))

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Row:
        """The row that :meth:`to_dict` wrote, by this version or another one.

        Fields that this version does not know are left out, newer ones that are missing have their defaults.
        """
        sequences = ("datasets", "evidence_notes", "plan", "problems", "notes", "over_subjects")
        changed = {name: tuple(content[name]) for name in sequences if name in content}
        changed["arms"] = tuple(
            Arm(**{**_known(Arm, arm), **{name: tuple(arm[name]) for name in ("values", "failed", "keys")}})
            for arm in content["arms"]
        )
        interval = content["interval"]
        return cls(
            **{
                **_known(cls, content),
                **changed,
                "verdict": Verdict(content["verdict"]),
                "effect": _unnamed(content["effect"]),
                "interval": None if interval is None else tuple(_unnamed(bound) for bound in interval),
            }
        )


def judge(
    comparison: Comparison,
    standing: SequentialDecision,
    record: Callable[[Run], Record | None],
    key: Callable[[Run], str],
    session: str,
    counts: Callable[[str], npt.NDArray[np.int64]] | None = None,
) -> Row:
    """The row of a claim whose plan of looks has ended.

    Args:
        comparison: The claim.
        standing: Its decision.
        record: Finds a run's record.
        key: Finds a run's key.
        session: Name of this invocation: its runs were trained, the others reused.
        counts: Finds a run's confusion counts by test image; ``None``: test subjects are not looked at as a sample.
    """
    decision = standing.decision
    seeds = max(decision.n, 1)
    arms = tuple(_arm(comparison, name, seeds, record, key) for name in comparison.arms)
    records = [found for run in comparison.runs(seeds) for step in run.lineage() if (found := record(step))]
    verdict, reason = _after_failures(decision, arms)
    unique = {found.key: found for found in records}
    notes = [*decision.notes, *comparison.notes]
    if comparison.one_checkpoint:
        notes.append("one checkpoint: every seed starts from the same source run, so the verdict is about that one")
    tested = [found for run in comparison.runs(seeds) if (found := record(run)) is not None and not found.failed]
    subjects = min((len(set(found.test_subjects)) for found in tested), default=FEW_SUBJECTS)
    devices = {
        f"{found.provenance.get('device')}, torch {found.provenance.get('versions', {}).get('torch')}"
        for found in tested
    }
    if len(devices) > 1:
        notes.append(f"runs of several machines are compared: {'; '.join(sorted(devices))}")
    mixed = [arm.name for arm in arms if 0 < arm.collapsed < arm.n]
    if mixed:
        notes.append(
            f"runs of two kinds, collapsed and not, in {', '.join(mixed)}: there a t test of few seeds errs more often "
            "than it says (docs/calibration.md)"
        )
    if subjects < FEW_SUBJECTS:
        notes.append(f"too few subjects: the test images are of {subjects}, so they cannot stand for others")
    across: tuple[dict[str, Any], ...] = ()
    if counts is not None:
        by_arm = {name: _records(comparison, name, seeds, record) for name in comparison.arms}
        across = over_subjects(decision, comparison.metric, by_arm, counts)
        notes += [
            f"{of['label']}: {of['sentence']}"
            + ("; it holds the margin that the seeds alone exclude" if of["holds_boundary"] else "")
            for of in across
            if of["limited_by"] == "test images" or of["holds_boundary"]
        ]
    return replace(
        blank(comparison),
        arms=arms,
        verdict=verdict,
        reason=reason,
        effect=decision.effect,
        effect_kind=decision.effect_kind,
        interval=decision.interval,
        pvalue=standing.pvalue,
        pvalue_against=standing.pvalue_against,
        detectable=decision.detectable,
        decision=standing.to_dict(),
        seeds=decision.n,
        stopped=standing.stopped or "",
        published_effect=_published(comparison, decision, arms),
        seconds_trained=sum(found.seconds for found in unique.values() if found.session == session),
        seconds_saved=sum(found.seconds for found in unique.values() if found.session != session),
        notes=tuple(notes),
        over_subjects=across,
        provenance=_provenance(list(unique.values())),
    )


def blank(comparison: Comparison) -> Row:
    """The row of a claim without runs: ``NOT RUN`` with its reason."""
    return Row(
        id=comparison.id,
        variant=comparison.variant,
        statement=comparison.statement,
        place=comparison.place,
        relation=comparison.relation.describe(),
        metric=comparison.metric,
        scale=comparison.scale,
        evidence=comparison.evidence.kind,
        datasets=comparison.evidence.names,
        evidence_notes=comparison.evidence.notes,
        arms=(),
        verdict=Verdict.NOT_RUN,
        reason=comparison.unavailable,
        effect=None,
        effect_kind=comparison.relation.effect_kind,
        interval=None,
        pvalue=None,
        pvalue_against=None,
        detectable=None,
        decision={},
        plan=comparison.looks.at,
        seeds=0,
        stopped="",
        published_effect=None,
    )


def published_claim(comparison: Comparison) -> papers.PublishedClaim | None:
    """What the paper gives for the claim in figures; ``None`` for a variant of it and for papers not recorded."""
    if comparison.variant or comparison.paper not in papers.paper_ids():
        return None
    paper = papers.load(comparison.paper)
    return paper.claims.get(comparison.slug)


def published_effect(
    arms: Sequence[Arm], compares: Sequence[str], kind: EffectKind, target: float | None
) -> float | None:
    """The paper's own effect of one comparison, from its figures of the same arms.

    Args:
        arms: With their published values.
        compares: Arms of the comparison: of a − b, of T_b / T_a, or one that is to reach ``target``.
        kind: What the effect is.
        target: The value to reach.

    Returns:
        ``None`` where the paper gives no figure for one of the arms.
    """
    values = {arm.name: arm.published for arm in arms}
    found = [value for arm in compares if (value := values.get(arm)) is not None]
    if len(found) < len(compares):
        return None
    if kind == "shortfall" and len(found) == 1 and target is not None:
        return found[0] - target
    if kind == "ratio" and len(found) == 2 and found[0]:
        return found[1] / found[0]
    return found[0] - found[1] if kind == "difference" and len(found) == 2 else None


def _arm(
    comparison: Comparison,
    name: str,
    seeds: int,
    record: Callable[[Run], Record | None],
    key: Callable[[Run], str],
) -> Arm:
    runs = [Run(comparison.arms[name], seed) for seed in range(seeds)]
    records = _records(comparison, name, seeds, record)
    values = np.array([found.value(comparison.metric) for found in records])
    finite = values[np.isfinite(values)]
    claim = published_claim(comparison)
    others = {}
    for metric in metrics_of(comparison.relation, comparison.metric)[1:]:
        further = np.array([found.value(metric) for found in records])
        others[metric] = float(further.mean()) if len(further) and np.isfinite(further).all() else None
    return Arm(
        name=name,
        metric=comparison.metric,
        values=tuple(_value(value) for value in values),
        mean=float(finite.mean()) if len(finite) else None,
        sd=float(finite.std(ddof=1)) if len(finite) > 1 else None,
        n=len(records),
        collapsed=sum(found.collapsed for found in records),
        failed=tuple(dict.fromkeys(found.reason for found in records if found.failed)),
        keys=tuple(key(run) for run in runs),
        others=others,
        published=claim.arms.get(name) if claim else None,
    )


def _published(comparison: Comparison, decision: Decision, arms: Sequence[Arm]) -> float | None:
    """The paper's figure beside the row's effect; its values by arm are of the claim's metric only."""
    if decision.effect_kind == "correlation":
        claim = published_claim(comparison)
        return claim.correlation() if claim else None
    if decision.measure not in (None, comparison.metric):
        return None
    return published_effect(arms, decision.compares, decision.effect_kind, decision.target)


def _records(comparison: Comparison, name: str, seeds: int, record: Callable[[Run], Record | None]) -> list[Record]:
    """The records of an arm's first seeds."""
    runs = (Run(comparison.arms[name], seed) for seed in range(seeds))
    return [found for run in runs if (found := record(run)) is not None]


def _value(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else float(value)


def _after_failures(decision: Decision, arms: Sequence[Arm]) -> tuple[Verdict, str]:
    """A failed run makes the claim an error; where most runs of every arm collapsed, nothing was compared."""
    failures = [f"{arm.name}: {reason}" for arm in arms for reason in arm.failed]
    if failures:
        return Verdict.ERROR, failures[0]
    if arms and all(2 * arm.collapsed > arm.n for arm in arms):
        return Verdict.INCONCLUSIVE, "most runs of every arm collapsed: they predict (nearly) no foreground"
    return decision.verdict, decision.reason


def _provenance(records: Sequence[Record]) -> dict[str, Any]:
    """What all runs of a claim have in common, and every value where they differ."""
    merged: dict[str, Any] = {}
    for name in ("versions", "device", "machine", "commit", "date"):
        found = list({str(record.provenance.get(name)): record.provenance.get(name) for record in records}.values())
        if name == "date" and len(found) > 1:
            dates = sorted(str(date) for date in found)
            found = [dates[0], dates[-1]]
        merged[name] = found[0] if len(found) == 1 else found
    return merged


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _plain(item, key) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, name) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        # As `Decision.to_dict` has it: an infinite ratio of times is a finding, not a missing number.
        return json_number(value) if name in ("effect", "interval") else None
    return str(value) if isinstance(value, Verdict) else value


def _unnamed(value: Any) -> Any:
    """The number that stands as ``"inf"`` or ``"-inf"`` in JSON."""
    return float(value) if isinstance(value, str) else value


def _known(kind: type[Arm] | type[Row], content: dict[str, Any]) -> dict[str, Any]:
    """The fields that this version has."""
    return {each.name: content[each.name] for each in fields(kind) if each.name in content}
