"""Relations that hold if each of several comparisons holds: increasing, non-monotonic, best of, all."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from harness.relations.decision import Decision, EffectKind, Verdict, verdict_of
from harness.relations.one_difference import Greater
from harness.relations.relation import Arrays, Key, Relation, check_arm, check_arms, check_margin, gain_text
from harness.relations.t_test import Array
from harness.specs.measures import Measure


class Conjunction(Relation):
    """All of several comparisons.

    For the claim: every comparison at the full level, since an intersection-union test needs no correction (Berger
    1982, *Technometrics* 24:295), so its p-value is the largest. Against it: any comparison, Bonferroni over them.
    """

    @abstractmethod
    def comparisons(self) -> tuple[Relation, ...]:
        """The comparisons that the claim consists of."""

    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        parts = [part.pvalues(samples) for part in self.comparisons()]
        pvalue = np.max([p for p, _ in parts], axis=0)
        against = np.min([q for _, q in parts], axis=0)
        return pvalue, np.minimum(1.0, against * len(parts))

    def check(self, default: Measure) -> None:
        for part in self.comparisons():
            part.check(default)

    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        children = self.comparisons()
        parts = tuple(child.decide_part(samples, alpha, comparisons * len(children)) for child in children)
        return combine(parts, alpha, self.describe(), self._notes(samples))

    def _notes(self, samples: Arrays) -> tuple[str, ...]:
        return ()


def combine(parts: tuple[Decision, ...], alpha: float, label: str, notes: tuple[str, ...] = ()) -> Decision:
    """The decision on a conjunction from the decisions on its parts, whose `pvalue_against` are already corrected.

    Effect, interval and what stands beside them are those of the part that decided: the one most clearly against
    where the claim is refuted, else the weakest.
    """
    pvalues = [1.0 if part.pvalue is None else part.pvalue for part in parts]
    against = [1.0 if part.pvalue_against is None else part.pvalue_against for part in parts]
    pvalue, pvalue_against = max(pvalues), min(against)
    verdict = verdict_of(pvalue, pvalue_against, alpha)
    refuted = verdict is Verdict.REFUTED
    deciding = parts[against.index(pvalue_against) if refuted else pvalues.index(pvalue)]
    reason = deciding.reason
    if not reason.startswith("Undecided: "):  # a conjunction's own reason names its part already
        reason = f"Undecided: {deciding.label}. {reason}"
    exact = [part.exact_pvalue for part in parts if part.exact_pvalue is not None]
    names = (part.label + (f" [{part.measure}]" if part.measure else "") for part in parts)
    part_notes = tuple(f"{name}: {note}" for name, part in zip(names, parts, strict=True) for note in part.notes)
    return Decision(
        verdict=verdict,
        effect=deciding.effect,
        effect_kind=deciding.effect_kind,
        interval=deciding.interval,
        pvalue=pvalue,
        pvalue_against=pvalue_against,
        n=min(part.n for part in parts),
        detectable=deciding.detectable,
        alpha=alpha,
        reason="" if verdict.decided else reason,
        parts=parts,
        notes=notes + part_notes,
        exact_pvalue=max(exact) if len(exact) == len(parts) else None,
        label=label,
        detectable_unit=deciding.detectable_unit,
        measure=deciding.measure,
        compares=deciding.compares,
        target=deciding.target,
        paired=deciding.paired,
        gain=deciding.gain,
        wins=deciding.wins,
        direction=deciding.direction,
        collapsed=deciding.collapsed,
        survives_collapse=deciding.survives_collapse if verdict is Verdict.REFUTED else _all(parts),
    )


def _all(parts: tuple[Decision, ...]) -> bool | None:
    """Whether every verdict on a part would survive a collapsed run; ``None`` where it applies to none."""
    grades = [part.survives_collapse for part in parts if part.survives_collapse is not None]
    return all(grades) if grades else None


@dataclass(frozen=True)
class Increasing(Conjunction):
    """Each arm is greater than the one before it.

    SUPPORTED if every adjacent step is shown as by `Greater`; REFUTED if some step's U < gain, Bonferroni. Page's
    trend test (`scipy.stats.page_trend_test`) is noted, but does not decide: it calls 0, 2, 1 increasing in 64% of
    simulations.

    Args:
        arms: Names of at least two arms, from the lowest to the highest.
        gain: The smallest step of interest, at least 0, in the units of the measure.
        paired: Whether the arms' seeds are pairs; else Welch's test of two samples.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: Fewer than two arms, a repeated arm, or a negative gain.
    """

    arms: tuple[str, ...]
    gain: float = 0.0
    paired: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "arms", check_arms(self.arms))
        check_margin(self.gain, positive=False, name="gain")

    def comparisons(self) -> tuple[Relation, ...]:
        steps = zip(self.arms[1:], self.arms[:-1], strict=True)
        return tuple(Greater(b, a, self.gain, measure=self.measure, paired=self.paired) for b, a in steps)

    def describe(self) -> str:
        return " < ".join(self.arms) + gain_text(self.gain)

    def _notes(self, samples: Arrays) -> tuple[str, ...]:
        table = np.stack([self.converged(samples, arm) for arm in self.arms], axis=-1)
        table = table[~np.isnan(table).any(axis=-1)]
        if len(self.arms) < 3 or len(table) < 3:
            return ()
        from scipy import stats

        return (f"Page's trend test p = {stats.page_trend_test(table).pvalue:.3g} (does not decide)",)


@dataclass(frozen=True)
class NonMonotonic(Conjunction):
    """The arm `turn`, named beforehand, lies beyond both ends: above them for a peak, below them for a valley.

    SUPPORTED if both comparisons are shown as by `Greater`; REFUTED if either is refuted at half the level.

    Args:
        arms: Names of at least three arms in the order of their levels. Only the turn and the ends are compared.
        turn: The name of an interior arm.
        shape: ``"peak"`` or ``"valley"``.
        gain: The smallest difference of interest between the turn and an end, at least 0, in the units of the measure.
        paired: Whether the arms' seeds are pairs; else Welch's test of two samples.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: Fewer than three arms, a repeated arm, a turn that is not interior, an unknown shape, or a
            negative gain.
    """

    arms: tuple[str, ...]
    turn: str
    shape: Literal["peak", "valley"] = "peak"
    gain: float = 0.0
    paired: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "arms", check_arms(self.arms, least=3))
        check_arm("turn", self.turn)
        if self.turn not in self.arms[1:-1]:
            raise ValueError(f"Expected argument `turn` to be one of {self.arms[1:-1]!r}, but got {self.turn!r}.")
        if self.shape not in ("peak", "valley"):
            raise ValueError(f"Expected argument `shape` to be 'peak' or 'valley', but got {self.shape!r}.")
        check_margin(self.gain, positive=False, name="gain")

    def comparisons(self) -> tuple[Relation, ...]:
        ends = (self.arms[0], self.arms[-1])
        pairs = [(self.turn, end) if self.shape == "peak" else (end, self.turn) for end in ends]
        return tuple(Greater(a, b, self.gain, measure=self.measure, paired=self.paired) for a, b in pairs)

    def describe(self) -> str:
        sign = ("<", ">") if self.shape == "peak" else (">", "<")
        return f"{self.arms[0]} {sign[0]} {self.turn} {sign[1]} {self.arms[-1]}{gain_text(self.gain)}"


@dataclass(frozen=True)
class BestOf(Conjunction):
    """The arm `named` is greater than every other one.

    SUPPORTED if it is shown so for each other arm; REFUTED if some arm is shown not to be behind by the gain,
    Bonferroni over the others. `scipy.stats.dunnett` ignores pairing (power .35 against .75).

    Args:
        arms: Names of at least two arms.
        named: The one that is claimed to be best.
        gain: The smallest lead of interest, at least 0, in the units of the measure.
        paired: Whether the arms' seeds are pairs; else Welch's test of two samples.
        measure: The relation's own measure, see `Relation`.

    Raises:
        ValueError: Fewer than two arms, a repeated arm, `named` is not among them, or a negative gain.
    """

    arms: tuple[str, ...]
    named: str
    gain: float = 0.0
    paired: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "arms", check_arms(self.arms))
        if self.named not in self.arms:
            raise ValueError(f"Expected argument `named` to be one of {self.arms!r}, but got {self.named!r}.")
        check_margin(self.gain, positive=False, name="gain")

    def comparisons(self) -> tuple[Relation, ...]:
        others = [arm for arm in self.arms if arm != self.named]
        return tuple(Greater(self.named, arm, self.gain, measure=self.measure, paired=self.paired) for arm in others)

    def describe(self) -> str:
        return f"{self.named} is best of {', '.join(self.arms)}{gain_text(self.gain)}"


@dataclass(frozen=True)
class All(Conjunction):
    """All of several relations ("for each", "greater, and converges").

    SUPPORTED if all of them are (largest p), REFUTED if any is (Bonferroni).

    Args:
        relations: At least one.
        measure: For the relations that have none of their own.

    Raises:
        ValueError: No relation, a repeated one, or something else than a relation.

    >>> both = All((Greater("a", "b"), Greater("a", "b", measure="mIoU")))
    >>> both.arms, both.describe()
    (('a', 'b'), 'a > b and a > b [mIoU]')
    """

    relations: tuple[Relation, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.relations, (tuple, list)) or not self.relations:
            raise ValueError(
                f"Expected argument `relations` to be a tuple of at least one relation, but got {self.relations!r}."
            )
        for relation in self.relations:
            if not isinstance(relation, Relation):
                raise ValueError(  # noqa: TRY004 - every mistake in a claim is a ValueError
                    f"Expected argument `relations` to hold relations, but got {relation!r}."
                )
        if len(set(self.relations)) < len(self.relations):
            raise ValueError("Expected argument `relations` to hold each relation once, but got one twice.")
        object.__setattr__(self, "relations", tuple(self.relations))

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(arm for relation in self.relations for arm in relation.arms))

    @property
    def effect_kind(self) -> EffectKind:  # type: ignore[override]
        return self.relations[0].effect_kind

    def comparisons(self) -> tuple[Relation, ...]:
        if self.measure is None:
            return self.relations
        return tuple(
            relation if relation.measure is not None else replace(relation, measure=self.measure)
            for relation in self.relations
        )

    @property
    def keys(self) -> tuple[Key, ...]:
        return tuple(dict.fromkeys(key for relation in self.comparisons() for key in relation.keys))

    @property
    def time_keys(self) -> frozenset[Key]:
        return frozenset().union(*(relation.time_keys for relation in self.comparisons()))

    @property
    def without_gain(self) -> bool:
        return any(relation.without_gain for relation in self.relations)

    def describe(self) -> str:
        return " and ".join(
            relation.describe() + (f" [{relation.measure}]" if relation.measure is not None else "")
            for relation in self.relations
        )

    def problem(self, samples: Arrays) -> str | None:
        problems = (relation.problem(samples) for relation in self.comparisons())
        return next(filter(None, problems), None) or super().problem(samples)
