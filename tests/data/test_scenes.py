"""PASCAL VOC 2012 and ADE20K in the layouts of their publishers, from tiny files."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layouts import MANY, MANY_WRITERS, VOC_PALETTE
from PIL import Image

from harness import data as datasets
from harness.data import IGNORED, DataError, Item
from harness.data.pairs import PairedImages
from harness.data.sets.voc2012 import colour_map
from harness.specs import Data

VOC = "VOCdevkit/VOC2012"
ADE = "ADEChallengeData2016"
METAINFO = {"voc2012": "voc.py", "ade20k": "ade.py"}


def few(name: str) -> PairedImages:
    """The adapter, told that there are as many images as the tiny data set has."""
    adapter = datasets.adapter(name)
    assert isinstance(adapter, PairedImages)
    return replace(adapter, counts=MANY[name])


def read(name: str, root: Path) -> list[Item]:
    return list(few(name).read(root, Data(name)))


@pytest.fixture(params=METAINFO)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(name: str, tmp_path: Path) -> Path:
    MANY_WRITERS[name](tmp_path, np.random.default_rng(0))
    return tmp_path


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    MANY_WRITERS["voc2012"](tmp_path, np.random.default_rng(0))
    return tmp_path


@pytest.fixture
def ade(tmp_path: Path) -> Path:
    MANY_WRITERS["ade20k"](tmp_path, np.random.default_rng(0))
    return tmp_path


def test_a_published_layout_is_read_whole(name: str, root: Path) -> None:
    few(name).check(root)
    items = read(name, root)
    assert {part: sum(item.published == part for item in items) for part in ("train", "test")} == MANY[name]
    assert [item.id for item in items] == sorted({item.id for item in items})
    assert len({item.subject for item in items}) == len(items)
    assert all(item.image.shape == (*item.target.shape, 3) for item in items)
    assert {value for item in items for value in np.unique(item.target)} <= {*range(len(few(name).classes)), IGNORED}


def test_their_counts_are_the_published_ones() -> None:
    assert dict(datasets.adapter("voc2012").counts) == {"train": 1464, "test": 1449}  # type: ignore[attr-defined]
    assert dict(datasets.adapter("ade20k").counts) == {"train": 20210, "test": 2000}  # type: ignore[attr-defined]


def test_their_classes_are_mmsegmentations(name: str) -> None:
    package = importlib.util.find_spec("mmseg")
    if package is None or not package.submodule_search_locations:
        pytest.skip("mmsegmentation is not installed")
    source = Path(package.submodule_search_locations[0]) / "datasets" / METAINFO[name]
    fields = {
        keyword.arg: keyword.value for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Call) for keyword in node.keywords
    }  # fmt: skip
    classes = ast.literal_eval(fields["classes"])
    assert datasets.adapter(name).classes == tuple(each.strip() for each in classes)  # "bed " of ADE20K
    if name == "voc2012":
        assert colour_map()[: len(classes)].tolist() == ast.literal_eval(fields["palette"])


def test_voc_masks_of_a_palette_of_numbers_and_of_colours_hold_the_same_classes(voc: Path) -> None:
    items = read("voc2012", voc)
    for item in items:
        with Image.open(voc / VOC / "SegmentationClass" / f"{item.id}.png") as mask:
            shown = np.asarray(mask.convert("RGB"))
            stored = np.asarray(mask)
            kind = mask.mode
        if kind == "RGB":
            colours = {tuple(VOC_PALETTE[3 * n : 3 * n + 3]): n for n in (*range(21), 255)}
            stored = np.array([[colours[tuple(pixel)] for pixel in row] for row in shown.tolist()])
        np.testing.assert_array_equal(item.target, stored)
    assert {np.asarray(item.target).max() for item in items} == {IGNORED}


def test_a_mask_in_other_colours_is_refused(voc: Path) -> None:
    path = voc / VOC / "SegmentationClass" / "2007_000003.png"
    shown = np.asarray(Image.open(path)).copy()
    shown[5, 7] = (1, 2, 3)
    Image.fromarray(shown).save(path)
    with pytest.raises(DataError, match=r"2007_000003.png to hold .* row 5, column 7 is RGB \(1, 2, 3\); extract"):
        read("voc2012", voc)


def test_a_missing_list_is_named(voc: Path) -> None:
    (voc / VOC / "ImageSets" / "Segmentation" / "val.txt").unlink()
    with pytest.raises(DataError, match=r"ImageSets/Segmentation/val.txt, but the file is missing in .*; extract"):
        few("voc2012").check(voc)


def test_a_list_belongs_to_the_content(voc: Path) -> None:
    names = {path.name for path in few("voc2012").files(voc)}
    assert {"train.txt", "val.txt"} <= names
    assert "2007_000005.jpg" not in names  # no list names it


def test_ade_other_is_ignored_and_the_classes_begin_at_zero(ade: Path) -> None:
    for item in read("ade20k", ade):
        part = "training" if item.published == "train" else "validation"
        stored = np.asarray(Image.open(ade / ADE / "annotations" / part / f"{item.id}.png")).astype(int)
        np.testing.assert_array_equal(item.target, np.where(stored == 0, IGNORED, stored - 1))


@pytest.mark.parametrize(
    ("name", "file", "number"),
    [
        ("voc2012", f"{VOC}/SegmentationClass/2007_000002.png", 21),
        ("ade20k", f"{ADE}/annotations/training/ADE_train_00000002.png", 151),
    ],
)
def test_a_number_outside_the_classes(name: str, file: str, number: int, tmp_path: Path) -> None:
    MANY_WRITERS[name](tmp_path, np.random.default_rng(0))
    stored = np.asarray(Image.open(tmp_path / file)).copy()
    stored[0, 0] = number
    Image.fromarray(stored).save(tmp_path / file)
    with pytest.raises(DataError, match=rf"{Path(file).name} to hold the numbers 0 to {number - 1} .* got {number};"):
        read(name, tmp_path)


FILES = {
    "voc2012": (f"{VOC}/JPEGImages/2007_000001.jpg", f"{VOC}/SegmentationClass/2007_000001.png"),
    "ade20k": (
        f"{ADE}/images/validation/ADE_val_00000002.jpg",
        f"{ADE}/annotations/validation/ADE_val_00000002.png",
    ),
}
"""An image and its mask."""


@pytest.mark.parametrize("which", [0, 1], ids=["image", "mask"])
def test_a_missing_and_a_truncated_file_are_named(which: int, name: str, root: Path) -> None:
    path = root / FILES[name][which]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(DataError, match=f"{path.name} to be a readable image"):
        read(name, root)
    path.unlink()
    with pytest.raises(DataError, match=f"to have the {('image', 'mask')[which]} .*{path.name}"):
        few(name).check(root)


def test_a_half_extracted_data_set(name: str, root: Path) -> None:
    more = replace(few(name), counts={**MANY[name], "train": 1 + MANY[name]["train"]})
    with pytest.raises(DataError, match=f"Expected {1 + MANY[name]['train']} train images of .* found"):
        more.check(root)
