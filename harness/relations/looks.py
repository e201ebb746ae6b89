"""Sequential seeds: a plan of looks, and a decision that stops as soon as the plan allows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from harness.relations.decision import Decision, Verdict, verdict_of
from harness.relations.levels import last_level
from harness.relations.predictive import predictive_probabilities
from harness.relations.relation import Arrays, Relation, Samples, check_alpha

Stopped = Literal["decided", "futile", "last look", "error"]

FUTILE = 0.05
"""Where both verdicts at the last look have a predictive probability below this a claim is given up (DECISIONS.md)."""

FEW_SEEDS = 5.0
"""A look at n seeds decides at 1 / (1 + 5 / n²) of what it may spend.

A t test is exact for normal values only. Values of a symmetric distribution without tails, the uniform one, exceed its
critical value more often at few seeds: at level .05 in .066, .060, .055 and .052 of 4 million simulations of 3, 4, 5
and 7 values. With 5 they stay below .05 from 3 seeds on (with 4, .051 at 4 seeds).
"""

NEGLIGIBLE = 1e-9
"""Below this a p-value for a whole plan is bounded from above: the integration that finds it would lose its digits."""


@dataclass(frozen=True)
class Looks:
    """When the seeds are looked at, and what of alpha each look may spend.

    An early look spends its share of alpha. The last one takes all that is left, exactly for the correlation of looks
    at a growing sample (`harness.relations.levels`): .0462 of .05 at 4, 7 and 10 seeds, where the shares alone would
    leave .04. Each look keeps a little for values that are not normal (`FEW_SEEDS`).

    Args:
        at: Numbers of seeds, increasing.
        early: Shares of alpha of all looks but the last, each above 0, in sum below 1.

    Raises:
        ValueError: No look, looks that do not increase, or shares that are not one an early look or sum to 1.

    >>> looks = Looks()
    >>> [round(looks.level(i, 0.05), 4) for i in range(3)], looks.next_after(4), looks.next_after(10)
    ([0.0038, 0.0045, 0.044], 7, None)
    """

    at: tuple[int, ...] = (4, 7, 10)
    early: tuple[float, ...] = (0.1, 0.1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", tuple(self.at))
        object.__setattr__(self, "early", tuple(self.early))
        steps = zip(self.at, self.at[1:], strict=False)
        if not self.at or self.at[0] < 1 or any(later <= earlier for earlier, later in steps):
            raise ValueError(f"Expected argument `at` to be increasing numbers of seeds, but got {self.at!r}.")
        if len(self.early) != len(self.at) - 1 or any(share <= 0 for share in self.early) or sum(self.early) >= 1:
            raise ValueError(
                f"Expected argument `early` to be {len(self.at) - 1} numbers above 0 with a sum below 1, "
                f"but got {self.early!r}."
            )

    @classmethod
    def fixed(cls, n: int) -> Looks:
        """One look at `n` seeds with all of alpha."""
        return cls((n,), ())

    @classmethod
    def planned(cls, at: tuple[int, ...]) -> Looks:
        """Looks at these numbers of seeds: .1 of alpha for each early one, .2 for all of them at most.

        >>> Looks.planned((4, 7, 10)) == Looks(), Looks.planned((10,)) == Looks.fixed(10)
        (True, True)
        """
        return cls(at, (min(0.1, 0.2 / max(1, len(at) - 1)),) * (len(at) - 1))

    @classmethod
    def smoke(cls) -> Looks:
        """The smoke scale's plan: one look at 5 seeds."""
        return cls.fixed(5)

    @property
    def most(self) -> int:
        """Seeds at the last look."""
        return self.at[-1]

    def level(self, i: int, alpha: float) -> float:
        """The level of look `i`, counted from 0, where the whole plan errs in at most `alpha`."""
        early = tuple(alpha * share for share in self.early)
        raw = early[i] if i < len(early) else last_level(self.at, (*early, alpha))
        return raw / self._reserve(i)

    def plan_pvalue(self, i: int, pvalue: float) -> float:
        """The p-value of a whole plan that stops at look `i`: the alpha whose `level` there is `pvalue`.

        >>> looks = Looks()
        >>> [round(looks.plan_pvalue(i, looks.level(i, 0.05)), 6) for i in range(3)]
        [0.05, 0.05, 0.05]
        """
        raw = pvalue * self._reserve(i)
        if i < len(self.early):
            return min(1.0, raw / self.early[i])
        low, high = raw, raw / (1 - sum(self.early))  # the whole plan's level lies between these
        if not self.early or raw <= 0:
            return min(1.0, raw)
        if high >= 1:
            return 1.0
        if raw < NEGLIGIBLE:
            return high
        from scipy import optimize

        return float(optimize.brentq(lambda alpha: self.level(i, alpha) - pvalue, low, high))

    def _reserve(self, i: int) -> float:
        return 1 + FEW_SEEDS / self.at[i] ** 2

    def next_after(self, n: int) -> int | None:
        """The first look with more than `n` seeds, or ``None`` after the last."""
        return next((look for look in self.at if look > n), None)


@dataclass(frozen=True)
class Look:
    """One look at the seeds.

    Attributes:
        n: Number of seeds.
        level: The level at which it could stop: `Looks.level` / family (without the family at the last look).
        pvalue: For the claim; ``None`` for ``ERROR``.
        pvalue_against: Against it, likewise.
        predictive: Probabilities of ``SUPPORTED`` and ``REFUTED`` at the last look; ``None`` where not needed, and
            where the seeds have no spread to tell them from.
    """

    n: int
    level: float
    pvalue: float | None
    pvalue_against: float | None
    predictive: tuple[float, float] | None = None


@dataclass(frozen=True)
class SequentialDecision:
    """Where a claim stands in its plan.

    Attributes:
        decision: The decision at the last look so far. Its level is `Looks.level` (divided by the family while the
            claim waits for more seeds); a claim that the plan gave up is ``INCONCLUSIVE``.
        stopped: ``"decided"`` at an early look, ``"futile"``, ``"last look"``, ``"error"``, or ``None``: more seeds
            are needed.
        n_next: The number of seeds that the next look needs, ``None`` where stopped.
        pvalue: For the claim and the whole plan, to compare with alpha itself (`Looks.plan_pvalue`). It enters Holm;
            the look's own is in ``history[-1]``. ``None`` while more seeds are needed and for ``ERROR``.
        pvalue_against: Against the claim, likewise.
        seeds_saved: Seeds of the plan that need not be trained (0 where not stopped).
        history: One entry for each look so far.
    """

    decision: Decision
    stopped: Stopped | None
    n_next: int | None
    pvalue: float | None
    pvalue_against: float | None
    seeds_saved: int
    history: tuple[Look, ...]

    @property
    def verdict(self) -> Verdict:
        """The decision's verdict."""
        return self.decision.verdict


def decide_sequentially(
    relation: Relation,
    samples: Samples,
    looks: Looks | None = None,
    *,
    alpha: float = 0.05,
    family: int = 1,
) -> SequentialDecision:
    """Go through the plan's looks with the seeds that there are.

    Every completed look is taken in order, on the first seeds of each arm, so that the same seeds always end the same
    way: adding seeds later goes on from the last look, and seeds beyond a stop are not used. An early look stops if
    the claim is decided at `Looks.level` / family, or if it is futile: both verdicts at the last look have a predictive
    probability below .05 (a stop on the claim's p alone would take REFUTED's power from .89 to .08). The last look
    decides at its level; Holm over the family follows in `harness.relations.holm`.

    Args:
        relation: What the claim says.
        samples: Per-seed values as in `Relation.decide`, in the order of the seeds; arms may have different numbers of
            seeds so far.
        looks: The plan, by default 4, 7, 10.
        alpha: One-sided level of the whole plan, in (0, .5).
        family: K, the number of pre-registered claims.

    Raises:
        ValueError: A key has no samples, or `alpha` or `family` is out of range.

    >>> from harness.relations import Greater
    >>> seeds = {"a": [0.6, 0.7, 0.65, 0.66], "b": [0.41, 0.48, 0.45, 0.47]}
    >>> result = decide_sequentially(Greater("a", "b"), seeds)
    >>> str(result.verdict), result.stopped, result.seeds_saved
    ('SUPPORTED', 'decided', 6)
    """
    looks = Looks() if looks is None else looks
    check_alpha(alpha)
    if family < 1:
        raise ValueError(f"Expected argument `family` to be at least 1, but got {family!r}.")
    arrays = relation.arrays(samples)
    available = min(values.size for values in arrays.values())
    history: list[Look] = []
    for i, n in enumerate(looks.at):
        if n > available:
            break
        first = {key: values[:n] for key, values in arrays.items()}
        last = i + 1 == len(looks.at)
        result = _take(relation, first, looks, i, alpha, 1 if last else family, history)
        if result is not None:
            return result
    return _waiting(relation, arrays, looks, available, alpha, family, history)


def _take(
    relation: Relation,
    first: Arrays,
    looks: Looks,
    i: int,
    alpha: float,
    family: int,
    history: list[Look],
) -> SequentialDecision | None:
    """Take look `i` on its `first` seeds (`family` is 1 at the last look); ``None`` if the plan goes on."""
    n, raw = looks.at[i], looks.level(i, alpha)
    level = raw / family
    if relation.problem(first):
        history.append(Look(n, level, None, None))
        return _stop(relation, first, looks, i, alpha, "error", history)
    pvalue, against = (float(p) for p in relation.pvalues(first))
    if i + 1 == len(looks.at):
        history.append(Look(n, level, pvalue, against))
        return _stop(relation, first, looks, i, alpha, "last look", history)
    stopping = verdict_of(pvalue, against, level)
    # Where both verdicts can be shown, the look's own must be the one that passes the level of the family.
    if stopping.decided and stopping is verdict_of(pvalue, against, raw):
        history.append(Look(n, level, pvalue, against))
        return _stop(relation, first, looks, i, alpha, "decided", history)
    predictive = None
    if _spread(relation.decide_part(first, raw, 1)):
        predictive = predictive_probabilities(relation, first, looks.most, looks.level(len(looks.at) - 1, alpha))
    history.append(Look(n, level, pvalue, against, predictive))
    # Decided but for the family: the family may still support it, so it is not given up.
    promising = verdict_of(pvalue, against, raw).decided
    if predictive is None or promising or max(predictive) >= FUTILE:
        return None
    return _stop(relation, first, looks, i, alpha, "futile", history)


def _spread(decision: Decision) -> bool:
    """Whether every comparison has an interval. Seeds that are all alike so far say nothing of those to come."""
    return all(map(_spread, decision.parts)) if decision.parts else decision.interval is not None


def _stop(
    relation: Relation, first: Arrays, looks: Looks, i: int, alpha: float, stopped: Stopped, history: list[Look]
) -> SequentialDecision:
    decision = relation.decide(first, alpha=looks.level(i, alpha))
    if stopped == "futile":
        chance = history[-1].predictive or (math.nan, math.nan)
        decision = replace(
            decision,
            reason=f"Given up after {looks.at[i]} seeds: at {looks.most} SUPPORTED would come with probability "
            f"{chance[0]:.2f} and REFUTED with {chance[1]:.2f}. {decision.reason}",
        )
    last = history[-1]
    return SequentialDecision(
        decision=decision,
        stopped=stopped,
        n_next=None,
        pvalue=None if last.pvalue is None else looks.plan_pvalue(i, last.pvalue),
        pvalue_against=None if last.pvalue_against is None else looks.plan_pvalue(i, last.pvalue_against),
        seeds_saved=looks.most - looks.at[i],
        history=tuple(history),
    )


def _waiting(
    relation: Relation, arrays: Arrays, looks: Looks, available: int, alpha: float, family: int, history: list[Look]
) -> SequentialDecision:
    """The state of a claim between looks: the decision of the last look, at the level at which it could stop."""
    n_next = looks.next_after(available)
    assert n_next is not None  # else the last look was taken
    needs = f"{available} seeds so far, the next look is at {n_next}."
    if history:
        first = {key: values[: history[-1].n] for key, values in arrays.items()}
        decision = relation.decide(first, alpha=history[-1].level)
        decision = replace(decision, verdict=Verdict.INCONCLUSIVE, reason=f"{needs} {decision.reason}")
    else:
        level = looks.level(0, alpha) / (1 if len(looks.at) == 1 else family)
        decision = Decision(
            Verdict.INCONCLUSIVE,
            n=available,
            alpha=level,
            reason=needs[0].upper() + needs[1:],
            label=relation.describe(),
            effect_kind=relation.effect_kind,
        )
    return SequentialDecision(decision, None, n_next, None, None, 0, tuple(history))
