"""Rank correlation within a seed: the order of some models by a reference is their order on the target, as a seed draws
them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.relations.decision import Decision
from harness.relations.one_difference import LEAST_TO_REACH, Reaches
from harness.relations.ranking import RankCorrelation
from harness.relations.relation import Arrays
from harness.relations.t_test import Array


@dataclass(frozen=True)
class RankCorrelationBySeed(RankCorrelation):
    """Kendall's τ within a seed, in the mean over seeds, exceeds `above`, or stays below `below`.

    For models that a seed draws anew, with a head at random for example, so that means over seeds tell them apart no
    more: whoever tries them sees one draw of each. τ is (C − D)/N over all pairs of models of a seed, ties being
    neither; a one-sample t test of its values decides, as `Reaches` does, and never below 5 seeds. It speaks of these
    models and of further draws of them. Collapsed runs have their values like any others: a network that predicts one
    class alone has its place in both orders.

    Args:
        pairs: As of `RankCorrelation`.
        above, below: As of `RankCorrelation`, for the mean of τ.
        measure: As of `RankCorrelation`.

    Raises:
        ValueError: As `RankCorrelation`; or `paired` is false, since τ is taken within a seed.

    >>> relation = RankCorrelationBySeed((("a", "x"), ("b", "y"), ("c", "z")), below=0.0)
    >>> target = {"a": [1, 2, 3, 1, 2], "b": [2, 1, 2, 3, 3], "c": [3, 3, 1, 2, 1]}
    >>> reference = {"x": [3, 2, 1, 3, 2], "y": [2, 3, 2, 1, 1], "z": [1, 1, 3, 2, 3]}
    >>> relation.decide({**target, **reference}).effect
    -1.0
    """

    least = LEAST_TO_REACH

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.paired:
            raise ValueError(
                f"Expected argument `paired` to be True, since τ is taken within a seed, but got {self.paired}."
            )

    def describe(self) -> str:
        return f"in a seed {super().describe()}"

    def taus(self, samples: Arrays) -> Array:
        """Kendall's τ of each seed, ``(..., n)``."""
        signs = [
            np.sign(self._values(samples, self.models[high]) - self._values(samples, self.models[low]))
            * self._rises(samples, low, high)
            for low, high in self._ordered()
        ]
        return np.asarray(np.mean(signs, axis=0))

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        return self._mean_of_taus.pvalues(self._turned(samples))

    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        decision = self._mean_of_taus.decide_part(self._turned(samples), alpha, comparisons)
        tau, bound = self.taus(samples), self.above if self.below is None else self.below
        interval = decision.interval
        if interval is not None:
            shifted = sorted(bound + self._side * end for end in interval)
            interval = (max(-1.0, shifted[0]), min(1.0, shifted[1]))
        return replace(
            decision,
            effect=float(tau.mean()) if tau.size else None,
            effect_kind=self.effect_kind,
            interval=interval,
            detectable=None if decision.detectable is None else bound + self._side * decision.detectable,
            label=self.describe(),
            measure=self.printed_measure,
            compares=(),
            collapsed=(),
            survives_collapse=None,
            seed_effects=tuple(tau.tolist()),
            boundaries=(bound,) if bound else (),
            target=None,
            exact_pvalue=None,
            notes=(f"τ by seed: {', '.join(f'{value:.2f}' for value in tau)}",),
        )

    @property
    def _side(self) -> int:
        """1 where τ is to exceed a value, −1 where it is to stay below one."""
        return 1 if self.below is None else -1

    @property
    def _mean_of_taus(self) -> Reaches:
        """What decides: the mean of τ, turned so that the claim is that it is large."""
        bound = self.above if self.below is None else self.below
        return Reaches("τ", value=self._side * bound, tolerance=0.0)

    def _turned(self, samples: Arrays) -> Arrays:
        return {"τ": self._side * self.taus(samples)}

    def _rises(self, samples: Arrays, low: int, high: int) -> Array:
        """The sign of the reference's step between two models; 1 for known numbers, whose pairs are in order."""
        if not self.measured:
            return np.array(1.0)
        first, second = (self._values(samples, reference) for reference in self._references(low, high))
        return np.asarray(np.sign(second - first))
