"""Collapsed runs: the two-part rule against scipy and by simulation, and what it says in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.collapse import TRUTHS, draw, wrong_rate
from benchmarks.simulation import decided_by
from harness.relations import (
    All,
    Collapsed,
    ConvergesFaster,
    Equivalent,
    Greater,
    Increasing,
    Looks,
    NotGreater,
    NotWorse,
    Reaches,
    Verdict,
    decide_sequentially,
)
from harness.relations.collapse import attained, fewer, t_level, two_part, unlike

GOOD = [0.61, 0.66, 0.58, 0.70, 0.64, 0.62, 0.65]
BAD = [0.55, 0.52, 0.57, 0.50, 0.54, 0.51, 0.55]
runs = st.integers(3, 10).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n)))


def seeds(a=(), b=(), n=7, good=GOOD, bad=BAD):
    """Samples of two arms whose runs at these positions collapsed."""
    samples = {"a": list(good[:n]), "b": list(bad[:n])}
    for arm, collapsed in (("a", a), ("b", b)):
        for place in collapsed:
            samples[arm][place] = 0.0
        samples[Collapsed(arm)] = [float(place in collapsed) for place in range(n)]
    return samples


@given(runs)
def test_the_test_of_counts_is_scipys_fisher(counts):
    n, a, b = counts
    table = [[a, n - a], [b, n - b]]
    one = fewer(np.array(a), np.array(b), n)
    assert one == pytest.approx(stats.fisher_exact(table, alternative="less").pvalue)
    other = stats.fisher_exact(table, alternative="greater").pvalue
    assert unlike(np.array(a), np.array(b), n) == pytest.approx(min(1, 2 * min(one, other)))


@given(runs, st.floats(0, 1), st.floats(0.001, 0.4))
def test_what_both_tests_spend_is_at_most_the_level(counts, pvalue, level):
    """The t test decides at the level less what Fisher's test can err in, for the collapsed runs that there are."""
    n, a, b = counts
    total = a + b
    splits = [k for k in range(n + 1) if 0 <= total - k <= n]
    sizes = [float(fewer(np.array(k), np.array(total - k), n)) for k in splits]
    size = max((each for each in sizes if 2 * each < level), default=0.0)
    spent = attained(np.array(pvalue), np.array(total), n)
    assert spent == pytest.approx(max((each for each in sizes if each <= pvalue), default=0.0))
    if pvalue + spent < level:
        assert pvalue < level - size + 1e-12
        assert pvalue <= t_level(level, total, n) + 1e-12
    elif total:
        assert pvalue >= t_level(level, total, n) - 1e-12


def test_without_collapsed_runs_it_is_the_t_test():
    for relation in (Greater("a", "b", 0.02), NotWorse("a", "b", 0.02), Equivalent(("a", "b"), 0.1)):
        assert relation.decide(seeds()).pvalue == relation.decide({"a": GOOD, "b": BAD}).pvalue
        assert relation.decide(seeds()).interval == relation.decide({"a": GOOD, "b": BAD}).interval


@pytest.mark.parametrize("paired", [True, False])
def test_only_runs_that_converged_are_compared(paired):
    decision = Greater("a", "b", paired=paired).decide(seeds(b=(1,)))
    kept = [0, 2, 3, 4, 5, 6]
    a, b = np.array(GOOD), np.array(BAD)[kept]
    test = stats.ttest_rel(a[kept], b) if paired else stats.ttest_ind(a, b, equal_var=False)
    assert decision.effect == pytest.approx((a[kept] if paired else a).mean() - b.mean())
    # One collapsed run is in either arm alike: P = .5 is attainable, but above the t test's p.
    assert decision.pvalue == pytest.approx(stats.t.sf(test.statistic, test.df))
    assert decision.verdict is Verdict.SUPPORTED
    assert decision.collapsed == (0, 1)
    assert "among the runs that converged: 0 of 7 runs of a and 1 of 7 runs of b collapsed" in decision.notes


@pytest.mark.parametrize("relation", [Greater("a", "b"), NotWorse("a", "b", 0.02), NotGreater("b", "a", 0.02)])
def test_the_better_arm_may_not_collapse_more_often(relation):
    decision = relation.decide(seeds(a=(2,)))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.reason == "a is better where it converged, but collapsed more often: 1 of 7 runs against 0."
    assert relation.decide(seeds(a=(2,), b=(4,))).verdict is Verdict.SUPPORTED


def test_counts_take_from_the_level_of_the_t_test():
    """Of two collapsed runs, Fisher's test can attain 3/13 at n = 7: above that the t test has less than its level."""
    assert t_level(0.3, 2, 7) == pytest.approx(3 / 13)
    assert [t_level(0.05, total, 7) for total in (0, 1, 2)] == [0.05] * 3
    spread = np.array([0.04, -0.04, 0.02, -0.02, 0.0])
    for effect, verdict in ((0.02, Verdict.SUPPORTED), (0.0095, Verdict.INCONCLUSIVE)):
        samples = seeds(b=(0, 1))
        samples["b"] = [0.0, 0.0, *(np.array(GOOD)[2:] - effect - spread)]
        by_t = stats.ttest_1samp(effect + spread, 0, alternative="greater").pvalue
        assert by_t < 0.3
        decision = Greater("a", "b").decide(samples, alpha=0.3)
        assert decision.verdict is verdict
        assert (decision.interval[0] > 0) == decision.verdict.decided
    assert by_t > 3 / 13
    assert decision.reason == (
        "a is better where it converged, but not clearly enough beside the runs that collapsed: 0 of a and 2 of b."
    )


def test_the_refuting_side_is_the_mirror_image():
    assert Greater("b", "a", 0.01).decide(seeds(b=(2,))).verdict is Verdict.REFUTED
    decision = Greater("b", "a", 0.01).decide(seeds(a=(2,)))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.reason.startswith("a is better where it converged, but collapsed more often: 1 of 7 runs")


def test_an_arm_that_always_collapses_is_worse_by_the_counts():
    decision = Greater("a", "b").decide(seeds(b=range(5), n=5))
    assert decision.verdict is Verdict.SUPPORTED
    assert decision.pvalue == pytest.approx(2 * stats.fisher_exact([[0, 5], [5, 0]], alternative="less").pvalue)
    assert decision.notes == (
        "shown by how often the arms collapse: 0 of 5 runs of a and 5 of 5 runs of b (Fisher's exact test)",
    )
    assert Greater("b", "a").decide(seeds(b=range(5), n=5)).verdict is Verdict.REFUTED


def test_counts_do_not_decide_against_the_runs_that_converged():
    """b collapses far more often, but where it converges it is far better."""
    samples = seeds(a=(), b=range(7), n=10, good=BAD + BAD[:3], bad=[*GOOD, 0.8, 0.82, 0.81])
    assert fewer(np.array(0), np.array(7), 10) < 0.01
    assert Greater("a", "b", paired=False).decide(samples).verdict is Verdict.INCONCLUSIVE


def test_where_most_runs_of_both_arms_collapsed_nothing_was_compared():
    decision = Greater("a", "b").decide(seeds(a=range(4), b=range(3, 7)))
    assert (decision.verdict, decision.pvalue, decision.pvalue_against) == (Verdict.INCONCLUSIVE, 1, 1)
    assert decision.reason.startswith("Most runs of a and of b collapsed: they predict (nearly) one class only")


def test_too_few_runs_that_converged_are_named():
    decision = Greater("a", "b").decide(seeds(a=(0, 1), b=(2, 3), n=5))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.reason == "Too few converged, 1 pair of runs: at least 3 are needed."


def test_a_value_is_not_reached_where_runs_collapsed_but_can_be_missed():
    assert Reaches("a", 0.5, 0.0).decide(seeds()).verdict is Verdict.SUPPORTED
    decision = Reaches("a", 0.5, 0.0).decide(seeds(a=(1,)))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.reason == "a reaches it where it converged, but 1 of 7 runs collapsed."
    assert Reaches("a", 0.8, 0.0).decide(seeds(a=(1,))).verdict is Verdict.REFUTED
    assert Reaches("a", 0.8, 0.0).decide(seeds(a=range(4))).verdict is Verdict.INCONCLUSIVE


def test_arms_that_collapse_unequally_are_not_equivalent():
    alike = {"good": GOOD, "bad": [value + 0.001 * (-1) ** i for i, value in enumerate(GOOD)]}
    relation = Equivalent(("a", "b"), 0.05)
    assert relation.decide(seeds(**alike)).verdict is Verdict.SUPPORTED
    assert relation.decide(seeds(a=(1,), b=(2,), **alike)).verdict is Verdict.SUPPORTED
    decision = relation.decide(seeds(a=(1,), **alike))
    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.reason == "Of 7 runs each, 1 of a and 0 of b collapsed: the arms are not shown alike in that."
    assert relation.decide(seeds(a=range(7), **alike)).verdict is Verdict.REFUTED


def test_times_ignore_what_collapsed():
    times = {"a": [10.0] * 7, "b": [np.inf] * 7}
    flags = {Collapsed("a"): [0.0] * 7, Collapsed("b"): [1.0] * 7}
    with_flags, without = (ConvergesFaster("a", "b").decide(samples) for samples in (times | flags, times))
    assert (with_flags.pvalue, with_flags.verdict) == (without.pvalue, without.verdict)


def test_flags_of_other_lengths_are_an_error():
    decision = Greater("a", "b").decide({**seeds(), Collapsed("a"): [0.0] * 5})
    assert decision.verdict is Verdict.ERROR


def test_a_verdict_says_whether_it_survives_one_more_collapsed_run():
    clear = {"a": np.array(GOOD) + 5, "b": np.array(BAD)}
    assert Greater("a", "b").decide({"a": GOOD, "b": BAD}).survives_collapse is False
    assert Greater("b", "a").decide({"a": GOOD, "b": BAD}).survives_collapse is False
    assert Greater("a", "b", 0.01).decide({arm: -10 - np.array(v) for arm, v in clear.items()}).survives_collapse
    assert Greater("a", "b").decide(seeds(b=range(7))).survives_collapse is True  # by the counts: 1 of 8 against 7
    assert Greater("a", "b", 0.02).decide({"a": GOOD, "b": GOOD[::-1]}).survives_collapse is None
    assert Reaches("a", 0.9, 0.0).decide({"a": GOOD}).survives_collapse is None  # a value cannot collapse
    both = All((Greater("a", "b"), Increasing(("b", "a"), measure="mIoU")))
    assert both.decide(seeds() | _as_miou()).survives_collapse is False


def _as_miou():
    from harness.specs.measures import Value, parse

    return {Value(arm, parse("mIoU")): values for arm, values in (("a", GOOD), ("b", BAD))}


def test_a_plan_goes_on_where_the_first_look_was_of_collapsed_runs():
    """Four collapsed runs of both arms once kept a claim open by a rule of its own; now they just show nothing."""
    samples = seeds(a=range(4), b=range(4), n=10, good=[*GOOD[:4], 0.61, 0.66, 0.58, 0.62, 0.65, 0.63],
                    bad=[*BAD[:4], 0.21, 0.26, 0.28, 0.22, 0.25, 0.23])  # fmt: skip
    first = decide_sequentially(Greater("a", "b"), {key: values[:4] for key, values in samples.items()})
    assert first.n_next == 7
    assert decide_sequentially(Greater("a", "b"), samples).verdict is Verdict.SUPPORTED


def test_pvalues_of_many_samples_are_those_of_each():
    rng = np.random.default_rng(2)
    for relation in (Greater("a", "b", 0.3), Greater("a", "b", paired=False), Equivalent(("a", "b"), 0.5)):
        samples = draw(rng, {"a": 0.5, "b": 0.0}, {"a": 0.2, "b": 0.4}, 7, 40)
        pvalue, against = relation.pvalues(samples)
        for k in range(40):
            decision = relation.decide({key: values[k] for key, values in samples.items()})
            assert pvalue[k] == pytest.approx(decision.pvalue)
            assert against[k] == pytest.approx(decision.pvalue_against)


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda t: f"{type(t.relation).__name__}-{t.wrong}")
@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_wrong_verdicts_stay_rare_where_arms_collapse_alike(truth, rate):
    """Standard error of .05 over 4000 simulations: .0034."""
    rng = np.random.default_rng(int(100 * rate))
    assert wrong_rate(truth, rate, Looks(), 4000, rng) < 0.06
    assert wrong_rate(truth, rate, Looks.fixed(5), 4000, rng, shared=0.5) < 0.06


def test_a_mixture_misleads_a_t_test_and_not_the_two_parts():
    """a collapses in 30% of runs and is 1 sd better else: a t test of all runs refutes it."""
    rng = np.random.default_rng(0)
    samples = draw(rng, {"a": 1.0, "b": 0.0}, {"a": 0.3, "b": 0.0}, 10, 4000)
    plain = {key: values for key, values in samples.items() if isinstance(key, str)}
    assert decided_by(Greater("a", "b"), plain, Looks.fixed(10))[1].mean() > 0.2
    assert decided_by(Greater("a", "b"), samples, Looks.fixed(10))[1].mean() < 0.12


def test_collapse_alone_shows_a_difference():
    rng = np.random.default_rng(0)
    samples = draw(rng, {"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.7}, 10, 2000)
    assert decided_by(Greater("a", "b"), samples, Looks.fixed(10))[0].mean() > 0.8


def test_two_part_is_never_below_what_either_part_shows():
    p, opposite = np.array([0.01, 0.2, 1.0]), np.array([0.99, 0.8, 1.0])
    zero, four = np.zeros(3), np.full(3, 4.0)
    assert two_part(p, opposite, zero, zero, 5) == pytest.approx(p)
    assert (two_part(p, opposite, four, zero, 5) > 0.05).all()
