"""COCO 2017's annotations as masks, from tiny files in its layout."""

from __future__ import annotations

import ast
import importlib.util
import json
import pickle
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import MANY, MANY_WRITERS
from PIL import Image
from pycocotools import mask as coco

from harness import data as datasets
from harness.data import DataError, Item
from harness.data.sets.coco2017 import _CLASS, ADAPTER, _compact
from harness.specs import Data

FEW = replace(ADAPTER, counts=MANY["coco2017"])
TRAIN, VAL = "coco/annotations/instances_train2017.json", "coco/annotations/instances_val2017.json"
PERSON, DOG, TABLE = 1, 17, 61
"""Class indices of the categories 1, 18 and 67."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    MANY_WRITERS["coco2017"](tmp_path, np.random.default_rng(0))
    return tmp_path


@pytest.fixture
def change(root: Path) -> Callable[[Callable[[dict[str, Any]], None]], None]:
    """Changes the training annotations."""

    def change(function: Callable[[dict[str, Any]], None]) -> None:
        content = json.loads((root / TRAIN).read_text())
        function(content)
        (root / TRAIN).write_text(json.dumps(content))

    return change


def read(root: Path) -> list[Item]:
    return list(FEW.read(root, Data("coco2017")))


def sentence(root: Path, use: Callable[[Path], object] = read) -> str:
    with pytest.raises(DataError) as raised:
        use(root)
    text = str(raised.value)
    assert text.startswith("Expected ")
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_a_published_layout_is_read_whole(root: Path) -> None:
    FEW.check(root)
    items = read(root)
    assert {part: sum(item.published == part for item in items) for part in ("train", "test")} == FEW.counts
    assert [item.id for item in items] == sorted({item.id for item in items})
    assert items[0].id == "train2017_000000000009"
    assert {item.image.shape for item in items} == {(12, 16, 3), (16, 16, 3)}
    assert all(item.image.shape[:2] == np.shape(item.target) for item in items)


def test_its_counts_and_classes_are_the_published_ones() -> None:
    assert dict(ADAPTER.counts) == {"train": 118287, "test": 5000}
    package = importlib.util.find_spec("torchvision")
    if package is None or not package.submodule_search_locations:
        pytest.skip("torchvision is not installed")
    source = (Path(package.submodule_search_locations[0]) / "models" / "_meta.py").read_text("utf-8")
    categories = next(
        ast.literal_eval(node.value) for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_COCO_CATEGORIES"
    )  # fmt: skip
    named = {id: name for id, name in enumerate(categories) if name not in ("__background__", "N/A")}
    assert ADAPTER.classes == ("background", *named.values())
    assert {id: ADAPTER.classes[index] for id, index in _CLASS.items()} == named


def test_the_smallest_object_is_on_top_and_a_crowd_is_its_class(root: Path) -> None:
    """Rectangles, whose pixels are known without any rasteriser: COCO counts the pixel whose centre lies inside."""
    target = read(root)[0].target
    expected = np.zeros((16, 16), np.uint8)
    expected[2:10, 2:12] = TABLE
    expected[:, 14:] = PERSON
    expected[4:8, 4:8] = DOG
    np.testing.assert_array_equal(target, expected)


def test_an_image_without_annotations_is_background(root: Path) -> None:
    assert not np.any(read(root)[1].target)


def test_other_objects_come_out_as_pycocotools_draws_them(root: Path, change: Callable[..., None]) -> None:
    """A polygon of several parts, compressed runs, and no order by id."""
    rng = np.random.default_rng(3)
    parts = [(rng.uniform(0, 12, 10) + 0.123).tolist() for _ in range(2)]
    runs = coco.encode(np.asfortranarray(rng.integers(0, 2, (16, 16), dtype=np.uint8)))
    runs = {"size": runs["size"], "counts": runs["counts"].decode()}

    def give(content: dict[str, Any]) -> None:
        content["annotations"] = [
            {"id": 7, "image_id": 9, "category_id": 90, "iscrowd": 0, "area": 1.0, "segmentation": parts},
            {"id": 3, "image_id": 9, "category_id": 13, "iscrowd": 1, "area": 200.0, "segmentation": runs},
            {"id": 4, "image_id": 9, "category_id": 5, "iscrowd": 0, "area": 0.5, "segmentation": []},
        ]

    change(give)
    drawn = read(root)[0].target
    outline = coco.decode(coco.merge(coco.frPyObjects(parts, 16, 16))).astype(bool)
    expected = np.where(coco.decode(runs), ADAPTER.classes.index("stop sign"), 0)
    np.testing.assert_array_equal(drawn, np.where(outline, ADAPTER.classes.index("toothbrush"), expected))
    assert outline.any()


def test_of_equal_areas_the_later_id_is_on_top(root: Path, change: Callable[..., None]) -> None:
    def equal(content: dict[str, Any]) -> None:
        for each in content["annotations"]:
            each["area"] = 5.0

    change(equal)
    assert read(root)[0].target[5, 5] == TABLE  # the dog's id is lower
    change(lambda content: content["annotations"].reverse())
    assert read(root)[0].target[5, 5] == TABLE


def test_the_archives_need_no_folder_around_them(root: Path, tmp_path: Path) -> None:
    expected = [item.target.tobytes() for item in read(root)]
    bare = tmp_path / "bare"
    shutil.move(root / "coco", bare)
    assert [item.target.tobytes() for item in read(bare)] == expected
    nested = tmp_path / "nested" / "coco2017"
    nested.parent.mkdir()
    shutil.move(bare, nested)
    assert len(read(nested.parent)) == 6


def test_annotations_of_another_split(root: Path) -> None:
    (root / VAL).replace(root / TRAIN)
    (root / VAL).write_bytes((root / TRAIN).read_bytes())
    for use in (FEW.check, read):
        text = sentence(root, use)
        assert "instances_train2017.json to annotate the 4 images of train2017" in text
        assert "names 000000000001.jpg, which is not there (0 of its 2 images are)" in text


def test_annotations_that_lack_an_image(root: Path, change: Callable[..., None]) -> None:
    change(lambda content: content["images"].pop(1))
    for use in (FEW.check, read):
        assert "but it lacks 000000000010.jpg (3 of its 3 images are)" in sentence(root, use)


@pytest.mark.parametrize("left", [0.0, 0.3, 0.9])
def test_truncated_annotations(left: float, root: Path) -> None:
    content = (root / VAL).read_bytes()
    (root / VAL).write_bytes(content[: int(left * len(content))])
    for use in (FEW.check, read):
        text = sentence(root, use)
        assert str(root / VAL) in text
        assert "get the file again" in text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("category_id", 12, "annotation 900 has the category 12"),
        ("category_id", 91, "annotation 900 has the category 91"),
        ("image_id", 77, "annotation 900 is of image 77, which it does not list"),
        ("segmentation", [[1.0, 2.0, 3.0, 4.0]], "annotation 900 in .* but got a polygon of fewer than 3 points"),
        ("segmentation", {"size": [9, 16], "counts": [144]}, "annotation 900 in .* but got a mask of 9×16"),
        ("segmentation", {"size": [16, 16], "counts": [144]}, "annotation 900 in .* but got runs of 144 pixels"),
        ("segmentation", "a polygon", "but TypeError"),
        ("image_id", None, "but TypeError"),
    ],
)
def test_an_annotation_that_means_nothing(
    field: str, value: object, words: str, root: Path, change: Callable[..., None]
) -> None:
    change(lambda content: content["annotations"][0].update({field: value}))
    text = sentence(root)
    assert str(root / TRAIN) in text
    assert re.search(words, text)


def test_what_is_missing_is_named(root: Path) -> None:
    (root / "coco" / "train2017" / "000000000011.jpg").unlink()
    assert "Expected 4 images of COCO 2017 in train2017, but found 3" in sentence(root, FEW.check)
    (root / VAL).unlink()
    shutil.copy(root / "coco" / "train2017" / "000000000009.jpg", root / "coco" / "train2017" / "000000000011.jpg")
    text = sentence(root, FEW.check)
    assert "annotations/instances_val2017.json, but the file is missing" in text
    assert "annotations_trainval2017.zip" in text


def test_a_truncated_image_is_named(root: Path) -> None:
    path = root / "coco" / "val2017" / "000000000001.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    assert f"Expected {path} to be a readable image" in sentence(root)
    path.write_bytes(b"")
    assert f"Expected {path} to be a readable image" in sentence(root, FEW.check)


def test_its_files_are_images_and_annotations(root: Path) -> None:
    names = [path.relative_to(root).as_posix() for path in FEW.files(root)]
    assert names == sorted(names)
    assert len(names) == 8
    assert {TRAIN, VAL} <= set(names)


def test_memory_holds_the_outlines_of_one_part_in_few_bytes(root: Path) -> None:
    """JSON's own lists take 32 bytes a number; doubles take 8."""
    outline = [[float(n) / 7 for n in range(1000)]]
    each = _compact({"segmentation": outline, "image_id": 1, "category_id": 1, "id": 2, "area": 3.0})
    assert len(pickle.dumps(each)) < 9000
    assert list(each.outline[0]) == outline[0]  # type: ignore[union-attr, index]


def test_grey_images_become_rgb(root: Path) -> None:
    path = root / "coco" / "train2017" / "000000000010.jpg"
    assert Image.open(path).mode == "L"
    item = read(root)[1]
    assert item.id.endswith(path.stem)
    np.testing.assert_array_equal(item.image, np.asarray(Image.open(path).convert("RGB")))
    assert datasets.adapter("coco2017").task == "segmentation"
