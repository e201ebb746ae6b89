"""harness.converter: what is written comes back, and what does not fit is one clause that names the place."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.converter import Misfit, build, plain


class Colour(StrEnum):
    RED = "a red"
    BLUE = "a blue"


@dataclass(frozen=True)
class Leaf:
    name: str
    weight: float = 1.0
    colour: Colour = Colour.RED

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError("Expected a weight from 0 on.")


@dataclass(frozen=True)
class Tree:
    count: int
    kind: Literal["oak", "fir"] = "oak"
    leaves: tuple[Leaf, ...] = ()
    branches: tuple[Tree, ...] = ()
    span: tuple[float, float] | None = None
    heights: tuple[float | None, ...] = ()
    named: dict[str, float | None] = field(default_factory=dict)
    fresh: bool = True
    notes: dict[str, Any] = field(default_factory=dict)


finite_or_infinite = st.floats(allow_nan=False)
leaves = st.builds(Leaf, st.text(), st.floats(min_value=0), st.sampled_from(Colour))
trees = st.recursive(
    st.builds(
        Tree,
        st.integers(),
        st.sampled_from(["oak", "fir"]),
        st.lists(leaves, max_size=2).map(tuple),
        span=st.none() | st.tuples(finite_or_infinite, finite_or_infinite),
        heights=st.lists(st.none() | finite_or_infinite, max_size=3).map(tuple),
        named=st.dictionaries(st.text(), st.none() | finite_or_infinite, max_size=2),
        fresh=st.booleans(),
    ),
    lambda inner: st.builds(Tree, st.integers(), branches=st.lists(inner, max_size=2).map(tuple)),
    max_leaves=4,
)


@given(trees)
def test_what_is_written_comes_back(tree):
    assert build(json.loads(json.dumps(plain(tree), allow_nan=False)), Tree) == tree


def test_numbers_that_are_not_finite_have_names_or_are_null():
    tree = Tree(1, span=(-math.inf, math.nan), heights=(None, math.nan, math.inf), notes={"x": [math.inf]})
    content = plain(tree)
    assert (content["span"], content["heights"], content["notes"]) == (
        ["-inf", None],
        [None, None, "inf"],
        {"x": ["inf"]},
    )
    again = build(content, Tree)
    assert again.heights == (None, None, math.inf)
    assert math.isnan(again.span[1])


def test_unknown_fields_are_ignored_and_missing_ones_have_their_defaults():
    assert build({"count": 3, "later": 1, "leaves": [{"name": "x", "later": 1}]}, Tree) == Tree(3, leaves=(Leaf("x"),))


WRONG = [
    (3, "it is 3, not an object"),
    ({}, "count is missing"),
    ({"count": True}, "count is true, not a whole number"),
    ({"count": 1.5}, "count is 1.5, not a whole number"),
    ({"count": 1, "fresh": 1}, "fresh is 1, not true or false"),
    ({"count": 1, "kind": "elm"}, 'kind is "elm", not one of oak, fir'),
    ({"count": 1, "leaves": "abc"}, 'leaves is "abc", not an array'),
    ({"count": 1, "leaves": {"a": 1}}, 'leaves is {"a": 1}, not an array'),
    ({"count": 1, "leaves": [{"name": "a"}, {"name": 3}]}, "leaves[1].name is 3, not a text"),
    ({"count": 1, "leaves": [{"name": "a", "colour": "red"}]}, 'leaves[0].colour is "red", not one of a red, a blue'),
    ({"count": 1, "leaves": [{"name": "a", "weight": -1}]}, "leaves[0] is refused: Expected a weight from 0 on"),
    ({"count": 1, "branches": [{"count": 2, "span": [1]}]}, "branches[0].span is [1], not an array of 2"),
    ({"count": 1, "span": ["high", 1]}, 'span is "high", not a number'),
    ({"count": 1, "heights": [1, True]}, "heights[1] is true, not a number"),
    ({"count": 1, "heights": [10**400]}, "heights[0] is 1000"),
    ({"count": 1, "named": []}, "named is [], not an object"),
    ({"count": 1, "named": {"a": "x"}}, "named['a'] is \"x\", not a number"),
    ({"count": 1, "notes": "x"}, 'notes is "x", not an object'),
]


@pytest.mark.parametrize(("content", "clause"), WRONG, ids=[wrong[1][:30] for wrong in WRONG])
def test_what_does_not_fit_is_one_clause_with_its_place(content, clause):
    with pytest.raises(Misfit) as error:
        build(content, Tree)
    assert str(error.value).startswith(clause)
    assert "\n" not in str(error.value)


def test_the_place_is_within_what_the_content_is_called():
    with pytest.raises(Misfit, match=r"^row 3\.count is missing$"):
        build({}, Tree, "row 3")
