"""Graded fundus photographs: which images, grades and companions each published layout gives, and what is refused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pytest
from PIL import Image

from harness import data as datasets
from harness.data import DataError, Item, fingerprints, registry
from harness.data.sets import aptos2019, deepdrid, dr_rahim
from harness.specs import CircularCrop, Data, Resize, Split

DEEPDRID = replace(deepdrid.ADAPTER, patients=layouts.DEEPDRID)
APTOS = replace(aptos2019.ADAPTER, images=layouts.APTOS2019)
TINY: dict[str, Any] = {"deepdrid": DEEPDRID, "aptos2019": APTOS}
TRAINING = "regular_fundus_images/regular-fundus-training"
CHALLENGE = "regular_fundus_images/Online-Challenge1&2-Evaluation"
TABLES = {"deepdrid": f"{TRAINING}/regular-fundus-training.csv", "aptos2019": "aptos2019-blindness-detection/train.csv"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root with a tiny DeepDRiD and a tiny APTOS 2019."""
    for write in (layouts.deepdrid, layouts.aptos2019):
        write(tmp_path / "root", np.random.default_rng(0))
    return tmp_path / "root"


def read(name: str, root: Path) -> dict[str, Item]:
    return {item.id: item for item in TINY[name].read(root, Data(name, split=Split("subject")))}


def sentence(name: str, root: Path) -> str:
    with pytest.raises(DataError) as raised:
        TINY[name].check(root)
    text = str(raised.value)
    assert text.startswith("Expected ")
    assert text.endswith(".")
    assert " but " in text
    assert "\n" not in text
    return text


def edit(path: Path, change: Callable[[list[list[str]]], object]) -> None:
    """Changes the rows of a table in place."""
    table = list(csv.reader(path.open(newline="")))
    change(table)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(table)


def test_deepdrid_is_four_photographs_of_each_patient(root: Path) -> None:
    DEEPDRID.check(root)
    items = read("deepdrid", root)
    assert len(items) == 4 * 8 == DEEPDRID.images
    assert list(items) == sorted(items)
    assert deepdrid.ADAPTER.images == 1984
    assert {item.subject for item in items.values()} == {str(patient) for patient in range(10, 18)}
    parts = {item.subject: item.published for item in items.values()}
    assert [parts[str(patient)] for patient in range(10, 18)] == ["train"] * 6 + ["test"] * 2


def test_companions_of_deepdrid_are_the_other_eye_and_the_other_view(root: Path) -> None:
    items = read("deepdrid", root)
    assert items["10_l1"].companions == {"other-eye": "10_r1", "same-eye": "10_l2"}
    assert items["10_r2"].companions == {"other-eye": "10_l2", "same-eye": "10_r1"}
    for name in DEEPDRID.companions:
        for item in items.values():
            other = items[item.companions[name]]
            assert other.companions[name] == item.id
            assert (other.subject, other.published) == (item.subject, item.published)
        assert (name == "same-eye") == all(
            item.target == items[item.companions[name]].target for item in items.values()
        )


def test_a_grade_of_deepdrid_is_its_own_eyes(root: Path) -> None:
    items = read("deepdrid", root)
    with (root / TABLES["deepdrid"]).open(newline="") as file:
        for row in csv.DictReader(file):
            if row["patient_id"] != "56":
                column = "left_eye_DR_Level" if "_l" in row["image_id"] else "right_eye_DR_Level"
                assert items[row["image_id"]].target == int(row[column])
    assert {item.target for item in items.values()} != {4}  # the patient's grade


def test_where_deepdrid_may_lie(root: Path, tmp_path: Path) -> None:
    for number, place in enumerate(("DeepDRiD", "deepdrid")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / place).symlink_to(root)
        assert len(DEEPDRID.files(tmp_path / str(number))) == 32 + 3


def test_aptos_is_the_labelled_images(root: Path) -> None:
    APTOS.check(root)
    items = read("aptos2019", root)
    with (root / TABLES["aptos2019"]).open(newline="") as file:
        assert {row["id_code"]: int(row["diagnosis"]) for row in csv.DictReader(file)} == {
            id: item.target for id, item in items.items()
        }
    assert all((item.subject, item.published, dict(item.companions)) == (id, "", {}) for id, item in items.items())


def test_a_copy_of_aptos_in_three_parts_is_read_whole(root: Path) -> None:
    """Its tables end in blank rows."""
    whole = read("aptos2019", root)
    base = root / "aptos2019-blindness-detection"
    names = (("train_1.csv", "train_images"), ("valid.csv", "val_images"), ("test.csv", "test_images"))
    entries = [f"{id},{item.target}" for id, item in whole.items()]
    (base / "test_images" / "0005cfc8afb6.png").unlink()
    for number, (table, folder) in enumerate(names):
        part = entries[number::3]
        (base / table).write_text("\n".join(["id_code,diagnosis", *part, ",", ""]))
        for entry in part:
            file = f"{entry.partition(',')[0]}.png"
            (base / folder / folder).mkdir(parents=True, exist_ok=True)
            (base / "train_images" / file).rename(base / folder / folder / file)
    (base / "train.csv").unlink()
    again = read("aptos2019", root)
    assert list(again) == list(whole)
    assert all(again[id].target == item.target for id, item in whole.items())
    (base / "valid.csv").unlink()
    assert "neither train.csv nor all of train_1.csv, valid.csv and test.csv are in" in sentence("aptos2019", root)


def test_packs_hold_companions(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "adapter", lambda name: TINY[name])
    monkeypatch.setattr(fingerprints, "adapter", registry.adapter)
    data = Data("deepdrid", resize=Resize((8, 8)), companion="same-eye", evidence="real")
    packed = datasets.pack(data, root, tmp_path / "cache")
    again = datasets.pack(replace(data, companion="", share=(0.0, 0.5), subset=4), root, tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "packed").glob("*.lock"))) == 1  # neither is part of a pack's key
    for each in (packed, again):
        assert each.ids[:2] == ("10_l1", "10_l2")
        assert each.companion_of("same-eye")[:4].tolist() == [1, 0, 3, 2]
        assert each.companion_of("other-eye")[:4].tolist() == [2, 3, 0, 1]
    parts = datasets.split(packed, data, 0)
    assert (len(parts.train), len(parts.test)) == (24, 8)


def test_the_preparation_of_a_pack_names_the_image(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "adapter", lambda name: TINY[name])
    monkeypatch.setattr(fingerprints, "adapter", registry.adapter)
    dim = np.full((12, 16, 3), 60, np.uint8)
    Image.fromarray(dim).save(root / TRAINING / "Images" / "12" / "12_r1.jpg", quality=95)
    data = Data("deepdrid", resize=Resize((8, 8)), prepare=(CircularCrop(threshold=99),), evidence="real")
    with pytest.raises(DataError, match=r"^Expected DeepDRiD's 12_r1 to .* brighter than 99; .*\.$"):
        datasets.pack(data, root, tmp_path / "cache")


def test_companions_are_those_that_the_data_set_has() -> None:
    assert datasets.companions("deepdrid") == ("other-eye", "same-eye")
    assert datasets.companions("dr_rahim") == ("other-eye",)
    assert datasets.companions("aptos2019") == datasets.companions("dme") == ()
    datasets.check_spec(Data("dr_rahim", split=Split("subject"), companion="other-eye"))
    with pytest.raises(ValueError, match="`companion` of DR Rahim to be one of '', 'other-eye', but got 'same-eye'"):
        datasets.check_spec(Data("dr_rahim", split=Split("subject"), companion="same-eye"))
    with pytest.raises(ValueError, match="`companion` of DME to be one of '', but got 'other-eye'"):
        datasets.check_spec(Data("dme", split=Split("subject"), companion="other-eye"))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("grade", ["5", "-1", "1.5", "mild", "", "nan", "inf"])
def test_a_grade_outside_the_scale(name: str, grade: str, root: Path) -> None:
    def spoil(table: list[list[str]]) -> None:
        table[2][4 if name == "deepdrid" else 1] = grade

    edit(root / TABLES[name], spoil)
    assert f"a whole number from 0 to 4, but got {grade or 'nothing'}" in sentence(name, root)


def test_grades_that_a_spreadsheet_program_wrote(root: Path) -> None:
    before = read("deepdrid", root)
    edit(
        root / CHALLENGE / "Challenge1_labels.csv",
        lambda table: [row.__setitem__(1, row[1] + ".0") for row in table[1:]],
    )
    after = read("deepdrid", root)
    assert all(after[id].target == item.target for id, item in before.items())


@pytest.mark.parametrize("name", TABLES)
def test_a_table_names_an_image_twice(name: str, root: Path) -> None:
    edit(root / TABLES[name], lambda table: table.append(table[1]))
    assert "to name each image once, but" in sentence(name, root)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_none(name: str, root: Path) -> None:
    table = root / TABLES[name]
    column = "left_eye_DR_Level" if name == "deepdrid" else "diagnosis"
    text = table.read_text()
    table.write_text(text.replace(column, "level"))
    assert f"to have the column {column}, but got " in sentence(name, root)
    table.write_text("")
    assert "but got no line" in sentence(name, root)
    for content in (b"PK\3\4\xff\xfe\0", text.encode("utf-16")):
        table.write_bytes(content)
        assert "a readable table of grades" in sentence(name, root)
    table.unlink()
    assert "is missing" in sentence(name, root) or "neither train.csv" in sentence(name, root)


def test_the_challenges_spreadsheet_is_to_be_saved_as_csv(root: Path) -> None:
    table = root / CHALLENGE / "Challenge1_labels.csv"
    table.unlink()
    assert "Challenge1_labels.csv is missing; get it" in sentence("deepdrid", root)
    table.with_suffix(".xlsx").write_bytes(b"PK")
    assert "only the spreadsheet is there, as it is published; save it as CSV" in sentence("deepdrid", root)


@pytest.mark.parametrize("name", TABLES)
def test_images_and_table_name_one_another(name: str, root: Path) -> None:
    folder = root / TABLES[name].rpartition("/")[0]
    image = next(folder.rglob("*.jpg" if name == "deepdrid" else "train_images/*.png"))
    kept = image.read_bytes()
    image.unlink()
    assert f"but {image.name} of {Path(TABLES[name]).name} is not in" in sentence(name, root)
    image.write_bytes(kept)
    TINY[name].check(root)
    image.with_name(f"._{image.name}").write_bytes(b"\0\5\x16\7")  # what macOS adds
    TINY[name].check(root)
    image.with_name(f"99_l1{image.suffix}").write_bytes(kept)
    assert f"but 99_l1{image.suffix} of" in sentence(name, root)


def test_a_patient_without_an_eye(root: Path) -> None:
    def without(table: list[list[str]]) -> None:
        table[:] = [row for row in table if row[1] not in ("11_r1", "11_r2")]

    for id in ("11_r1", "11_r2"):
        (root / TRAINING / "Images" / "11" / f"{id}.jpg").unlink()
    edit(root / TABLES["deepdrid"], without)
    assert "two photographs of each eye of DeepDRiD's patient 11, but 11_r1, 11_r2 are not in" in sentence(
        "deepdrid", root
    )


def test_names_that_no_photograph_has(root: Path) -> None:
    edit(root / TABLES["deepdrid"], lambda table: table[1].__setitem__(1, "10_l7"))
    (root / TRAINING / "Images" / "10" / "10_l1.jpg").rename(root / TRAINING / "Images" / "10" / "10_l7.jpg")
    assert "as 265_l1, 265_l2, 265_r1 and 265_r2, but got 10_l7" in sentence("deepdrid", root)


def test_fewer_images_than_published(root: Path) -> None:
    with pytest.raises(DataError, match=r"Expected 296 patients of DeepDRiD in .*, but found 4"):
        deepdrid.ADAPTER.check(root)
    with pytest.raises(DataError, match=r"Expected 3662 images of APTOS 2019 as .*, but found 7"):
        aptos2019.ADAPTER.check(root)


@pytest.mark.parametrize("name", TABLES)
def test_a_photograph_that_is_all_black_or_damaged(name: str, root: Path) -> None:
    image = next(path for path in TINY[name].files(root) if path.suffix in (".jpg", ".png"))
    Image.fromarray(np.full((12, 16, 3), 4, np.uint8)).save(image)
    with pytest.raises(DataError, match=rf"^Expected .*{image.name} to show a retina, but all of it is black; .*\.$"):
        read(name, root)
    image.write_bytes(b"JFIF")
    assert image.name in sentence(name, root)


def test_a_rahim_patient_with_one_eye_left_out_is_left_out(copied: Callable[[str], Path]) -> None:
    root = copied("dr_rahim")
    before = {item.id: item for item in dr_rahim.ADAPTER.read(root, Data("dr_rahim", split=Split("subject")))}
    assert len(before) == dr_rahim.ADAPTER.images == 588
    eye = root / "dr_rahim" / "8 - PDR without maculopathy" / "Patient288_R.jpg"
    eye.rename(root / "dr_rahim" / "10 - ADED" / eye.name)
    after = {item.id: item for item in dr_rahim.ADAPTER.read(root, Data("dr_rahim", split=Split("subject")))}
    assert before.keys() - after.keys() == {"Patient288_L", "Patient288_R"}
    for id, item in after.items():
        other = after[item.companions["other-eye"]]
        assert other.companions["other-eye"] == id != other.id
        assert other.subject == item.subject
