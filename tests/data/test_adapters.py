"""Reading each published layout, from tiny files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from harness import data as datasets
from harness.data import IGNORED, DataError, Item
from harness.data.sets import cityscapes
from harness.specs import Data, Split

COUNTS = {
    "dme": (20, 0, 10),
    "drive": (40, 20, 40),
    "chase_db1": (28, 20, 14),
    "stare": (20, 10, 20),
    "hrf": (45, 15, 45),
    "camvid": (468, 367, 3),
    "dr_rahim": (588, 0, 294),
}
"""Images, those to train with, and subjects."""


def read(name: str, root: Path, labels: str = "") -> list[Item]:
    return list(datasets.adapter(name).read(root, Data(name, labels=labels)))


@pytest.mark.parametrize("name", COUNTS)
def test_a_published_layout_is_read_whole(name: str, published: Path) -> None:
    adapter = datasets.adapter(name)
    adapter.check(published)
    items = read(name, published)
    images, training, subjects = COUNTS[name]
    assert len(items) == images
    assert sum(item.published == "train" for item in items) == training
    assert len({item.subject for item in items}) == subjects
    assert [item.id for item in items] == sorted({item.id for item in items})
    for item in items:
        target = np.asarray(item.target, np.uint8)
        assert item.image.dtype == np.uint8
        assert target.shape == (item.image.shape[:2] if adapter.task == "segmentation" else ())
        assert item.image.ndim == (2 if name == "dme" else 3)
        assert set(np.unique(target)) <= {*range(len(adapter.classes)), IGNORED}
    assert any((np.asarray(item.target) == 1).any() for item in items)


@pytest.mark.parametrize("name", [name for name in COUNTS if name != "dr_rahim"])  # Its folder has its name.
def test_its_folder_may_lie_below_one_of_its_name(name: str, published: Path, tmp_path: Path) -> None:
    folder = datasets.adapter(name).files(published)[0].relative_to(published).parts[0]
    (tmp_path / name).symlink_to(published)
    nested = datasets.adapter(name).files(tmp_path)
    assert nested[0].relative_to(tmp_path).parts[:2] == (name, folder)
    assert len(nested) == len(datasets.adapter(name).files(published))


@pytest.mark.parametrize("name", ["drive", "chase_db1", "stare", "hrf"])
def test_a_vessel_is_what_is_bright_in_the_first_observers_mask(name: str, published: Path) -> None:
    files = {path.name.removesuffix(".gz"): path for path in datasets.adapter(name).files(published)}
    first = {"drive": "01_manual1.gif", "chase_db1": "Image_01L_1stHO.png"}
    mask_name = first.get(name) or {"stare": "im0001.ah.ppm", "hrf": "01_dr.tif"}[name]
    stored = np.asarray(Image.open(files[mask_name]).convert("L"))
    np.testing.assert_array_equal(read(name, published)[0].target, stored >= 128)
    assert not any("2ndHO" in path or ".vk." in path for path in files)


def test_mmsegmentations_splits(published: Path) -> None:
    def training(name: str) -> set[str]:
        return {item.id for item in read(name, published) if item.published == "train"}

    assert training("drive") == {str(number) for number in range(21, 41)}
    assert training("chase_db1") == {f"Image_{number:02d}{eye}" for number in range(1, 11) for eye in "LR"}
    assert training("stare") == {f"im{number:04d}" for number in range(1, 11)}
    assert training("hrf") == {f"{number:02d}_{group}" for number in range(1, 6) for group in ("h", "g", "dr")}


def test_dme_labels_are_either_expert_or_their_union(published: Path) -> None:
    one, two, union, default = (read("dme", published, labels) for labels in ("expert1", "expert2", "union", ""))
    stored = scipy.io.loadmat(published / "2015_BOE_Chiu" / "Subject_01.mat")
    np.testing.assert_array_equal(one[0].target, stored["manualFluid1"][:, :, 2] > 0)
    np.testing.assert_array_equal(two[0].target, stored["manualFluid2"][:, :, 2] > 0)
    np.testing.assert_array_equal(one[0].image, stored["images"][:, :, 2])
    for first, second, either, item in zip(one, two, union, default, strict=True):
        np.testing.assert_array_equal(either.target, first.target | second.target)
        np.testing.assert_array_equal(either.target, item.target)
    assert any((first.target != second.target).any() for first, second in zip(one, two, strict=True))
    assert [item.id for item in one[:3]] == ["Subject_01_03", "Subject_01_05", "Subject_02_03"]


def test_what_nobody_annotated_within_a_dme_frame_is_ignored(copied: Callable[[str], Path]) -> None:
    root = copied("2015_BOE_Chiu")
    path = root / "2015_BOE_Chiu" / "Subject_01.mat"
    content = {key: value for key, value in scipy.io.loadmat(path).items() if not key.startswith("__")}
    content["manualFluid1"][:3, :, 2] = np.nan
    content["manualFluid2"][0, :, 2] = np.nan
    content["manualFluid2"][1, :, 2] = 1
    scipy.io.savemat(path, content)
    mask = read("dme", root)[0].target
    assert (mask[0] == IGNORED).all()
    assert (mask[1] == 1).all()
    assert not (mask[1:] == IGNORED).any()


def test_camvid_void_is_ignored(published: Path) -> None:
    item = read("camvid", published)[0]
    stored = np.asarray(Image.open(published / "CamVid" / "trainannot" / f"{item.id}.png"))
    np.testing.assert_array_equal(item.target, np.where(stored == 11, IGNORED, stored))


def test_cityscapes_label_ids_become_the_19_evaluated_classes(published: Path) -> None:
    adapter = replace(cityscapes.ADAPTER, counts={"train": 4, "test": 2})
    adapter.check(published)
    items = list(adapter.read(published, Data("cityscapes")))
    assert [item.published for item in items] == ["train"] * 4 + ["test"] * 2
    assert {item.subject for item in items} == {"aachen", "lindau"}
    path = published / "gtFine" / "train" / "aachen" / f"{items[0].id}_gtFine_labelIds.png"
    stored = np.asarray(Image.open(path))
    for label, name in ((7, "road"), (26, "car"), (33, "bicycle")):
        assert (items[0].target[stored == label] == adapter.classes.index(name)).all()
    assert (items[0].target[np.isin(stored, (0, 3, 9, 29))] == IGNORED).all()


def test_cityscapes_classes_are_mmsegmentations() -> None:
    source = pytest.importorskip("importlib.util").find_spec("mmseg")
    if source is None:
        pytest.skip("mmsegmentation is not installed")
    text = (Path(source.submodule_search_locations[0]) / "datasets" / "cityscapes.py").read_text()
    start = text.index("classes=(")
    names = eval(text[start + len("classes=") : text.index(")", start) + 1])
    assert cityscapes.ADAPTER.classes == names


def test_grades_are_the_words_of_the_class_folders(copied: Callable[[str], Path]) -> None:
    root = copied("dr_rahim")
    items = {item.id: item for item in read("dr_rahim", root)}
    assert items["Patient254_R"].subject == "Patient254"
    assert [items[f"Patient{n:03d}_L"].target for n in (1, 139, 175, 188, 230, 271, 281, 287, 290)] == [
        0, 1, 1, 2, 2, 3, 3, 4, 4
    ]  # fmt: skip
    assert not [name for name in items if name[7:10] in ("295", "298", "299", "300")]
    (root / "dr_rahim" / "7 - Severe DR with maculopathy").rename(root / "dr_rahim" / "7 - Worse")
    with pytest.raises(DataError, match=r"name one of the classes No, Mild, .*, ADED, but got '7 - Worse'"):
        datasets.check(Data("dr_rahim", split=Split("subject")), root)


def test_a_patient_without_one_eye(copied: Callable[[str], Path]) -> None:
    root = copied("dr_rahim")
    (root / "dr_rahim" / "1 - No DR" / "Patient007_R.jpg").unlink()
    with pytest.raises(DataError, match=r"both eyes of 298 patients of .* but Patient007_R is missing in"):
        datasets.adapter("dr_rahim").check(root)
