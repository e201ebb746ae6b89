"""What all relations share: what they read, how it is checked, and one way to decide."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from harness.relations.decision import Decision, EffectKind, Verdict
from harness.relations.robustness import seeds_needed, verdicts_without
from harness.relations.t_test import Array
from harness.specs.measures import Measure, TimeTo, Value, parse

Key = str | Value
"""An arm's name, for its figure by the claim's own measure, or one arm's figure by another measure."""


@dataclass(frozen=True)
class Collapsed:
    """The key of an arm's collapsed runs in samples: per seed 1 where that run collapsed, else 0.

    Optional: an arm without it has none. Relations of times ignore it, since a collapsed run never arrives anyway.
    """

    arm: str


SampleKey = Key | Collapsed
"""What samples are found by."""

Samples = Mapping[SampleKey, ArrayLike]
"""Per-seed values by key, paired by position."""

Arrays = Mapping[SampleKey, Array]
"""The same as arrays ``(..., n)``: leading axes are simulations."""


@dataclass(frozen=True)
class Relation(ABC):
    """The shape of a claim: which arms it compares and how their per-seed values become a verdict.

    A relation is a frozen dataclass of plain types. `decide` is pure: it trains nothing and knows no claim.

    Args:
        measure: The relation's own measure, as an object or in its printed form; ``None``: the claim's.

    Raises:
        ValueError: No measure has this printed form.
    """

    measure: Measure | str | None = field(default=None, kw_only=True)

    effect_kind: ClassVar[EffectKind] = "difference"
    """What its effect is, where it is not known yet which of several comparisons decides."""

    fractions: ClassVar[tuple[str, ...]] = ()
    """Names of the fields in the units of the measure, which is a fraction of 1."""

    def __post_init__(self) -> None:
        if self.measure is not None:
            object.__setattr__(self, "measure", parse(self.measure))

    if TYPE_CHECKING:  # a field in some relations, a property in others; dataclasses would take it for a default

        @property
        def arms(self) -> tuple[str, ...]:
            """Names of the arms that the relation compares, each once."""

    @abstractmethod
    def describe(self) -> str:
        """The relation as a short phrase, such as ``a > b``."""

    @abstractmethod
    def pvalues(self, samples: Arrays) -> tuple[Array, Array]:
        """P-values for and against the claim, for many simulations at once.

        Args:
            samples: Arrays ``(..., n)`` by key, as in `decide`.

        Returns:
            ``pvalue`` and ``pvalue_against``, each ``(...)``; what `decide` reports for a single sample ``(n,)``.
        """

    @abstractmethod
    def decide_part(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        """Decide as one part of a larger relation.

        Args:
            samples: Arrays ``(n,)`` by key in which `problem` sees none.
            alpha: One-sided level of the decision.
            comparisons: How many comparisons share `alpha` for their refutation.
        """

    def decide(self, samples: Samples, *, alpha: float = 0.05) -> Decision:
        """Turn per-seed values into a verdict.

        Args:
            samples: Per-seed values by the relation's `keys`, paired by position (the same seed at the same place).
                Other keys are ignored.
            alpha: One-sided level of the decision, in (0, .5).

        Returns:
            The decision. NaN, infinite values (but for censored times) and unequal lengths give ``ERROR``; fewer than 3
            seeds give ``INCONCLUSIVE``; each with a reason.

        Raises:
            ValueError: A key has no samples, samples are not one-dimensional, or `alpha` is out of range.
        """
        check_alpha(alpha)
        arrays = self.arrays(samples)
        problem = self.problem(arrays)
        if problem:
            n = min(values.size for values in arrays.values())
            return Decision(
                Verdict.ERROR, n=n, alpha=alpha, reason=problem, label=self.describe(), effect_kind=self.effect_kind
            )
        decision = self.decide_part(arrays, alpha, 1)
        without = verdicts_without(self, arrays, alpha)
        pivotal = tuple(i for i, verdict in enumerate(without) if verdict is not decision.verdict)
        needed = None if decision.verdict.decided else seeds_needed(self, arrays, alpha)
        return replace(decision, pivotal=pivotal, seeds_needed=needed)

    def arrays(self, samples: Samples) -> dict[SampleKey, Array]:
        """The values that `decide` reads, as arrays ``(n,)`` by key; with `Collapsed` of its arms where there is.

        Raises:
            ValueError: A key has no samples, or its samples are not one-dimensional.
        """
        arrays: dict[SampleKey, Array] = {}
        for key in self._with_flags(samples):
            if key not in samples:
                raise ValueError(
                    f"Expected argument `samples` to hold {str(key)!r}, but got {sorted(map(str, samples))}."
                )
            arrays[key] = np.asarray(samples[key], dtype=np.float64)
            if arrays[key].ndim != 1:
                raise ValueError(
                    f"Expected argument `samples` to hold one value per seed for {str(key)!r}, "
                    f"but got an array of shape {arrays[key].shape}."
                )
        return arrays

    def _with_flags(self, samples: Samples) -> tuple[SampleKey, ...]:
        """The keys that it reads, and those of its arms' collapsed runs where the samples hold them."""
        return (*self.keys, *(flags for flags in map(Collapsed, self.arms) if flags in samples))

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of the samples that `decide` reads, each once: names of arms only where it has no measure."""
        return tuple(dict.fromkeys(self._key(arm) for arm in self.arms))

    @property
    def time_keys(self) -> frozenset[Key]:
        """Those of `keys` that hold times, where ``inf`` means "never"."""
        return frozenset()

    def values(self, default: Measure) -> tuple[Value, ...]:
        """Every figure that the relation reads, each once.

        Args:
            default: The claim's own measure.
        """
        return tuple(dict.fromkeys(key if isinstance(key, Value) else Value(key, default) for key in self.keys))

    def check(self, default: Measure) -> None:
        """Check that the relation fits its measures.

        Args:
            default: The claim's own measure.

        Raises:
            ValueError: A figure is in percent instead of a fraction, or times are compared as if they were values.
        """
        for value in self.values(default):
            self._check_measure(value.measure)
        for name in self.fractions:
            check_fraction(f"{name} of {self.measure or default}", getattr(self, name))

    def _check_measure(self, measure: Measure) -> None:
        """Raise a ValueError for a measure that the relation cannot compare."""
        if isinstance(measure, TimeTo):
            raise ValueError(  # noqa: TRY004 - every mistake in a claim is a ValueError
                f"Expected `{self.describe()}` to compare values, since times may never come, but got "
                f"{str(measure)!r}; take ConvergesFaster."
            )

    @property
    def printed_measure(self) -> str | None:
        """The relation's own measure as `Decision.measure` has it."""
        return None if self.measure is None else str(self.measure)

    def _key(self, arm: Key) -> Key:
        """Where the samples hold an arm's figure."""
        if isinstance(arm, Value) or self.measure is None:
            return arm
        return Value(arm, parse(self.measure))

    def _values(self, samples: Arrays, arm: Key) -> Array:
        return samples[self._key(arm)]

    def collapsed_runs(self, samples: Arrays, arm: Key) -> Array:
        """Which runs of an arm collapsed: 1 or 0, ``(..., n)``.

        Args:
            samples: Arrays ``(..., n)`` by key.
            arm: Its name, or the key of one of its figures.
        """
        flags = samples.get(Collapsed(arm.arm if isinstance(arm, Value) else arm))
        return np.zeros_like(self._values(samples, arm)) if flags is None else flags

    def converged(self, samples: Arrays, arm: Key) -> Array:
        """The values of an arm's runs, ``(..., n)``, NaN where the run collapsed."""
        values = self._values(samples, arm)
        flags = samples.get(Collapsed(arm.arm if isinstance(arm, Value) else arm))
        return values if flags is None else np.where(flags > 0, np.nan, values)

    @property
    def without_gain(self) -> bool:
        """Whether it could name a smallest gain of interest and does not, so that a tie is never decided."""
        return getattr(self, "gain", None) == 0

    def problem(self, samples: Arrays) -> str | None:
        """Why these values cannot be decided on (``ERROR``), or ``None``."""
        lengths = {key: samples[key].size for key in self._with_flags(samples)}
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{key} has {length}" for key, length in lengths.items())
            return f"Arms are paired by seed and need equally many values, but {counts}."
        times = self.time_keys
        for key in self.keys:
            values = samples[key]
            if np.isnan(values).any():
                return f"{key} has NaN in seed position {int(np.flatnonzero(np.isnan(values))[0])}."
            if key in times:
                if (values < 0).any():
                    return f"{key} has a negative time, {values.min():g}."
            elif np.isinf(values).any():
                return f"{key} has an infinite value in seed position {int(np.flatnonzero(np.isinf(values))[0])}."
        return None


@dataclass(frozen=True)
class TwoArms(Relation):
    """A relation of arm `a` to arm `b`.

    Raises:
        ValueError: The arms are the same, or no names.
    """

    a: str
    b: str

    def __post_init__(self) -> None:
        super().__post_init__()
        check_arm("a", self.a)
        check_arm("b", self.b)
        if self.a == self.b:
            raise ValueError(f"Expected arguments `a` and `b` to be two arms, but got {self.a!r} twice.")

    @property
    def arms(self) -> tuple[str, ...]:
        return (self.a, self.b)


def check_alpha(alpha: float) -> None:
    """Raise a ValueError unless `alpha` is a one-sided level in (0, .5), where no two verdicts can both hold."""
    if not 0 < alpha < 0.5:
        raise ValueError(f"Expected argument `alpha` to be in (0, 0.5), but got {alpha!r}.")


def check_arm(name: str, value: object) -> None:
    """Raise a ValueError unless `value` is the name of an arm."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"Expected argument `{name}` to be the name of an arm, but got {value!r}.")


def check_arms(arms: object, least: int = 2) -> tuple[str, ...]:
    """The arms as a tuple; raises a ValueError for fewer than `least`, for repeated ones and for other than names."""
    if isinstance(arms, str) or not isinstance(arms, (tuple, list)):
        raise ValueError(f"Expected argument `arms` to be a tuple of arm names, but got {arms!r}.")  # noqa: TRY004
    for arm in arms:
        check_arm("arms", arm)
    if len(set(arms)) < len(arms):
        raise ValueError(f"Expected argument `arms` to name each arm once, but got {tuple(arms)!r}.")
    if len(arms) < least:
        raise ValueError(f"Expected argument `arms` to hold at least {least} arms, but got {tuple(arms)!r}.")
    return tuple(arms)


def check_margin(margin: float, *, positive: bool, name: str = "margin") -> None:
    """Raise a ValueError unless `margin` is a finite number above 0 (or from 0 on where it need not be positive)."""
    if not np.isfinite(margin) or margin < 0 or (positive and margin == 0):
        bound = "above 0" if positive else "at least 0"
        raise ValueError(f"Expected argument `{name}` to be a finite number {bound}, but got {margin!r}.")


def gain_text(gain: float) -> str:
    """The smallest gain of interest as it stands behind a relation in words; empty for none."""
    return f" (gain {gain:g})" if gain else ""


def check_fraction(name: str, figure: float) -> None:
    """Raise a ValueError for a figure above 1, which is in percent, as papers print it."""
    if abs(figure) > 1:
        raise ValueError(
            f"Expected the {name} to be a fraction, at most 1, but got {figure:g}; did you mean {figure / 100:g}?"
        )
