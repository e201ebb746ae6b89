"""Properties that hold for any values (hypothesis)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.relations import (
    All,
    BestOf,
    ConvergesFaster,
    Equivalent,
    Greater,
    Increasing,
    NonMonotonic,
    NotGreater,
    NotWorse,
    RankCorrelation,
    RankCorrelationBySeed,
    Reaches,
    Verdict,
)

ARMS = ("a", "b", "c")
RELATIONS = [
    Greater("a", "b", 0.1),
    NotGreater("a", "b", 0.1),
    NotWorse("a", "b", 0.1),
    Reaches("a", 0.5, 0.1),
    Equivalent(ARMS, 0.2),
    Increasing(ARMS, 0.05),
    NonMonotonic(ARMS, "b"),
    BestOf(ARMS, "b"),
    RankCorrelation((("a", 1.0), ("b", 2.0), ("c", 3.0)), above=0.2),
    RankCorrelation((("a", 1.0), ("b", 2.0), ("c", 3.0)), below=0.2),
    RankCorrelationBySeed((("a", 1.0), ("b", 2.0), ("c", 3.0)), above=0.2),
    ConvergesFaster("a", "b", 1.1),
    All((Greater("a", "b"), Equivalent(("b", "c"), 0.3))),
]
relations = pytest.mark.parametrize("relation", RELATIONS, ids=lambda r: type(r).__name__)
# A grid of 1/64 keeps ties and equal differences common and sums exact.
values = st.integers(3, 9).flatmap(lambda n: arrays(np.int64, (3, n), elements=st.integers(0, 64)))
quick = settings(max_examples=40, deadline=None)


def samples(grid):
    return dict(zip(ARMS, grid / 64, strict=True))


@relations
@quick
@given(grid=values, alpha=st.sampled_from([0.001, 0.05, 0.2, 0.49]))
def test_verdict_follows_from_pvalues(relation, grid, alpha):
    decision = relation.decide(samples(grid), alpha=alpha)
    assert (decision.verdict is Verdict.SUPPORTED) == (decision.pvalue < alpha)
    assert (decision.verdict is Verdict.REFUTED) == (decision.pvalue_against < alpha <= decision.pvalue)
    assert 0 <= decision.pvalue <= 1
    assert 0 <= decision.pvalue_against <= 1
    assert bool(decision.reason) == (decision.verdict is Verdict.INCONCLUSIVE)
    vectorised = relation.pvalues({k: np.stack([v, v]) for k, v in samples(grid).items()})
    assert vectorised[0] == pytest.approx([decision.pvalue] * 2)
    assert vectorised[1] == pytest.approx([decision.pvalue_against] * 2)


@relations
@quick
@given(grid=values)
def test_monotone_in_alpha(relation, grid):
    verdicts = [relation.decide(samples(grid), alpha=alpha).verdict for alpha in (0.01, 0.05, 0.2)]
    for early, late in pairwise(verdicts):
        # With a gain, what is refuted at a low level may at a higher one be supported by less than the gain.
        smaller = bool(getattr(relation, "gain", 0)) and (early, late) == (Verdict.REFUTED, Verdict.SUPPORTED)
        assert early in (late, Verdict.INCONCLUSIVE) or smaller


@relations
@quick
@given(grid=values, seed=st.integers(0, 100))
def test_order_of_seeds_does_not_matter(relation, grid, seed):
    order = np.random.default_rng(seed).permutation(grid.shape[1])
    first, second = relation.decide(samples(grid)), relation.decide(samples(grid[:, order]))
    assert second.pvalue == pytest.approx(first.pvalue, abs=1e-9)
    assert second.pvalue_against == pytest.approx(first.pvalue_against, abs=1e-9)


@pytest.mark.parametrize("relation", [r for r in RELATIONS if not isinstance(r, (Reaches, ConvergesFaster))], ids=repr)
@quick
@given(grid=values, shifts=arrays(np.int64, 9, elements=st.integers(-64, 64)))
def test_what_a_seed_does_to_all_arms_cancels(relation, grid, shifts):
    first = relation.decide(samples(grid))
    second = relation.decide(samples(grid + shifts[: grid.shape[1]]))
    assert second.pvalue == pytest.approx(first.pvalue, abs=1e-9)


@quick
@given(grid=values)
def test_antisymmetry(grid):
    forth, back = Greater("a", "b").decide(samples(grid)), Greater("b", "a").decide(samples(grid))
    swap = {Verdict.SUPPORTED: Verdict.REFUTED, Verdict.REFUTED: Verdict.SUPPORTED}
    assert back.verdict is swap.get(forth.verdict, forth.verdict)
    assert back.pvalue == pytest.approx(forth.pvalue_against)


@quick
@given(grid=values)
def test_not_greater_is_the_opposite_of_greater(grid):
    greater, not_greater = (r("a", "b", 0.1).decide(samples(grid)) for r in (Greater, NotGreater))
    assert (greater.pvalue, greater.pvalue_against) == (not_greater.pvalue_against, not_greater.pvalue)


@quick
@given(grid=values)
def test_all_holds_only_if_each_does(grid):
    children = (Greater("a", "b"), NotWorse("c", "b", 0.2), Increasing(ARMS))
    whole = All(children).decide(samples(grid))
    each = [child.decide(samples(grid)) for child in children]
    assert whole.pvalue == max(d.pvalue for d in each)
    assert whole.pvalue_against >= min(d.pvalue_against for d in each)
    if whole.verdict is Verdict.SUPPORTED:
        assert all(d.verdict is Verdict.SUPPORTED for d in each)


@quick
@given(grid=values)
def test_a_bound_beyond_the_margin_is_a_verdict(grid):
    decision = Greater("a", "b", 0.1).decide(samples(grid))
    if decision.interval:
        low, high = decision.interval
        assert (decision.verdict is Verdict.SUPPORTED) == (low > 0)
        assert (decision.verdict is Verdict.REFUTED) == (low <= 0 and high < 0.1)


def leaves(decision):
    yield from (leaf for part in decision.parts for leaf in leaves(part)) if decision.parts else (decision,)


@relations
@quick
@given(grid=values, alpha=st.sampled_from([0.001, 0.0321, 0.05, 0.2]))
def test_the_interval_of_each_comparison_says_what_its_verdict_says(relation, grid, alpha):
    """Decided exactly where the shown interval excludes the margin; the effect lies in it."""
    for part in leaves(relation.decide(samples(grid), alpha=alpha)):
        if part.interval is None or isinstance(relation, RankCorrelation):
            continue
        low, high = part.interval
        bounds = part.boundaries or (1.0 if part.effect_kind == "ratio" else 0.0,)
        if part.gain:
            above = not isinstance(relation, NotGreater)
            shown = (low > bounds[0], high < bounds[1]) if above else (high < bounds[0], low > bounds[1])
            assert (part.verdict is Verdict.SUPPORTED) == shown[0]
            assert (part.verdict is Verdict.REFUTED) == (shown[1] and not shown[0])
        elif isinstance(relation, Reaches) and part.n < 5:
            assert not part.verdict.decided
        elif len(bounds) == 2:  # equivalence
            inside, outside = bounds[0] < low and high < bounds[1], high < bounds[0] or bounds[1] < low
            assert (part.verdict is Verdict.SUPPORTED, part.verdict is Verdict.REFUTED) == (inside, outside)
        else:
            assert part.verdict.decided == (not low <= bounds[0] <= high)
        assert part.effect is None or low - 1e-9 <= part.effect <= high + 1e-9


@quick
@given(
    a=st.lists(st.sampled_from([0.0, 1.0, 2.0, 4.0, np.inf]), min_size=7, max_size=7),
    b=st.lists(st.sampled_from([0.0, 1.0, 2.0, 4.0, np.inf]), min_size=7, max_size=7),
    ratio=st.sampled_from([0.5, 1.0, 2.0, 4.0]),
    budgets=st.sampled_from([None, (4.0, 8.0)]),
)
def test_intervals_of_times_say_what_the_verdict_says(a, b, ratio, budgets):
    decision = ConvergesFaster("a", "b", ratio, budgets).decide({"a": a, "b": b}, alpha=0.1)
    low, high = decision.interval
    assert decision.verdict.decided == (not low <= ratio <= high)
    assert decision.effect is None or low <= decision.effect <= high


@quick
@given(
    grid=arrays(np.int64, (4, 5), elements=st.integers(-3, 3)),
    references=st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=4, max_size=4).filter(lambda r: len(set(r)) > 1),
    above=st.sampled_from([-0.5, 0.0, 0.9]),
)
def test_rank_correlation_lies_between_its_bounds_with_ties_too(grid, references, above):
    relation = RankCorrelation(tuple(zip("abcd", references, strict=True)), above)
    decision = relation.decide(dict(zip("abcd", grid.astype(float), strict=True)), alpha=0.2)
    low, high = decision.interval
    assert decision.effect is None or low - 1e-9 <= decision.effect <= high + 1e-9
    assert (decision.verdict is Verdict.SUPPORTED) == (low > above + 1e-9)
