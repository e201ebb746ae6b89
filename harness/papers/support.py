"""What a paper's published figures can support by themselves: few trainings per arm, and few models.

No spread is published, so none of this is a verdict. It says what a seed spread like the measured one would do to
figures that rest on one training each, or on the average of a few. The best of several trainings is not compared: how
far luck raised it depends on how many there were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import factorial, sqrt

from harness.papers.claims import PublishedClaim
from harness.papers.identities import exact_spearman
from harness.papers.published import Paper

LEVEL = 0.05


@dataclass(frozen=True)
class PublishedSupport:
    """What one claim's published figures can carry.

    Fields are None where they do not apply: no figures, another unit than the seed spread's, another relation, or the
    best of several trainings.

    Attributes:
        paper: Id of the paper.
        slug: The claim.
        relation: Its relation.
        effect: The paper's own effect (`PublishedClaim.effect`).
        models: Number of arms with a published figure.
        seed_sd: Standard deviation between trainings that was assumed, as a fraction.
        averaged: Arms whose figure is an average of an unknown number of trainings. Averages spread less than single
            trainings, so with any of them z is the least that it can be in size, and `detectable`, `margin` and
            `gain` are the most that they can be.
        best: Arms whose figure is the best of an unknown number of trainings.
        z: The effect over the standard deviation of a difference of two single trainings, ``seed_sd * sqrt(2)``.
        pvalue: One-sided p of the weakest comparison, by that z.
        detectable: The smallest difference that one training per arm could show at one-sided .05.
        margin: For ``equivalent``: the smallest margin within which two single trainings so far apart as the
            published extremes could be called equivalent at .05.
        gain: For ``not-greater``: the largest gain that single trainings so far apart leave open at .05.
        rank_pvalue: For ``rank-correlation``: the exact two-sided p of the published ranks.
        best_rank_pvalues: For ``rank-correlation``: the smallest one- and two-sided p that so many models can give,
            1 / k! and 2 / k!.
    """

    paper: str
    slug: str
    relation: str
    effect: float | None
    models: int
    seed_sd: float
    averaged: tuple[str, ...] = ()
    best: tuple[str, ...] = ()
    z: float | None = None
    pvalue: float | None = None
    detectable: float | None = None
    margin: float | None = None
    gain: float | None = None
    rank_pvalue: float | None = None
    best_rank_pvalues: tuple[float, float] | None = None

    @property
    def sentence(self) -> str:
        """The whole in a few sentences."""
        if self.effect is None:
            return "The paper gives no figures for it."
        if self.best_rank_pvalues is not None:
            one, two = self.best_rank_pvalues
            published = "" if self.rank_pvalue is None else f", the published ranks {self.rank_pvalue:.3f}"
            return (
                f"{self.models} models can give a p of {one:.3f} one-sided and {two:.3f} two-sided at best{published}."
            )
        if self.best:
            return f"{self._basis}: how far luck raised them depends on that number, so no comparison applies."
        if self.detectable is None:
            return f"{self._basis}: no comparison with the seed spread applies."
        spread = f"{self._basis}; with a seed sd of {self.seed_sd:.3f}, taken as known,"
        most = "at most " if self.averaged else ""
        if self.margin is not None:
            return f"{spread} it could at best be shown that the arms lie within {most}{self.margin:.3f}."
        if self.gain is not None:
            left = f"a gain of {most}{self.gain:.3f}" if self.gain > 0 else "no gain"
            return f"{spread} {left} is left open; the largest published one is {self.effect:+.3f}."
        return f"{spread} the effect of {self.effect:+.3f} {self._told}."

    @property
    def _basis(self) -> str:
        """What the figures are of their trainings."""
        if not self.averaged and not self.best:
            return "One training per arm"
        kinds = {
            "averages an unknown number of trainings": self.averaged,
            "is the best of an unknown number of trainings": self.best,
        }
        used = {kind: arms for kind, arms in kinds.items() if arms}
        if len(self.averaged) + len(self.best) == self.models and len(used) == 1:
            return f"Every arm {next(iter(used))}"
        named = " and ".join(f"of {', '.join(arms)} each {kind}" for kind, arms in used.items())
        return f"The arms differ in kind: {named}"

    @property
    def _told(self) -> str:
        if self.z is None or self.pvalue is None or self.effect is None:
            return "is not compared"
        if self.averaged:
            p = "" if self.effect < 0 else f", one-sided p at most {max(self.pvalue, 0.001):.3f}"
            figures = f"z of {'at most' if self.effect < 0 else 'at least'} {self.z:.2f}{p}"
            needed = f"at most {self.detectable:.3f} is needed"
        else:
            p = f"= {self.pvalue:.3f}" if self.pvalue >= 0.001 else "< 0.001"
            figures = f"z = {self.z:.2f}, one-sided p {p}"
            needed = f"{self.detectable:.3f} is needed"
        if self.effect < 0:
            return f"goes the other way ({figures})"
        if self.pvalue <= LEVEL:
            return f"is at best told from none ({figures}; {needed})"
        if self.averaged:
            return f"may or may not be told from none, depending on their number ({figures}; {needed})"
        return f"is not told from none even at best ({figures}; {needed})"


def support(paper: Paper, slug: str, seed_sd: float) -> PublishedSupport:
    """What a claim's published figures can support at a given spread between seeds.

    The spread is taken as known and equal in both arms, and seeds as independent between arms, which is the best case
    for the paper: z = difference / (seed_sd sqrt 2), one-sided. An average counts as one training, which is its worst
    case.

    Args:
        paper: The paper.
        slug: The claim's slug.
        seed_sd: Standard deviation of the claim's metric between seeds, as a fraction.

    Raises:
        ValueError: No such claim, or ``seed_sd`` is not positive.
    """
    claim = paper.claim(slug)
    if not seed_sd > 0:
        raise ValueError(f"expected seed_sd to be above 0, but got {seed_sd}")
    effect = claim.effect()
    bare = PublishedSupport(
        paper=paper.id,
        slug=slug,
        relation=claim.relation,
        effect=effect,
        models=len(claim.arms),
        seed_sd=seed_sd,
        averaged=_arms(claim, "average"),
        best=_arms(claim, "best"),
    )
    if effect is None:
        return bare
    if claim.relation == "rank-correlation":
        arms = list(claim.arms)
        exact = exact_spearman([claim.predictor[arm] for arm in arms], list(claim.arms.values()))
        orders = factorial(len(arms))
        return replace(
            bare,
            rank_pvalue=None if exact is None else exact.two_sided,
            best_rank_pvalues=(1 / orders, min(1.0, 2 / orders)),
        )
    if claim.unit != "fraction" or claim.relation in ("faster", "reaches") or bare.best:
        return bare
    from scipy.stats import norm  # here, since loading a paper must stay light

    spread = seed_sd * sqrt(2)
    detectable = float(norm.isf(LEVEL)) * spread
    if claim.relation == "equivalent":
        return replace(bare, detectable=detectable, margin=effect + detectable)
    if claim.relation == "not-greater":
        return replace(bare, detectable=detectable, gain=effect + detectable)
    z = effect / spread
    return replace(bare, z=z, pvalue=float(norm.sf(z)), detectable=detectable)


def _arms(claim: PublishedClaim, statistic: str) -> tuple[str, ...]:
    return tuple(arm for arm, used in claim.statistics.items() if used == statistic)


def support_markdown(paper: Paper, seed_sds: Mapping[str, float]) -> str:
    """What the paper's figures can support by themselves, claim by claim, as a Markdown table.

    Args:
        paper: The paper.
        seed_sds: Measured standard deviation between seeds by slug, as a fraction; other claims are left out.
    """
    lines = ["| claim | its published figures by themselves |", "| --- | --- |"]
    measured = [slug for slug in paper.claims if slug in seed_sds]
    lines += [f"| {slug} | {support(paper, slug, seed_sds[slug]).sentence} |" for slug in measured]
    return "\n".join(lines)
