"""Measures how often each relation is wrong, what it sees, what sequential seeds save, and what the test images allow.

    python benchmarks/calibration.py [--simulations 4000] [--docs docs] [--workers 1]

Writes `docs/calibration.md` (the tables as printed) and `docs/power-*.png`. About three minutes of one core.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import collapse
from benchmarks.clustered import CLUSTERED, coverage
from benchmarks.error_tables import (
    FIXED,
    by_plan,
    by_seeds,
    in_short,
    one_sided_by_n,
    pairing,
    shared_share,
    shared_sources,
    table,
)
from benchmarks.held_out import HELD_OUT
from benchmarks.simulation import SHAPES, TRUTHS, decided_by, plan_rates, rates, samples
from harness.relations import (
    BestOf,
    ConvergesFaster,
    Equivalent,
    Greater,
    Increasing,
    Looks,
    NonMonotonic,
    NotGreater,
    NotWorse,
    RankCorrelation,
    Reaches,
    Relation,
    Verdict,
    decide_sequentially,
)

SHAPES_IN_WORDS = (
    "- collapse .1, .2: that share of the runs of every arm collapses, and is marked as such.",
    "- unlike noise: every other arm has three times the sd.",
    "- log-normal: centred exponentials of normal values, sd 1, the long tail to this side, in every arm.",
    "- AR(1): neighbouring seeds are correlated by .3.",
    "- ties: values on a grid of half an sd.",
    "- outliers: one run in twenty lies 5 sd lower and is not marked; centred.",
    "- shared sources: all seeds of an arm start from one source run; see below.",
)
UNPAIRED_SHAPES = (
    "normal",
    "skewed right",
    "skewed left",
    *(shape for shape in HELD_OUT if shape not in ("AR(1)", "shared sources")),
)
"""Seeds that are not independent of each other are no better off unpaired."""
SIZES = ((3, 5), (3, 20), (4, 8), (7, 10), (10, 5), (10, 10), (10, 20))
"""Numbers of seeds and of test subjects."""
EARLY = 0.99
"""About the level of the interval where a claim stops at an early look."""
EFFECTS = np.linspace(-3, 3, 25)

POWER: dict[str, tuple[Relation, Callable[[float], dict[str, float]], str]] = {
    "greater": (Greater("a", "b", gain=1.0), lambda x: {"a": x, "b": 0}, "a − b (smallest gain 1)"),
    "not-greater": (NotGreater("a", "b", gain=1.0), lambda x: {"a": x, "b": 0}, "a − b (smallest gain 1)"),
    "not-worse": (NotWorse("a", "b", 1.0), lambda x: {"a": x, "b": 0}, "a − b (margin 1)"),
    "equivalent": (Equivalent(("a", "b"), 1.5), lambda x: {"a": x, "b": 0}, "difference (margin 1.5)"),
    "reaches": (Reaches("a", 0.0, 0.5), lambda x: {"a": x}, "mean less the value (tolerance 0.5)"),
    "increasing": (
        Increasing(("a", "b", "c"), gain=1.0),
        lambda x: {"a": 0, "b": x, "c": 2 * x},
        "each of two steps",
    ),
    "non-monotonic": (
        NonMonotonic(("a", "b", "c"), "b", gain=1.0),
        lambda x: {"a": 0, "b": x, "c": 0},
        "height of the peak",
    ),
    "best-of": (
        BestOf(("a", "b", "c", "d"), "a", gain=1.0),
        lambda x: {"a": x, "b": 0, "c": 0, "d": 0},
        "lead over 3 others",
    ),
    "rank-correlation": (
        RankCorrelation((("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0))),
        lambda x: {"a": 0, "b": x, "c": 2 * x, "d": 3 * x},
        "step between 4 models",
    ),
    "converges-faster": (ConvergesFaster("a", "b"), lambda x: {"a": 0, "b": x}, "log of T_b / T_a, censored at 4"),
}
"""Relation, means by effect (sd of one arm's noise; arms independent, so a difference has sd √2), and the axis.
The smallest gain of interest is 1."""


def power(folder: Path, simulations: int, rng: np.random.Generator) -> Iterable[str]:
    """Power curves as pictures, and the table of the rates at one effect."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    for name, (relation, means, axis) in POWER.items():
        figure, panel = plt.subplots(figsize=(6, 3.4), layout="constrained")
        for n, shade in zip((3, 5, 10, 20), (0.3, 0.5, 0.75, 1.0), strict=True):
            curve = np.array([rates(relation, means(float(x)), "normal", n, simulations, rng) for x in EFFECTS])
            panel.plot(EFFECTS, curve[:, 0], color="tab:blue", alpha=shade, label=f"SUPPORTED, n = {n}")
            panel.plot(EFFECTS, curve[:, 1], color="tab:red", alpha=shade, ls="--", label=f"REFUTED, n = {n}")
        panel.axhline(0.05, color="grey", lw=0.6)
        panel.set(xlabel=f"{axis}, in sd of one arm", ylabel="share of verdicts", ylim=(-0.02, 1.02), title=name)
        panel.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        figure.savefig(folder / f"power-{name}.png", dpi=90)
        plt.close(figure)
        yield f"![power of {name}](power-{name}.png)"


def sequentially(
    relation: Relation, means: dict[str, float], family: int, simulations: int, rng: np.random.Generator
) -> str:
    """Cells of the plan 4, 7, 10: shares of SUPPORTED and REFUTED, mean number of seeds, share given up."""
    arms = samples(relation, means, "normal", 10, simulations, rng)
    results = [
        decide_sequentially(relation, {arm: values[i] for arm, values in arms.items()}, Looks(), family=family)
        for i in range(simulations)
    ]
    supported, refuted = (np.mean([r.verdict is v for r in results]) for v in (Verdict.SUPPORTED, Verdict.REFUTED))
    seeds, futile = np.mean([r.decision.n for r in results]), np.mean([r.stopped == "futile" for r in results])
    return f"{supported:.3f} | {refuted:.3f} | {seeds:.1f} | {futile:.2f}"


def saved(simulations: int, rng: np.random.Generator) -> Iterable[str]:
    """The sequential plan against ten fixed seeds, for `Greater`, at several effects."""
    yield "| a − b (sd of the difference) | K | plan | SUPPORTED | REFUTED | seeds | given up |"
    yield "| ---: | ---: | --- | ---: | ---: | ---: | ---: |"
    claim = Greater("a", "b")
    for effect in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
        means = {"a": effect * math.sqrt(2), "b": 0.0}
        supported, refuted = plan_rates(claim, means, "normal", Looks.fixed(10), 10 * simulations, rng)
        yield f"| {effect:g} | | fixed 10 | {supported:.3f} | {refuted:.3f} | 10.0 | |"
        for family in (1, 8):
            yield f"| {effect:g} | {family} | 4, 7, 10 | {sequentially(claim, means, family, simulations, rng)} |"


def saved_by_relation(simulations: int, rng: np.random.Generator) -> Iterable[str]:
    """The same for every relation, at an effect on the boundary's far side and at its opposite."""
    yield "| relation | effect | fixed 10: SUPPORTED | REFUTED | 4, 7, 10: SUPPORTED | REFUTED | seeds | given up |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for relation, means, _ in POWER.values():
        for effect in (-2.0, 0.0, 2.0):
            fixed = plan_rates(relation, means(effect), "normal", Looks.fixed(10), 10 * simulations, rng)
            plan = sequentially(relation, means(effect), 8, simulations, rng)
            cells = " | ".join(f"{rate:.3f}" for rate in fixed)
            yield f"| {type(relation).__name__} | {effect:g} | {cells} | {plan} |"


def prolonged(simulations: int, rng: np.random.Generator) -> Iterable[str]:
    """Wrong support where an undecided plan is followed by a longer one, again and again."""
    claim, most = Greater("a", "b"), 30
    chains = (((4, 7, 10), (4, 7, 10, 15), (4, 7, 10, 15, 20), (4, 7, 10, 15, 20, 30)), ((10,), (15,), (20,), (30,)))
    yield "| plan, then | " + " | ".join(f"{number}." for number in range(1, 5)) + " |"
    yield "| --- |" + " ---: |" * 4
    for chain in chains:
        arms = samples(claim, {"a": 0, "b": 0}, "normal", most, simulations, rng)
        wrong = np.zeros(simulations, dtype=np.bool_)
        cells = []
        for at in chain:
            wrong |= decided_by(claim, arms, Looks.planned(at))[0]
            cells.append(f"{wrong.mean():.3f}")
        yield f"| {'; '.join(', '.join(map(str, at)) for at in chain)} | " + " | ".join(cells) + " |"


def clustered(simulations: int, rng: np.random.Generator) -> Iterable[str]:
    """Coverage of the seed interval and of the two-level interval, for images clustered in subjects."""
    found = {(d, size): coverage(d, *size, simulations, rng) for d in CLUSTERED for size in SIZES}
    header = " | ".join(f"{seeds} × {subjects}" for seeds, subjects in SIZES)
    yield f"| design | interval | {header} |"
    yield "| --- | --- |" + " ---: |" * len(SIZES)
    for design in CLUSTERED:
        cells = [found[design, size] for size in SIZES]
        early = [coverage(design, *size, simulations, rng, level=EARLY).two_level for size in SIZES]
        yield f"| {design.label} | seeds only | " + " | ".join(f"{cell.seeds_only:.3f}" for cell in cells) + " |"
        yield "| | two-level | " + " | ".join(f"{cell.two_level:.3f}" for cell in cells) + " |"
        yield f"| | two-level, nominal {EARLY:g} | " + " | ".join(f"{rate:.3f}" for rate in early) + " |"
    yield ""
    seeds_only, both = ([getattr(cell, name) for cell in found.values()] for name in ("seeds_only", "two_level"))
    sides = max(max(cell.outside) for cell in found.values())
    yield f"- seeds only: {min(seeds_only):.3f} to {max(seeds_only):.3f}, mean {np.mean(seeds_only):.3f}"
    yield f"- two-level: {min(both):.3f} to {max(both):.3f}, mean {np.mean(both):.3f}; most on one side: {sides:.3f}"
    yield ""
    yield "How often the test images, not the seeds, are named as the limit, and how many times as wide the two-level"
    yield "interval is (medians):"
    yield ""
    yield f"| design | | {header} |"
    yield "| --- | --- |" + " ---: |" * len(SIZES)
    for design in CLUSTERED:
        cells = [found[design, size] for size in SIZES]
        yield f"| {design.label} | test images | " + " | ".join(f"{cell.test_limited:.2f}" for cell in cells) + " |"
        yield "| | width | " + " | ".join(f"× {cell.width / cell.seeds_width:.1f}" for cell in cells) + " |"
        if max(cell.too_few for cell in cells) > 0.05:
            yield "| | too few subjects | " + " | ".join(f"{cell.too_few:.2f}" for cell in cells) + " |"


def lines(function: Callable[..., Iterable[str]], *arguments: Any) -> list[str]:
    """What a table yields, as a list that one process can hand to another."""
    return list(function(*arguments))


def report(simulations: int, folder: Path, pool: Executor) -> Iterable[str]:
    """The whole page, line by line. Each table has a seed of its own, so that they can be computed side by side."""
    collapses, claims = max(200, simulations // 2), max(100, simulations // 20)
    by_relation, images = max(50, simulations // 40), max(200, 2 * simulations // 5)

    def submit(function: Callable[..., Any], *arguments: Any, seed: int) -> Callable[[], Any]:
        return pool.submit(function, *arguments, np.random.default_rng(seed)).result

    unpaired = [other for truth in TRUTHS if (other := truth.unpaired())]
    fixed = submit(by_seeds, SHAPES, simulations, seed=2024)
    rows_by_relation = submit(lines, saved_by_relation, by_relation, seed=2031)
    held_out = submit(by_plan, TRUTHS, HELD_OUT, simulations, seed=2028)
    welch = submit(by_plan, unpaired, UNPAIRED_SHAPES, simulations, seed=2029)
    rows_saved = submit(lines, saved, claims, seed=2030)
    rows_clustered = submit(lines, clustered, images, seed=2025)
    pictures = submit(lines, power, folder, max(200, simulations // 5), seed=2034)
    rows_collapse = submit(lines, collapse.table, collapses, seed=2027)
    rows_shared = submit(lines, shared_sources, simulations, seed=2032)
    rows_pairing = submit(lines, pairing, simulations, seed=2033)
    rows_t = submit(lines, one_sided_by_n, (*SHAPES, "log-normal right", "log-normal left"), simulations, seed=2035)
    rows_prolonged = submit(lines, prolonged, simulations, seed=2026)

    yield "# Calibration of the verdicts"
    yield ""
    yield from in_short([*fixed(), *held_out(), *welch()], simulations)
    yield ""
    command = f"python benchmarks/calibration.py --simulations {simulations}"
    yield f"Printed by `{command}` (NumPy {np.__version__}; seeds 2024 to 2035)."
    yield "One-sided, level .05, of which a look at n seeds spends 1 / (1 + 5 / n²). Margins, gains and effects are in"
    yield "sd of one arm's noise; the skewed noise is a centred exponential in every other arm, so that differences of"
    yield "neighbours are themselves nearly exponential. Of two kinds are arms half of whose runs end far below the"
    yield "others, every other one, without being marked as collapsed."
    error = math.sqrt(0.05 * 0.95 / simulations)
    yield f"The standard error of a rate of .05 is {error:.4f}; that a figure is the largest of several rates lifts a"
    yield f"true .050 to about {0.05 + 1.4 * error:.3f}, and the largest of a column to about {0.05 + 3.2 * error:.3f}."
    yield ""
    yield "## Wrong verdicts where the truth is on the boundary"
    yield ""
    yield f"The first figure is the largest of {2 * len(FIXED)}: one look at {', '.join(map(str, FIXED))} seeds, arms"
    yield "independent, and correlated unequally. The second is the larger of two of the plan 4, 7, 10, for a family of"
    yield "one, where nobody gives up (that only lowers it)."
    yield ""
    yield from table(fixed())
    yield ""
    yield "## Shapes on which no rule was chosen"
    yield ""
    yield from SHAPES_IN_WORDS
    yield ""
    yield "Arms paired by seed; one look at 5 seeds / the plan 4, 7, 10:"
    yield ""
    yield from table(held_out())
    yield ""
    yield "The same declared unpaired (Welch):"
    yield ""
    yield from table(welch())
    yield ""
    yield "## Runs that collapse"
    yield ""
    yield "Every arm loses the same share of its runs (columns), far below the others and marked as collapsed; the"
    yield "truth is on the boundary among the runs that converge, and the verdict named would be wrong"
    yield f"({collapses} simulations a cell, standard error {math.sqrt(0.05 * 0.95 / collapses):.4f}):"
    yield ""
    yield from rows_collapse()
    yield ""
    yield "## One source for all seeds of an arm"
    yield ""
    yield f"Each arm's seeds start from one source run, which makes {shared_share()} of their variance. Verdicts about"
    yield "these source runs keep their level. Of the statement about sources in general, which a paper makes, this"
    yield "share is wrongly SUPPORTED; it grows with n, so a source is trained anew for each seed where a claim does"
    yield "not say otherwise:"
    yield ""
    yield from rows_shared()
    yield ""
    yield "## Paired or not"
    yield ""
    yield "`Greater` on normal values, by the correlation of two arms' runs of one seed: wrongly SUPPORTED where a = b,"
    yield "and power where a − b is one sd of an arm. One look."
    yield ""
    yield from rows_pairing()
    yield ""
    yield "## The one-sided t by number of seeds (wrongly SUPPORTED)"
    yield ""
    yield "At level .05 a t is exact for normal values. Uniform ones exceed its critical value more often at few seeds,"
    yield "single ones more than differences of pairs; the level of a look allows for that. It cannot allow for *every*"
    yield "symmetric distribution: of values ±x all 2ⁿ patterns of signs are equally likely, and with 4 seeds one of 16"
    yield "is already more than .05."
    yield ""
    yield from rows_t()
    yield ""
    yield "## Seeds saved by the sequential plan"
    yield ""
    yield f"Normal values, {claims} claims a row ({10 * claims} with fixed seeds). K is the size of the family: an"
    yield "early stop needs 1 / K of a look's level, the last look does not (Holm follows). First `Greater`:"
    yield ""
    yield from rows_saved()
    yield ""
    yield f"Every relation with K = 8, {by_relation} claims a row ({10 * by_relation} with fixed seeds); effects as in"
    yield "the pictures:"
    yield ""
    yield from rows_by_relation()
    yield ""
    yield "## Plans that are made longer afterwards"
    yield ""
    yield f"`Greater`, normal values, no effect, {simulations} claims: how often one has been wrongly SUPPORTED after"
    yield "each plan, if all that the former left INCONCLUSIVE go on to the next. A row of the table notes it."
    yield ""
    yield from rows_prolonged()
    yield ""
    yield "## Images clustered in subjects"
    yield ""
    error = math.sqrt(0.9 * 0.1 / images)
    yield "Two arms with the same seeds and test images; the truth is the difference of their pooled IoU over all seeds"
    yield "*and* all subjects that could have been drawn. Below, how often intervals of nominal .90 hold it, by seeds ×"
    yield f"subjects ({images} simulations a cell, standard error {error:.4f}, seed 2025). The seed interval"
    yield "is about the drawn test images: it does not cover the population that they were drawn from, and the less the"
    yield "more seeds there are. Samples that give no two-level interval (fewer than 5 subjects with foreground, or one"
    yield "with nearly all of it) count in neither."
    yield ""
    yield from rows_clustered()
    yield ""
    yield "## Power"
    yield ""
    yield from pictures()


def main() -> None:
    """Print the page and write it with its pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=4000, help="for each cell")
    parser.add_argument("--docs", type=Path, default=Path(__file__).resolve().parents[1] / "docs")
    parser.add_argument("--workers", type=int, default=1, help="processes; the page is the same with any number")
    options = parser.parse_args()
    started = time.perf_counter()
    with ProcessPoolExecutor(options.workers) as pool:
        page = "\n".join(report(options.simulations, options.docs, pool))
    print(page)
    (options.docs / "calibration.md").write_text(page + "\n", encoding="utf-8")
    print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
