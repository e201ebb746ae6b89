"""Training and test images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import Packed, split
from harness.specs import Data

images = st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["train", "test"])), min_size=2, max_size=60)


def packed(entries: list[tuple[int, str]]) -> Packed:
    count = len(entries)
    return Packed(
        images=np.zeros((count, 1, 1, 1), np.uint8),
        masks=np.zeros((count, 1, 1), np.uint8),
        ids=tuple(map(str, range(count))),
        subjects=tuple(f"Subject_{subject:02d}" for subject, _ in entries),
        published=tuple(part for _, part in entries),
        classes=("background", "fluid"),
    )


@given(images, st.sampled_from(["published", "subject", "random"]), st.integers(0, 2**31))
def test_every_image_is_on_one_side(entries: list[tuple[int, str]], how: str, seed: int) -> None:
    data = Data("dme", split=how)  # type: ignore[arg-type]
    some = packed(entries)
    if how == "subject" and len(set(some.subjects)) < 2:
        with pytest.raises(ValueError, match="at least 2 subjects"):
            split(some, data, seed)
        return
    train, test = split(some, data, seed)
    assert sorted([*train, *test]) == list(range(len(entries)))
    if how == "subject":
        assert not {some.subjects[i] for i in train} & {some.subjects[i] for i in test}
        assert max(some.subjects[i] for i in train) < min(some.subjects[i] for i in test)
    if how == "random":
        assert len(test) == max(1, round(len(entries) / 5))
    if how == "published":
        assert {some.published[i] for i in test} <= {"test"}


def test_the_last_fifth_of_ten_subjects() -> None:
    some = packed([(subject, "") for subject in range(1, 11) for _ in range(11)])
    _, test = split(some, Data("dme", split="subject"), seed=3)
    assert {some.subjects[i] for i in test} == {"Subject_09", "Subject_10"}


def test_only_the_random_split_depends_on_the_seed() -> None:
    some = packed([(number % 7, "train" if number % 2 else "test") for number in range(40)])
    for how in ("published", "subject"):
        data = Data("dme", split=how)  # type: ignore[arg-type]
        assert all((split(some, data, 0)[1] == split(some, data, seed)[1]).all() for seed in range(1, 5))
    drawn = [tuple(split(some, Data("dme", split="random"), seed)[1]) for seed in range(5)]
    assert len(set(drawn)) == 5
    assert drawn[2] == tuple(split(some, Data("dme", split="random"), 2)[1])


def test_no_published_split() -> None:
    with pytest.raises(ValueError, match="to have a published split"):
        split(packed([(1, ""), (2, "")]), Data("dme"), 0)
