"""From a claim's finished runs to its row: what was measured, and what follows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from harness import papers
from harness.relations import Collapsed, Decision, EffectKind, MeasuredContrast, SequentialDecision, Verdict
from harness.relations.paired_t import LEAST_SEEDS
from harness.relations.robustness import verdicts_without
from harness.relations.two_level import FEW_SUBJECTS
from harness.specs import Job, ancestry, job
from harness.store import Record
from harness.verdicts.digests import question_digest
from harness.verdicts.question import Find, Question
from harness.verdicts.rows import Arm, Row, Undecided
from harness.verdicts.subjects import SubjectDifference, over_subjects


def judge(
    question: Question,
    standing: SequentialDecision,
    find: Find,
    key: Callable[[Job], str],
    session: str,
    counts: Callable[[str], npt.NDArray[np.int64]] | None = None,
) -> Row:
    """The row of a claim whose plan of looks has ended.

    Args:
        question: The claim.
        standing: Its decision.
        find: Finds a job's record.
        key: Finds a job's key.
        session: Name of this invocation: its runs were trained, the others reused.
        counts: Finds a job's confusion counts by test image; ``None``: test subjects are not looked at as a sample.
    """
    decision = standing.decision
    seeds = max(decision.n, 1)
    by_arm = {name: _records(question, name, seeds, find) for name in question.arms}
    keys = {name: tuple(key(job(arm, each)) for each in question.seeds[:seeds]) for name, arm in question.arms.items()}
    taken = {name: _weights(job(arm, question.seeds[0]), find) for name, arm in question.arms.items()}
    arms = tuple(_arm(question, name, records, keys[name], taken[name]) for name, records in by_arm.items())
    compared = set(question.compared)
    failures = [f"{arm.name}: {reason}" for arm in arms if arm.name in compared for reason in arm.failed]
    verdict, reason = (Verdict.ERROR, failures[0]) if failures else (decision.verdict, decision.reason)
    if not failures and (unused := seed_unused(by_arm)):
        verdict, reason = Verdict.ERROR, unused
    steps = (step for each in question.jobs(seeds) for step in ancestry(each))
    used = {record.key: record for step in steps if (record := find(step)) is not None}
    across = over_subjects(decision, question.measure, by_arm, counts) if counts else ()
    return replace(
        blank(question),
        arms=arms,
        verdict=verdict,
        reason=reason,
        undecided=undecided(verdict, decision),
        standing=standing,
        published_effect=_published(question, decision, arms),
        seconds_trained=sum(record.seconds for record in used.values() if record.session == session),
        seconds_saved=sum(record.seconds for record in used.values() if record.session != session),
        notes=(*decision.notes, *_pivotal(question, decision, find), *_notes(question, by_arm, across)),
        over_subjects=across,
        provenance=_provenance(list(used.values())),
        contrasts=_contrasts(question, by_arm),
    )


def blank(question: Question) -> Row:
    """The row of a claim without runs: ``NOT RUN`` with its reason."""
    return Row(
        id=question.id,
        variant=question.variant,
        statement=question.statement,
        place=question.place,
        relation=question.relation.describe(),
        metric=str(question.measure),
        scale=question.scale,
        evidence=question.evidence.kind,
        datasets=question.evidence.names,
        evidence_notes=question.evidence.notes,
        plan=question.looks.at,
        registration=question.registration,
        verdict=Verdict.NOT_RUN,
        reason=question.unavailable,
        question=question_digest(question),
    )


def published_claim(question: Question) -> papers.PublishedClaim | None:
    """What the paper gives for the claim in figures; ``None`` for a variant of it and for papers not recorded."""
    if question.variant or question.paper not in papers.paper_ids():
        return None
    paper = papers.load(question.paper)
    return paper.claims.get(question.slug)


def published_effect(
    arms: Sequence[Arm], compares: Sequence[str], kind: EffectKind, target: float | None
) -> float | None:
    """The paper's own effect of one question, from its figures of the same arms.

    Args:
        arms: With their published values.
        compares: Arms of the question: of a − b, of T_b / T_a, or one that is to reach ``target``.
        kind: What the effect is.
        target: The value to reach.

    Returns:
        ``None`` where the paper gives no figure for one of the arms.
    """
    published = {arm.name: arm.published for arm in arms}
    values = [value for name in compares if (value := published.get(name)) is not None]
    if len(values) < len(compares):
        return None
    if kind == "shortfall" and len(values) == 1 and target is not None:
        return values[0] - target
    if kind == "ratio" and len(values) == 2 and values[0]:
        return values[1] / values[0]
    return values[0] - values[1] if kind == "difference" and len(values) == 2 else None


def undecided(verdict: Verdict, decision: Decision) -> Undecided:
    """Which kind of INCONCLUSIVE a verdict is; empty for another one, and where nothing could be compared."""
    if verdict is not Verdict.INCONCLUSIVE:
        return ""
    if decision.seeds_needed is not None:
        return "too few seeds"
    return "no verdict likely" if decision.interval is not None else ""


def _records(question: Question, name: str, seeds: int, find: Find) -> list[Record]:
    """The records of an arm's first seeds."""
    jobs = (job(question.arms[name], seed) for seed in question.seeds[:seeds])
    return [record for each in jobs if (record := find(each)) is not None]


def _arm(
    question: Question, name: str, records: Sequence[Record], keys: tuple[str, ...], weights: tuple[str, ...]
) -> Arm:
    measure = question.measure_of(name)
    values = np.array([record.value(measure) for record in records])
    finite = values[np.isfinite(values)]
    claim = published_claim(question)
    others = {}
    read = [value.measure for value in question.relation.values(question.measure) if value.arm == name]
    for other in (each for each in dict.fromkeys([*read, *question.beside]) if each != measure):
        further = np.array([record.value(other) for record in records])
        others[str(other)] = float(further.mean()) if len(further) and np.isfinite(further).all() else None
    return Arm(
        name=name,
        metric=str(measure),
        values=tuple(None if math.isnan(value) else float(value) for value in values),
        mean=float(finite.mean()) if len(finite) else None,
        sd=float(finite.std(ddof=1)) if len(finite) > 1 else None,
        n=len(records),
        collapsed=(collapsed := sum(record.collapsed for record in records)),
        collapse_bound=collapse_bound(collapsed, len(records)),
        failed=tuple(dict.fromkeys(record.reason for record in records if record.failed)),
        keys=keys,
        others=others,
        published=claim.arms.get(name) if claim else None,
        weights=weights,
    )


def _contrasts(question: Question, by_arm: Mapping[str, Sequence[Record]]) -> tuple[MeasuredContrast, ...]:
    """The contrasts as measured on the finished runs of their arms."""
    samples: dict[Any, list[float]] = {}
    for name in {arm for each in question.contrasts for arm in (each.a, each.b)}:
        samples[name] = [record.value(question.measure) for record in by_arm[name]]
        samples[Collapsed(name)] = [float(record.collapsed) for record in by_arm[name]]
    return tuple(each.measured(samples, str(question.measure)) for each in question.contrasts)


def _weights(first: Job, find: Find) -> tuple[str, ...]:
    """What the networks of a job and of its sources took from other weights; every seed takes the same."""
    records = (record for step in ancestry(first) if (record := find(step)) is not None)
    return tuple(dict.fromkeys(weights_text(record.weights) for record in records if record.weights))


def weights_text(weights: Mapping[str, Any]) -> str:
    """What a network took from other weights, from :attr:`harness.store.Record.weights`.

    >>> left = ["decode_head.conv_seg.weight", "decode_head.conv_seg.bias"]
    >>> weights_text({"origin": "unet.pth", "loaded": 80, "not_loaded": left, "unused": []})
    'from unet.pth: 80 tensors loaded, 2 left as initialised (decode_head.conv_seg), 0 unused'
    """
    left, unused = (
        f"{len(weights[kind])} {words}{_modules(weights[kind])}"
        for kind, words in (("not_loaded", "left as initialised"), ("unused", "unused"))
    )
    classes = [str(number) for number in weights.get("classes", ())]
    head = f"; head re-initialised: {' → '.join(classes)} classes" if classes else ""
    return f"from {weights['origin']}: {weights['loaded']} tensors loaded, {left}, {unused}{head}"


def _modules(tensors: Sequence[str], most: int = 3) -> str:
    """The modules that tensors belong to, in brackets."""
    modules = list(dict.fromkeys(name.rpartition(".")[0] or name for name in tensors))
    return f" ({', '.join([*modules[:most], *(['…'] if len(modules) > most else [])])})" if modules else ""


def collapse_bound(collapsed: int, n: int) -> float | None:
    """The 95% upper bound on the rate at which an arm's runs collapse, by Clopper and Pearson: 1 − .05^(1/n) for none.

    Args:
        collapsed: Runs that collapsed.
        n: All runs.

    Returns:
        ``None`` without runs.

    >>> round(collapse_bound(0, 5), 4), collapse_bound(5, 5), collapse_bound(0, 0)
    (0.4507, 1.0, None)
    """
    if not n:
        return None
    if collapsed == n:
        return 1.0
    if not collapsed:
        return float(1 - 0.05 ** (1 / n))
    from scipy import special

    return float(special.betaincinv(collapsed + 1, n - collapsed, 0.95))


def _pivotal(question: Question, decision: Decision, find: Find) -> list[str]:
    """Which seeds the verdict hangs on: without one of them it would be another."""
    if not decision.pivotal:
        return []
    samples = {key: np.array(values[: decision.n]) for key, values in question.samples(find).items()}
    without = verdicts_without(question.relation, samples, decision.alpha)
    if len(decision.pivotal) == decision.n and len(set(without)) == 1:
        return [f"one seed fewer, whichever, and it would be {without[0]}"]
    others: dict[Verdict, list[str]] = {}
    for place in decision.pivotal:
        others.setdefault(without[place], []).append(str(question.seeds[place]))
    return [f"without seed {' or '.join(seeds)} it would be {verdict}" for verdict, seeds in others.items()]


def seed_unused(by_arm: Mapping[str, Sequence[Record]]) -> str:
    """A sentence where all seeds of an arm trained alike, to the last bit; empty where none did.

    The losses are compared, not the values alone: those of few test images are often equal, and so are times.
    """
    for name, records in by_arm.items():
        alike = all(record.losses and record.losses == records[0].losses for record in records)
        if len(records) >= LEAST_SEEDS and alike:
            return f"all {len(records)} seeds of {name} came to the same losses, bit for bit: is the seed used?"
    return ""


def _published(question: Question, decision: Decision, arms: Sequence[Arm]) -> float | None:
    """The paper's figure beside the row's effect; its values by arm are of the claim's metric only."""
    if decision.effect_kind == "correlation":
        claim = published_claim(question)
        return claim.correlation() if claim else None
    if decision.measure not in (None, str(question.measure)):
        return None
    return published_effect(arms, decision.compares, decision.effect_kind, decision.target)


def _notes(
    question: Question,
    by_arm: Mapping[str, Sequence[Record]],
    across: Sequence[SubjectDifference],
) -> list[str]:
    """What a reader should see beside the verdict, but for the relation's own notes."""
    notes = []
    tested = [record for name in question.compared for record in by_arm[name] if not record.failed]
    if question.one_checkpoint:
        notes.append("one checkpoint: every seed starts from the same weights, so the verdict is about those")
    devices = {
        f"{record.provenance.get('device')}, torch {record.provenance.get('versions', {}).get('torch')}"
        for record in tested
    }
    if len(devices) > 1:
        notes.append(f"runs of several machines are compared: {'; '.join(sorted(devices))}")
    subjects = min((len(set(record.test_subjects)) for record in tested), default=FEW_SUBJECTS)
    if subjects < FEW_SUBJECTS:
        notes.append(f"too few subjects: the test images are of {subjects}, so they cannot stand for others")
    return notes + [
        f"{each.label}: {each.sentence}"
        for each in across
        if each.estimate.limited_by == "test images" or each.holds_boundary
    ]


def _provenance(records: Sequence[Record]) -> dict[str, Any]:
    """What all runs of a claim have in common, and every value where they differ."""
    merged: dict[str, Any] = {}
    for name in ("versions", "device", "machine", "commit", "date"):
        values = list({str(record.provenance.get(name)): record.provenance.get(name) for record in records}.values())
        if name == "date" and len(values) > 1:
            dates = sorted(str(date) for date in values)
            values = [dates[0], dates[-1]]
        merged[name] = values[0] if len(values) == 1 else values
    return merged
