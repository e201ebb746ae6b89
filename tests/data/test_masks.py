"""What mask files mean, and which are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness import data as datasets
from harness.data import IGNORED, DataError, masks
from harness.data.sets import camvid
from harness.specs import Data, Split

CHASE = Data("chase_db1", evidence="real")


def saved(array: np.ndarray, path: Path, mode: str | None = None, **options: int) -> Path:
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def observed(root: Path) -> list[Path]:
    return sorted((root / "CHASEDB1").glob("*_1stHO.png"))


@pytest.fixture
def chase(copied: Callable[[str], Path]) -> Path:
    return copied("CHASEDB1")


def test_masks_of_zeros_and_ones_are_not_empty(chase: Path, published: Path, tmp_path: Path) -> None:
    for path in observed(chase):
        saved(np.asarray(Image.open(path)).astype(np.uint8), path)
    ones = datasets.pack(CHASE, chase, tmp_path / "cache")
    expected = datasets.pack(CHASE, published, tmp_path / "cache")
    assert expected.targets.any()
    np.testing.assert_array_equal(ones.targets, expected.targets)


def test_all_masks_decide_what_a_one_is(chase: Path) -> None:
    """A mask that is black but for JPEG noise holds 0 and 1 too; white ones beside it tell that it is empty."""
    first = observed(chase)[0]
    saved((np.asarray(Image.open(first)) > 0).astype(np.uint8), first)
    items = list(datasets.adapter("chase_db1").read(chase, CHASE))
    assert not items[0].target.any()  # type: ignore[union-attr]
    assert all(item.target.any() for item in items[1:])  # type: ignore[union-attr]


def test_a_photograph_is_no_mask(chase: Path, tmp_path: Path) -> None:
    path = observed(chase)[9]
    grey = np.random.default_rng(0).integers(0, 256, (12, 16), dtype=np.uint8)
    saved(grey, path)
    with pytest.raises(DataError, match=rf"^Expected the mask {path} to be black and white, but it has .*shades"):
        datasets.pack(CHASE, chase, tmp_path / "cache")


def test_a_fundus_photograph_in_a_masks_place_is_told_by_its_colours(chase: Path, tmp_path: Path) -> None:
    path = observed(chase)[9]
    Image.open(chase / "CHASEDB1" / "Image_01L.jpg").save(path)
    with pytest.raises(DataError, match=rf"^Expected the mask {path} .*three channels differ; extract"):
        datasets.pack(CHASE, chase, tmp_path / "cache")


def test_black_masks_are_a_wrong_data_set(chase: Path, tmp_path: Path) -> None:
    for path in observed(chase):
        saved(np.zeros((12, 16), np.uint8), path)
    with pytest.raises(DataError, match=r"^Expected the targets of CHASE_DB1 to show several .* background only; ex"):
        datasets.pack(CHASE, chase, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache" / "packed").iterdir() if path.is_dir()]


@pytest.mark.parametrize("quality", [30, 60, 95])
def test_jpeg_noise_soft_edges_and_grey_channels_are_masks(quality: int, tmp_path: Path) -> None:
    import cv2

    disc = np.zeros((96, 96), np.uint8)
    cv2.circle(disc, (48, 48), 30, 255, -1)
    soft = cv2.GaussianBlur(disc, (0, 0), 0.7)
    path = saved(np.stack([soft] * 3, axis=2), tmp_path / "disc.jpg", quality=quality)
    marked = masks.foreground(path, ones=False)
    assert set(np.unique(marked)) == {0, 1}
    assert (marked == (disc > 0)).mean() > 0.98


@pytest.mark.parametrize("mode", ["L", "1", "RGB", "RGBA", "P"])
def test_foreground_is_the_same_in_every_mode(mode: str, tmp_path: Path) -> None:
    expected = np.random.default_rng(0).integers(0, 2, (12, 16)).astype(np.uint8)
    path = saved(255 * expected, tmp_path / "mask.png", mode)
    np.testing.assert_array_equal(masks.foreground(path, ones=False), expected)


@pytest.mark.parametrize("white", [255, 65535])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_foreground_of_16_bits(white: int, suffix: str, tmp_path: Path) -> None:
    expected = np.random.default_rng(0).integers(0, 2, (12, 16)).astype(np.uint8)
    path = saved(white * expected.astype(np.uint16), tmp_path / f"mask{suffix}")
    np.testing.assert_array_equal(masks.foreground(path, ones=False), expected)
    assert not masks.of_ones([path])
    saved(expected.astype(np.uint16), path)
    assert masks.of_ones([path])
    np.testing.assert_array_equal(masks.foreground(path, ones=True), expected)


def test_classes_of_16_bits_are_numbers_and_not_their_upper_bits(tmp_path: Path) -> None:
    stored = np.array([[0, 1, 2, 255]], np.uint16)
    path = saved(stored, tmp_path / "mask.png")
    assert masks.classes(path, {0: 0, 1: 1, 2: IGNORED}).tolist() == [[0, 1, IGNORED, IGNORED]]
    saved(np.array([[0, 1, 2, 256 * 19]], np.uint16), path)
    with pytest.raises(DataError, match=rf"^Expected the mask {path} to store numbers from 0 to 255, .* 0 and 4864; "):
        masks.classes(path, dict.fromkeys(range(150), 0))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_mask_that_marks_by_its_transparency_only(mode: str, tmp_path: Path) -> None:
    alpha = Image.fromarray(np.where(np.eye(12, 16) > 0, 255, 0).astype(np.uint8))
    for colour, marks in ((Image.new("L", (16, 12)), False), (alpha.copy(), True)):
        image = colour.convert(mode[:-1])
        image.putalpha(alpha)
        image.save(tmp_path / "mask.png")
        if marks:
            np.testing.assert_array_equal(masks.foreground(tmp_path / "mask.png", ones=False), np.eye(12, 16))
        else:
            with pytest.raises(DataError, match=r"^Expected the mask .*mask\.png .* by its transparency only; "):
                masks.foreground(tmp_path / "mask.png", ones=False)


def test_a_palette_stores_classes(tmp_path: Path) -> None:
    stored = np.array([[0, 1, 2, 255]], np.uint8)
    image = Image.fromarray(stored, "P")
    image.putpalette([channel for index in range(256) for channel in (index * 37 % 256, index * 91 % 256, 9)])
    image.save(tmp_path / "mask.png")
    assert masks.classes(tmp_path / "mask.png", {0: 0, 1: 1, 2: IGNORED}).tolist() == [[0, 1, IGNORED, IGNORED]]


@pytest.mark.parametrize("number", [12, 77, 254])
def test_a_number_that_means_no_class(number: int, published: Path, tmp_path: Path) -> None:
    stored = np.asarray(Image.open(published / "CamVid" / "valannot" / "0001TP_000369.png")).copy()
    stored[3, 4] = 255
    path = saved(stored, tmp_path / "mask.png")
    assert masks.classes(path, camvid.ADAPTER.meaning)[3, 4] == IGNORED
    stored[3, 4] = number
    saved(stored, path)
    with pytest.raises(DataError, match=rf"^Expected the mask {path} to hold .* 0 to 11 .* but got {number}; ex"):
        masks.classes(path, camvid.ADAPTER.meaning)


def test_a_target_beyond_the_classes_of_any_adapter(tmp_path: Path, add_set: Callable[..., object]) -> None:
    image = np.zeros((4, 6), np.uint8)
    good = np.eye(4, 6, dtype=np.uint8)
    data = Data("toy", split=Split("random"), evidence="real")
    for target, message in ((2 * good, "Toy's 1 .* but got 2;"), (0 * good + IGNORED, "")):
        items = [datasets.Item(image, good, "0", "s"), datasets.Item(image, target, "1", "s")]
        add_set(items=items)
        if message:
            with pytest.raises(DataError, match=message):
                datasets.pack(data, tmp_path, tmp_path / "cache")
        else:
            assert datasets.pack(data, tmp_path, tmp_path / "cache").targets.max() == IGNORED
