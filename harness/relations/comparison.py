"""What relations of one difference share: the comparison of two arms, or of an arm with a value, and its decision."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from harness.relations.collapse import fewer, t_level, two_part
from harness.relations.decision import Decision, Verdict, verdict_of
from harness.relations.paired_t import paired_differences, sign_flip, skewness_note
from harness.relations.relation import Arrays, Relation, TwoArms
from harness.relations.t_test import (
    LEAST_SEEDS,
    Array,
    Estimate,
    bounds,
    detectable,
    joint_power,
    of_differences,
    of_two_samples,
    one_sided,
)
from harness.relations.two_samples import permutation, wins


class OneDifference(Relation):
    """A statement on the mean of one difference, decided by one-sided t tests among the runs that converged."""

    detectable_unit: ClassVar[str] = "difference"

    least: ClassVar[int] = LEAST_SEEDS
    """Fewer seeds than this do not decide."""

    @property
    def by_pairs(self) -> bool:
        """Whether the two samples are compared seed by seed."""
        return True

    @property
    def smallest_gain(self) -> float:
        """The smallest gain of interest, 0 where there is none."""
        return 0.0

    @property
    @abstractmethod
    def boundaries(self) -> tuple[float, ...]:
        """The margins, as values of the difference; empty where it is compared with 0 alone."""

    @property
    def target(self) -> float | None:
        """The value to reach, where the difference is one from a value."""
        return None

    @abstractmethod
    def compared(self, samples: Arrays) -> tuple[Array, Array]:
        """The two samples ``(..., n)`` whose means are compared, NaN where a run collapsed."""

    @abstractmethod
    def tested(self, decision: Decision, samples: Arrays, estimate: Estimate, comparisons: float) -> Decision:
        """Add interval, detectable effect, reason, direction and exact p to a decision that has its p-values."""

    def estimate(self, samples: Arrays) -> Estimate:
        """The mean difference among the runs that converged, ``(...)``."""
        return self._estimate(*self.compared(samples))

    def _estimate(self, first: Array, second: Array) -> Estimate:
        return of_differences(*paired_differences(first, second)) if self.by_pairs else of_two_samples(first, second)

    def collapses(self, samples: Arrays) -> tuple[Array, ...]:
        """Number of collapsed runs of each of `arms`, ``(...)``."""
        return tuple(self.collapsed_runs(samples, arm).sum(axis=-1) for arm in self.arms)

    def differences(self, samples: Arrays) -> Array:
        """Differences of the pairs that count, of one sample ``(n,)``; none where the arms are not paired."""
        first, second = self.compared(samples)
        difference = first - second
        return difference[~np.isnan(difference)] if self.by_pairs else np.empty(0)

    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        estimate = self.estimate(samples)
        first, second = self.compared(samples)
        n = first.size
        pvalue, raw_against = (float(p) for p in self.pvalues(samples))
        against = min(1.0, raw_against * comparisons)
        differences = self.differences(samples)
        counts = tuple(int(count) for count in self.collapses(samples))
        decision = Decision(
            verdict_of(pvalue, against, alpha),
            effect=float(estimate.effect) if estimate.n > 0 else None,
            effect_kind=self.effect_kind,
            pvalue=pvalue,
            pvalue_against=against,
            n=n,
            alpha=alpha,
            label=self.describe(),
            detectable_unit=self.detectable_unit,
            measure=self.printed_measure,
            compares=self.arms,
            seed_effects=tuple((first - second).tolist()) if self.by_pairs else (),
            boundaries=self.boundaries,
            alpha_against=alpha / comparisons,
            target=self.target,
            paired=self.by_pairs,
            gain=self.smallest_gain,
            collapsed=counts,
        )
        if estimate.applies:
            decision = self.tested(decision, samples, estimate, comparisons)
        reason = self._no_test_reason(estimate, counts, n) or decision.reason
        notes = (
            f"by less than {self.smallest_gain:g}" if decision.by_less_than_gain else None,
            self._collapse_note(decision, estimate),
            skewness_note(differences, float(estimate.scale)),
        )
        return replace(
            decision,
            reason="" if decision.verdict.decided else reason,
            notes=tuple(filter(None, notes)),
            survives_collapse=self.survives(decision, samples) if decision.verdict.decided else None,
        )

    def survives(self, decision: Decision, samples: Arrays) -> bool | None:
        """Whether a verdict holds with one more, unseen, collapsed run of the favoured arm; ``None`` without one."""
        return None

    def shown_by_values(self, decision: Decision, estimate: Estimate) -> bool:
        """Whether the runs that converged show the verdict, not the counts of those that collapsed alone."""
        return bool(estimate.applies)

    def _collapse_note(self, decision: Decision, estimate: Estimate) -> str | None:
        """What a verdict is about where runs collapsed."""
        counts = zip(self.arms, decision.collapsed, strict=True)
        if not any(decision.collapsed):
            return None
        seen = " and ".join(f"{count} of {decision.n} runs of {arm}" for arm, count in counts)
        if decision.verdict.decided and not self.shown_by_values(decision, estimate):
            return f"shown by how often the arms collapse: {seen} (Fisher's exact test)"
        return f"among the runs that converged: {seen} collapsed"

    def _no_test_reason(self, estimate: Estimate, counts: tuple[int, ...], n: int) -> str:
        """Why no t test decides; empty where one does."""
        if n < self.least:
            return no_test_reason(n, self.least)
        if all(2 * count > n for count in counts):
            return (
                f"Most runs of {' and of '.join(self.arms)} collapsed: they predict (nearly) one class only, so that "
                "nothing was compared."
            )
        if estimate.n < self.least:
            left, several = int(estimate.n), "" if estimate.n == 1 else "s"
            runs = f"{left} pair{several} of runs" if self.by_pairs and len(counts) > 1 else f"{left} run{several}"
            return f"Too few converged, {runs}: at least {self.least} are needed."
        return "" if estimate.spread else no_test_reason(n, self.least)


class BeyondBoundary(OneDifference):
    """The mean of a difference lies beyond one boundary."""

    above: ClassVar[bool] = True
    """Whether the claim is that the mean lies above the boundary; else below."""

    @property
    @abstractmethod
    def boundary(self) -> float:
        """Beyond which the mean difference has to lie to support the claim, in the units of the measure."""

    @property
    def boundary_against(self) -> float:
        """On the other side of which it has to lie to refute the claim."""
        return self.boundary

    @property
    def boundaries(self) -> tuple[float, ...]:
        both = tuple(dict.fromkeys((self.boundary, self.boundary_against)))
        return both if any(both) else ()

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        supports, refutes = self._sides(self.estimate(samples))
        counts = self.collapses(samples)
        if not any(count.any() for count in counts):
            return supports[0], refutes[0]
        n = samples[self.keys[0]].shape[-1]
        favoured, other = counts if self.above else counts[::-1]
        return two_part(*supports, favoured, other, n), two_part(*refutes, other, favoured, n)

    def t_level(self, decision: Decision, level: float) -> float:
        """The level at which the t test decides where a decision has this one: what the counts leave of it."""
        return t_level(level, sum(decision.collapsed), decision.n)

    def _sides(self, estimate: Estimate) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """P for support and for its opposite, and P for refutation and for its opposite, by the t test alone."""
        supports, refutes = one_sided(estimate, self.boundary), one_sided(estimate, self.boundary_against)
        return (supports, refutes[::-1]) if self.above else (supports[::-1], refutes)

    def tested(self, decision: Decision, samples: Arrays, estimate: Estimate, comparisons: float) -> Decision:
        side = 1 if self.above else -1
        alpha = decision.alpha
        level, level_against = (self.t_level(decision, each) for each in (alpha, alpha / comparisons))
        low, high = bounds(estimate, *((level, level_against) if self.above else (level_against, level)))
        distance = detectable(estimate, alpha, joint_power(comparisons))
        assert distance is not None  # a t test applies
        (support, _), _ = self._sides(estimate)
        first, second = self.compared(samples)
        return replace(
            decision,
            interval=(low, high),
            detectable=self.boundary + side * distance,
            reason=self._undecided(decision, estimate),
            exact_pvalue=self._exact(samples),
            direction=1 - float(support),
            wins=wins(side * first, side * second, side * self.boundary, paired=self.by_pairs),
        )

    def _undecided(self, decision: Decision, estimate: Estimate) -> str:
        """The reason where no verdict is reached; the runs that converged may show one."""
        for verdict, favoured in ((Verdict.SUPPORTED, 0), (Verdict.REFUTED, 1)):
            if any(decision.collapsed) and self.shown_by_values(replace(decision, verdict=verdict), estimate):
                return self._collapsed_too_often(decision, favoured if self.above else 1 - favoured)
        if self.smallest_gain:
            return "The interval holds 0 and the smallest gain of interest."
        return f"The interval holds {'the margin' if self.boundary else '0'}."

    def _collapsed_too_often(self, decision: Decision, favoured: int) -> str:
        """The reason where the runs that converged show what those that collapsed do not allow."""
        arm, other = self.arms[favoured], self.arms[1 - favoured]
        counts = decision.collapsed[favoured], decision.collapsed[1 - favoured]
        higher = (decision.effect or 0.0) > 0
        how = "better" if higher == (favoured == 0) else "not worse"
        if counts[0] > counts[1]:
            return (
                f"{arm} is {how} where it converged, but collapsed more often: {counts[0]} of {decision.n} runs "
                f"against {counts[1]}."
            )
        seen = " and ".join(f"{count} of {name}" for count, name in zip(counts, (arm, other), strict=True))
        return f"{arm} is {how} where it converged, but not clearly enough beside the runs that collapsed: {seen}."

    def _exact(self, samples: Arrays) -> float | None:
        """Exact p for the claim among the runs that converged."""
        side = 1 if self.above else -1
        if self.by_pairs:
            return sign_flip(side * self.differences(samples), side * self.boundary)
        first, second = (side * values[~np.isnan(values)] for values in self.compared(samples))
        return permutation(first - side * self.boundary, second)

    def shown_by_values(self, decision: Decision, estimate: Estimate) -> bool:
        (support, _), (refute, _) = self._sides(estimate)
        supported = decision.verdict is Verdict.SUPPORTED
        return bool((support if supported else refute) < decision.level)

    def survives(self, decision: Decision, samples: Arrays) -> bool | None:
        """See `OneDifference.survives`.

        The t test takes all runs but those that collapsed, and this one: it has the mean of the collapsed runs that
        were seen, 0 where none was, and its pair the mean of the other arm. Or Fisher's test still shows the verdict.
        """
        supported = decision.verdict is Verdict.SUPPORTED
        favoured = 0 if supported == self.above else 1
        if favoured >= len(self.arms):
            return None  # a value, which cannot collapse
        if len(self.arms) == 2:
            counts = np.array([decision.collapsed[favoured] + 1, decision.collapsed[1 - favoured]])
            if 2 * fewer(counts[0], counts[1], decision.n + 1) < decision.level:
                return True
        values = list(self.compared(samples))
        if any(np.isnan(each).all() for each in values):
            return False
        seen = [self._values(samples, arm)[self.collapsed_runs(samples, arm) > 0] for arm in self.arms]
        collapsed = np.concatenate(seen)
        added = [float(np.nanmean(each)) for each in values]
        added[favoured] = float(collapsed.mean()) if collapsed.size else 0.0
        if not self.by_pairs:
            added[1 - favoured] = np.nan
        first, second = (np.append(each, more) for each, more in zip(values, added, strict=True))
        (support, _), (refute, _) = self._sides(self._estimate(first, second))
        return bool((support if supported else refute) < decision.level)


@dataclass(frozen=True)
class TwoArmDifference(TwoArms, OneDifference):
    """A statement on the mean of a − b, by seed where `paired`, else of two samples (Welch)."""

    paired: bool = field(default=True, kw_only=True)

    @property
    def by_pairs(self) -> bool:
        return self.paired

    def compared(self, samples: Arrays) -> tuple[Array, Array]:
        return self.converged(samples, self.a), self.converged(samples, self.b)


def no_test_reason(n: int, least: int = LEAST_SEEDS) -> str:
    """Why no t test applies: too few seeds, or no spread."""
    if n < least:
        return f"{n} seed{'' if n == 1 else 's'} cannot decide: at least {least} are needed."
    return f"The values of the {n} seeds have no spread, so that the sign test decides, and it shows nothing."
