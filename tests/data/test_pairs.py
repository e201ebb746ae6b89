"""Data sets of image and mask files, in the layouts of their publishers, from tiny files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layouts import FEW, FEW_WRITERS
from PIL import Image

from harness import data as datasets
from harness.data import IGNORED, DataError, Item
from harness.data.pairs import PairedImages
from harness.specs import Data

FILES = {
    "kvasir_seg": ("Kvasir-SEG/images/cju3.jpg", "Kvasir-SEG/masks/cju3.jpg"),
    "oxford_iiit_pet": (
        "oxford-iiit-pet/images/Abyssinian_2.jpg",
        "oxford-iiit-pet/annotations/trimaps/Abyssinian_2.png",
    ),
    "isic2018": (
        "ISIC2018_Task1-2_Training_Input/ISIC_0000003.jpg",
        "ISIC2018_Task1_Training_GroundTruth/ISIC_0000003_segmentation.png",
    ),
    "mas3k": ("MAS3K/test/Image/MAS_Crab_1.jpg", "MAS3K/test/Mask/MAS_Crab_1.png"),
}
"""An image and its mask."""

ORIENTATION = 0x0112


def few(name: str) -> PairedImages:
    """The adapter, told that there are as many images as the tiny data set has."""
    adapter = datasets.adapter(name)
    assert isinstance(adapter, PairedImages)
    return replace(adapter, counts=FEW[name])


def read(name: str, root: Path, labels: str = "") -> list[Item]:
    return list(few(name).read(root, Data(name, labels=labels)))


@pytest.fixture(params=FEW)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(name: str, tmp_path: Path) -> Path:
    FEW_WRITERS[name](tmp_path, np.random.default_rng(0))
    return tmp_path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    FEW_WRITERS["oxford_iiit_pet"](tmp_path, np.random.default_rng(0))
    return tmp_path


@pytest.fixture
def polyps(tmp_path: Path) -> Path:
    FEW_WRITERS["kvasir_seg"](tmp_path, np.random.default_rng(0))
    return tmp_path


def sentence(name: str, root: Path) -> str:
    with pytest.raises(DataError) as raised:
        few(name).check(root)
    text = str(raised.value)
    assert text.startswith("Expected ")
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_a_published_layout_is_read_whole(name: str, root: Path) -> None:
    few(name).check(root)
    items = read(name, root)
    counts = {part: sum(item.published == part for item in items) for part in ("", "train", "test")}
    assert {part: count for part, count in counts.items() if count} == FEW[name]
    assert datasets.adapter(name).published == ("" not in FEW[name])
    assert [item.id for item in items] == sorted({item.id for item in items})
    assert len({item.subject for item in items}) == len(items)
    _, mask = (root / file for file in FILES[name])
    marked = np.asarray(Image.open(mask).convert("L"))
    marked = np.isin(marked, (1, 3)) if name == "oxford_iiit_pet" else marked > 127
    assert sum(np.array_equal(item.target, marked) for item in items) >= 1
    for item in items:
        assert item.image.shape == (24, 32, 3)
        assert set(np.unique(item.target)) == {0, 1}


def test_its_counts_are_the_published_ones() -> None:
    counts = {name: dict(datasets.adapter(name).counts) for name in FEW}  # type: ignore[attr-defined]
    assert counts == {
        "kvasir_seg": {"": 1000},
        "oxford_iiit_pet": {"train": 3680, "test": 3669},
        "isic2018": {"": 2594},
        "mas3k": {"train": 1769, "test": 1141},
    }


def test_it_may_lie_below_a_folder_of_its_name(name: str, root: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    (outer / name).symlink_to(root)
    nested = few(name).files(outer)
    assert [path.relative_to(outer / name) for path in nested] == [
        path.relative_to(root) for path in few(name).files(root)
    ]


@pytest.mark.parametrize("which", [0, 1], ids=["image", "mask"])
def test_a_missing_file_is_named(which: int, name: str, root: Path) -> None:
    (root / FILES[name][which]).unlink()
    text = sentence(name, root)
    assert f"to have the {('image', 'mask')[which]} " in text
    assert Path(FILES[name][which]).name in text


def test_a_missing_pair_and_an_empty_folder(name: str, root: Path, tmp_path: Path) -> None:
    for file in FILES[name]:
        (root / file).unlink()
    text = sentence(name, root)
    if name == "oxford_iiit_pet":  # Its lists name what is missing.
        assert "Abyssinian_2" in text
    else:
        count = FEW[name].get("test", FEW[name].get("", 0))
        assert f"{count} images of" in text or f"{count} test images of" in text
        assert f"found {count - 1} in" in text
        assert datasets.adapter(name).source in text
    (tmp_path / "empty" / name).mkdir(parents=True)
    text = sentence(name, tmp_path / "empty")
    assert "found 0" in text or "is missing" in text
    assert datasets.adapter(name).source in text


def test_a_mask_of_another_size(name: str, root: Path) -> None:
    Image.fromarray(np.ones((5, 7), np.uint8)).save(root / FILES[name][1])
    assert "24×32 pixels (height × width), but it is 5×7" in sentence(name, root)
    with pytest.raises(DataError, match="as large as its image"):
        read(name, root)


@pytest.mark.parametrize("which", [0, 1], ids=["image", "mask"])
def test_a_truncated_file_is_named(which: int, name: str, root: Path) -> None:
    path = root / FILES[name][which]
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    with pytest.raises(DataError, match=rf"^Expected {path} to be a readable image, but it is damaged .*\.$"):
        read(name, root)


def test_an_empty_mask_is_fine(name: str, root: Path) -> None:
    path = root / FILES[name][1]
    empty = np.full((24, 32), 2 if name == "oxford_iiit_pet" else 0, np.uint8)
    Image.fromarray(empty).save(path)
    items = read(name, root)
    assert len(items) == sum(FEW[name].values())
    assert [not np.any(item.target) for item in items].count(True) == 1


@pytest.mark.parametrize("turn", [5, 6, 7, 8])
def test_an_image_is_turned_where_its_mask_was_drawn_on_the_turned_one(turn: int, name: str, root: Path) -> None:
    image, mask = (root / file for file in FILES[name])
    stored = Image.open(image).convert("RGB")
    plain = next(item for item in read(name, root) if np.array_equal(item.image, np.asarray(stored)))
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    stored.save(image, exif=exif, quality=100, subsampling=0)
    stored = Image.open(image).convert("RGB")
    kept = next(item for item in read(name, root) if item.id == plain.id)
    np.testing.assert_array_equal(kept.image, np.asarray(stored))  # The mask is as large as what is stored.
    np.testing.assert_array_equal(kept.target, plain.target)
    turned = {5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1)}
    shown = turned.get(turn, np.rot90)
    Image.fromarray(np.ascontiguousarray(shown(np.asarray(Image.open(mask).convert("L"))))).save(mask)
    few(name).check(root)
    item = next(item for item in read(name, root) if item.id == plain.id)
    np.testing.assert_array_equal(item.image, shown(np.asarray(stored)))
    np.testing.assert_array_equal(item.target, shown(plain.target))


def test_a_trimaps_border_is_pet_ignored_or_background(pets: Path) -> None:
    stored = np.asarray(Image.open(pets / FILES["oxford_iiit_pet"][1]))
    for labels, border in (
        ("", 1), ("border-as-pet", 1), ("border-ignored", IGNORED), ("border-as-background", 0)
    ):  # fmt: skip
        item = next(item for item in read("oxford_iiit_pet", pets, labels) if item.id == "Abyssinian_2")
        np.testing.assert_array_equal(item.target, np.choose(stored - 1, [1, 0, border]))


def test_pets_that_no_list_names_are_left_out_and_the_lists_are_content(pets: Path) -> None:
    files = few("oxford_iiit_pet").files(pets)
    assert {path.name for path in files if path.suffix == ".txt"} == {"trainval.txt", "test.txt"}
    assert not [path for path in files if "_4" in path.name or path.name.startswith("._")]
    published = {item.id: item.published for item in read("oxford_iiit_pet", pets)}
    assert published["Abyssinian_2"] == "train"
    assert published["american_bulldog_3"] == "test"


@pytest.mark.parametrize("file", ["trainval.txt", "test.txt"])
def test_a_missing_or_short_list_of_pets(file: str, pets: Path) -> None:
    path = pets / "oxford-iiit-pet" / "annotations" / file
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join(others))
    assert f"found {len(others)} in" in sentence("oxford_iiit_pet", pets)
    path.write_text("\n".join([first, *others, first]))
    assert f"names {first.split()[0]} twice or" in sentence("oxford_iiit_pet", pets)
    path.unlink()
    assert f"{path}, but it is missing" in sentence("oxford_iiit_pet", pets)


def test_a_number_that_no_trimap_has(pets: Path) -> None:
    path = pets / FILES["oxford_iiit_pet"][1]
    Image.fromarray(np.full((24, 32), 7, np.uint8)).save(path)
    with pytest.raises(DataError, match=rf"^Expected the mask {path} to hold the numbers 1 to 3 .* but got 7; ex"):
        read("oxford_iiit_pet", pets)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "CMYK"])
def test_pets_that_are_no_rgb_jpeg_are_read(kind: str, pets: Path) -> None:
    path = pets / FILES["oxford_iiit_pet"][0]
    shown = np.full((24, 32, 3), (255, 0, 0), np.uint8)
    shown[:, 16:] = (0, 0, 255)
    image = Image.fromarray(shown)
    if kind == "CMYK":
        image.convert("CMYK").save(path, "JPEG", quality=100)
    else:
        image.save(path, kind)
    item = next(item for item in read("oxford_iiit_pet", pets) if item.id == "Abyssinian_2")
    assert np.abs(item.image.astype(int) - shown).max() <= 4


def test_near_duplicates_are_one_subject(polyps: Path) -> None:
    base = polyps / "Kvasir-SEG" / "images"
    scene = Image.fromarray(np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8))
    for number, quality, size in ((1, 95, (32, 24)), (3, 60, (32, 24)), (4, 90, (64, 48))):
        scene.resize(size, Image.Resampling.BICUBIC).save(base / f"cju{number}.jpg", quality=quality)
    Image.fromarray(np.kron(np.eye(3, 4), np.ones((16, 16))).astype(np.uint8) * 255).save(
        polyps / "Kvasir-SEG" / "masks" / "cju4.jpg"
    )
    subjects = {item.id: item.subject for item in read("kvasir_seg", polyps)}
    assert subjects == {**{f"cju{n}": f"cju{n}" for n in (0, 1, 2, 5)}, "cju3": "cju1", "cju4": "cju1"}
    # What packing takes: it once knew nothing of them, so that folds of the real images separated two pairs.
    deferred = [decode() for decode in few("kvasir_seg").deferred(polyps, Data("kvasir_seg"))]
    assert {item.id: item.subject for item in deferred} == subjects


def test_images_of_one_shade_are_no_duplicates(polyps: Path) -> None:
    for number in (1, 3):
        Image.new("RGB", (32, 24), "black").save(polyps / "Kvasir-SEG" / "images" / f"cju{number}.jpg")
    assert len({item.subject for item in read("kvasir_seg", polyps)}) == 6
