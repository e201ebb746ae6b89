"""A claim of a paper, with the figures that the paper itself gives for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RELATIONS = (
    "greater",
    "not-greater",
    "not-worse",
    "equivalent",
    "increasing",
    "non-monotonic",
    "best-of",
    "rank-correlation",
    "faster",
    "reaches",
    "none",
)

STATEMENT_RELATIONS = (*RELATIONS, "ranking", "linear")  # of sentences that are audited only


@dataclass(frozen=True)
class Origin:
    """Where an arm's figure comes from.

    Attributes:
        table: Id of the table; empty for a figure that stands in none.
        row: Name of the row.
        column: Heading of the column.
        statistic: ``best`` or ``average`` of several trainings; empty where the paper does not say.
        half_width: Half a unit of the last printed decimal.
        recovered: Whether it was missing from the paper's text and taken from elsewhere.
        source: Where a recovered figure comes from; empty otherwise.
    """

    table: str
    row: str
    column: str
    statistic: str
    half_width: float
    recovered: bool = False
    source: str = ""


@dataclass(frozen=True)
class PublishedClaim:
    """A claim with the figures that the paper gives for it.

    Attributes:
        slug: The id's second part; the whole id is ``<paper>/<slug>``.
        statement: The claim in our words.
        place: Where the paper says it.
        metric: The name of what `arms` holds.
        unit: ``fraction``, or the unit of `arms` in words, such as ``epochs``.
        relation: One of `RELATIONS` (of `STATEMENT_RELATIONS` for a statement): the shape of the statement.
        arms: Published value by arm, as corrected; empty where the paper gives no figures.
        pairs: Comparisons that the statement makes, as (arm said to be above, arm said to be below). For
            ``not-greater`` the first is said not to be above; for ``faster`` the first needs less.
        note: What a reader should know before using the figures; usually empty.
        predictor: For ``rank-correlation`` and ``linear``: the value, by arm, that is said to predict `arms`.
        predicted_by: The name of what `predictor` holds.
        monotonic: For ``rank-correlation``: whether the paper says that every pair is ordered alike.
        origins: Where each arm's figure comes from.
        others: The same claim by other figures of the paper, each with a `metric` and `arms` of its own.
    """

    slug: str
    statement: str
    place: str
    metric: str
    unit: str
    relation: str
    arms: Mapping[str, float]
    pairs: tuple[tuple[str, str], ...] = ()
    predictor: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    predicted_by: str = "the predictor"
    monotonic: bool = False
    origins: Mapping[str, Origin] = field(default_factory=dict)
    others: tuple[PublishedClaim, ...] = ()

    @property
    def recovered(self) -> frozenset[str]:
        """Arms whose figure was missing from the paper's text and taken from elsewhere."""
        return frozenset(arm for arm, origin in self.origins.items() if origin.recovered)

    @property
    def statistics(self) -> Mapping[str, str]:
        """What each arm's figure is of its trainings: ``average``, ``best``, or empty where the paper does not say."""
        return {arm: self.origins[arm].statistic if arm in self.origins else "" for arm in self.arms}

    def differences(self) -> tuple[float, ...]:
        """First arm minus second arm, pair by pair."""
        return tuple(self.arms[above] - self.arms[below] for above, below in self.pairs)

    def effect(self) -> float | None:
        """The paper's own effect, from one figure per arm, or None where it gives none.

        - ``greater``, ``not-worse``, ``increasing``, ``non-monotonic``, ``best-of``: the smallest difference among
          the pairs, since the statement needs all of them.
        - ``not-greater``: the largest difference among the pairs.
        - ``equivalent``: the largest arm minus the smallest.
        - ``faster``: the smallest ratio of second to first.
        - ``rank-correlation``: Spearman's rho (scipy.stats.spearmanr).
        - ``reaches``: the first arm's value.
        """
        if not self.arms:
            return None
        if self.relation == "equivalent":
            return max(self.arms.values()) - min(self.arms.values())
        if self.relation == "reaches":
            return next(iter(self.arms.values()))
        if self.relation == "rank-correlation":
            from scipy.stats import spearmanr  # here, since loading a paper must stay light

            x = [self.predictor[arm] for arm in self.arms]
            return float(spearmanr(x, list(self.arms.values())).statistic)
        if not self.pairs:
            return None
        if self.relation == "faster":
            return min(self.arms[slow] / self.arms[fast] for fast, slow in self.pairs)
        return max(self.differences()) if self.relation == "not-greater" else min(self.differences())
