"""Rank correlation: the order of some models by a reference score is their order on the target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.relations.decision import Decision, verdict_of
from harness.relations.one_difference import no_test_reason
from harness.relations.paired_t import LEAST_SEEDS, Array, bounds, detectable, joint_power, one_sided, varies
from harness.relations.relation import Arrays, Relation, check_arms

ROUNDING = 1e-9

EXACT_MODELS = 6
"""Up to here all orders of tied labels are tried, 720; beyond, 999 random ones."""


@dataclass(frozen=True)
class RankCorrelation(Relation):
    """Kendall's τ between a reference and the target, over these models, exceeds `above`.

    The statement is about *these* models: each of the N pairs of models with different references is a paired t test
    over seeds, and Holm over the pairs (`statsmodels.stats.multitest.multipletests`, "holm") shows C of them concordant
    and, separately, D discordant. Then (2C − N)/N ≤ τ ≤ (N − 2D)/N with the error of Holm: SUPPORTED if the lower
    bound exceeds `above`, REFUTED if the upper one does not. Holm shows at least what Bonferroni shows. Beyond these
    models only the label permutation speaks (`scipy.stats.kendalltau`): its exact p is `Decision.exact_pvalue`. Models
    × seeds are never pooled as if independent (29% errors).

    Args:
        pairs: of an arm and its reference: a known number (ImageNet accuracy), or the name of another arm, measured
            with the same seeds; all of one kind. The reference may also be the key of another metric of the same
            arm, ``"metric:arm"``. Concordance with a measured reference needs both orders to be shown (larger p), in
            either direction (twice the smaller).
        above: what τ exceeds, in [−1, 1).
        metric: name of the relation's own metric, see `Relation.decide`.

    Raises:
        ValueError: fewer than two arms, a repeated arm, references of two kinds or all equal, or `above` out of range.

    >>> relation = RankCorrelation((("r50", 76.1), ("vit", 81.1), ("swin", 83.5)))
    >>> seeds = {"r50": [0.70, 0.71, 0.69], "vit": [0.74, 0.76, 0.75], "swin": [0.80, 0.79, 0.81]}
    >>> decision = relation.decide(seeds)
    >>> decision.verdict, decision.effect, decision.interval, round(decision.exact_pvalue, 3)
    (<Verdict.SUPPORTED: 'SUPPORTED'>, 1.0, (1.0, 1.0), 0.167)
    """

    pairs: tuple[tuple[str, float | str], ...]
    above: float = 0.0
    metric: str | None = None
    effect_kind = "correlation"

    def __post_init__(self) -> None:
        if not isinstance(self.pairs, (tuple, list)) or any(
            not isinstance(pair, (tuple, list)) or len(pair) != 2 for pair in self.pairs
        ):
            raise ValueError(f"Expected argument `pairs` to be a tuple of (arm, reference), but got {self.pairs!r}.")
        object.__setattr__(self, "pairs", tuple((arm, reference) for arm, reference in self.pairs))
        check_arms(tuple(arm for arm, _ in self.pairs))
        references = [reference for _, reference in self.pairs]
        if not self.measured:
            numbers = [isinstance(r, (int, float)) and math.isfinite(r) for r in references]
            if not all(numbers):
                raise ValueError(
                    f"Expected the references in `pairs` to be all finite numbers or all arms, but got {references!r}."
                )
        if len(set(references)) < (len(references) if self.measured else 2):
            raise ValueError(f"Expected the references in `pairs` to differ, but got {references!r}.")
        if not -1 <= self.above < 1:
            raise ValueError(f"Expected argument `above` to be in [-1, 1), but got {self.above!r}.")

    @property
    def measured(self) -> bool:
        """Whether the references are arms (or keys) with values of their own, instead of known numbers."""
        return all(isinstance(reference, str) for _, reference in self.pairs)

    @property
    def models(self) -> tuple[str, ...]:
        """The arms that are ranked."""
        return tuple(arm for arm, _ in self.pairs)

    @property
    def arms(self) -> tuple[str, ...]:
        names = [name for pair in self.pairs for name in pair if isinstance(name, str)]
        return tuple(dict.fromkeys(names))

    def describe(self) -> str:
        references = ", ".join(f"{arm} {r if isinstance(r, str) else format(r, 'g')}" for arm, r in self.pairs)
        return f"τ with the reference > {self.above:g} ({references})"

    @property
    def needed(self) -> tuple[int, int]:
        """How many pairs must be shown concordant to support, and how many discordant to refute."""
        total = len(self._ordered())
        concordant = math.floor(total * (1 + self.above) / 2 + ROUNDING) + 1
        return concordant, max(1, math.ceil(total * (1 - self.above) / 2 - ROUNDING))

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        concordant, discordant = self._pair_pvalues(samples)
        support, refute = self.needed
        return holm(concordant)[..., support - 1], holm(discordant)[..., refute - 1]

    def _decide(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        n = min(samples[key].size for key in self.keys(samples))
        if n < LEAST_SEEDS:
            return Decision(
                verdict_of(1.0, 1.0, alpha), pvalue=1.0, pvalue_against=1.0, n=n, alpha=alpha,
                reason=no_test_reason(n), label=self.describe(), effect_kind=self.effect_kind, metric=self.metric,
            )  # fmt: skip
        ordered, (concordant, discordant) = self._ordered(), self._pair_pvalues(samples)
        total = len(ordered)
        shown = int((holm(concordant) < alpha).sum())
        opposed = int((holm(discordant) * comparisons < alpha).sum())
        support, against = self.pvalues(samples)
        pvalue, pvalue_against = float(support), min(1.0, float(against) * comparisons)
        verdict = verdict_of(pvalue, pvalue_against, alpha)
        tau, permutation = self._kendall(samples)
        parts = tuple(
            self._describe_pair(samples, low, high, float(p), float(q), alpha / total, comparisons)
            for (low, high), p, q in zip(ordered, concordant, discordant, strict=True)
        )
        # Of a measured reference the order has to be shown as well, and its spread is another.
        sizes = [part.detectable for part in parts if part.detectable is not None and not self.measured]
        kind = "exact" if len(self.models) <= EXACT_MODELS or not self._tied(samples) else "random"
        tested = "no test" if permutation is None else f"{kind} label permutation p = {permutation:.3g}"
        needed = self.needed
        reason = (
            f"{shown} of {total} pairs of models are shown concordant ({needed[0]} needed) and {opposed} discordant "
            f"({needed[1]} needed to refute) at level {alpha:.3g}."
        )
        return Decision(
            verdict=verdict,
            effect=tau,
            effect_kind=self.effect_kind,
            interval=((2 * shown - total) / total, (total - 2 * opposed) / total),
            pvalue=pvalue,
            pvalue_against=pvalue_against,
            n=n,
            detectable=max(sizes) if len(sizes) == total else None,
            alpha=alpha,
            reason="" if verdict.decided else reason,
            parts=parts,
            notes=(
                f"{shown} concordant and {opposed} discordant of {total} pairs of models",
                f"beyond these {len(self.models)} models: {tested}",
            ),
            exact_pvalue=permutation,
            label=self.describe(),
            metric=self.metric,
            boundaries=(self.above,) if self.above else (),
        )

    def _ordered(self) -> tuple[tuple[int, int], ...]:
        """Positions of the pairs of models, the lower reference first; ties of a known number are left out.

        A measured reference has no order of its own: all pairs as they stand.
        """
        pairs = combinations(range(len(self.pairs)), 2)
        if self.measured:
            return tuple(pairs)
        scores = [float(reference) for _, reference in self.pairs]
        return tuple(
            (i, j) if scores[i] < scores[j] else (j, i) for i, j in pairs if scores[i] != scores[j]
        )  # fmt: skip

    def _pair_pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        """P for each pair of models being concordant and being discordant, each ``(..., N)``."""
        concordant, discordant = [], []
        for low, high in self._ordered():
            rises, falls = self._compare(samples, self.models[low], self.models[high])
            if self.measured:
                up, down = self._compare(samples, str(self.pairs[low][1]), str(self.pairs[high][1]))
                same = np.minimum(np.maximum(rises, up), np.maximum(falls, down))
                opposite = np.minimum(np.maximum(rises, down), np.maximum(falls, up))
                rises, falls = np.minimum(1.0, 2 * same), np.minimum(1.0, 2 * opposite)
            concordant.append(rises)
            discordant.append(falls)
        return np.stack(concordant, axis=-1), np.stack(discordant, axis=-1)

    def _compare(self, samples: Arrays, low: str, high: str) -> tuple[Array, Array]:
        first, second = self._values(samples, low), self._values(samples, high)
        if first.shape[-1] == 0:
            return np.ones(first.shape[:-1]), np.ones(first.shape[:-1])
        scale = np.maximum(np.abs(first).max(axis=-1), np.abs(second).max(axis=-1))
        return one_sided(second - first, 0.0, scale)

    def _describe_pair(
        self, samples: Arrays, low: int, high: int, p: float, q: float, alpha: float, comparisons: float
    ) -> Decision:
        """One pair of models at Bonferroni's level over the pairs: what is seen of it beside Holm's count.

        A measured reference puts the pair in the order of its means, so that a concordant pair rises.
        """
        if self.measured:
            first, second = (self._values(samples, str(self.pairs[place][1])).mean() for place in (low, high))
            low, high = (high, low) if first > second else (low, high)
        names = self.models[low], self.models[high]
        differences = self._values(samples, names[1]) - self._values(samples, names[0])
        scale = np.abs(np.stack([self._values(samples, name) for name in names])).max()
        spread = bool(varies(differences, np.asarray(scale)))
        against = min(1.0, q * comparisons)
        return Decision(
            verdict=verdict_of(p, against, alpha),
            effect=float(differences.mean()),
            interval=bounds(differences, alpha, alpha / comparisons) if spread else None,
            pvalue=p,
            pvalue_against=against,
            n=differences.size,
            detectable=detectable(differences, alpha, joint_power(len(self._ordered()))) if spread else None,
            alpha=alpha,
            alpha_against=alpha / comparisons,
            reason="" if spread else no_test_reason(differences.size),
            label=f"{names[0]} < {names[1]}" + (" as by the reference" if self.measured else ""),
            metric=self.metric,
            compares=(names[1], names[0]),
            seed_effects=tuple(differences.tolist()),
        )

    def _kendall(self, samples: Arrays) -> tuple[float | None, float | None]:
        """Observed τ of the means, (C − D) / N over the pairs that are tested, and its label-permutation p."""
        from scipy import stats

        means = [float(self._values(samples, arm).mean()) for arm in self.models]
        references = [float(self._values(samples, r).mean()) if isinstance(r, str) else float(r) for _, r in self.pairs]
        if len(set(means)) < 2 or len(set(references)) < 2:
            return None, None
        signs = [np.sign(means[j] - means[i]) * np.sign(references[j] - references[i]) for i, j in self._ordered()]
        tau = float(np.mean(signs))
        if not self._tied(samples):
            return tau, float(stats.kendalltau(references, means, alternative="greater", method="exact").pvalue)

        def statistic(order: Array) -> float:
            return float(stats.kendalltau(order, means).statistic)

        permuted = stats.permutation_test(
            (references,), statistic, permutation_type="pairings", alternative="greater",
            n_resamples=math.inf if len(means) <= EXACT_MODELS else 999, rng=np.random.default_rng(0),
        )  # fmt: skip
        return tau, float(permuted.pvalue)

    def _tied(self, samples: Arrays) -> bool:
        means = {float(self._values(samples, arm).mean()) for arm in self.models}
        references = {float(self._values(samples, r).mean()) if isinstance(r, str) else float(r) for _, r in self.pairs}
        return min(len(means), len(references)) < len(self.pairs)


def holm(pvalues: Array) -> Array:
    """Holm's adjusted p-values in ascending order, for many families at once.

    `statsmodels.stats.multitest.multipletests(method="holm")` takes one family; the simulations need 10⁵.

    Args:
        pvalues: ``(..., N)``.

    Returns:
        ``(..., N)``, sorted: the k-th is the level at which k hypotheses are rejected.

    >>> holm(np.array([0.03, 0.01, 0.04])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    ascending = np.sort(pvalues, axis=-1)
    factors = np.arange(pvalues.shape[-1], 0, -1)
    return np.asarray(np.minimum(1.0, np.maximum.accumulate(ascending * factors, axis=-1)))
