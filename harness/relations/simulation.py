"""Simulated seeds with a known truth: how often each relation is wrong, and how often it sees what is there;
and images clustered in subjects, to measure the coverage of `two_level`.

Used by `tests/relations/test_calibration.py`, `test_two_level.py` and, longer, by `benchmarks/calibration.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.relations.comparison import Greater, NotGreater, NotWorse, Reaches
from harness.relations.conjunction import All, BestOf, Increasing, NonMonotonic
from harness.relations.convergence import ConvergesFaster
from harness.relations.equivalence import Equivalent
from harness.relations.looks import Looks
from harness.relations.paired_t import Array
from harness.relations.ranking import RankCorrelation
from harness.relations.relation import Relation
from harness.relations.two_level import (
    FEW_SUBJECTS,
    LEAST_EFFECTIVE,
    crossed,
    half_widths,
    pooled,
    pseudo_values,
    weights,
)

SHAPES = ("normal", "t3", "uniform", "skewed right", "skewed left")
"""Shapes of the noise, each with sd 1. The skewed ones are centred exponentials, and make a − b skewed too."""

STEP, BUDGET = 0.25, 4.0
"""Of simulated times to a threshold: between two evaluations, and after which a run is censored."""

FAR = 6.0
"""A difference, in sd, that is seen at any n: what is not in question in a least favourable truth."""

LOADINGS = (0.9, 0.3)
"""How much of the seed effect that all arms share an arm takes where arms are correlated, by turns."""


@dataclass(frozen=True)
class Truth:
    """A relation and a truth at its boundary, where one of the verdicts would be wrong.

    Attributes:
        relation: margins in sd of one arm's noise.
        means: true means of the arms, in the same units (logarithms of times for a convergence).
        wrong: the verdict that must come in at most alpha of all cases.
        label: the truth in words.
    """

    relation: Relation
    means: Mapping[str, float]
    wrong: Literal["SUPPORTED", "REFUTED"]
    label: str

    @property
    def name(self) -> str:
        """The relation's class."""
        return type(self.relation).__name__


def _truths() -> tuple[Truth, ...]:
    two, half = ("a", "b"), Reaches("a", 0.0, 0.5)
    four = RankCorrelation((("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0)))
    measured = RankCorrelation((("a", "ra"), ("b", "rb"), ("c", "rc")))
    both = All((Greater("a", "b"), NotWorse("c", "d", 0.5)))
    rows: list[tuple[Relation, dict[str, float], str, str]] = []
    for side in ("SUPPORTED", "REFUTED"):
        rows += [
            (Greater("a", "b"), {"a": 0, "b": 0}, side, "a = b"),
            (Greater("a", "b", 0.5), {"a": 0.5, "b": 0}, side, "gain = margin"),
            (NotGreater("a", "b", 0.5), {"a": 0.5, "b": 0}, side, "gain = margin"),
            (NotWorse("a", "b", 0.5), {"a": -0.5, "b": 0}, side, "loss = margin"),
            (half, {"a": -0.5}, side, "mean = value − tolerance"),
            (Equivalent(two, 0.1), {"a": 0.1, "b": 0}, side, "difference = margin (.1 sd)"),
            (Equivalent(two, 1.0), {"a": 1.0, "b": 0}, side, "difference = margin (1 sd)"),
            (ConvergesFaster("a", "b"), {"a": 0, "b": 0}, side, "same times, on a grid, censored"),
            (
                ConvergesFaster("a", "b", 2.0, budgets=(BUDGET, BUDGET), grid=STEP),
                {"a": 0, "b": float(np.log(2))},
                side,
                "twice as fast, grid and budgets known",
            ),
        ]
    three, arms4 = ("a", "b", "c"), ("a", "b", "c", "d")
    rows += [
        (Equivalent(three, 2.0), {"a": 0, "b": 1.0, "c": 2.0}, "SUPPORTED", "ends differ by the margin"),
        (Equivalent(three, 0.5), {"a": 0, "b": 0, "c": 0.5}, "REFUTED", "two pairs at the margin"),
        (Increasing(three), {"a": 0, "b": 0, "c": FAR}, "SUPPORTED", "first step 0, second large"),
        (Increasing(three), {"a": 0, "b": 2.0, "c": 1.0}, "SUPPORTED", "0, 2, 1"),
        (Increasing(arms4, 0.3), {"a": 0, "b": 0.3, "c": 0.6, "d": 0.9}, "REFUTED", "every step = margin"),
        (NonMonotonic(three, "b"), {"a": 0, "b": FAR, "c": FAR}, "SUPPORTED", "no descent after the turn"),
        (NonMonotonic(three, "b", "valley"), {"a": 0, "b": 0, "c": FAR}, "SUPPORTED", "no descent before the turn"),
        (NonMonotonic(three, "b"), {"a": 0, "b": 0, "c": 0}, "REFUTED", "all equal"),
        (BestOf(arms4, "a"), {"a": 0, "b": 0, "c": -FAR, "d": -FAR}, "SUPPORTED", "a tie for the best"),
        (BestOf(arms4, "a"), {"a": 0, "b": 0, "c": 0, "d": 0}, "REFUTED", "all equal"),
        (four, {"a": 0, "b": 0, "c": 0, "d": FAR}, "SUPPORTED", "3 of 6 concordant, 3 on the edge"),
        (four, {"a": 0, "b": 0, "c": 0, "d": 0}, "SUPPORTED", "all equal"),
        (four, {"a": FAR, "b": 0, "c": 0, "d": FAR}, "REFUTED", "2 of 6 discordant, 2 on the edge"),
        (
            measured,
            {"a": 0, "b": FAR, "c": FAR, "ra": 0, "rb": 0, "rc": FAR},
            "SUPPORTED",
            "1 of 3, measured reference",
        ),
        (measured, dict.fromkeys(("a", "b", "c", "ra", "rb", "rc"), 0.0), "REFUTED", "all equal, measured reference"),
        (both, {"a": 0, "b": 0, "c": FAR, "d": 0}, "SUPPORTED", "one at its boundary, one clear"),
        (both, {"a": 0, "b": 0, "c": -0.5, "d": 0}, "REFUTED", "both at their boundary"),
    ]
    return tuple(
        Truth(relation, means, "SUPPORTED" if side == "SUPPORTED" else "REFUTED", label)
        for relation, means, side, label in rows
    )


TRUTHS = _truths()
"""Least favourable truths of every relation."""


def noise(rng: np.random.Generator, shape: str, size: tuple[int, ...]) -> Array:
    """Centred noise with sd 1.

    Raises:
        ValueError: an unknown shape.
    """
    if shape == "normal":
        return np.asarray(rng.standard_normal(size))
    if shape == "t3":
        return np.asarray(rng.standard_t(3, size) / np.sqrt(3))
    if shape == "uniform":
        return np.asarray(rng.uniform(-np.sqrt(3), np.sqrt(3), size))
    if shape in ("skewed right", "skewed left"):
        return np.asarray((rng.exponential(size=size) - 1) * (1 if shape == "skewed right" else -1))
    raise ValueError(f"Expected argument `shape` to be one of {SHAPES!r}, but got {shape!r}.")


def draw(
    rng: np.random.Generator,
    means: Mapping[str, float],
    shape: str,
    n: int,
    simulations: int,
    *,
    correlated: bool = False,
    alike: bool = False,
) -> dict[str, Array]:
    """Simulated seeds of all arms.

    Args:
        rng: the generator.
        means: true means by arm.
        shape: of the noise, see `noise`.
        n: seeds.
        simulations: how often.
        correlated: arms share a seed effect, unequally (`LOADINGS`), so that it does not cancel in differences.
        alike: give skewed arms the same spread. Else every other one has a twentieth of it, so that the difference of
            two neighbours is itself nearly a centred exponential.

    Returns:
        ``(simulations, n)`` by arm.
    """
    shared = noise(rng, shape, (simulations, n)) if correlated else None
    arms: dict[str, Array] = {}
    for i, (arm, mean) in enumerate(means.items()):
        own = noise(rng, shape, (simulations, n))
        if shared is not None:
            loading = LOADINGS[i % 2]
            own = loading * shared + np.sqrt(1 - loading**2) * own
        if shape.startswith("skewed") and not alike and i % 2:
            own = own / 20
        arms[arm] = mean + own
    return arms


def as_times(arms: Mapping[str, Array]) -> dict[str, Array]:
    """Times to a threshold from their logarithms, by arm: on a grid of evaluations, ``inf`` beyond the budget."""
    times = {arm: STEP * np.ceil(np.exp(values) / STEP) for arm, values in arms.items()}
    return {arm: np.where(values > BUDGET, np.inf, values) for arm, values in times.items()}


def rates(
    relation: Relation,
    means: Mapping[str, float],
    shape: str,
    n: int,
    simulations: int,
    rng: np.random.Generator,
    *,
    alpha: float = 0.05,
    correlated: bool = False,
) -> tuple[float, float]:
    """How often a relation is SUPPORTED and how often REFUTED under a given truth.

    Args:
        relation: what the claim says.
        means: true means by arm, in sd of the noise (logarithms of times for `ConvergesFaster`).
        shape, n, simulations, rng, correlated: as in `draw`.
        alpha: the level of the decision.
    """
    arms = samples(relation, means, shape, n, simulations, rng, correlated)
    pvalue, against = relation.pvalues(arms)
    return float((pvalue < alpha).mean()), float((against < alpha).mean())


def plan_rates(
    relation: Relation,
    means: Mapping[str, float],
    shape: str,
    looks: Looks,
    simulations: int,
    rng: np.random.Generator,
    *,
    alpha: float = 0.05,
    correlated: bool = False,
) -> tuple[float, float]:
    """How often a plan of looks ends SUPPORTED and how often REFUTED where no claim is given up.

    The first look that decides counts. A family of one, and no futility: both only lower the rates.

    Args:
        relation, means, shape, simulations, rng, correlated: as in `rates`.
        looks: the plan.
        alpha: the level of the whole plan.
    """
    arms = samples(relation, means, shape, looks.most, simulations, rng, correlated)
    supported, refuted = decided_by(relation, arms, looks, alpha)
    return float(supported.mean()), float(refuted.mean())


def decided_by(
    relation: Relation, arms: Mapping[str, Array], looks: Looks, alpha: float = 0.05
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which simulations ``(simulations, seeds)`` a plan of looks supports, and which it refutes."""
    simulations = next(iter(arms.values())).shape[0]
    supported, refuted = np.zeros(simulations, dtype=np.bool_), np.zeros(simulations, dtype=np.bool_)
    for i, n in enumerate(looks.at):
        pvalue, against = relation.pvalues({arm: values[:, :n] for arm, values in arms.items()})
        level, going = looks.level(i, alpha), ~(supported | refuted)
        supported |= going & (pvalue < level)
        refuted |= going & (against < level)
    return supported, refuted


def wrong_rate(
    truth: Truth, shape: str, looks: Looks, simulations: int, rng: np.random.Generator, *, correlated: bool = False
) -> float:
    """How often a plan of looks comes to the wrong verdict under a truth, at level .05."""
    supported, refuted = plan_rates(truth.relation, truth.means, shape, looks, simulations, rng, correlated=correlated)
    return supported if truth.wrong == "SUPPORTED" else refuted


def samples(
    relation: Relation,
    means: Mapping[str, float],
    shape: str,
    n: int,
    simulations: int,
    rng: np.random.Generator,
    correlated: bool = False,
) -> dict[str, Array]:
    """Simulated seeds as a relation takes them: values, or times where it compares times; arguments as in `rates`."""
    timed = isinstance(relation, ConvergesFaster)
    arms = draw(rng, means, shape, n, simulations, correlated=correlated, alike=timed)
    return as_times(arms) if timed else arms


# Of `Clustered`, in probits: an arm's mean skill, and the sd of a subject's and of an image's difficulty; sd of the
# logarithm of an image's size; false positives at skill 0 in median true foregrounds; pixels of that.
SKILL, DIFFICULTY, IMAGE_DIFFICULTY, IMAGE_SPREAD = 0.5, 0.4, 0.3, 0.5
FALSE, PIXELS = 0.3, 1000.0


@dataclass(frozen=True)
class Clustered:
    """Two arms tested on images that are clustered in subjects, with the true difference of their pooled IoU known.

    An arm's skill is, on the probit scale of the recall, the sum of normal effects: of the seed, of the subject's
    difficulty (shared by the arms, and correlated with its size), of the subject for this arm, of this seed on this
    subject, and of the image. False positives fall with the skill. Sizes are log-normal.

    Attributes:
        label: the design in words.
        seed, subject, both: sd of the effects of one arm: of a seed, of a subject, of one seed on one subject.
        gain: what arm a has more than b.
        spread: sd of the logarithm of the subjects' sizes.
        images: images of the subjects, by turns.
        empty: share of images without foreground.
    """

    label: str
    seed: float
    subject: float
    both: float
    gain: float = 0.0
    spread: float = 0.7
    images: tuple[int, ...] = (3,)
    empty: float = 0.0

    def truth(self) -> float:
        """The difference of the arms over all seeds and subjects, by Gauss–Hermite quadrature over the seeds."""
        from scipy import special

        nodes, shares = np.polynomial.hermite_e.hermegauss(41)
        skill = DIFFICULTY**2 + self.subject**2 + self.both**2
        size = np.exp((self.spread**2 + IMAGE_SPREAD**2) / 2) * (1 - self.empty)
        values = []
        for gain in (self.gain, 0.0):
            mean = SKILL + gain + self.seed * nodes
            # E[size · Φ(skill)] of jointly normal log-size and skill; correlation of size and difficulty one half.
            shifted = (mean + self.spread * DIFFICULTY / 2) / np.sqrt(1 + skill + IMAGE_DIFFICULTY**2)
            false = FALSE * np.exp(-mean / 2 + skill / 8)
            values.append((shares * size * special.ndtr(shifted) / (size + false)).sum() / shares.sum())
        return float(values[0] - values[1])

    def draw(self, rng: np.random.Generator, seeds: int, subjects: int, simulations: int) -> tuple[Array, Array]:
        """Confusion counts (whole numbers) of arms a and b, each ``(simulations, seeds, subjects, 2, 2)``."""
        from scipy import special

        counts = np.resize(self.images, subjects)
        first, place = np.cumsum(counts) - counts, np.repeat(np.arange(subjects), counts)
        normal = rng.standard_normal
        log_size = normal((simulations, subjects))
        difficulty = DIFFICULTY * (log_size / 2 + np.sqrt(0.75) * normal((simulations, subjects)))
        log_size = self.spread * log_size[:, place] + IMAGE_SPREAD * normal((simulations, place.size))
        size = PIXELS * np.exp(log_size) * (rng.random((simulations, place.size)) >= self.empty)
        image = IMAGE_DIFFICULTY * normal((simulations, 1, place.size))
        arms = []
        for gain in (self.gain, 0.0):
            skill = SKILL + gain + self.seed * normal((simulations, seeds, 1))
            skill = skill + (difficulty + self.subject * normal((simulations, subjects)))[:, None]
            skill = (skill + self.both * normal((simulations, seeds, subjects)))[..., place]
            hit = size[:, None] * special.ndtr(skill + image)
            false = FALSE * PIXELS * np.exp(-skill / 2)
            cells = (20 * PIXELS - false, false, size[:, None] - hit, hit)
            sums = [np.add.reduceat(np.round(np.maximum(0, cell)), first, axis=-1) for cell in cells]
            arms.append(np.stack(sums, axis=-1).reshape(simulations, seeds, subjects, 2, 2))
        return arms[0], arms[1]


CLUSTERED = (
    Clustered("seeds differ most", 0.3, 0.05, 0.1),
    Clustered("subjects differ most", 0.05, 0.3, 0.1),
    Clustered("seeds and subjects differ", 0.2, 0.2, 0.2),
    Clustered("subjects do not differ", 0.2, 0.0, 0.1),
    Clustered("only the interaction", 0.02, 0.0, 0.3),
    Clustered("a is better", 0.15, 0.3, 0.1, gain=1.0, spread=1.0),
    Clustered("one image a subject", 0.15, 0.3, 0.1, gain=0.5, spread=1.0, images=(1,)),
    Clustered("unequal subjects, empty images", 0.2, 0.3, 0.2, spread=1.2, images=(1, 2, 3, 6), empty=0.3),
)
"""Designs that differ in what differs."""


@dataclass(frozen=True)
class Coverage:
    """How often intervals of one design held the truth over all seeds and subjects.

    Attributes:
        seeds_only: of the paired-t interval over seeds.
        two_level: of `harness.relations.two_level`.
        outside: share of truths below the two-level interval, and above it.
        width, seeds_width: median widths of the two-level and of the seed interval.
        test_limited: how often the test images were named as the limit.
        too_few: how often there was no interval for want of subjects; these count in none of the other figures.
    """

    seeds_only: float
    two_level: float
    outside: tuple[float, float]
    width: float
    seeds_width: float
    test_limited: float
    too_few: float


def coverage(
    design: Clustered, seeds: int, subjects: int, simulations: int, rng: np.random.Generator, *, level: float = 0.90
) -> Coverage:
    """Simulates a design and counts how often each interval holds the truth.

    Args:
        design: what varies.
        seeds, subjects: numbers of them.
        simulations: how often.
        rng: the generator.
        level: of the intervals.
    """
    a, b = design.draw(rng, seeds, subjects, simulations)
    iou = pooled("IoU.fluid", ("background", "fluid"))
    assert iou is not None
    differences, pseudo = pseudo_values(a, b, iou)
    share = weights(a, b)
    enough = ((share > 0).sum(-1) >= FEW_SUBJECTS) & (np.square(share).sum(-1) <= 1 / LEAST_EFFECTIVE)
    usable = enough & np.isfinite(pseudo).all((-2, -1))
    differences, pseudo, share = differences[usable], pseudo[usable], share[usable]
    found = crossed(pseudo, share)
    half, alone = half_widths(differences, found, level)
    off = design.truth() - differences.mean(-1)
    return Coverage(
        seeds_only=float((np.abs(off) <= alone).mean()),
        two_level=float((np.abs(off) <= half).mean()),
        outside=(float((off < -half).mean()), float((off > half).mean())),
        width=float(2 * np.median(half)),
        seeds_width=float(2 * np.median(alone)),
        test_limited=float((found.test_share > 0.5).mean()),
        too_few=float(1 - enough.mean()),
    )
