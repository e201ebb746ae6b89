"""harness.specs.transforms: the sentence for each mistake, and the order in which transforms apply."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest

from harness.specs import (
    ColourJitter,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Rescale,
    Transform,
)
from harness.specs.transforms import check_order

IN_ORDER = (
    Rescale(0.5),
    RandomResize(0.5, 2.0),
    RandomRotation(10),
    RandomCrop((8, 8)),
    RandomFlip(),
    ColourJitter(),
)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Rescale(0), "Rescale `factor` to be greater than 0, but got 0"),
        (lambda: RandomResize(0.0, 2.0), "RandomResize `low` to be greater than 0, but got 0.0"),
        (lambda: RandomResize(2.0, 0.5), "RandomResize `high` to be at least `low`, 2.0, but got 0.5"),
        (lambda: RandomResize(0.5, float("inf")), "RandomResize `high` to be a finite number, but got inf"),
        (lambda: RandomRotation(-10), "RandomRotation `degrees` to be greater than 0, but got -10"),
        (lambda: RandomCrop(256), "RandomCrop `size` to be a (height, width) in pixels, but got 256"),
        (lambda: RandomCrop((256,)), "RandomCrop `size` to be a (height, width) in pixels, but got (256,)"),
        (lambda: RandomFlip(2.0), "RandomFlip `probability` to be between 0 and 1, but got 2.0"),
        (lambda: ColourJitter(1.5), "ColourJitter `brightness` to be between 0 and 1, but got 1.5"),
        (lambda: ColourJitter(contrast=-0.1), "ColourJitter `contrast` to be between 0 and 1, but got -0.1"),
        (lambda: ColourJitter(saturation="0.1"), "ColourJitter `saturation` to be a finite number, but got '0.1'"),
    ],
)
def test_a_mistake_is_one_sentence(refusal, make, words: str) -> None:
    assert words in refusal(make)


def test_every_transform_has_a_place_of_its_own() -> None:
    assert {type(each) for each in IN_ORDER} == set(Transform.__subclasses__())
    assert len({each.stage for each in IN_ORDER}) == len(IN_ORDER)


def test_transforms_stand_in_the_order_in_which_they_apply() -> None:
    for count in range(len(IN_ORDER) + 1):
        for chosen in combinations(IN_ORDER, count):
            check_order(chosen)
    for pair in permutations(IN_ORDER, 2):
        if IN_ORDER.index(pair[0]) > IN_ORDER.index(pair[1]):
            with pytest.raises(ValueError, match=rf"but got {type(pair[0]).__name__}, {type(pair[1]).__name__}\.\Z"):
                check_order(pair)
