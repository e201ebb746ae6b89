"""Mistakes in a claim are one sentence, and importing the relations is light."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

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
    Reaches,
)
from harness.specs.measures import Value, parse


@pytest.mark.parametrize(
    "make",
    [
        lambda: Greater("a", "a"),
        lambda: Greater("", "b"),
        lambda: Greater("a", "b", -0.1),
        lambda: Greater("a", "b", math.nan),
        lambda: NotGreater("a", "b", -0.1),
        lambda: BestOf(("a", "b"), "a", -0.1),
        lambda: NotWorse("a", "b", 0),
        lambda: NotWorse("a", "b", -0.1),
        lambda: Equivalent(("a",), 0.1),
        lambda: Equivalent(("a", "b"), 0),
        lambda: Equivalent(("a", "a"), 0.1),
        lambda: Equivalent("ab", 0.1),
        lambda: Increasing(("a",)),
        lambda: Increasing(("a", "b", "a")),
        lambda: Increasing(("a", 2)),
        lambda: NonMonotonic(("a", "b"), "b"),
        lambda: NonMonotonic(("a", "b", "c"), "a"),
        lambda: NonMonotonic(("a", "b", "c"), "x"),
        lambda: NonMonotonic(("a", "b", "c"), "b", "plateau"),
        lambda: BestOf(("a", "b"), "c"),
        lambda: BestOf(("a",), "a"),
        lambda: RankCorrelation((("a", 1.0),)),
        lambda: RankCorrelation((("a", 1.0), ("a", 2.0))),
        lambda: RankCorrelation((("a", 1.0), ("b", 1.0))),
        lambda: RankCorrelation((("a", 1.0), ("b", "c"))),
        lambda: RankCorrelation((("a", "r"), ("b", "r"))),
        lambda: RankCorrelation((("a", math.nan), ("b", 1.0))),
        lambda: RankCorrelation((("a", 1.0), ("b", 2.0)), above=1),
        lambda: RankCorrelation((("a", 1.0), ("b", 2.0)), below=-1),
        lambda: RankCorrelation((("a", 1.0), ("b", 2.0)), above=0.1, below=0.2),
        lambda: RankCorrelation(("a", "b")),
        lambda: ConvergesFaster("a", "a"),
        lambda: ConvergesFaster("a", "b", 0),
        lambda: ConvergesFaster("a", "b", math.inf),
        lambda: ConvergesFaster("a", "b", budgets=(0, 10)),
        lambda: Reaches("a", math.nan, 0.1),
        lambda: Reaches("a", 0.5, -0.1),
        lambda: Greater("a", "b", measure="IoU."),
        lambda: All((Greater("a", "b"),), measure="tren:mIoU"),
        lambda: All(()),
        lambda: All(("a > b",)),
        lambda: All((Greater("a", "b"), Greater("a", "b"))),
    ],
)
def test_mistake_is_one_sentence(make):
    with pytest.raises(ValueError, match=r"^Expected .*but got .*\.$") as error:
        make()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("alpha", [0, 0.5, 1, -0.1])
def test_alpha_out_of_range(alpha):
    with pytest.raises(ValueError, match="alpha"):
        Greater("a", "b").decide({"a": [1, 2, 3], "b": [0, 0, 1]}, alpha=alpha)


def test_missing_arm_names_what_there_is():
    with pytest.raises(ValueError, match=r"to hold 'b', but got \['a'\]"):
        Greater("a", "b").decide({"a": [1, 2, 3]})


def test_samples_have_one_axis():
    with pytest.raises(ValueError, match="one value per seed"):
        Greater("a", "b").decide({"a": [[1, 2, 3]], "b": [1, 2, 3]})


def test_relations_are_hashable_and_take_lists():
    assert hash(Increasing(["a", "b"])) == hash(Increasing(("a", "b")))
    assert len({Equivalent(["a", "b"], 0.1), Equivalent(("a", "b"), 0.1)}) == 1


def test_import_is_light():
    """Collecting claims must not pay for scipy.stats or statsmodels."""
    code = (
        "import sys, harness.relations;"
        "print([m for m in ('scipy', 'statsmodels', 'torch', 'pytest', 'pandas') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("relation", "measure", "message"),
    [
        (NotWorse("a", "b", 5), "IoU.fluid", r"margin of IoU.fluid to be a fraction, .* got 5; did you mean 0.05\?"),
        (Greater("a", "b", 2, measure="mIoU"), "IoU.fluid", "gain of mIoU to be a fraction"),
        (Equivalent(("a", "b", "c"), 5), "IoU.fluid", "margin of IoU.fluid to be a fraction"),
        (Increasing(("a", "b", "c"), 3), "IoU.fluid", "gain of IoU.fluid to be a fraction"),
        (Reaches("a", 45.29, 0.05), "IoU.fluid", r"value of IoU.fluid .* got 45.29; did you mean 0.4529\?"),
        (All((Greater("a", "b"), Reaches("a", 0.4, 2.0))), "IoU.fluid", "tolerance .* got 2"),
        (ConvergesFaster("a", "b"), "time:Dice.fluid>=40", r"threshold of Dice.fluid .* did you mean 0.4\?"),
        (
            Greater("a", "b"),
            "time:mIoU>=0.4",
            "`a > b` to compare values, .* 'time:mIoU>=0.4'; take",
        ),
        (All((Greater("a", "b"),), measure="time:mIoU>=0.4"), "mIoU", "to compare values"),
        (RankCorrelation((("a", Value("a", parse("time:mIoU>=0.4"))), ("b", "c"))), "mIoU", "to compare values"),
        (ConvergesFaster("a", "b"), "mIoU", "to compare times, as in time:mIoU>=0.4, but got 'mIoU'; name such"),
    ],
)
def test_a_relation_that_does_not_fit_its_measure_is_one_sentence(relation, measure, message):
    with pytest.raises(ValueError, match=message) as error:
        relation.check(parse(measure))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "relation",
    [
        Greater("a", "b", 0.05),
        All((Increasing(("a", "b", "c")), ConvergesFaster("a", "b", 10, measure="time:mIoU>=0.4"))),
        RankCorrelation((("a", 76.1), ("b", 81.1))),
        BestOf(("a", "b"), "a"),
    ],
)
def test_a_relation_that_fits_its_measure_passes(relation):
    relation.check(parse("IoU.fluid"))
