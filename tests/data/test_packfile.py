"""The packed form on the disk: damaged ones are noticed, large ones stream."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import data as datasets
from harness.data import IGNORED, Item, Packed, packfile
from harness.data.cache import keep, recall
from harness.specs import Data, Split

DRIVE = datasets.adapter("drive")
FILES = ("images.npy", "targets.npy", "manifest.json")


def drawings(count: int = 12) -> Iterator[Item]:
    rng = np.random.default_rng(0)
    for index in range(count):
        mask = rng.choice(np.array([0, 1, IGNORED], np.uint8), (8, 12))
        yield Item(rng.integers(0, 256, (8, 12, 3), dtype=np.uint8), mask, f"{index:02d}", f"s{index // 2}", "train")


def same(one: Packed, two: Packed) -> bool:
    texts = [(some.ids, some.subjects, some.published, some.classes) for some in (one, two)]
    arrays = ((one.images, two.images), (one.targets, two.targets))
    return texts[0] == texts[1] and all(np.array_equal(*pair) for pair in arrays)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    packfile.write(tmp_path / "pack", "key", drawings(), DRIVE)
    packfile._verified.clear()
    return tmp_path / "pack"


def test_what_is_written_is_what_numpy_would_save(place: Path) -> None:
    packed = packfile.read(place, "key", DRIVE)
    assert packed is not None
    items = list(drawings())
    np.testing.assert_array_equal(packed.images, np.stack([item.image for item in items]))
    np.testing.assert_array_equal(packed.targets, np.stack([np.asarray(item.target) for item in items]))
    assert packed.subjects == tuple(item.subject for item in items)
    assert same(packed, packfile.gather(drawings(), DRIVE))
    assert isinstance(packed.images, np.memmap)
    assert not packed.images.flags.writeable
    assert (packed.foreground, packed.task) == ("vessel", "segmentation")


@pytest.mark.parametrize("count", [1, 9, 10, 11, 100, 1001])
def test_any_number_of_items_fits_its_header(count: int, tmp_path: Path) -> None:
    one = Item(np.full((1, 2, 1), 7, np.uint8), 1, "a", "s")
    graded = (Item(one.image, index % 5, str(index), "s") for index in range(count))
    packed = packfile.write(tmp_path / "pack", "key", graded, datasets.adapter("dr_rahim"))
    assert packed.images.shape == (count, 1, 2, 1)
    assert (packed.images == 7).all()
    assert packed.targets.tolist() == [index % 5 for index in range(count)]


def test_no_flipped_bit_is_used(place: Path) -> None:
    """60 random flips, 20 in each file; 7 of 60 were used before packs had manifests."""
    whole = packfile.read(place, "key", DRIVE)
    assert whole is not None
    expected = packfile.gather(drawings(), DRIVE)
    rng = np.random.default_rng(1)
    refused = 0
    for name in FILES * 20:
        path = place / name
        content = bytearray(path.read_bytes())
        at = int(rng.integers(len(content)))
        content[at] ^= 1 << int(rng.integers(8))
        kept = path.read_bytes()
        path.write_bytes(content)
        packfile._verified.clear()
        read = packfile.read(place, "key", DRIVE)
        assert read is None or same(read, expected), f"byte {at} of {name}"
        refused += read is None
        path.write_bytes(kept)
    assert refused >= 55  # A flip may turn one space between JSON's words into another.
    assert packfile.read(place, "key", DRIVE) is not None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("left", [0, 0.5, -1, None])
def test_a_file_cut_short_or_absent_is_not_used(place: Path, name: str, left: float | None) -> None:
    path = place / name
    content = path.read_bytes()
    if left is None:
        path.unlink()
    else:
        path.write_bytes(content[: -1 if left == -1 else int(left * len(content))])
    assert packfile.read(place, "key", DRIVE) is None


def test_another_pack_in_its_place_is_not_used(place: Path, tmp_path: Path) -> None:
    packfile.write(tmp_path / "other", "other key", drawings(), DRIVE)
    shutil.rmtree(place)
    (tmp_path / "other").rename(place)
    assert packfile.read(place, "key", DRIVE) is None
    assert packfile.read(place, "other key", DRIVE) is not None


def test_classes_beyond_the_adapters_are_not_used(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(DRIVE), "classes", ("background",))
    assert packfile.read(place, "key", DRIVE) is None


def test_content_is_compared_once_in_a_process(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    real = packfile._sha256
    monkeypatch.setattr(packfile, "_sha256", lambda path: hashed.append(path.name) or real(path))
    for _ in range(3):
        assert packfile.read(place, "key", DRIVE) is not None
    assert hashed == ["images.npy", "targets.npy"]


def test_nothing_is_left_of_a_pack_that_fails(tmp_path: Path) -> None:
    def failing() -> Iterator[Item]:
        yield from drawings(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packfile.write(tmp_path / "pack", "key", failing(), DRIVE)
    assert not list(tmp_path.iterdir())


def test_packing_holds_one_image_at_a_time(tmp_path: Path, add_set: Callable[..., Any]) -> None:
    """240 images of 0.36 MB: stacked they took 2 × 86 MB."""
    image, mask = np.zeros((300, 400, 3), np.uint8), np.zeros((300, 400), np.uint8)
    mask[:9] = 1

    class Many:
        def __iter__(self) -> Iterator[Item]:
            return (Item(image + np.uint8(index), mask.copy(), f"{index:03d}", "s") for index in range(240))

    add_set(items=Many(), size=(300, 400))
    data = Data("toy", split=Split("random"), evidence="real")
    tracemalloc.start()
    try:
        packed = datasets.pack(data, tmp_path, tmp_path / "cache")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert packed.images.shape == (240, 300, 400, 3)
    assert packed.images[239, 0, 0, 0] == 239
    assert peak < 6e6


def test_small_files_bear_their_digest(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "some.json"
    assert recall(path) is None
    keep(path, {"a": [1, "é"]})
    assert recall(path) == {"a": [1, "é"]}
    assert [entry.name for entry in path.parent.iterdir()] == ["some.json"]
    for text in ("", "[]", "{", '{"content": 1}', path.read_text().replace("[1", "[2")):
        path.write_text(text)
        assert recall(path) is None


def test_companions_are_kept_and_packs_without_any_stay_as_they_were(tmp_path: Path) -> None:
    rahim = datasets.adapter("dr_rahim")
    one = Item(np.full((1, 2, 1), 7, np.uint8), 1, "a", "s")
    items = [replace(one, companions={"other-eye": "b"}), replace(one, id="b", companions={"twin": "a"})]
    written = packfile.write(tmp_path / "pack", "key", items, rahim)
    packfile._verified.clear()
    read = packfile.read(tmp_path / "pack", "key", rahim)
    assert read is not None
    for packed in (written, read, packfile.gather(items, rahim)):
        assert dict(packed.companions) == {"other-eye": ("b", ""), "twin": ("", "a")}
    alone = packfile.write(tmp_path / "alone", "key", [one], rahim)
    assert dict(alone.companions) == {}
    assert "companions" not in recall(tmp_path / "alone" / "manifest.json")
