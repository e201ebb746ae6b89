"""How surely each control is decided as planted.

    python -m benchmarks.controls [--seeds 60] [--store DIR]

Trains the arms of ``claims/test_controls.py`` on seeds that no claim uses (from 910000 on), draws groups of five of
them, decides each group as ``pytest`` would, and prints for each control the share of groups that came out as planted.
Processes that are started with the same ``--store`` share the work.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fixtures.claim import Claim
from harness.data import Catalogue
from harness.relations import Looks, Verdict, decide_sequentially
from harness.scheduling import Scheduler
from harness.specs import Arm, Data, Job, Reseeded, Scale, digest, job, replaced
from harness.store import Record, Store
from harness.verdicts.evidence import Evidence
from harness.verdicts.question import Question

CLAIMS = Path(__file__).parents[1] / "claims"
FIRST = 910_000
SEEDS = 5
GROUPS = 400


@dataclass(frozen=True)
class Wish:
    """Arms on the seeds of the measurement, as the scheduler takes them."""

    arms: Mapping[str, Arm]
    most: int
    scale: Scale = "smoke"

    def wanted(self, find: Callable[[Job], Record | None]) -> int:
        """All seeds until every record is there."""
        return self.most if any(find(each) is None for each in self.jobs(self.most)) else 0

    def jobs(self, seeds: int) -> Iterator[Job]:
        """Seed by seed, so that an interrupted measurement leaves whole seeds."""
        for seed in range(seeds):
            for arm in self.arms.values():
                yield job(arm, seed)


def controls(seeds: int) -> dict[str, Question]:
    """The controls by slug, as questions of that many seeds."""
    sys.path.insert(0, str(CLAIMS))
    try:
        module = importlib.import_module("test_controls")
    finally:
        sys.path.remove(str(CLAIMS))
    questions = {}
    for name, test in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("test_"):
            continue
        claim, slug = Claim("smoke"), name.removeprefix("test_").replace("_", "-")
        test(claim)
        declared = claim.declared(name)
        arms = {
            arm: Reseeded(replaced(spec, Data, lambda data: replace(data, evidence="phantom")), FIRST)
            for arm, spec in declared.arms.items()
        }
        questions[slug] = Question(
            paper="controls",
            slug=slug,
            variant="",
            statement="",
            place="",
            scale="smoke",
            arms=arms,
            relation=declared.build(tuple(arms)),
            measure=declared.measure,
            evidence=Evidence("phantom", ()),
            looks=Looks.fixed(seeds),
        )
    return questions


def share(question: Question, find: Callable[[Job], Record | None], seeds: int, rng: np.random.Generator) -> float:
    """The share of groups of seeds that come out as planted."""
    samples = {key: np.asarray(values) for key, values in question.samples(find).items()}
    looks = Looks.fixed(SEEDS)
    supported = 0
    for _ in range(GROUPS):
        group = rng.choice(seeds, SEEDS, replace=False)
        standing = decide_sequentially(question.relation, {key: v[group] for key, v in samples.items()}, looks)
        supported += standing.decision.verdict is Verdict.SUPPORTED
    return supported / GROUPS


def main() -> None:
    """Trains what is missing, then prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=60)
    parser.add_argument("--store", type=Path, default=Path("build/controls"))
    given = parser.parse_args()
    questions = controls(given.seeds)
    store = Store(given.store)
    arms = {digest(arm): arm for question in questions.values() for arm in question.arms.values()}
    wish = Wish(arms, given.seeds)
    scheduler = Scheduler(store, Catalogue(None, given.store / "packs"), [wish], {"smoke": "cpu"}, "controls")
    scheduler.finish(wish)
    print(f"| control | as planted, of {GROUPS} groups of {SEEDS} of {given.seeds} seeds | arms: mean ± sd |")
    print("| --- | --- | --- |")
    for slug, question in questions.items():
        found = share(question, scheduler.record, given.seeds, np.random.default_rng(0))
        samples = question.samples(scheduler.record)
        shown = ", ".join(
            f"{arm} {np.mean(samples[arm]):.3f} ± {np.std(samples[arm], ddof=1):.3f}" for arm in question.arms
        )
        print(f"| {slug} | {found:.1%} | {shown} |")
    seconds = [record.seconds for each in wish.jobs(SEEDS) if (record := scheduler.record(each)) is not None]
    print(f"\n{len(seconds)} runs of {SEEDS} seeds: {sum(seconds):.0f} s without their sources, wall time")


if __name__ == "__main__":
    main()
