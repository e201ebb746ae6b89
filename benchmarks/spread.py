"""A blind pilot: how much the arms of a paper's claims spread over seeds, and nothing of which arm does better.

Recipes of the desk and smoke scales are chosen with it. It trains the arms of the pre-registered claims on seeds that
no claim uses (from 900000 on) and prints for each arm the standard deviation, the collapsed runs and the time; for all
arms together the mean, the correlation over seeds and the standard deviation of paired differences. It never prints
the mean of an arm or a difference between two, so that whoever chooses a recipe cannot choose which arm wins.

    python -m benchmarks.spread --scale smoke
    python -m benchmarks.spread --scale smoke --set epochs=8 --set learning_rate=5e-3 --only '*/batch-2' '*-grid/*'
    python -m benchmarks.spread --scale desk --data-root shared/data --store DIR --seeds 4

Processes that are started with the same options and the same ``--store`` share the work.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data import Catalogue
from harness.scheduling import Scheduler
from harness.specs import SMALL, Arm, Job, Measure, Scale, digest, job, parse
from harness.store import Record, Store

CLAIMS = Path(__file__).parents[1] / "claims"

PILOT = 900_000
"""The first pilot seed. Registration number r of a claim uses seeds from 1000 · (r − 1), so no claim comes here."""


@dataclass(frozen=True)
class Pilot:
    """Arms on pilot seeds, as the scheduler takes them.

    Attributes:
        scale: Which device they are done on.
        arms: Arms by name, with their data resolved.
        most: Number of seeds.
    """

    scale: Scale
    arms: Mapping[str, Arm]
    most: int

    def wanted(self, find: Callable[[Job], Record | None]) -> int:
        """All seeds until every record is there."""
        return self.most if any(find(each) is None for each in self.jobs(self.most)) else 0

    def jobs(self, seeds: int) -> Iterator[Job]:
        """Seed by seed, so that an interrupted pilot leaves whole seeds."""
        for seed in range(PILOT, PILOT + seeds):
            for arm in self.arms.values():
                yield job(arm, seed)


@dataclass(frozen=True)
class Spread:
    """What a pilot tells.

    Attributes:
        sd: Standard deviation over seeds, by arm.
        collapsed: Runs that collapsed or failed, by arm.
        seconds: Mean wall time of a run, by arm.
        mean: Of all runs of all arms.
        correlation: Mean over pairs of arms of the correlation over seeds; NaN where no pair has one.
        paired_sd: Root mean square, over pairs of arms, of the standard deviation of paired differences.
    """

    sd: dict[str, float]
    collapsed: dict[str, int]
    seconds: dict[str, float]
    mean: float
    correlation: float
    paired_sd: float

    def lines(self) -> list[str]:
        """A table of the arms, then a line for all of them."""
        width = max(map(len, self.sd))
        table = [f"{'arm':{width}}     sd  collapsed  seconds"]
        for arm, sd in self.sd.items():
            table.append(f"{arm:{width}}  {sd:5.3f}  {self.collapsed[arm]:9d}  {self.seconds[arm]:7.1f}")
        typical = float(np.sqrt(np.mean(np.square(list(self.sd.values())))))
        return [
            *table,
            f"all arms: mean {self.mean:.3f}, sd {typical:.3f} (root mean square; "
            f"largest {max(self.sd.values()):.3f}), collapsed {sum(self.collapsed.values())}, "
            f"correlation {self.correlation:.2f}, sd of paired differences {self.paired_sd:.3f}",
        ]


def spread(records: Mapping[str, Sequence[Record]], measure: Measure) -> Spread:
    """How arms spread over seeds.

    Args:
        records: Records by arm, in the order of the seeds.
        measure: What is measured; a failed run has no value, and its seed is left out of its arm.
    """
    values = {
        arm: np.array([np.nan if each.failed else each.value(measure) for each in runs])
        for arm, runs in records.items()
    }
    table = np.array(list(values.values()))
    pairs = [(a, b) for i, a in enumerate(table) for b in table[i + 1 :]]
    both = [(a, b, np.isfinite(a) & np.isfinite(b)) for a, b in pairs]
    differences = [np.std((a - b)[kept], ddof=1) for a, b, kept in both if kept.sum() > 1]
    related = [
        np.corrcoef(a[kept], b[kept])[0, 1]
        for a, b, kept in both
        if kept.sum() > 2 and np.ptp(a[kept]) > 0 and np.ptp(b[kept]) > 0
    ]
    return Spread(
        sd={arm: float(np.nanstd(row, ddof=1)) for arm, row in values.items()},
        collapsed={arm: sum(each.failed or each.collapsed for each in runs) for arm, runs in records.items()},
        seconds={arm: float(np.mean([each.seconds for each in runs])) for arm, runs in records.items()},
        mean=float(np.nanmean(table)),
        correlation=float(np.mean(related)) if related else float("nan"),
        paired_sd=float(np.sqrt(np.mean(np.square(differences)))) if differences else float("nan"),
    )


class _Planned:
    """Plugin that keeps what pytest plans."""

    def __init__(self) -> None:
        self.arms: dict[str, Arm] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        from fixtures.plugin import QUESTION

        seen: set[str] = set()
        for question in (item.stash[QUESTION] for item in session.items):
            for name, arm in question.arms.items():
                if digest(arm) not in seen:
                    seen.add(digest(arm))
                    self.arms[f"{question.slug}/{name}"] = arm


def planned(paper: str, scale: Scale, data_root: Path | None, store: Path) -> dict[str, Arm]:
    """The arms of a paper's pre-registered claims, each once, by the claim that first names it.

    Raises:
        SystemExit: pytest cannot plan the claims; it has said why.
    """
    kept = _Planned()
    arguments = [str(CLAIMS / f"test_{paper.replace('-', '_')}.py"), "-m", scale, "--collect-only", "-qq"]
    arguments += ["-p", "no:cacheprovider", f"--claims-store={store}", "--claims-controls=off"]
    arguments += [f"--claims-data-root={data_root}"] if data_root else ["--claims-data=phantom"]
    code = pytest.main(arguments, plugins=[kept])
    if code or not kept.arms:
        sys.exit(f"Expected pytest to plan the claims of {paper} at the {scale} scale, but it ended with {code!r}.")
    return kept.arms


def change(paper: str, scale: Scale, settings: Sequence[str]) -> None:
    """Changes what a small scale spends, as ``FIELD=VALUE`` each, in this process only."""
    if not settings:
        return
    sys.path.insert(0, str(CLAIMS))
    small: dict[Scale, Any] = __import__(paper.replace("-", "_")).SMALL
    values = {name: ast.literal_eval(text) for name, _, text in (each.partition("=") for each in settings)}
    for name, value in values.items():
        kind = type(getattr(small[scale], name))
        values[name] = value if isinstance(value, kind) else kind(*value)
    small[scale] = replace(small[scale], **values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paper", default="huang-dme")
    parser.add_argument("--scale", choices=SMALL, default="smoke")
    parser.add_argument("--data-root", type=Path, help="folder of the real data sets; phantoms without it")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--store", type=Path, default=Path("build/pilot"), help="where results are kept [build/pilot]")
    parser.add_argument("--measure", default="IoU.foreground")
    parser.add_argument("--only", nargs="+", default=["*"], help="arms whose names match one of these patterns")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="change of the scale's recipe"
    )
    options = parser.parse_args()

    change(options.paper, options.scale, options.set)
    every = planned(options.paper, options.scale, options.data_root, options.store)
    arms = {name: arm for name, arm in every.items() if any(fnmatch(name, text) for text in options.only)}
    if not arms:
        sys.exit(f"Expected --only to name some of the arms {', '.join(every)}, but got {options.only}.")
    pilot = Pilot(options.scale, arms, options.seeds)
    catalogue = Catalogue(options.data_root, options.store / "packs")
    scheduler = Scheduler(Store(options.store), catalogue, [pilot], {options.scale: "cpu"}, "pilot")
    scheduler.finish(pilot)
    seeds = range(PILOT, PILOT + options.seeds)
    records = {
        name: [found for seed in seeds if (found := scheduler.record(job(arm, seed)))] for name, arm in arms.items()
    }
    measure = parse(options.measure)
    measured = {name: runs for name, runs in records.items() if any(_has(each, measure) for each in runs)}
    if not measured:
        sys.exit(f"Expected runs that have {measure}, but none has; name another one with --measure.")
    print("\n".join(spread(measured, measure).lines()))
    if left_out := records.keys() - measured.keys():
        print(f"without {measure}: {', '.join(sorted(left_out))}")


def _has(record: Record, measure: Measure) -> bool:
    """Whether a run has the measure: street scenes, for example, have no foreground."""
    if record.failed:
        return False
    try:
        record.value(measure)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    main()
