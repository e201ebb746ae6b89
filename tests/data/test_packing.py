"""Fingerprints, and the packed form that they key."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness import data as datasets
from harness.data import DataError, Item, Packed, packing
from harness.data.cache import normalised
from harness.specs import Data

DRIVE = Data("drive", evidence="real")


def same(one: Packed, two: Packed) -> bool:
    texts = [(some.ids, some.subjects, some.published, some.classes) for some in (one, two)]
    return texts[0] == texts[1] and bool((one.images == two.images).all() and (one.masks == two.masks).all())


def test_a_fingerprint_is_of_the_content_not_of_its_place(copied: Callable[[str], Path], published: Path) -> None:
    root = copied("DRIVE")
    cache = root.parent / "cache"
    first = datasets.fingerprint(DRIVE, root, cache)
    assert first == datasets.fingerprint(DRIVE, published, cache)
    assert first == datasets.fingerprint(replace(DRIVE, size=(4, 4), split="random"), root, cache)
    assert first != datasets.fingerprint(Data("hrf", evidence="real"), published, cache)


def test_a_fingerprint_changes_with_one_byte_or_one_name(copied: Callable[[str], Path], tmp_path: Path) -> None:
    root, cache = copied("DRIVE"), tmp_path / "cache"
    before = datasets.fingerprint(DRIVE, root, cache)
    path = root / "DRIVE" / "training" / "images" / "30_training.tif"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))  # A file system with coarse times would hide so quick a change.
    changed = datasets.fingerprint(DRIVE, root, cache)
    assert changed != before
    for folder, name in (("images", "{}_training.tif"), ("1st_manual", "{}_manual1.gif")):
        base = root / "DRIVE" / "training" / folder
        (base / name.format(30)).rename(base / name.format(50))
    assert datasets.fingerprint(DRIVE, root, cache) not in (before, changed)


def test_a_fingerprint_is_remembered_and_a_damaged_memory_is_ignored(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = datasets.fingerprint(DRIVE, published, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("harness.data.cache._sha256", lambda path: pytest.fail("hashed again"))
        assert datasets.fingerprint(DRIVE, published, tmp_path) == first
    (memory,) = (tmp_path / "fingerprints").iterdir()
    memory.write_text("{")
    assert datasets.fingerprint(DRIVE, published, tmp_path) == first


def test_a_phantoms_fingerprint_is_of_what_is_asked_for() -> None:
    phantom = Data("drive", evidence="phantom", size=(24, 36), count=3)
    first = datasets.fingerprint(phantom, None)
    assert first == datasets.fingerprint(replace(phantom, split="random"), None)
    others = [replace(phantom, count=4), replace(phantom, size=(24, 24)), replace(phantom, name="stare")]
    assert len({first, *(datasets.fingerprint(other, None) for other in others)}) == 4


def test_comments_and_docstrings_do_not_count_as_code() -> None:
    one = 'X = 1\n"""About X."""\n\n\ndef f(a):\n    """Doc."""\n    # why\n    return a + 1\n'
    assert normalised(one) == normalised("X = 1\ndef f(a):\n    return (a + 1)\n")
    assert normalised(one) != normalised(one.replace("a + 1", "a + 2"))


def test_packed_data_are_kept_and_equal(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = datasets.pack(DRIVE, published, tmp_path)
    assert first.images.shape == (40, 12, 16, 3)
    assert first.masks.shape == (40, 12, 16)
    items = list(datasets.adapter("drive").read(published, DRIVE))
    assert same(first, packing.packed_items(items, first.classes, DRIVE))
    with monkeypatch.context() as patch:
        patch.setattr(packing, "_decode", lambda *_: pytest.fail("decoded again"))
        again = datasets.pack(DRIVE, published, tmp_path)
    assert same(first, again)
    assert isinstance(again.images, np.memmap)
    assert not again.images.flags.writeable


def test_each_size_and_annotation_is_packed_for_itself(published: Path, tmp_path: Path) -> None:
    dme = Data("dme", evidence="real", split="subject")
    packed = [
        datasets.pack(data, published, tmp_path)
        for data in (dme, replace(dme, labels="expert1"), replace(dme, labels="expert2"), replace(dme, size=(6, 8)))
    ]
    assert [some.images.shape for some in packed] == [(20, 12, 16, 1)] * 3 + [(20, 6, 8, 1)]
    assert len({some.masks.tobytes() for some in packed}) == 4


def test_a_changed_file_is_packed_anew(copied: Callable[[str], Path], published: Path, tmp_path: Path) -> None:
    root, cache = copied("DRIVE"), tmp_path / "cache"
    before = datasets.pack(DRIVE, root, cache)
    masks = root / "DRIVE" / "training" / "1st_manual"
    (masks / "21_manual1.gif").write_bytes((masks / "22_manual1.gif").read_bytes())
    after = datasets.pack(DRIVE, root, cache)
    changed = [i for i, (one, two) in enumerate(zip(before.masks, after.masks, strict=True)) if (one != two).any()]
    assert [before.ids[i] for i in changed] == ["21"]


@pytest.mark.parametrize("damaged", ["images.npy", "masks.npy", "texts.json"])
def test_a_damaged_entry_is_packed_anew(published: Path, tmp_path: Path, damaged: str) -> None:
    mapped = datasets.pack(DRIVE, published, tmp_path)
    first = replace(mapped, images=mapped.images.copy(), masks=mapped.masks.copy())
    (path,) = (tmp_path / "packed").glob(f"*/{damaged}")
    path.write_bytes(path.read_bytes()[:-40])
    assert same(first, datasets.pack(DRIVE, published, tmp_path))


def test_a_cache_that_cannot_be_written_costs_time_only(published: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="cannot hold packed data"):
        packed = datasets.pack(DRIVE, published, tmp_path / "file")
    assert len(packed.ids) == 40


def _pack_and_sum(root: Path, cache: Path) -> int:
    return int(datasets.pack(Data("camvid", evidence="real"), root, cache).images.sum())


def test_several_processes_pack_at_once(published: Path, tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        sums = pool.starmap(_pack_and_sum, [(published, tmp_path)] * 3)
    assert len(set(sums)) == 1
    assert len([path for path in (tmp_path / "packed").iterdir() if path.is_dir()]) == 1


def test_images_of_different_sizes_need_a_size() -> None:
    items = [Item(np.zeros(size, np.uint8), np.zeros(size, np.uint8), str(size), "s") for size in ((4, 6), (6, 4))]
    with pytest.raises(DataError, match="equally large"):
        packing.packed_items(items, ("background", "fluid"), Data("dme"))
    assert packing.packed_items(items, ("background", "fluid"), Data("dme", size=(2, 2))).images.shape == (2, 2, 2, 1)
    with pytest.raises(DataError, match="found none"):
        packing.packed_items([], ("background", "fluid"), Data("dme"))


def test_data_must_be_resolved(published: Path, tmp_path: Path) -> None:
    for use in (datasets.pack, datasets.fingerprint):
        with pytest.raises(ValueError, match="resolve it first"):
            use(Data("drive"), published, tmp_path)
