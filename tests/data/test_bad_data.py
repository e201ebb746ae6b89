"""A data root that cannot be used is an error of one sentence, before anything is decoded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from harness import data as datasets
from harness.data import DataError
from harness.specs import Data, Split

FOLDERS = {
    "dme": "2015_BOE_Chiu",
    "drive": "DRIVE",
    "chase_db1": "CHASEDB1",
    "stare": "STARE",
    "hrf": "HRF",
    "camvid": "CamVid",
    "dr_rahim": "dr_rahim",
}
MASKS = {
    "drive": "training/1st_manual/21_manual1.gif",
    "chase_db1": "Image_03R_1stHO.png",
    "stare": "labels-ah/im0002.ah.ppm.gz",
    "hrf": "manual1/04_dr.tif",
    "camvid": "valannot/0001TP_000369.png",
}
IMAGES = {
    "drive": "test/images/07_test.tif",
    "chase_db1": "Image_03R.jpg",
    "stare": "stare-images/im0002.ppm.gz",
    "hrf": "images/04_dr.JPG",
    "camvid": "val/0001TP_000369.png",
}


def sentence(name: str, root: Path | None) -> str:
    """The error that checking the data set ends in: one sentence that says what was expected."""
    with pytest.raises(DataError) as raised:
        datasets.check(Data(name, split=Split("random")), root)
    text = str(raised.value)
    assert text.startswith("Expected ")
    assert text.endswith(".")
    assert "\n" not in text
    assert " but " in text
    assert "extract" in text or "get " in text or "give " in text
    return text


def test_no_root_and_a_missing_root(tmp_path: Path) -> None:
    assert "none was given" in sentence("dme", None)
    assert f"{tmp_path / 'nowhere'} is none" in sentence("dme", tmp_path / "nowhere")


PUBLISHED = [name for name in datasets.names() if datasets.adapter(name).source != "generated"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_absent_data_set(name: str, tmp_path: Path) -> None:
    text = sentence(name, tmp_path)
    assert datasets.adapter(name).title in text
    assert datasets.adapter(name).source in text
    assert datasets.adapter(name).layout in text


def test_a_half_extracted_dme(copied: Callable[[str], Path]) -> None:
    root = copied("2015_BOE_Chiu")
    for number in (3, 10):
        (root / "2015_BOE_Chiu" / f"Subject_{number:02d}.mat").unlink()
    assert "Subject_03.mat, Subject_10.mat are missing" in sentence("dme", root)


@pytest.mark.parametrize("name", MASKS)
def test_half_extracted_images(name: str, copied: Callable[[str], Path]) -> None:
    root = copied(FOLDERS[name])
    (root / FOLDERS[name] / MASKS[name]).unlink()
    (root / FOLDERS[name] / IMAGES[name]).unlink()
    if name == "drive":  # Its two are of different images: take the whole pairs.
        (root / "DRIVE" / "training" / "images" / "21_training.tif").unlink()
        (root / "DRIVE" / "test" / "1st_manual" / "07_manual1.gif").unlink()
    assert "images of" in sentence(name, root)


@pytest.mark.parametrize("name", FOLDERS)
def test_an_empty_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / FOLDERS[name]).mkdir()
    text = sentence(name, tmp_path)
    assert "found 0" in text or "missing" in text


@pytest.mark.parametrize("name", MASKS)
def test_an_image_without_its_mask_and_a_mask_without_its_image(name: str, copied: Callable[[str], Path]) -> None:
    root = copied(FOLDERS[name])
    for missing, kind in ((MASKS[name], "mask"), (IMAGES[name], "image")):
        path = root / FOLDERS[name] / missing
        kept = path.read_bytes()
        path.unlink()
        text = sentence(name, root)
        assert f"to have the {kind} " in text
        assert path.name.partition(".")[0] in text
        path.write_bytes(kept)
    datasets.check(Data(name), root)


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_of_another_size(name: str, copied: Callable[[str], Path]) -> None:
    root = copied(FOLDERS[name])
    path = root / FOLDERS[name] / MASKS[name]
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(path, "PPM" if name == "stare" else None)
    if name == "stare":
        path.rename(path.with_suffix(""))
    text = sentence(name, root)
    assert "12×16 pixels" in text
    assert "it is 5×7" in text
    with pytest.raises(DataError, match="as large as its image"):
        list(datasets.adapter(name).read(root, Data(name)))


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_file_that_is_none(name: str, copied: Callable[[str], Path]) -> None:
    root = copied(FOLDERS[name])
    path = root / FOLDERS[name] / IMAGES[name]
    path.write_bytes(path.read_bytes()[:7])
    text = sentence(name, root)
    assert str(path) in text
    assert "damaged" in text


def test_an_image_that_ends_early_is_found_when_it_is_decoded(copied: Callable[[str], Path], tmp_path: Path) -> None:
    root = copied("CamVid")
    path = root / "CamVid" / IMAGES["camvid"]
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DataError, match="damaged"):
        datasets.pack(Data("camvid", evidence="real"), root, tmp_path / "cache")


@pytest.mark.parametrize("number", [3, 4], ids=["uncompressed", "compressed"])
@pytest.mark.parametrize("left", [1.0, 0.99, 0.5, 0.01, 0.0])
def test_a_truncated_mat(number: int, left: float, copied: Callable[[str], Path]) -> None:
    root = copied("2015_BOE_Chiu")
    path = root / "2015_BOE_Chiu" / f"Subject_{number:02d}.mat"
    content = path.read_bytes()
    path.write_bytes(content[: int(left * len(content)) - (left == 1.0)])
    text = sentence("dme", root)
    assert str(path) in text
    assert "cut short or damaged" in text
    with pytest.raises(DataError, match=r"cut short or damaged|to hold the variables"):
        list(datasets.adapter("dme").read(root, Data("dme")))


def test_a_mat_cut_between_variables_or_with_masks_of_another_size(copied: Callable[[str], Path]) -> None:
    root = copied("2015_BOE_Chiu")
    path = root / "2015_BOE_Chiu" / "Subject_05.mat"
    content = {key: value for key, value in scipy.io.loadmat(path).items() if not key.startswith("__")}
    scipy.io.savemat(path, {key: content[key] for key in ("images", "manualFluid1")})
    assert "manualFluid2 is missing" in sentence("dme", root)
    scipy.io.savemat(path, {**content, "manualFluid1": content["manualFluid1"][:-1]})
    assert "images, 12×16×6, but it is 11×16×6" in sentence("dme", root)


def test_a_mat_whose_bytes_are_damaged_is_found_when_it_is_decoded(copied: Callable[[str], Path]) -> None:
    root = copied("2015_BOE_Chiu")
    path = root / "2015_BOE_Chiu" / "Subject_04.mat"
    content = bytearray(path.read_bytes())
    content[400:420] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(DataError, match="Subject_04"):
        list(datasets.adapter("dme").read(root, Data("dme")))
