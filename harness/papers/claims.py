"""A claim of a paper, with the figures that the paper itself gives for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RelationName = Literal[
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
]


@dataclass(frozen=True)
class Origin:
    """Where a figure stands: in a cell of a table, or under a name of its own.

    Attributes:
        table: Id of the table; empty for a figure that stands in none.
        row: Name of the row.
        column: Heading of the column.
        off_table: Name of a figure that stands in no table; empty for one that stands in a table.
    """

    table: str = ""
    row: str = ""
    column: str = ""
    off_table: str = ""


@dataclass(frozen=True)
class PublishedClaim:
    """A claim with the figures that the paper gives for it.

    Attributes:
        slug: The id's second part; the whole id is ``<paper>/<slug>``.
        statement: The claim in our words.
        place: Where the paper says it.
        metric: The name of what `arms` holds.
        unit: ``fraction``, or the unit of `arms` in words, such as ``epochs``.
        relation: The shape of the statement.
        arms: Published value by arm, as corrected; empty where the paper gives no figures.
        pairs: Comparisons that the statement makes, as (arm that should be above, arm that should be below). For
            ``not-greater`` the first should not be above; for ``faster`` the first needs less.
        predictor: For ``rank-correlation``: the value by arm that should predict `arms`.
        note: What a reader should know before using the figures; usually empty.
        origins: Where each arm's figure stands.
        sources: Where a figure comes from that the paper's text lacks, by arm.
        others: The same claim by other figures of the paper, each with a `metric` and `arms` of its own.
    """

    slug: str
    statement: str
    place: str
    metric: str
    unit: str
    relation: RelationName
    arms: Mapping[str, float]
    pairs: tuple[tuple[str, str], ...] = ()
    predictor: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    others: tuple[PublishedClaim, ...] = ()

    def correlation(self) -> float | None:
        """Spearman's rho of `predictor` and `arms` (``scipy.stats.spearmanr``); None where the paper gives neither."""
        if not self.predictor:
            return None
        from scipy.stats import spearmanr  # here, since loading a paper must stay light

        return float(spearmanr([self.predictor[arm] for arm in self.arms], list(self.arms.values())).statistic)
