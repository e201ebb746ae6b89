"""harness.specs.networks: the sentence for each mistake."""

from __future__ import annotations

import pytest

from harness.specs import Classifier, Shrink


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Shrink(0, 3), "shrink `width` to be a whole number above 0, but got 0"),
        (lambda: Shrink(8, 2.5), "shrink `stages` to be a whole number above 0, but got 2.5"),
        (lambda: Shrink(8, 2, depth=0), "shrink `depth` to be greater than 0, but got 0"),
        (lambda: Shrink(8, 2, depth=1.5), "shrink `depth` to be a share up to 1, but got 1.5"),
        (lambda: Shrink(8, 2, head=0), "shrink `head` to be a whole number above 0, but got 0"),
        (lambda: Classifier("resnet18", 1.5), "classifier `dropout` to be between 0 and 1, but got 1.5"),
        (lambda: Classifier("resnet18", -0.1), "classifier `dropout` to be between 0 and 1, but got -0.1"),
        (lambda: Classifier("resnet18", None), "classifier `dropout` to be a finite number, but got None"),
    ],
)
def test_a_mistake_is_one_sentence(refusal, make, words: str) -> None:
    assert words in refusal(make)


@pytest.mark.parametrize("dropout", [0, 0.0, 1.0])
def test_a_probability_may_be_0_and_1(dropout: float) -> None:
    assert Classifier("resnet18", dropout).dropout == dropout
