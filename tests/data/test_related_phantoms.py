"""Phantoms of polyps, pets and their sources: what they show, and how closely sources are related to the targets."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import data as datasets
from harness.data import IGNORED, Item
from harness.data.phantoms import bodies, pictures
from harness.data.phantoms.relatedness import RELATED
from harness.specs import Data, Resize

TARGETS = ("kvasir_seg", "oxford_iiit_pet")
SCENES = ("voc2012", "coco2017", "ade20k")
MASKED = (*TARGETS, *SCENES, "isic2018", "mas3k")
ANIMALS, THINGS = {"cat", "animal"}, {"person", "car", "bottle"}
OBJECTS = ANIMALS | THINGS
SIZE = Resize((48, 48))


def made(name: str, count: int, related: float | None = None, resize: Resize | None = SIZE) -> list[Item]:
    data = Data(name, resize=resize, count=count, related=related)
    return list(datasets.generator(name).generate(data))


def shown(name: str, items: list[Item]) -> set[str]:
    """Names of the classes that occur, synonyms left out."""
    numbers = np.unique([item.target for item in items])
    return {datasets.adapter(name).classes[number].partition(",")[0].strip() for number in numbers}


def objects(name: str, item: Item, kinds: set[str]) -> np.ndarray:
    """Where the objects of some kinds are, ``(H, W)``; of two classes, the foreground."""
    if datasets.adapter(name).foreground:
        return np.asarray(item.target) == 1
    return np.isin(item.target, [index for index, each in enumerate(datasets.adapter(name).classes) if each in kinds])


def streaks(item: Item, where: np.ndarray) -> float:
    """Median fine contrast of some pixels, in grey levels: few of them lie on an edge."""
    green = item.image[..., 1].astype(np.float32)
    fine = np.abs(green - cv2.GaussianBlur(green, (0, 0), 2.0))
    inner = cv2.erode(where.astype(np.uint8), np.ones((5, 5), np.uint8)) == 1
    return float(np.median(fine[inner])) if inner.any() else float("nan")


def coats(name: str, related: float | None = None) -> float:
    """Mean over images of the fine contrast of foregrounds and animals."""
    return float(np.nanmean([streaks(item, objects(name, item, ANIMALS)) for item in made(name, 24, related)]))


@pytest.mark.parametrize(("name", "least", "most"), [("kvasir_seg", 0.12, 0.18), ("oxford_iiit_pet", 0.35, 0.45)])
def test_targets_cover_what_the_real_ones_do(name: str, least: float, most: float) -> None:
    items = made(name, 40)
    share = np.mean([(np.asarray(item.target) == 1).mean() for item in items])
    assert least < share < most
    assert all((np.asarray(item.target) == 1).any() for item in items)


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_told_by_their_coat_and_not_by_their_lightness(name: str) -> None:
    items = made(name, 30)
    inside = [np.asarray(item.target) == 1 for item in items]
    fine = [(streaks(item, where), streaks(item, ~where)) for item, where in zip(items, inside, strict=True)]
    assert np.mean([one > 1.5 * other for one, other in fine]) > 0.9
    # Whether a target is lighter or darker than what surrounds it cannot be known.
    lighter = [item.image[where].mean() - item.image[~where].mean() for item, where in zip(items, inside, strict=True)]
    sunlit = np.mean(np.array(lighter) > 0)
    assert name == "kvasir_seg" or 0.2 < sunlit < 0.8


def test_polyps_lie_on_pink_mucosa_with_black_corners() -> None:
    items = made("kvasir_seg", 20)
    colour = np.mean([item.image[np.asarray(item.target) == 0].mean(axis=0) for item in items], axis=0)
    assert colour[0] > 1.3 * colour[1] > 1.3 * colour[2]
    assert max(item.image[:2, :2].mean() for item in items) < 20
    highlights = np.mean(
        [item.image.min(axis=2).max() > 180 for item in made("kvasir_seg", 20, resize=Resize((96, 96)))]
    )
    assert highlights > 0.5


def test_the_sea_is_blue_green_and_skin_is_not() -> None:
    def ground(name: str) -> np.ndarray:
        return np.mean([item.image[np.asarray(item.target) == 0].mean(axis=0) for item in made(name, 10)], axis=0)

    sea, skin = ground("mas3k"), ground("isic2018")
    assert min(sea[1], sea[2]) > 1.5 * sea[0]
    assert skin[0] > skin[1] > skin[2]


@pytest.mark.parametrize("name", SCENES)
def test_scenes_show_animals_or_things(name: str) -> None:
    around = {"background"} if name != "ade20k" else {"sky", "grass", "wall", "floor"}
    related, unrelated = shown(name, made(name, 30, 1.0)), shown(name, made(name, 30, 0.0))
    assert related == around | ({"animal"} if name == "ade20k" else {"cat"})
    assert unrelated == around | THINGS
    assert all(IGNORED not in np.asarray(item.target) for item in made(name, 5))


def test_pictures_are_of_one_class_each() -> None:
    related = {item.target for item in made("imagenet", 40, 1.0)}
    unrelated = {item.target for item in made("imagenet", 40, 0.0)}
    assert related == {0, 1, 2, 3}
    assert unrelated == set(range(4, pictures.KINDS))
    assert len(datasets.adapter("imagenet").classes) >= pictures.KINDS


@pytest.mark.parametrize("name", RELATED)
def test_the_default_is_the_tables(name: str) -> None:
    for default, given_, other in zip(
        made(name, 8), made(name, 8, RELATED[name]), made(name, 8, 1.0 - RELATED[name]), strict=True
    ):
        assert np.array_equal(default.image, given_.image)
        assert np.array_equal(default.target, given_.target)
        assert default.id == other.id


@pytest.mark.parametrize("name", [*TARGETS, "camvid", "cityscapes"])
def test_targets_and_streets_know_no_relatedness(name: str) -> None:
    for one, two in zip(made(name, 2, 0.0), made(name, 2, 1.0), strict=True):
        assert np.array_equal(one.image, two.image)


@pytest.mark.parametrize("name", SCENES)
def test_animals_among_the_objects_grow_with_the_relatedness(name: str) -> None:
    shares = []
    for related in (0.0, 0.35, 0.7, 1.0):
        items = made(name, 24, related)
        animals, every = (sum(objects(name, item, kinds).sum() for item in items) for kinds in (ANIMALS, OBJECTS))
        shares.append(animals / every)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert (np.diff(shares) > 0.1).all(), shares


@pytest.mark.parametrize("name", ["isic2018", "mas3k"])
def test_coats_grow_with_the_relatedness(name: str) -> None:
    means = [coats(name, related) for related in (0.0, 0.35, 0.7, 1.0)]
    assert (np.diff(means) > 1.0).all(), means
    assert means[-1] > 4 * means[0]


@pytest.mark.parametrize("name", [name for name in RELATED if name != "imagenet"])
def test_a_fully_related_source_has_the_coats_of_the_targets(name: str) -> None:
    targets = [coats(target) for target in TARGETS]
    assert 0.7 * min(targets) < coats(name, 1.0) < 1.5 * max(targets)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(("isic2018", "imagenet")), st.floats(0, 1), st.floats(0, 1))
def test_more_relatedness_turns_more_objects_and_none_back(name: str, one: float, two: float) -> None:
    low, high = sorted((one, two))
    for few, more, full in zip(made(name, 5, low), made(name, 5, high), made(name, 5, 1.0), strict=True):
        if np.array_equal(few.image, full.image):
            assert np.array_equal(more.image, full.image)
        if not np.array_equal(more.image, few.image):
            assert np.array_equal(more.image, full.image)


@pytest.mark.parametrize("name", MASKED)
def test_a_larger_size_shows_the_same_scene(name: str) -> None:
    for small, large in zip(made(name, 3), made(name, 3, resize=Resize((96, 96))), strict=True):
        assert (np.asarray(large.target)[::2, ::2] == small.target).mean() > 0.9


def test_a_class_that_no_data_set_names_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"Expected voc2012 to have one of the classes unicorn, but got background"):
        bodies.numbered("voc2012", "unicorn")


def test_another_relatedness_is_another_content() -> None:
    data = Data("voc2012", resize=SIZE, count=3, evidence="phantom")
    kinds = [data, replace(data, related=0.0), replace(data, related=1.0)]
    assert len({datasets.fingerprint(each, None) for each in kinds}) == 3
