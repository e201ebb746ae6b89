"""What a paper's text says of its own figures, held against them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping

from ci.audit.finding import Finding
from harness.papers import PublishedClaim

# How the first arm of a pair must lie to the second, and what is wrong otherwise. Equal figures do not bear out that
# one is above the other. Other relations compare nothing here: the margin or the value is not theirs to give.
COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    **dict.fromkeys(("greater", "increasing", "non-monotonic", "best-of"), (operator.gt, "is not above")),
    "not-greater": (operator.le, "is above"),
    "faster": (operator.lt, "is not below"),
}


def statement_findings(claim: PublishedClaim) -> Iterator[Finding]:
    """A claim or statement whose pairs the paper's own figures go against: by each of its metrics, or by some."""
    if claim.relation not in COMPARISONS or not claim.pairs:
        return
    cases = (claim, *claim.others)
    against = [disagreements(case) for case in cases]
    if not any(against):
        return
    sentences = "; ".join(_sentence(*each) for each in zip(cases, against, strict=True))
    note = f" ({claim.note})" if claim.note else ""
    yield Finding(
        claim.place,
        claim.slug,
        "claim-against-figures" if all(against) else "claim-depends-on-figures",
        f"{claim.slug}: {sentences}{note}.",
        sources=tuple(dict.fromkeys(source for case in cases for source in case.sources.values())),
    )


def disagreements(claim: PublishedClaim) -> list[str]:
    """The pairs of one claim that its figures go against, such as ``a 0.1 is not above b 0.2``."""
    holds, otherwise = COMPARISONS[claim.relation]
    return [
        f"{_figure(claim, first)} {otherwise} {_figure(claim, second)}"
        for first, second in claim.pairs
        if not holds(claim.arms[first], claim.arms[second])
    ]


def _sentence(claim: PublishedClaim, against: list[str]) -> str:
    but = f" ({', '.join(against)})" if against else ""
    return f"by {claim.metric} {len(claim.pairs) - len(against)} of {len(claim.pairs)} comparisons agree{but}"


def _figure(claim: PublishedClaim, arm: str) -> str:
    return f"{arm} {claim.arms[arm]:.4g}{'†' if arm in claim.sources else ''}"
