"""harness.specs.losses: the sentence for each mistake."""

from __future__ import annotations

import pytest

from harness.specs import CrossEntropy, Dice, Focal


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CrossEntropy(0.0), "CrossEntropy `weight` to be greater than 0, but got 0.0"),
        (lambda: Dice(-1.0), "Dice `weight` to be greater than 0, but got -1.0"),
        (lambda: Focal(float("nan")), "Focal `weight` to be a finite number, but got nan"),
        (lambda: CrossEntropy(class_weight=(1.0, -1.0)), "CrossEntropy `class_weight` to be at least 0, but got -1.0"),
        (
            lambda: CrossEntropy(class_weight=(0.0, 0)),
            "CrossEntropy `class_weight` above 0 somewhere, but got (0.0, 0)",
        ),
        (lambda: CrossEntropy(class_weight=()), "CrossEntropy `class_weight` above 0 somewhere, but got ()"),
        (
            lambda: CrossEntropy(class_weight=[1.0, 10.0]),
            "`class_weight` to be a tuple as in (1.0, 10.0), but got [1.0",
        ),
        (lambda: CrossEntropy(class_weight=10.0), "`class_weight` to be a tuple as in (1.0, 10.0), but got 10.0"),
        (lambda: Dice(over="background"), "Dice `over` to be one of 'all', 'foreground', but got 'background'"),
        (lambda: Focal(gamma=-1), "Focal `gamma` to be at least 0, but got -1"),
        (lambda: Focal(alpha=1.5), "Focal `alpha` to be between 0 and 1, but got 1.5"),
        (lambda: Focal(class_weight=(1.0, -1.0)), "Focal `class_weight` to be at least 0, but got -1"),
        (lambda: Focal(class_weight=(0.0, 0.0)), "Focal `class_weight` above 0 somewhere"),
    ],
)
def test_a_mistake_is_one_sentence(refusal, make, words: str) -> None:
    assert words in refusal(make)


def test_a_class_may_weigh_nothing() -> None:
    assert CrossEntropy(class_weight=(0.0, 1.0)).class_weight == (0.0, 1.0)
