"""Which comparisons a statement makes, and which of them figures go against."""

from itertools import permutations

import pytest

from ci.audit.agreement import Agreement, agreement
from harness.papers import Origin, PublishedClaim


def _claim(relation: str, arms: dict[str, float], *pairs: tuple[str, str], half_width: float = 0.0, **fields: object):
    origins = {arm: Origin("1", arm, "IoU", "", half_width) for arm in arms}
    return PublishedClaim("slug", "s", "place", "IoU", "fraction", relation, arms, pairs, origins=origins, **fields)


PAIR = ("a", "b")


@pytest.mark.parametrize(
    ("relation", "above", "below", "against"),
    [
        ("greater", 0.5, 0.4, ()),
        ("greater", 0.4, 0.4, ("a 0.4 is not above b 0.4",)),
        ("increasing", 0.3, 0.4, ("a 0.3 is not above b 0.4",)),
        ("not-greater", 0.4, 0.4, ()),
        ("not-greater", 0.5, 0.4, ("a 0.5 is above b 0.4",)),
        ("faster", 200, 2000, ()),
        ("faster", 2000, 200, ("a 2000 is not below b 200",)),
    ],
)
def test_pairs(relation: str, above: float, below: float, against: tuple[str, ...]) -> None:
    assert agreement(_claim(relation, {"a": above, "b": below}, PAIR)) == Agreement("IoU", 1, against)


@pytest.mark.parametrize("relation", ["equivalent", "not-worse", "reaches", "none"])
def test_a_margin_or_a_value_is_no_comparison(relation: str) -> None:
    assert agreement(_claim(relation, {"a": 0.1, "b": 0.9}, PAIR)) is None


def test_nothing_without_figures_or_without_pairs() -> None:
    assert agreement(_claim("greater", {})) is None
    assert agreement(_claim("greater", {"a": 0.5, "b": 0.4})) is None


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_monotonic_relation_is_checked_pair_by_pair(order: tuple[int, ...]) -> None:
    arms = {name: value / 10 for name, value in zip("abcd", order, strict=True)}
    predictor = dict(zip("abcd", range(4), strict=True))
    inversions = sum(order[i] > order[j] for i in range(4) for j in range(i + 1, 4))
    found = agreement(_claim("rank-correlation", arms, predictor=predictor, monotonic=True))
    assert found is not None
    assert (found.comparisons, len(found.against)) == (6, inversions)


def test_equal_figures_are_no_other_order() -> None:
    claim = _claim("rank-correlation", {"a": 0.5, "b": 0.5}, predictor={"a": 1, "b": 2}, monotonic=True)
    assert agreement(claim) == Agreement("IoU", 1, ())


def test_a_rank_correlation_that_is_not_called_monotonic_needs_its_sign_only() -> None:
    mixed = _claim("rank-correlation", {"a": 0.1, "b": 0.3, "c": 0.2}, predictor={"a": 1, "b": 2, "c": 3})
    assert agreement(mixed) == Agreement("IoU", 1, ())
    down = _claim("rank-correlation", {"a": 0.3, "b": 0.2, "c": 0.1}, predictor={"a": 1, "b": 2, "c": 3})
    assert agreement(down) == Agreement("IoU", 1, ("rho is -1",))


def test_a_ranking_compares_those_that_follow_one_another() -> None:
    found = agreement(_claim("ranking", {"a": 0.5, "b": 0.3, "c": 0.4}))
    assert found == Agreement("IoU", 2, ("b 0.3 is not above c 0.4",))


@pytest.mark.parametrize(
    ("values", "half_width", "straight"),
    [
        ((0.1, 0.2, 0.4), 0.0, True),
        ((0.1, 0.21, 0.4), 0.0, False),
        ((0.1, 0.21, 0.4), 0.0051, True),  # each may be off by half a last decimal: 0.0102 in all
        ((0.1, 0.21, 0.4), 0.0049, False),
        ((0.4, 0.3, 0.1), 0.0, True),
    ],
)
def test_a_line_through_three_points_whatever_the_rounding_hid(
    values: tuple[float, float, float], half_width: float, straight: bool
) -> None:
    arms = dict(zip("abc", values, strict=True))
    found = agreement(_claim("linear", arms, half_width=half_width, predictor={"a": 2, "b": 4, "c": 8}))
    assert found is not None
    assert found.comparisons == 1
    assert (not found.against) == straight


def test_the_sentence_counts_and_marks_recovered_figures() -> None:
    claim = PublishedClaim(
        "slug",
        "s",
        "place",
        "IoU",
        "fraction",
        "greater",
        {"a": 0.1, "b": 0.2},
        (PAIR,),
        origins={"a": Origin("1", "a", "IoU", "", 0.0005, recovered=True, source="the log")},
    )
    found = agreement(claim)
    assert found is not None
    assert found.sentence == "by IoU 0 of 1 comparisons agree (a 0.1† is not above b 0.2)"
    assert claim.recovered == {"a"}
