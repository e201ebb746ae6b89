"""Holm over a family fixed beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from harness.relations import Decision, Greater, Verdict, adjust, decide_sequentially


def decided(p, q, verdict=None):
    word = verdict or (Verdict.SUPPORTED if p < 0.05 else Verdict.REFUTED if q < 0.05 else Verdict.INCONCLUSIVE)
    return Decision(word, pvalue=p, pvalue_against=q)


def test_holm_both_ways():
    decisions = {
        "p/a": decided(0.001, 0.999),
        "p/b": decided(0.02, 0.98),
        "p/c": decided(0.04, 0.96),
        "p/d": decided(0.999, 0.001),
    }
    results = adjust(decisions, list(decisions))
    supports = multipletests([0.001, 0.02, 0.04, 0.999], method="holm")[1]
    assert [r.adjusted_pvalue for r in results.values()] == pytest.approx(supports)
    words = [r.adjusted for r in results.values()]
    assert words == [Verdict.SUPPORTED, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.REFUTED]
    assert [r.raw for r in results.values()] == [Verdict.SUPPORTED] * 3 + [Verdict.REFUTED]


def test_what_was_not_run_counts():
    """Selecting claims with -k must not make the family smaller."""
    one = {"p/a": decided(0.03, 0.97)}
    assert adjust(one, ["p/a"])["p/a"].adjusted is Verdict.SUPPORTED
    results = adjust({**one, "p/c": Decision(Verdict.ERROR)}, ["p/a", "p/b", "p/c"])
    assert results["p/a"].adjusted_pvalue == pytest.approx(0.09)
    assert [r.adjusted for r in results.values()] == [Verdict.INCONCLUSIVE, Verdict.NOT_RUN, Verdict.ERROR]


def test_an_early_stop_survives_holm():
    """What stopped at alpha · share / K passes Holm over K whatever the other claims say."""
    rng = np.random.default_rng(0)
    for _ in range(6):  # each call of multipletests collects garbage, .3 s in a process with torch
        samples = {"a": rng.normal(2.5, 1, size=10), "b": rng.normal(size=10)}
        result = decide_sequentially(Greater("a", "b"), samples, family=12)
        others = {f"p/{i}": decided(0.9, 0.1) for i in range(11)}
        verdict = adjust({"p/x": result, **others}, ["p/x", *others])["p/x"]
        assert verdict.raw is result.verdict
        if result.stopped == "decided":
            assert verdict.adjusted is result.verdict
        if result.verdict is Verdict.INCONCLUSIVE:
            assert verdict.adjusted is Verdict.INCONCLUSIVE


def test_a_waiting_claim_has_no_pvalue_yet():
    waiting = decide_sequentially(Greater("a", "b"), {"a": [1, 2, 3.5], "b": [0, 0, 0]})
    (result,) = adjust({"p/x": waiting}, ["p/x"]).values()
    assert result.pvalue == result.adjusted_pvalue == 1


@pytest.mark.parametrize("family", [[], ["p/a", "p/a"], ["p/b"]])
def test_bad_families(family):
    with pytest.raises(ValueError, match="Expected argument"):
        adjust({"p/a": decided(0.1, 0.9)}, family)


def test_the_family_never_turns_a_verdict_into_its_opposite():
    """Where a gain allows both, a claim that is SUPPORTED alone may hold no longer, but it is not REFUTED by that."""
    both = Decision(Verdict.SUPPORTED, pvalue=0.02, pvalue_against=0.0005)
    result = adjust({"p/a": both}, [f"p/{name}" for name in "abcdefgh"])["p/a"]
    assert result.adjusted_pvalue_against < 0.05 < result.adjusted_pvalue
    assert result.adjusted is Verdict.INCONCLUSIVE
