"""Rank correlation: the order of some models by a reference score is their order on the target."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from harness.relations.comparison import no_test_reason
from harness.relations.decision import Decision, Verdict, verdict_of
from harness.relations.one_difference import Greater
from harness.relations.partial_conjunction import partial_conjunctions, shown
from harness.relations.relation import Arrays, Collapsed, Key, Relation, check_arms
from harness.relations.t_test import LEAST_SEEDS, Array, detectable, joint_power
from harness.specs.measures import Value

ROUNDING = 1e-9

EXACT_MODELS = 6
"""Up to here all orders of tied labels are tried, 720; beyond, 999 random ones."""


@dataclass(frozen=True)
class RankCorrelation(Relation):
    """Kendall's τ between a reference and the target, over these models, exceeds `above`, or stays below `below`.

    The statement is about *these* models: each of the N pairs of models with different references is compared as by
    `Greater`. If C of them are concordant and D discordant, then (2C − N)/N ≤ τ ≤ (N − 2D)/N. So τ exceeds `above` if
    at least u pairs are concordant, u being known beforehand: `required`. SUPPORTED if that is shown by the partial
    conjunction, (N − u + 1) · p₍ᵤ₎ (`harness.relations.partial_conjunction`), which is never above Holm's p-value;
    REFUTED if enough pairs are shown discordant likewise. That τ stays below a value is the mirror image: −τ exceeds
    the negative value, with discordant pairs in the place of concordant ones.
    Beyond these models only the label permutation speaks (`scipy.stats.kendalltau`): its exact p is
    `Decision.exact_pvalue`. Models × seeds are never pooled as if independent (29% errors).

    Args:
        pairs: Arms, each with its reference: a known number (ImageNet accuracy), the name of another arm of the same
            seeds, or the `Value` of an arm by another measure. All are numbers, or none is. Concordance with a measured
            reference needs both orders to be shown (larger p), in either direction (twice the smaller).
        above: What τ exceeds, in [−1, 1).
        below: What τ stays below instead, in (−1, 1]: the reference orders the models the wrong way round. ``None``:
            `above` is asked.
        paired: Whether the models' seeds are pairs; else Welch's test of two samples.
        measure: The relation's own measure, see `Relation`; also of references that are names of arms.

    Raises:
        ValueError: Fewer than two arms, a repeated arm, references of two kinds or all equal, or `above` or `below` out
            of range or both given.

    >>> relation = RankCorrelation((("r50", 76.1), ("vit", 81.1), ("swin", 83.5)))
    >>> seeds = {"r50": [0.70, 0.71, 0.69], "vit": [0.74, 0.76, 0.75], "swin": [0.80, 0.79, 0.81]}
    >>> decision = relation.decide(seeds)
    >>> decision.verdict, decision.effect, decision.interval, round(decision.exact_pvalue, 3)
    (<Verdict.SUPPORTED: 'SUPPORTED'>, 1.0, (1.0, 1.0), 0.167)
    """

    pairs: tuple[tuple[str, float | Key], ...]
    above: float = 0.0
    below: float | None = field(default=None, kw_only=True)
    paired: bool = field(default=True, kw_only=True)
    effect_kind = "correlation"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.pairs, (tuple, list)) or any(
            not isinstance(pair, (tuple, list)) or len(pair) != 2 for pair in self.pairs
        ):
            raise ValueError(f"Expected argument `pairs` to be a tuple of (arm, reference), but got {self.pairs!r}.")
        object.__setattr__(self, "pairs", tuple((arm, reference) for arm, reference in self.pairs))
        check_arms(tuple(arm for arm, _ in self.pairs))
        references = [reference for _, reference in self.pairs]
        known = all(isinstance(reference, (int, float)) and math.isfinite(reference) for reference in references)
        if not self.measured and not known:
            raise ValueError(
                f"Expected the references in `pairs` to be all finite numbers or all arms, but got {references!r}."
            )
        if len(set(references)) < (len(references) if self.measured else 2):
            raise ValueError(f"Expected the references in `pairs` to differ, but got {references!r}.")
        if not -1 <= self.above < 1:
            raise ValueError(f"Expected argument `above` to be in [-1, 1), but got {self.above!r}.")
        if self.below is not None and (self.above or not -1 < self.below <= 1):
            raise ValueError(
                f"Expected argument `below` to be in (-1, 1] and to stand without `above`, but got {self.below!r} and "
                f"{self.above!r}."
            )

    @property
    def measured(self) -> bool:
        """Whether the references are figures of arms, instead of known numbers."""
        return all(isinstance(reference, Key) for _, reference in self.pairs)

    @property
    def models(self) -> tuple[str, ...]:
        """The arms that are ranked."""
        return tuple(arm for arm, _ in self.pairs)

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(figure.arm if isinstance(figure, Value) else figure for figure in self._figures()))

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(dict.fromkeys(map(self._key, self._figures())))

    def _figures(self) -> Iterator[Key]:
        """Models and measured references, pair by pair."""
        return (figure for pair in self.pairs for figure in pair if isinstance(figure, Key))

    def describe(self) -> str:
        bound = f"> {self.above:g}" if self.below is None else f"< {self.below:g}"
        own = {str(r.measure) if isinstance(r, Value) and r.arm == arm else "" for arm, r in self.pairs}
        if len(own) == 1 and "" not in own:
            return f"τ with {own.pop()} {bound} ({', '.join(self.models)})"
        references = ", ".join(f"{arm} {r if isinstance(r, Key) else format(r, 'g')}" for arm, r in self.pairs)
        return f"τ with the reference {bound} ({references})"

    @property
    def required(self) -> tuple[int, int]:
        """How many pairs must go the claim's way to support it, and how many the other way to refute it.

        The claim's way is concordant, but discordant where τ is to stay below a value.
        """
        total, bound = len(self._ordered()), self.above if self.below is None else -self.below
        support = math.floor(total * (1 + bound) / 2 + ROUNDING) + 1
        return support, max(1, math.ceil(total * (1 - bound) / 2 - ROUNDING))

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        claimed, opposed = self._sides(samples)
        support, refute = self.required
        return partial_conjunctions(claimed)[..., support - 1], partial_conjunctions(opposed)[..., refute - 1]

    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        n = min(samples[key].size for key in self.keys)
        decision = Decision(
            Verdict.INCONCLUSIVE,
            effect_kind=self.effect_kind,
            pvalue=1.0,
            pvalue_against=1.0,
            n=n,
            alpha=alpha,
            reason=no_test_reason(n),
            label=self.describe(),
            measure=self.printed_measure,
            paired=self.paired,
        )
        if n < LEAST_SEEDS:
            return decision
        ordered, (claimed, opposed) = self._ordered(), self._sides(samples)
        total = len(ordered)
        support_shown = shown(claimed, self.required[0], alpha)
        refute_shown = shown(opposed, self.required[1], alpha / comparisons)
        way, other = ("concordant", "discordant") if self.below is None else ("discordant", "concordant")
        rises, falls = (support_shown, refute_shown) if self.below is None else (refute_shown, support_shown)
        support, refute = self.pvalues(samples)
        pvalue, pvalue_against = float(support), min(1.0, float(refute) * comparisons)
        verdict = verdict_of(pvalue, pvalue_against, alpha)
        tau, permutation = self._kendall(samples)
        parts = tuple(
            self._describe_pair(samples, low, high, float(p), float(q), alpha / total, comparisons)
            for (low, high), p, q in zip(ordered, claimed, opposed, strict=True)
        )
        # Of a measured reference the order has to be shown as well, and its spread is another.
        sizes = [part.detectable for part in parts if part.detectable is not None and not self.measured]
        kind = "exact" if len(self.models) <= EXACT_MODELS or not self._tied(samples) else "random"
        test = "no test" if permutation is None else f"{kind} label permutation p = {permutation:.3g}"
        reason = (
            f"{support_shown} of {total} pairs of models are shown {way} ({self.required[0]} needed) and "
            f"{refute_shown} {other} ({self.required[1]} needed to refute) at level {alpha:.3g}."
        )
        return replace(
            decision,
            verdict=verdict,
            effect=tau,
            interval=((2 * rises - total) / total, (total - 2 * falls) / total),
            pvalue=pvalue,
            pvalue_against=pvalue_against,
            detectable=max(sizes) if len(sizes) == total else None,
            reason="" if verdict.decided else reason,
            parts=parts,
            notes=(
                f"{rises} concordant and {falls} discordant of {total} pairs of models",
                f"beyond these {len(self.models)} models: {test}",
            ),
            exact_pvalue=permutation,
            boundaries=(bound,) if (bound := self.above if self.below is None else self.below) else (),
        )

    def _ordered(self) -> tuple[tuple[int, int], ...]:
        """Positions of the pairs of models, the lower reference first; ties of a known number are left out.

        A measured reference has no order of its own: all pairs as they stand.
        """
        pairs = combinations(range(len(self.pairs)), 2)
        if self.measured:
            return tuple(pairs)
        scores = [float(reference) for _, reference in self.pairs if not isinstance(reference, Key)]
        return tuple((i, j) if scores[i] < scores[j] else (j, i) for i, j in pairs if scores[i] != scores[j])

    def _sides(self, samples: Arrays) -> tuple[Array, Array]:
        """P for each pair of models going the claim's way, and for its going the other way, each ``(..., N)``."""
        concordant, discordant = self._pair_pvalues(samples)
        return (concordant, discordant) if self.below is None else (discordant, concordant)

    def _pair_pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        """P for each pair of models being concordant and being discordant, each ``(..., N)``."""
        concordant, discordant = [], []
        for low, high in self._ordered():
            rises, falls = self._compare(samples, self.models[low], self.models[high])
            if self.measured:
                up, down = self._compare(samples, *self._references(low, high))
                same = np.minimum(np.maximum(rises, up), np.maximum(falls, down))
                opposite = np.minimum(np.maximum(rises, down), np.maximum(falls, up))
                rises, falls = np.minimum(1.0, 2 * same), np.minimum(1.0, 2 * opposite)
            concordant.append(rises)
            discordant.append(falls)
        return np.stack(concordant, axis=-1), np.stack(discordant, axis=-1)

    def _references(self, *places: int) -> Iterator[Key]:
        """The measured references at these places."""
        return (reference for place in places if isinstance(reference := self.pairs[place][1], Key))

    def _compare(self, samples: Arrays, low: Key, high: Key) -> tuple[Array, Array]:
        """P for `high` being above `low`, and for its being below."""
        pair = {"high": high, "low": low}
        arrays: dict[Key | Collapsed, Array] = {name: self._values(samples, key) for name, key in pair.items()}
        arrays |= {Collapsed(name): self.collapsed_runs(samples, key) for name, key in pair.items()}
        return Greater("high", "low", paired=self.paired).pvalues(arrays)

    def _describe_pair(
        self, samples: Arrays, low: int, high: int, p: float, q: float, alpha: float, comparisons: float
    ) -> Decision:
        """One pair of models at Bonferroni's level over the pairs, which stands beside the count of all.

        A measured reference puts the pair in the order of its means, so that a concordant pair rises; its order has to
        be shown as well. Where τ is to stay below a value, the pair stands the other way round.
        """
        if self.measured:
            first, second = (self._mean(samples, reference) for reference in self._references(low, high))
            low, high = (high, low) if first > second else (low, high)
        if self.below is not None:
            low, high = high, low
        names = self.models[low], self.models[high]
        relation = Greater(names[1], names[0], measure=self.measure, paired=self.paired)
        part, estimate = relation.decide_part(samples, alpha, comparisons), relation.estimate(samples)
        power = joint_power(len(self._ordered()))
        against_it = self.below is not None
        by = "against" if against_it else "as by"
        part = replace(
            part,
            label=f"{names[0]} < {names[1]}" + (f" {by} the reference" if self.measured or against_it else ""),
            detectable=detectable(estimate, alpha, power) if estimate.applies else None,
        )
        if not self.measured:
            return part
        against = min(1.0, q * comparisons)
        verdict = verdict_of(p, against, alpha)
        return replace(
            part,
            verdict=verdict,
            pvalue=p,
            pvalue_against=against,
            reason="" if verdict.decided else part.reason or "The order of the references is not shown.",
            direction=None,
            survives_collapse=None,
        )

    def _kendall(self, samples: Arrays) -> tuple[float | None, float | None]:
        """Observed τ of the means, (C − D) / N over the pairs that are tested, and its label-permutation p."""
        from scipy import stats

        means, references = self._means(samples)
        if len(set(means)) < 2 or len(set(references)) < 2:
            return None, None
        signs = [np.sign(means[j] - means[i]) * np.sign(references[j] - references[i]) for i, j in self._ordered()]
        tau = float(np.mean(signs))
        side = "greater" if self.below is None else "less"
        if not self._tied(samples):
            return tau, float(stats.kendalltau(references, means, alternative=side, method="exact").pvalue)

        def statistic(order: Array) -> float:
            return float(stats.kendalltau(order, means).statistic)

        permuted = stats.permutation_test(
            (references,), statistic, permutation_type="pairings", alternative=side,
            n_resamples=math.inf if len(means) <= EXACT_MODELS else 999, rng=np.random.default_rng(0),
        )  # fmt: skip
        return tau, float(permuted.pvalue)

    def _means(self, samples: Arrays) -> tuple[list[float], list[float]]:
        """The models' means over seeds, and their references: known numbers, or means too."""
        means = [self._mean(samples, arm) for arm in self.models]
        references = [
            self._mean(samples, reference) if isinstance(reference, Key) else float(reference)
            for _, reference in self.pairs
        ]
        return means, references

    def _mean(self, samples: Arrays, key: Key) -> float:
        """The mean of the runs that converged, of all runs where none did."""
        converged = self.converged(samples, key)
        return float(np.nanmean(converged) if np.isfinite(converged).any() else self._values(samples, key).mean())

    def _tied(self, samples: Arrays) -> bool:
        return any(len(set(figures)) < len(self.pairs) for figures in self._means(samples))
