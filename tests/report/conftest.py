"""Synthetic rows of every kind: decided by the real relations, and awkward ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness import papers
from harness.relations import (
    All,
    ConvergesFaster,
    Decision,
    Equivalent,
    Greater,
    Increasing,
    Looks,
    Reaches,
    Relation,
    SequentialDecision,
    Verdict,
    decide_sequentially,
)
from harness.report.curves import metrics
from harness.specs.measures import Value, parse
from harness.verdicts import Agreement, Arm, Row, published_effect
from harness.verdicts.judgement import undecided

PROVENANCE = {
    "versions": {"python": "3.11.2", "torch": "2.15.0", "mmsegmentation": "1.2.2"},
    "device": "NVIDIA H200",
    "machine": "x86_64",
    "commit": "eeea996abcde",
    "date": "2026-05-04T10:00:00+00:00",
}

ENVIRONMENT = {**PROVENANCE, "data_root": True}

EXPERTS = Agreement(
    "DME", "union", ("expert1", "expert2"), "IoU.fluid", 0.485, {"expert1": 0.644, "expert2": 0.841}, images=22
)


def arm(name, values, metric="IoU.fluid", **changes):
    values = [float(value) for value in values]
    finite = [value for value in values if math.isfinite(value)]
    fields = {
        "values": tuple(None if math.isnan(value) else value for value in values),
        "mean": float(np.mean(finite)) if finite else None,
        "sd": float(np.std(finite, ddof=1)) if len(finite) > 1 else None,
        "n": len(values),
        "collapsed": 0,
        "failed": (),
        "keys": tuple(f"{name}-{seed}".encode().hex().ljust(64, "0")[:64] for seed in range(len(values))),
    }
    return Arm(name=name, metric=metric, **{**fields, **changes})


def row(identifier, relation: Relation, samples, *, variant="as-published", metric="IoU.fluid", looks=None, **changes):
    """A row as `harness.verdicts.judge` would make it from per-seed samples."""
    looks = looks or Looks()
    values = relation.values(parse(metric))
    samples = {value: samples[value.arm] for value in values if value.arm in samples} | samples
    standing = decide_sequentially(relation, samples, looks)
    paper, slug = identifier.split("/")
    published = papers.load(paper).claims.get(slug) if paper in papers.paper_ids() else None
    known = published.arms if published else {}
    decision = standing.decision
    arms = tuple(
        arm(name, values[: decision.n], metric, published=known.get(name))
        for name, values in samples.items()
        if isinstance(name, str)
    )
    fields = {
        "statement": published.statement if published else "A statement.",
        "place": published.place if published else "Section 1",
        "relation": relation.describe(),
        "metric": metric,
        "scale": "reduced",
        "evidence": "real",
        "datasets": ("DME", "CHASE_DB1"),
        "evidence_notes": (),
        "arms": arms,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "undecided": undecided(decision.verdict, decision),
        "standing": standing,
        "plan": looks.at,
        "published_effect": published_effect(arms, decision.compares, decision.effect_kind, decision.target),
        "seconds_trained": 754.0,
        "seconds_saved": 5400.0,
        "expected": "SUPPORTED",
        "expected_from": "paper",
        "notes": decision.notes,
        "provenance": PROVENANCE,
    }
    return Row(id=identifier, variant=variant, **{**fields, **changes})


def blank(identifier, verdict=Verdict.NOT_RUN, reason="", **changes):
    """A row without runs."""
    fields = {"statement": "A statement.", "place": "Section 2", "relation": "a > b", "metric": "IoU.fluid"}
    fields |= {"scale": "paper", "evidence": "real", "datasets": (), "evidence_notes": (), "plan": (4, 7, 10)}
    fields |= {"variant": ""}
    return Row(id=identifier, verdict=verdict, reason=reason, **{**fields, **changes})


def standing(decision):
    """What a single look with this decision came to."""
    return SequentialDecision(decision, "last look", None, decision.pvalue, decision.pvalue_against, 0, ())


def normal(seed, mean, sd, n=10):
    return np.random.default_rng(seed).normal(mean, sd, n).tolist()


def every_kind() -> list[Row]:
    """One row of each kind that a report has to show."""
    inf = math.inf
    losses = {"cross-entropy": normal(1, 0.45, 0.02), "dice": normal(2, 0.45, 0.02), "hybrid": normal(3, 0.44, 0.02)}
    batches = {"batch-2": normal(4, 0.44, 0.02), "batch-4": normal(5, 0.38, 0.02), "batch-8": normal(6, 0.35, 0.02)}
    sizes = tuple(batches)
    dice = parse("Dice.fluid")
    batches |= {Value(name, dice): [v + 0.1 for v in values] for name, values in batches.items()}
    times = {
        "pretrained": [40, 60, 40, 80, 60, 40, 60, 40, 60, 40],
        "scratch-x10": [480, 640, inf, 520, 560, inf, 600, 620, 480, 560],
    }
    augmented = {"augmented": normal(9, 0.50, 0.09), "plain": normal(10, 0.46, 0.09)}
    return [
        row(
            "huang-dme/pretraining-beats-scratch",
            Greater("pretrained", "scratch"),
            {"pretrained": normal(7, 0.41, 0.02), "scratch": normal(8, 0.29, 0.03)},
            evidence="substituted",
            datasets=("DME", "DRIVE"),
            evidence_notes=("DRIVE for STARE",),
            agreements=(EXPERTS,),
            expected_from="golden",
            notes=("too few subjects: the test images are of 2, so they cannot stand for others",),
        ),
        row(
            "huang-dme/pretraining-converges-faster",
            ConvergesFaster("pretrained", "scratch-x10", 2, budgets=(80, 800), measure="time:Dice.fluid>=0.4"),
            times,
            metric="time:Dice.fluid>=0.4",
            adjusted_verdict="INCONCLUSIVE",
            notes=("one checkpoint: every seed starts from the same source run, so the verdict is about that one",),
        ),
        row(
            "huang-dme/larger-batch-is-better",
            All((Increasing(sizes), Increasing(sizes, measure="Dice.fluid"))),
            batches,
            expected="REFUTED",
            expected_from="golden",
            problems=("batch-2: expected IoU.fluid 0.3912 ± 0.0310 (recorded), but got 0.4402",),
        ),
        row(
            "huang-dme/augmentation-enables-convergence",
            Greater("augmented", "plain"),
            augmented,
            variant="",
            notes=("too few subjects: the test images are of 2, so they cannot stand for others",),
        ),
        row(
            "huang-dme/loss-makes-no-difference",
            Equivalent(("cross-entropy", "dice", "hybrid"), margin=0.05),
            losses,
            variant="",
            scale="smoke",
            evidence="phantom",
            looks=Looks.fixed(3),
        ),
        row(
            "huang-dme/best-pipeline-score",
            Reaches("pipeline", value=0.4529, tolerance=0.05),
            {"pipeline": [0.0, 0.01, 0.0, 0.02, 0.0, 0.31, 0.0, 0.0, 0.02, 0.0]},
            variant="",
            evidence="phantom",
        ),
        blank(
            "huang-dme/cityscapes-transfers-well",
            reason="Expected CamVid in /data/camvid, but 701_StillsRaw_full is missing; get it from https://example.org/camvid.",
        ),
        blank(
            "wang-pets/small-sources-hurt",
            Verdict.ERROR,
            "voc2012-frozen: the loss was NaN at iteration 120",
            statement="Markup such as [red]not red[/red] and <script>alert(1)</script> & a | pipe stays text.",
            variant="voc|isic",
            arms=(
                arm("scratch", [0.84, 0.85, 0.83, math.nan], collapsed=1),
                arm("voc2012-frozen", [math.nan] * 4, failed=("the loss was NaN at iteration 120",)),
            ),
            standing=standing(Decision(Verdict.ERROR, effect=0.1, interval=(-math.inf, 0.2), n=4)),
        ),
    ]


def plausible_curves(rows, seed=0):
    """Plausible learning curves for the arms of the rows, with epochs of 10 iterations."""
    rng = np.random.default_rng(seed)
    return {
        each.key: {
            metric: {one.name: plausible_seeds(rng, number, one) for number, one in enumerate(each.arms)}
            for metric in metrics(each)
        }
        for each in rows
    }


def plausible_seeds(rng, number, one):
    length = 800 if "x10" in one.name else 200
    steps = np.linspace(length / 20, length, 20).astype(int)
    seeds = []
    for tau in rng.uniform(30, 60, one.n) * (1 + number):
        values = (0.45 - 0.05 * number) * (1 - np.exp(-steps / tau)) + rng.normal(0, 0.012, 20)
        seeds.append([(int(s), float(s / 10), float(v)) for s, v in zip(steps, values, strict=True)])
    return seeds


@pytest.fixture
def make_row():
    """Makes a row from a relation and per-seed samples, see `row`."""
    return row


@pytest.fixture(scope="session")
def rows():
    return every_kind()


@pytest.fixture(scope="session")
def learning_curves():
    return plausible_curves


@pytest.fixture(scope="session")
def environment():
    return dict(ENVIRONMENT)
