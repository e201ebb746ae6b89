"""What a decision procedure returns: a verdict with everything that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

EffectKind = Literal["difference", "ratio", "correlation", "shortfall"]
"""What an effect is: a mean paired difference, a median ratio of times, Kendall's τ, a distance from a value."""


class Verdict(StrEnum):
    """The words of the claim-verdict table. Relations return the first four; ``NOT_RUN`` is for claims without runs."""

    SUPPORTED = "SUPPORTED"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"
    ERROR = "ERROR"
    NOT_RUN = "NOT RUN"

    @property
    def decided(self) -> bool:
        """Whether this is ``SUPPORTED`` or ``REFUTED``."""
        return self in (Verdict.SUPPORTED, Verdict.REFUTED)


def verdict_of(pvalue: float, pvalue_against: float, alpha: float) -> Verdict:
    """The rule of every relation: ``SUPPORTED`` iff ``pvalue < alpha``, else ``REFUTED`` iff ``pvalue_against`` is.

    Both can be below it only for a relation with a smallest gain of interest: a gain is shown, and to be a smaller one.

    >>> verdict_of(0.01, 0.99, 0.05), verdict_of(0.3, 0.7, 0.05)
    (<Verdict.SUPPORTED: 'SUPPORTED'>, <Verdict.INCONCLUSIVE: 'INCONCLUSIVE'>)
    """
    if pvalue < alpha:
        return Verdict.SUPPORTED
    return Verdict.REFUTED if pvalue_against < alpha else Verdict.INCONCLUSIVE


@dataclass(frozen=True)
class Decision:
    """The verdict on one relation from per-seed values.

    Attributes:
        verdict: ``SUPPORTED`` iff ``pvalue < alpha``, ``REFUTED`` iff ``pvalue_against < alpha``.
        effect: The observed effect of the comparison that decided: see ``effect_kind``. Differences are in the units of
            the measure. ``None`` without values.
        effect_kind: ``"difference"`` (mean paired difference), ``"ratio"`` (median ratio of times), ``"correlation"``
            (Kendall's τ) or ``"shortfall"`` (the mean less the value to reach).
        interval: ``(low, high)`` for ``effect``: two one-sided bounds, each at the level at which the decision used
            it: ``alpha`` on the side that supports, ``alpha`` divided by the number of comparisons on the side that
            refutes. For one comparison this is the two-sided interval of level ``1 - 2 * alpha``.
        pvalue: For the claim; it already combines several comparisons. ``None`` for ``ERROR``.
        pvalue_against: For the claim's opposite, with Bonferroni over the comparisons. ``None`` for ``ERROR``.
        n: Number of seeds (pairs).
        detectable: The smallest true effect that ``n`` seeds would have shown with 80% power at ``alpha``, with the
            observed spread; on the claim's side of its margin; that of the comparison that decided. Of K comparisons
            each has a power of 1 − .2 / K there, so that all of them together have 80% at least.
        alpha: The one-sided level of the decision.
        reason: One sentence for ``INCONCLUSIVE`` and ``ERROR``, else empty.
        parts: The comparisons of a relation that has several. Their ``pvalue_against`` carries the same Bonferroni
            factor, so that the whole is the largest ``pvalue`` and the smallest ``pvalue_against`` of its parts.
        notes: What a reader should see beside the verdict: skewness, Page's trend test, label permutation.
        exact_pvalue: Exact p for the claim that assumes no distribution: sign flips of the differences (largest over
            the parts), label permutation for a rank correlation, the rank test itself for a convergence.
        label: The relation in words.
        detectable_unit: What ``detectable`` counts: ``"difference"``, ``"margin"`` (the smallest margin within which
            equal arms would have been shown equivalent) or ``"probability"`` (that a pair is faster).
        measure: The relation's own measure in its printed form, ``None`` for the claim's.
        compares: The arms of a single comparison: ``(a, b)`` for a − b or T_b / T_a, ``(arm,)`` for one that reaches.
        seed_effects: The effect of each seed (pair); empty for several comparisons. NaN where neither run arrived.
        boundaries: The margins, as values of the effect where they are not its origin.
        alpha_against: The level of the side that refutes: ``alpha`` by the number of comparisons that share it.
        target: The value to reach.
        paired: Whether seeds were compared in pairs; else the arms' runs as two samples.
        gain: The smallest gain of interest, 0 where the relation has none.
        wins: In how many of how many seeds the pair went the claim's way (beyond its boundary); of unpaired arms, pairs
            of runs. Collapsed runs are left out. ``None`` where this is not one comparison of values.
        direction: Probability that the true effect lies on the claim's side of its boundary, under a flat prior and
            normal noise, not corrected for looks or comparisons: a t-CDF. ``None`` without spread.
        collapsed: Collapsed runs of each of ``compares``.
        survives_collapse: Whether a decided verdict holds with one more run of the favoured arm, unseen and collapsed.
            ``None`` where nothing is decided, or it does not apply.
        pivotal: Positions of the seeds without which the verdict would be another; with more than 3 seeds only.
        seeds_needed: About how many seeds would decide with probability .8 if effect and spread seen are the true ones.
            For ``INCONCLUSIVE`` alone; ``None`` there: more than 40, so that no verdict is likely with this spread.
    """

    verdict: Verdict
    effect: float | None = None
    effect_kind: EffectKind = "difference"
    interval: tuple[float, float] | None = None
    pvalue: float | None = None
    pvalue_against: float | None = None
    n: int = 0
    detectable: float | None = None
    alpha: float = 0.05
    reason: str = ""
    parts: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()
    exact_pvalue: float | None = None
    label: str = ""
    detectable_unit: str = "difference"
    measure: str | None = None
    compares: tuple[str, ...] = ()
    seed_effects: tuple[float, ...] = ()
    boundaries: tuple[float, ...] = ()
    alpha_against: float | None = None
    target: float | None = None
    paired: bool = True
    gain: float = 0.0
    wins: tuple[int, int] | None = None
    direction: float | None = None
    collapsed: tuple[int, ...] = ()
    survives_collapse: bool | None = None
    pivotal: tuple[int, ...] = ()
    seeds_needed: int | None = None

    @property
    def level(self) -> float:
        """The level of the side that decided: the refuting one where the claim is refuted, else the supporting one."""
        against = self.alpha if self.alpha_against is None else self.alpha_against
        return against if self.verdict is Verdict.REFUTED else self.alpha

    @property
    def by_less_than_gain(self) -> bool:
        """Whether a gain is shown, and is shown to be below the smallest one of interest."""
        against = self.pvalue_against
        return bool(self.gain) and self.verdict is Verdict.SUPPORTED and against is not None and against < self.alpha
