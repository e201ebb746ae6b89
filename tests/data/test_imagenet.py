"""Images in a folder for each class, and classes that are found there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from layouts import MANY, MANY_WRITERS
from PIL import Image

from harness import data as datasets
from harness.data import Catalogue, DataError, Item
from harness.data.sets.imagenet import ADAPTER
from harness.specs import Data, Resize

SMALL = Data("imagenet", resize=Resize((8, 8)), evidence="real")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    MANY_WRITERS["imagenet"](tmp_path / "root", np.random.default_rng(0))
    return tmp_path / "root"


def read(root: Path) -> list[Item]:
    return list(ADAPTER.read(root, Data("imagenet")))


def sentence(root: Path) -> str:
    with pytest.raises(DataError) as raised:
        ADAPTER.check(root)
    text = str(raised.value)
    assert text.startswith("Expected ")
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_classes_are_the_sorted_folders(root: Path) -> None:
    found = ADAPTER.found(root)
    assert found.classes == ("n01", "n02", "n10")
    assert found.images == 12
    ADAPTER.check(root)
    items = read(root)
    assert {part: sum(item.published == part for item in items) for part in ("train", "test")} == MANY["imagenet"]
    assert [item.id for item in items] == sorted({item.id for item in items})
    for item in items:
        assert found.classes[int(item.target)] == item.id.split("/")[1]
        with Image.open(root / "imagenet" / item.id) as image:
            np.testing.assert_array_equal(item.image, np.asarray(image.convert("RGB")))


def test_torchvision_finds_the_same(root: Path) -> None:
    folders = pytest.importorskip("torchvision.datasets").ImageFolder(str(root / "imagenet" / "train"))
    items = [item for item in read(root) if item.published == "train"]
    assert tuple(folders.classes) == ADAPTER.found(root).classes
    assert {Path(path).name: target for path, target in folders.samples} == {
        item.id.split("/")[2]: item.target for item in items
    }


def test_a_pack_has_the_classes_that_were_found(root: Path, tmp_path: Path) -> None:
    catalogue = Catalogue(root, tmp_path / "cache")
    packed = catalogue.load(SMALL)
    assert packed.classes == ("n01", "n02", "n10")
    assert packed.targets.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 1, 2]
    assert catalogue.adapter(SMALL).classes == packed.classes
    assert catalogue.adapter(Data("imagenet", evidence="phantom")).classes == ADAPTER.classes
    assert datasets.adapter("imagenet").classes == ADAPTER.classes


def test_another_class_is_another_content(root: Path, tmp_path: Path) -> None:
    before = datasets.fingerprint(SMALL, root, tmp_path / "cache")
    for part in ("train", "val"):
        (root / "imagenet" / part / "n10").rename(root / "imagenet" / part / "n00")
    assert datasets.fingerprint(SMALL, root, tmp_path / "cache") != before
    packed = datasets.pack(SMALL, root, tmp_path / "cache")
    assert packed.classes == ("n00", "n01", "n02")


def test_a_thousand_classes_fit(tmp_path: Path) -> None:
    classes = tuple(f"n{number:04d}" for number in range(1000))
    image = np.zeros((2, 2, 3), np.uint8)
    for part in ("train", "val"):
        for name in classes if part == "train" else classes[250:260]:
            folder = tmp_path / "imagenet" / part / name
            folder.mkdir(parents=True)
            Image.fromarray(image).save(folder / "a.png")
    packed = datasets.pack(Data("imagenet", evidence="real"), tmp_path, tmp_path / "cache")
    again = datasets.pack(Data("imagenet", evidence="real"), tmp_path, tmp_path / "cache")
    for each in (packed, again):
        assert len(each.classes) == 1000
        assert each.targets.dtype == np.int16
        assert each.targets.tolist() == [*range(1000), *range(250, 260)]  # 255 is a class like any other
    assert isinstance(again.targets, np.memmap)


def test_what_is_missing_is_named(root: Path, tmp_path: Path) -> None:
    train, val = root / "imagenet" / "train", root / "imagenet" / "val"
    (val / "n03").mkdir()
    shutil.copy(val / "n02" / "n02_0.JPEG", val / "n03" / "n03_0.JPEG")
    assert "classes in val to be among the 3 of train, but" in sentence(root)
    shutil.rmtree(val / "n03")
    for path in (train / "n02").iterdir():
        path.unlink()
    assert "but train/n02 in" in sentence(root)
    shutil.rmtree(train / "n02")
    shutil.rmtree(train / "n10")
    assert "at least 2 classes" in sentence(root)
    assert "get it from https://image-net.org" in sentence(tmp_path / "nowhere")


def test_validation_images_without_class_folders(root: Path) -> None:
    """As ILSVRC2012's own archive extracts."""
    val = root / "imagenet" / "val"
    shutil.move(val / "n01" / "n01_0.JPEG", val / "ILSVRC2012_val_00000001.JPEG")
    for name in ("n01", "n02", "n10"):
        shutil.rmtree(val / name)
    assert "validation images in class folders, val/CLASS/*.JPEG, but there are none" in sentence(root)


def test_a_damaged_image_is_named(root: Path) -> None:
    path = root / "imagenet" / "train" / "n02" / "n02_1.JPEG"
    content = path.read_bytes()
    path.write_bytes(content[:-100])
    with pytest.raises(DataError, match=r"n02_1.JPEG to be a readable image"):
        read(root)
    path.write_bytes(b"")
    assert "n02_1.JPEG to be a readable image" in sentence(root)
