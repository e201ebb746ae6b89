"""Which images train, choose and test."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import Packed, Parts, split
from harness.specs import Data, Split, Substitute

images = st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["train", "test"])), min_size=2, max_size=60)
kinds = st.sampled_from(["published", "subject", "random", "folds"])
seeds = st.integers(0, 2**31)


def packed(entries: list[tuple[int, str]]) -> Packed:
    count = len(entries)
    return Packed(
        images=np.zeros((count, 1, 1, 1), np.uint8),
        targets=np.zeros((count, 1, 1), np.uint8),
        ids=tuple(f"{index:03d}" for index in range(count)),
        subjects=tuple(f"Subject_{subject:02d}" for subject, _ in entries),
        published=tuple(part for _, part in entries),
        classes=("background", "fluid"),
        foreground="fluid",
        task="segmentation",
    )


TEN = packed([(subject, "") for subject in range(1, 11) for _ in range(11)])
"""Like DME: ten subjects, eleven images each."""


def parts(kind: Any = "subject", seed: int = 0, some: Packed = TEN, subset: Any = None, **share: float) -> Parts:
    return split(some, Data("dme", split=Split(kind, **share), subset=subset), seed)


def subjects(some: Packed, indices: np.ndarray) -> set[str]:
    return {some.subjects[index] for index in indices}


def divisible(some: Packed, kind: str, test: float, validation: float) -> bool:
    """Whether there are enough images or subjects for one on each side."""
    if kind == "published":
        return not validation or some.published.count("train") >= 2
    count = len(some.ids if kind == "random" else set(some.subjects))
    tested = min(count - 1, max(1, round(count * test)))
    return count >= 2 and (not validation or count - tested >= 2)


@given(images, kinds, st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.sampled_from([0.0, 0.1, 0.5, 0.9]), seeds)
def test_every_image_is_on_one_side(
    entries: list[tuple[int, str]], kind: str, test: float, validation: float, seed: int
) -> None:
    some = packed(entries)
    if not divisible(some, kind, test, validation):
        with pytest.raises(ValueError, match="at least 2"):
            parts(kind, seed, some, test=test, validation=validation)
        return
    drawn = parts(kind, seed, some, test=test, validation=validation)
    assert sorted([*drawn.train, *drawn.validation, *drawn.test]) == list(range(len(entries)))
    for side in (drawn.train, drawn.validation, drawn.test):
        assert side.dtype == np.int64
        assert list(side) == sorted(side)
    assert (len(drawn.validation) > 0) == (validation > 0)
    if kind in ("subject", "folds"):
        sides = [subjects(some, side) for side in (drawn.train, drawn.validation, drawn.test)]
        assert sum(map(len, sides)) == len(set().union(*sides)), "a subject on two sides"
        assert len(sides[0]) > 0
        assert len(sides[2]) == min(len(set(some.subjects)) - 1, max(1, round(len(set(some.subjects)) * test)))
    if kind == "random":
        assert len(drawn.test) == min(len(entries) - 1, max(1, round(len(entries) * test)))
    if kind == "published":
        assert [some.published[index] for index in drawn.test] == [part for _, part in entries if part == "test"]


def test_the_last_fifth_of_ten_subjects() -> None:
    assert subjects(TEN, parts(seed=3).test) == {"Subject_09", "Subject_10"}


def test_the_indices_that_recorded_values_rest_on() -> None:
    """Written down from the splits before folds and validation were added."""
    assert list(parts("random", 0).test)[:8] == [11, 12, 13, 16, 20, 21, 36, 41]
    assert list(parts("random", 7).test)[:8] == [4, 7, 9, 11, 15, 21, 27, 28]
    assert list(parts("subject").test) == list(range(88, 110))


def test_only_what_is_drawn_depends_on_the_seed() -> None:
    some = packed([(number % 7, "train" if number % 2 else "test") for number in range(40)])
    for kind in ("published", "subject"):
        first = parts(kind, 0, some)
        assert all((first.test == parts(kind, seed, some).test).all() for seed in range(1, 5))
    for share in ({}, {"validation": 0.2}):
        drawn = [tuple(parts("random", seed, some, **share).test) for seed in range(5)]
        assert len(set(drawn)) == 5
        assert drawn[2] == tuple(parts("random", 2, some).test)
    chosen = {tuple(parts("subject", seed, validation=0.2).validation) for seed in range(8)}
    assert len(chosen) > 2


@pytest.mark.parametrize("count", [5, 10, 14])
def test_every_subject_tests_in_turn(count: int) -> None:
    some = packed([(subject, "") for subject in range(count) for _ in range(3)])
    tested = [subjects(some, parts("folds", seed, some).test) for seed in range(count)]
    assert tested[0] == subjects(some, parts("subject", 0, some).test)
    size = max(1, round(count / 5))
    assert {len(fold) for fold in tested} == {size}
    assert set().union(*tested[: -(-count // size)]) == set(some.subjects)
    times = [sum(name in fold for fold in tested) for name in sorted(set(some.subjects))]
    assert times == [size] * count
    assert tested[:3] == [subjects(some, parts("folds", seed + count, some).test) for seed in range(3)]


def test_validation_is_by_subject_where_subjects_are_named() -> None:
    some = packed([(number // 4, "test" if number >= 40 else "train") for number in range(60)])
    for kind in ("published", "subject", "folds"):
        drawn = parts(kind, 1, some, validation=0.2)
        assert not subjects(some, drawn.train) & subjects(some, drawn.validation)
    alone = packed([(1, "test" if number >= 40 else "train") for number in range(60)])
    assert len(parts("published", 1, alone, validation=0.25).validation) == 10
    drawn = parts("random", 1, some, validation=0.25)
    assert (len(drawn.train), len(drawn.validation), len(drawn.test)) == (36, 12, 12)


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from(["subject", "random", "folds"]), seeds)
def test_a_smaller_subset_is_part_of_a_larger_one(one: int, two: int, kind: str, seed: int) -> None:
    whole = parts(kind, seed, validation=0.2)
    small, large = (parts(kind, seed, validation=0.2, subset=count) for count in sorted((one, two)))
    assert set(small.train) <= set(large.train) <= set(whole.train)
    assert (len(small.train), len(large.train)) == tuple(sorted((one, two)))
    assert list(small.train) == sorted(small.train)
    for some in (small, large):
        np.testing.assert_array_equal(some.test, whole.test)
        np.testing.assert_array_equal(some.validation, whole.validation)


def test_a_subset_is_a_share_or_a_number_and_drawn_by_the_seed() -> None:
    assert len(parts(subset=0.25).train) == 22
    assert len({tuple(parts(seed=seed, subset=0.25).train) for seed in range(4)}) == 4
    with pytest.raises(ValueError, match="at most its 88 training images, but got 89"):
        parts(subset=89)


def test_no_published_split() -> None:
    with pytest.raises(ValueError, match="to have a published split"):
        parts("published", 0, packed([(1, ""), (2, "")]))


bounds = st.floats(0.05, 0.95)


def sides(some: Packed, **fields: Any) -> set[int]:
    drawn = split(some, Data("dme", split=Split("subject", test=0.3), **fields), 0)
    return {*drawn.train, *drawn.test}


@given(st.lists(bounds, min_size=1, max_size=3, unique=True), st.integers(10, 60))
def test_complementary_shares_are_disjoint_and_exhaustive(cuts: list[float], count: int) -> None:
    some = packed([(subject, "") for subject in range(count) for _ in range(3)])
    edges = [0.0, *sorted(cuts), 1.0]
    whole = list(itertools.pairwise(edges))
    if any(round(high * count) - round(low * count) < 2 for low, high in whole):
        with pytest.raises(ValueError, match=r"to hold at least 2 of its .* subjects, but it holds [01]; widen it"):
            [sides(some, share=share) for share in whole]
        return
    drawn = [sides(some, share=share) for share in whole]
    assert sum(map(len, drawn)) == len(set().union(*drawn)) == 3 * count
    held = [subjects(some, np.array(sorted(each))) for each in drawn]
    assert sum(map(len, held)) == count  # a subject is in one share, with all of its images
    assert [len(each) for each in held] == [round(high * count) - round(low * count) for low, high in whole]


def test_a_share_is_of_a_fixed_order_that_is_not_the_names() -> None:
    half = sides(TEN, share=(0.0, 0.5))
    names = [f"Subject_{number:02d}" for number in (2, 4, 6, 7, 9)]
    assert subjects(TEN, np.array(sorted(half))) == set(names)
    order = sorted(set(TEN.subjects), key=lambda name: hashlib.sha256(f'["share","dme","{name}"]'.encode()).digest())
    assert sorted(order[:5]) == names
    shuffled = packed([(subject, "") for subject in (3, 1, 10, 2, 9, 4, 8, 5, 7, 6) for _ in range(2)])
    again = sides(shuffled, share=(0.0, 0.5))
    assert subjects(shuffled, np.array(sorted(again))) == subjects(TEN, np.array(sorted(half)))


def test_the_whole_share_changes_nothing() -> None:
    for kind in ("subject", "random", "folds"):
        whole = parts(kind, 3, validation=0.2)
        other = split(TEN, Data("dme", split=Split(kind, validation=0.2), share=(0, 1)), 3)  # type: ignore[arg-type]
        for one, two in zip(
            (whole.train, whole.validation, whole.test), (other.train, other.validation, other.test), strict=True
        ):
            np.testing.assert_array_equal(one, two)


def test_a_share_is_split_and_its_subset_taken_within_it() -> None:
    data = Data("dme", split=Split("folds", validation=0.3), share=(0.0, 0.5), subset=7)
    kept = sides(TEN, share=(0.0, 0.5))
    for seed in range(4):
        drawn = split(TEN, data, seed)
        assert {*drawn.train, *drawn.validation, *drawn.test} <= kept
        assert (len(drawn.train), len(drawn.validation), len(drawn.test)) == (7, 11, 11)


def test_a_share_without_test_images() -> None:
    some = packed([(subject, "test" if subject == 1 else "train") for subject in range(10)])
    held = [share for share in ((0.0, 0.5), (0.5, 1.0)) if 1 not in sides(some, share=share)]
    with pytest.raises(ValueError, match="its published split leaves it none that test; widen it"):
        split(some, Data("dme", share=held[0]), 0)


@pytest.mark.parametrize(
    "share", [(0.5, 0.5), (-0.1, 1.0), (0.0, 1.1), (0.7, 0.2), (0.5,), [0.0, 0.5], (0.0, float("nan"))]
)
def test_a_share_that_is_none(share: Any) -> None:
    for make in (lambda: Data("dme", share=share), lambda: Substitute("dme", share=share)):
        with pytest.raises(ValueError, match=r"^Expected (data|substitute) `share` to be .*, but got .*\.$"):
            make()


def eyes(published: list[str], grades: list[int] | None = None) -> Packed:
    """Patients with two eyes each."""
    count = len(published)
    ids = tuple(f"{patient:02d}_{eye}" for patient in range(count) for eye in "LR")
    others = tuple(id[:-1] + ("R" if id[-1] == "L" else "L") for id in ids)
    return Packed(
        images=np.zeros((2 * count, 1, 1, 3), np.uint8),
        targets=np.array(grades or [0, 1] * count, np.uint8),
        ids=ids,
        subjects=tuple(id[:2] for id in ids),
        published=tuple(part for part in published for _ in "LR"),
        classes=("none", "mild"),
        foreground="",
        task="classification",
        companions={"other-eye": others},
    )


def test_companions_are_found_by_id() -> None:
    some = eyes([""] * 5)
    assert some.companion_of("other-eye").tolist() == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]
    with pytest.raises(ValueError, match="that the images have, 'other-eye', but got 'same-eye'"):
        some.companion_of("same-eye")
    with pytest.raises(ValueError, match="that the images have, none, but got"):
        replace(some, companions={}).companion_of("other-eye")
    for other, message in (("", "but it has none"), ("99_L", "but the data hold no 99_L")):
        lacking = (*some.companions["other-eye"][:-1], other)
        with pytest.raises(ValueError, match=f"Expected 04_R to have its 'other-eye' beside it, {message}; leave"):
            replace(some, companions={"other-eye": lacking}).companion_of("other-eye")


@given(st.sampled_from(["subject", "folds", "published"]), seeds, st.sampled_from([0.0, 0.3]), st.integers(4, 20))
def test_companions_are_on_one_side(kind: str, seed: int, validation: float, count: int) -> None:
    some = eyes(["test" if patient % 4 == 0 else "train" for patient in range(count)])
    data = Data("dr_rahim", split=Split(kind, validation=validation), companion="other-eye")  # type: ignore[arg-type]
    drawn = split(some, data, seed)
    companions = some.companion_of("other-eye")
    for side in (drawn.train, drawn.validation, drawn.test):
        assert set(companions[side]) == set(side)


def test_companions_on_two_sides_are_refused() -> None:
    some = replace(eyes([""] * 3), published=("train",) * 5 + ("test",))
    with pytest.raises(ValueError, match="02_L and 02_R are on two; split it by subject"):
        split(some, Data("dr_rahim", companion="other-eye"), 0)
    assert len(split(some, Data("dr_rahim"), 0).test) == 1
    with pytest.raises(ValueError, match="but got 'random', which draws images"):
        Data("dr_rahim", split=Split("random"), companion="other-eye")


def test_one_class_to_train_with_is_refused() -> None:
    some = eyes([""] * 5, [1] * 8 + [0, 1])
    with pytest.raises(ValueError, match=r"Expected the 8 training images of dr_rahim .* all of them are of 'mild'"):
        split(some, Data("dr_rahim", split=Split("subject")), 0)
    mixed = eyes([""] * 5)
    with pytest.raises(ValueError, match="Expected the 1 training images"):
        split(mixed, Data("dr_rahim", split=Split("subject"), subset=1), 0)
    assert len(split(mixed, Data("dr_rahim", split=Split("subject")), 0).train) == 8
