"""The family: Holm over the pre-registered claims of one paper, once for the claims and once against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.relations.decision import Decision, Verdict, verdict_of
from harness.relations.looks import SequentialDecision
from harness.relations.relation import check_alpha


@dataclass(frozen=True)
class FamilyVerdict:
    """One claim of the family, before and after Holm.

    Attributes:
        raw: The claim's own verdict.
        adjusted: The verdict at the family's level: ``SUPPORTED`` iff ``adjusted_pvalue < alpha``.
        pvalue: For the claim, as it entered Holm; 1 where the claim has none.
        pvalue_against: Against it, likewise.
        adjusted_pvalue: Holm's for the claim.
        adjusted_pvalue_against: Holm's against it.
    """

    raw: Verdict
    adjusted: Verdict
    pvalue: float
    pvalue_against: float
    adjusted_pvalue: float
    adjusted_pvalue_against: float


def adjust(
    decisions: Mapping[str, Decision | SequentialDecision | None], family: Sequence[str], *, alpha: float = 0.05
) -> dict[str, FamilyVerdict]:
    """Holm over a family that was fixed beforehand, by `statsmodels.stats.multitest.multipletests`.

    Args:
        decisions: Decisions by claim id. A sequential decision enters with its p-values for the whole plan
            (`SequentialDecision.pvalue`); one that waits for more seeds has none yet.
        family: The ids of all K claims. A claim that is absent from `decisions`, ``None``, ``NOT_RUN`` or ``ERROR``
            counts with p = 1: a claim that was not run does not make the others easier.
        alpha: The family's level, once for support and once for refutation, in (0, .5).

    Returns:
        One entry for each claim of the family, in its order.

    Raises:
        ValueError: An empty family, a repeated id, or a decision on a claim outside the family.

    >>> results = adjust({"p/a": Decision(Verdict.SUPPORTED, pvalue=0.03, pvalue_against=0.97)}, ["p/a", "p/b"])
    >>> results["p/a"].adjusted, results["p/a"].adjusted_pvalue, str(results["p/b"].raw)
    (<Verdict.INCONCLUSIVE: 'INCONCLUSIVE'>, 0.06, 'NOT RUN')
    """
    check_alpha(alpha)
    if not family or len(set(family)) < len(family):
        raise ValueError(f"Expected argument `family` to name at least one claim, each once, but got {list(family)!r}.")
    unknown = sorted(set(decisions) - set(family))
    if unknown:
        raise ValueError(f"Expected argument `decisions` to hold claims of the family, but got {unknown!r}.")
    entries = [_entry(decisions.get(claim)) for claim in family]
    from statsmodels.stats.multitest import multipletests

    supports = multipletests([p for _, p, _ in entries], alpha=alpha, method="holm")[1]
    refutes = multipletests([q for _, _, q in entries], alpha=alpha, method="holm")[1]
    results = {}
    for claim, (raw, p, q), support, refute in zip(family, entries, supports, refutes, strict=True):
        tested = raw in (Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE)
        adjusted = _kept(raw, float(support), float(refute), alpha) if tested else raw
        results[claim] = FamilyVerdict(raw, adjusted, p, q, float(support), float(refute))
    return results


def _kept(raw: Verdict, support: float, refute: float, alpha: float) -> Verdict:
    """The raw verdict where it holds in the family, else INCONCLUSIVE; never its opposite, which a gain allows too."""
    adjusted = verdict_of(support, refute, alpha)
    opposite = raw.decided and adjusted.decided and adjusted is not raw
    return Verdict.INCONCLUSIVE if opposite else adjusted


def _entry(decision: Decision | SequentialDecision | None) -> tuple[Verdict, float, float]:
    """The raw verdict and the p-values with which a claim enters the family."""
    if decision is None:
        return Verdict.NOT_RUN, 1.0, 1.0
    verdict = decision.decision.verdict if isinstance(decision, SequentialDecision) else decision.verdict
    pvalue, against = decision.pvalue, decision.pvalue_against
    if verdict in (Verdict.NOT_RUN, Verdict.ERROR) or pvalue is None or against is None:
        return verdict, 1.0, 1.0
    return verdict, float(pvalue), float(against)
