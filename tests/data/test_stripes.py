"""harness.data.phantoms.stripes: what is planted in the images is there, and nothing else tells the target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness import data as datasets
from harness.data import DataError, Item
from harness.specs import Data, Resize

COUNT = 40


def drawn(name: str = "discs", labels: str = "", size: tuple[int, int] = (48, 48)) -> list[Item]:
    return list(datasets.generator(name).generate(Data(name, labels=labels, resize=Resize(size), count=COUNT)))


def slope(image: np.ndarray, mask: np.ndarray) -> float:
    """Negative where the stripes under a mask rise to the right: there the grey level falls along the diagonal."""
    down, across = np.gradient(image.astype(float))
    return float(-(down * across)[mask].sum())


def training(items: list[Item]) -> list[int]:
    return [index for index, item in enumerate(items) if item.published == "train"]


@pytest.mark.parametrize("name", ["discs", "bars"])
def test_stripes_of_the_target_rise_and_those_of_decoys_fall(name: str) -> None:
    right, wrong = drawn(name), drawn(name, "decoys")
    for index in training(right):
        image, target, decoys = right[index].image, right[index].target == 1, wrong[index].target == 1
        assert not (target & decoys).any()
        assert 0.7 < target.sum() / decoys.sum() < 1.4
        assert slope(image, target) < 0 < slope(image, decoys)


def test_a_mirror_makes_decoys_of_targets() -> None:
    for item in drawn():
        assert slope(item.image[:, ::-1], item.target[:, ::-1] == 1) > 0


def test_neither_light_nor_place_tells_the_target_from_its_decoys() -> None:
    right, wrong = drawn(), drawn("discs", "decoys")
    train = training(right)
    light = [[item.image[item.target == 1].mean() for item in (right[index], wrong[index])] for index in train]
    assert abs(np.diff(light, axis=1).mean()) < 2
    share = np.mean([item.target for item in right], axis=0)
    corners = [share[:24, :24].mean(), share[:24, 24:].mean(), share[24:, :24].mean(), share[24:, 24:].mean()]
    assert max(corners) < 2 * min(corners)


@pytest.mark.parametrize("labels", ["decoys", "shuffled"])
def test_wrong_labels_change_the_targets_of_training_images_and_nothing_else(labels: str) -> None:
    right, wrong = drawn(), drawn("discs", labels)
    for one, other in zip(right, wrong, strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.target, other.target) is (one.published == "test")
    if labels == "shuffled":  # each target is there, with another image
        train = training(right)
        assert sorted(right[i].target.tobytes() for i in train) == sorted(wrong[i].target.tobytes() for i in train)


def test_the_target_of_bright_images_is_all_of_their_patches() -> None:
    right, bright = drawn(), drawn("discs", "bright")
    dark = [np.asarray(item.target).any() for item in bright]
    assert dark == [bool(index % 2) for index in range(COUNT)]
    patches = [drawn("discs", "decoys")[1].target | right[1].target, bright[1].target]
    assert np.array_equal(*patches)
    means = [float(item.image.mean()) for item in bright]
    assert max(means[::2]) < min(means[1::2])


@pytest.mark.parametrize("name", ["discs", "bars"])
def test_they_are_phantoms_only(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="it is generated only; use it as a phantom"):
        datasets.check(Data(name), tmp_path)
    with pytest.raises(DataError, match="generated only"):
        list(datasets.adapter(name).read(tmp_path, Data(name)))
