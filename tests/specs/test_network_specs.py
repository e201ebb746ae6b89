"""harness.specs.networks: the sentence for each mistake."""

from __future__ import annotations

import pytest

from harness.specs import ChannelAttention, Classifier, SelfAttention, Shrink, SpatialAttention, canonical


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
        (lambda: Classifier("resnet18", views=3), "classifier `views` to be 1 or 2, but got 3"),
        (lambda: Classifier("resnet18", views=True), "classifier `views` to be 1 or 2, but got True"),
        (lambda: Classifier("resnet18", views=2.0), "classifier `views` to be 1 or 2, but got 2.0"),
        (lambda: Classifier("resnet18", attention="spatial"), "SelfAttention or None, but got 'spatial'"),
        (lambda: SpatialAttention(6), "spatial attention `kernel` to be odd, but got 6; choose 7"),
        (lambda: SpatialAttention(0), "spatial attention `kernel` to be a whole number above 0, but got 0"),
        (lambda: ChannelAttention(0), "channel attention `reduction` to be a whole number above 0, but got 0"),
        (lambda: SelfAttention(1.5), "self-attention `heads` to be a whole number above 0, but got 1.5"),
    ],
)
def test_a_mistake_is_one_sentence(refusal, make, words: str) -> None:
    assert words in refusal(make)


@pytest.mark.parametrize("dropout", [0, 0.0, 1.0])
def test_a_probability_may_be_0_and_1(dropout: float) -> None:
    assert Classifier("resnet18", dropout).dropout == dropout


def test_one_view_without_attention_is_named_as_before_there_were_others() -> None:
    assert canonical(Classifier("resnet18", views=1, attention=None)) == {"spec": "Classifier", "backbone": "resnet18"}
    attention = canonical(Classifier("resnet18", attention=SpatialAttention(7)))["attention"]
    assert attention == {"spec": "SpatialAttention"}
