"""What a paper's published figures can support by themselves: one training per arm, and few models.

No spread is published, so none of this is a verdict. It says what a seed spread like the measured one would do to
figures that each rest on one training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial, sqrt

from harness.papers.identities import exact_spearman
from harness.papers.published import Paper

LEVEL = 0.05


@dataclass(frozen=True)
class PublishedSupport:
    """What one claim's published figures can carry.

    Fields are None where they do not apply: no figures, another unit than the seed spread's, or another relation.

    Attributes:
        paper: Id of the paper.
        slug: The claim.
        relation: Its relation.
        effect: The paper's own effect (`PublishedClaim.effect`).
        models: Number of arms with a published figure.
        seed_sd: Standard deviation between trainings that was assumed, as a fraction.
        z: The effect over the standard deviation of a difference of two single trainings, ``seed_sd * sqrt(2)``.
            For ``not-greater`` it is the claim's direction that counts: below minus above.
        pvalue: One-sided p of the weakest comparison, by that z.
        detectable: The smallest difference that one training per arm could show at one-sided .05.
        margin: For ``equivalent``: the smallest margin within which two single trainings so far apart as the
            published extremes could be called equivalent at .05.
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
    z: float | None = None
    pvalue: float | None = None
    detectable: float | None = None
    margin: float | None = None
    rank_pvalue: float | None = None
    best_rank_pvalues: tuple[float, float] | None = None

    @property
    def sentence(self) -> str:
        """The whole in one sentence."""
        if self.effect is None:
            return "The paper gives no figures for it."
        if self.best_rank_pvalues is not None:
            one, two = self.best_rank_pvalues
            published = "" if self.rank_pvalue is None else f", the published ranks {self.rank_pvalue:.3f}"
            return (
                f"{self.models} models can give a p of {one:.3f} one-sided and {two:.3f} two-sided at best{published}."
            )
        if self.margin is not None:
            return (
                f"One training per arm could at best show that the arms lie within {self.margin:.3f}, "
                f"with a seed sd of {self.seed_sd:.3f}."
            )
        if self.z is None or self.pvalue is None:
            return "One training per arm: no comparison with the seed spread applies."
        verb = "is" if self.pvalue <= LEVEL else "is not"
        p = f"p = {self.pvalue:.3f}" if self.pvalue >= 0.001 else "p < 0.001"
        return (
            f"With one training per arm and a seed sd of {self.seed_sd:.3f}, the effect of {self.effect:.3f} {verb} "
            f"told from none (z = {self.z:.2f}, one-sided {p}; it takes {self.detectable:.3f})."
        )


def support(paper: Paper, slug: str, seed_sd: float) -> PublishedSupport:
    """What a claim's published figures can support at a given spread between seeds.

    The spread is taken as known and equal in both arms, and seeds as independent between arms, which is the best case
    for the paper: z = difference / (seed_sd sqrt 2), one-sided.

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
    bare = PublishedSupport(paper.id, slug, claim.relation, effect, len(claim.arms), seed_sd)
    if effect is None:
        return bare
    fields = {name: getattr(bare, name) for name in ("paper", "slug", "relation", "effect", "models", "seed_sd")}
    if claim.relation == "rank-correlation":
        arms = list(claim.arms)
        exact = exact_spearman([claim.predictor[arm] for arm in arms], list(claim.arms.values()))
        orders = factorial(len(arms))
        return PublishedSupport(
            **fields,
            rank_pvalue=None if exact is None else exact.two_sided,
            best_rank_pvalues=(1 / orders, min(1.0, 2 / orders)),
        )
    if claim.unit != "fraction" or claim.relation in ("faster", "reaches"):
        return bare
    from scipy.stats import norm  # here, since loading a paper must stay light

    spread = seed_sd * sqrt(2)
    detectable = float(norm.isf(LEVEL)) * spread
    if claim.relation == "equivalent":
        return PublishedSupport(**fields, detectable=detectable, margin=effect + detectable)
    z = (-effect if claim.relation == "not-greater" else effect) / spread
    return PublishedSupport(**fields, z=z, pvalue=float(norm.sf(z)), detectable=detectable)


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
