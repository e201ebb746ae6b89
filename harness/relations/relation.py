"""What all relations share: looking samples up, checking them, and one way to decide."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from harness.relations.decision import Decision, EffectKind, Verdict
from harness.relations.paired_t import Array

Samples = Mapping[str, ArrayLike]
"""Per-seed values by arm name, or by ``"metric:arm"`` for a relation with a metric of its own. Paired by position."""

Arrays = Mapping[str, Array]
"""The same as arrays ``(..., n)``: leading axes are simulations."""


class Relation(ABC):
    """The shape of a claim: which arms it compares and how their per-seed values become a verdict.

    A relation is a frozen dataclass of plain types. `decide` is pure: it trains nothing and knows no claim.
    """

    metric: str | None
    effect_kind: EffectKind = "difference"
    """What its effect is, where it is not known yet which of several comparisons decides."""

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
            samples: arrays ``(..., n)`` by key, as in `decide`.

        Returns:
            ``pvalue`` and ``pvalue_against``, each ``(...)``; what `decide` reports for a single sample ``(n,)``.
        """

    @abstractmethod
    def _decide(self, samples: Arrays, alpha: float, comparisons: float) -> Decision:
        """Decide on checked arrays ``(n,)``, as one of `comparisons` whose refutation shares `alpha`."""

    def decide(self, samples: Samples, *, alpha: float = 0.05) -> Decision:
        """Turn per-seed values into a verdict.

        Args:
            samples: per-seed values by arm name, paired by position (the same seed at the same place). A relation
                whose `metric` is set first looks for the key ``"metric:arm"``, then for ``arm``. Other keys are
                ignored.
            alpha: one-sided level of the decision, in (0, .5).

        Returns:
            The decision. NaN, infinite values (but for censored times) and unequal lengths give ``ERROR``; no spread
            or fewer than 3 seeds give ``INCONCLUSIVE``; each with a reason.

        Raises:
            ValueError: an arm has no samples, samples are not one-dimensional, or `alpha` is out of range.
        """
        check_alpha(alpha)
        arrays = self.arrays(samples)
        problem = self._problem(arrays)
        if problem:
            n = min(values.size for values in arrays.values())
            return Decision(
                Verdict.ERROR, n=n, alpha=alpha, reason=problem, label=self.describe(), effect_kind=self.effect_kind
            )
        return self._decide(arrays, alpha, 1)

    def arrays(self, samples: Samples) -> dict[str, Array]:
        """The values that `decide` would read, as arrays ``(n,)`` by key.

        Raises:
            ValueError: an arm has no samples, or its samples are not one-dimensional.
        """
        arrays = {key: np.asarray(samples[key], dtype=np.float64) for key in self.keys(samples)}
        for key, values in arrays.items():
            if values.ndim != 1:
                raise ValueError(
                    f"Expected argument `samples` to hold one value per seed for {key!r}, "
                    f"but got an array of shape {values.shape}."
                )
        return arrays

    def keys(self, samples: Mapping[str, object]) -> tuple[str, ...]:
        """The keys of `samples` that `decide` would read, each once, in the order of the arms.

        Raises:
            ValueError: an arm has no samples.
        """
        return tuple(dict.fromkeys(self._key(samples, arm) for arm in self.arms))

    def time_keys(self, samples: Mapping[str, object]) -> frozenset[str]:
        """Those of `keys` that hold times, where ``inf`` means "never"."""
        return frozenset()

    def _key(self, samples: Mapping[str, object], arm: str) -> str:
        own = f"{self.metric}:{arm}"
        if self.metric is not None and own in samples:
            return own
        if arm in samples:
            return arm
        wanted = repr(arm) if self.metric is None else f"{own!r} or {arm!r}"
        raise ValueError(f"Expected argument `samples` to hold {wanted}, but got {sorted(samples)}.")

    def _values(self, samples: Arrays, arm: str) -> Array:
        return samples[self._key(samples, arm)]

    def _problem(self, samples: Arrays) -> str | None:
        """Why these values cannot be decided on (``ERROR``), or ``None``."""
        keys = self.keys(samples)
        lengths = {key: samples[key].size for key in keys}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{key} has {length}" for key, length in lengths.items())
            return f"Arms are paired by seed and need equally many values, but {found}."
        times = self.time_keys(samples)
        for key in keys:
            values = samples[key]
            if np.isnan(values).any():
                return f"{key} has NaN in seed position {int(np.flatnonzero(np.isnan(values))[0])}."
            if key in times:
                if (values < 0).any():
                    return f"{key} has a negative time, {values.min():g}."
            elif np.isinf(values).any():
                return f"{key} has an infinite value in seed position {int(np.flatnonzero(np.isinf(values))[0])}."
        return None


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
