"""Simulated images clustered in subjects, to measure how often `two_level` holds the truth.

`tests/relations/test_two_level.py` runs a short version, `benchmarks/calibration.py` the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.relations.crossed import components, half_widths, pseudo_values, weights
from harness.relations.t_test import Array
from harness.relations.two_level import FEW_SUBJECTS, LEAST_EFFECTIVE

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
        label: The design in words.
        seed, subject, both: Sd of the effects of one arm: of a seed, of a subject, of one seed on one subject.
        gain: What arm a has more than b.
        spread: Sd of the logarithm of the subjects' sizes.
        images: Images of the subjects, by turns.
        empty: Share of images without foreground.
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
        seeds_only: Of the paired-t interval over seeds.
        two_level: Of `harness.relations.two_level`.
        outside: Share of truths below the two-level interval, and above it.
        width, seeds_width: Median widths of the two-level and of the seed interval.
        test_limited: How often the test images were named as the limit.
        too_few: How often there was no interval for want of subjects; these count in none of the other figures.
    """

    seeds_only: float
    two_level: float
    outside: tuple[float, float]
    width: float
    seeds_width: float
    test_limited: float
    too_few: float


def iou(counts: NDArray[Any]) -> Array:
    """Intersection over union of class 1 from counts ``(..., 2, 2)``."""
    return np.asarray(counts[..., 1, 1] / (counts.sum((-2, -1)) - counts[..., 0, 0]))


def coverage(
    design: Clustered, seeds: int, subjects: int, simulations: int, rng: np.random.Generator, *, level: float = 0.90
) -> Coverage:
    """Simulates a design and counts how often each interval holds the truth.

    Args:
        design: What varies.
        seeds, subjects: Numbers of them.
        simulations: How often.
        rng: The generator.
        level: Of the intervals.
    """
    a, b = design.draw(rng, seeds, subjects, simulations)
    differences, pseudo = pseudo_values(a, b, iou)
    share = weights(a, b)
    enough = ((share > 0).sum(-1) >= FEW_SUBJECTS) & (np.square(share).sum(-1) <= 1 / LEAST_EFFECTIVE)
    usable = enough & np.isfinite(pseudo).all((-2, -1))
    differences, pseudo, share = differences[usable], pseudo[usable], share[usable]
    spread = components(pseudo, share)
    half, alone = half_widths(differences, spread, level)
    off = design.truth() - differences.mean(-1)
    return Coverage(
        seeds_only=float((np.abs(off) <= alone).mean()),
        two_level=float((np.abs(off) <= half).mean()),
        outside=(float((off < -half).mean()), float((off > half).mean())),
        width=float(2 * np.median(half)),
        seeds_width=float(2 * np.median(alone)),
        test_limited=float((spread.test_share > 0.5).mean()),
        too_few=float(1 - enough.mean()),
    )
