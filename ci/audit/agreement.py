"""How many of a statement's comparisons the paper's own figures bear out.

A statement needs all of its comparisons; which of them there are follows from its relation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from ci.audit.identities import EPSILON
from harness.papers.claims import PublishedClaim


@dataclass(frozen=True)
class Agreement:
    """A statement against one set of figures.

    Attributes:
        metric: The figures' name.
        comparisons: How many comparisons the statement makes.
        against: Those that the figures go against, in words.
    """

    metric: str
    comparisons: int
    against: tuple[str, ...]

    @property
    def count(self) -> str:
        """Such as ``2 of 3``."""
        return f"{self.comparisons - len(self.against)} of {self.comparisons}"

    @property
    def sentence(self) -> str:
        """Such as ``by IoU 2 of 3 comparisons agree (a 0.1 is not above b 0.2)``."""
        but = f" ({', '.join(self.against)})" if self.against else ""
        return f"by {self.metric} {self.count} comparisons agree{but}"


def agreement(claim: PublishedClaim) -> Agreement | None:
    """The comparisons of one claim by its own metric; None where it has no figures or makes no comparisons.

    - relations with pairs: every pair. Equal figures do not bear out that one is above the other.
    - ``rank-correlation``: every pair of arms where the paper says ``monotonic``, else the sign of rho.
    - ``ranking``: every two arms that follow one another.
    - ``linear``: every three arms that follow one another lie on one line, whatever the rounding hid.

    ``equivalent``, ``not-worse`` and ``reaches`` make none: a margin or a value is not theirs to give.
    """
    if not claim.arms:
        return None
    if claim.relation == "rank-correlation" and not claim.monotonic:
        rho = claim.effect()
        return Agreement(claim.metric, 1, (f"rho is {rho:.4g}",) if rho is not None and rho <= 0 else ())
    if claim.relation == "rank-correlation":
        arms = list(claim.arms)
        return Agreement(claim.metric, len(arms) * (len(arms) - 1) // 2, tuple(_discordant(claim)))
    if claim.relation == "linear":
        return Agreement(claim.metric, len(claim.arms) - 2, tuple(_bends(claim)))
    if claim.relation in ("equivalent", "not-worse", "reaches", "none"):
        return None
    pairs = tuple(pairwise(claim.arms)) if claim.relation == "ranking" else claim.pairs
    verb = {"not-greater": "is above", "faster": "is not below"}.get(claim.relation, "is not above")
    against = [f"{said(claim, a)} {verb} {said(claim, b)}" for a, b in pairs if not _holds(claim, a, b)]
    return Agreement(claim.metric, len(pairs), tuple(against)) if pairs else None


def said(claim: PublishedClaim, arm: str) -> str:
    """An arm with its figure, and a dagger where that was recovered."""
    return f"{arm} {_figure(claim, arm)}"


def _figure(claim: PublishedClaim, arm: str) -> str:
    return f"{claim.arms[arm]:.4g}{'†' if arm in claim.recovered else ''}"


def _holds(claim: PublishedClaim, above: str, below: str) -> bool:
    first, second = claim.arms[above], claim.arms[below]
    if claim.relation == "not-greater":
        return first <= second
    return first < second if claim.relation == "faster" else first > second


def _discordant(claim: PublishedClaim) -> Iterator[str]:
    by_score = sorted(claim.arms, key=lambda arm: -claim.arms[arm])
    for better, worse in combinations(by_score, 2):
        if claim.arms[better] > claim.arms[worse] and claim.predictor[better] < claim.predictor[worse]:
            yield (
                f"{better} is above {worse} by {claim.metric}, {_figure(claim, better)} to {_figure(claim, worse)}, "
                f"and below it by {claim.predicted_by}, {claim.predictor[better]:.4g} to {claim.predictor[worse]:.4g}"
            )


def _bends(claim: PublishedClaim) -> Iterator[str]:
    """Every three arms whose middle one is off the line through the others by more than their rounding."""
    for three in zip(claim.arms, list(claim.arms)[1:], list(claim.arms)[2:], strict=False):
        x = [claim.predictor[arm] for arm in three]
        y = [claim.arms[arm] for arm in three]
        slack = [claim.origins[arm].half_width if arm in claim.origins else 0.0 for arm in three]
        part = (x[1] - x[0]) / (x[2] - x[0])
        off = abs(y[0] + part * (y[2] - y[0]) - y[1])
        if off > (1 - part) * slack[0] + part * slack[2] + slack[1] + EPSILON:
            first, second = ((y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in (0, 1))
            yield (
                f"the slope is {first:.4g} from {three[0]} to {three[1]} and {second:.4g} from {three[1]} to {three[2]}"
            )
