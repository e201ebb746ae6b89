"""Decoding once, and finding it again."""

from __future__ import annotations

import multiprocessing
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import MANY, MANY_WRITERS

from harness import data as datasets
from harness.data import DataError, Item, Packed, fingerprints, packfile, packing, registry
from harness.specs import Data, Resize, Split

DRIVE = Data("drive", evidence="real")
ADAPTERS: dict[str, Any] = {name: datasets.adapter(name) for name in datasets.names()}


def same(one: Packed, two: Packed) -> bool:
    texts = [(some.ids, some.subjects, some.published, some.classes) for some in (one, two)]
    return texts[0] == texts[1] and bool((one.images == two.images).all() and (one.targets == two.targets).all())


def test_packed_data_are_kept_and_equal(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = datasets.pack(DRIVE, published, tmp_path)
    assert first.images.shape == (40, 12, 16, 3)
    assert first.targets.shape == (40, 12, 16)
    assert same(first, packfile.gather(packing.items(DRIVE, published), datasets.adapter("drive")))
    with monkeypatch.context() as patch:
        patch.setattr(packing, "items", lambda *_: pytest.fail("decoded again"))
        again = datasets.pack(DRIVE, published, tmp_path)
    assert same(first, again)
    assert isinstance(again.images, np.memmap)
    assert not again.images.flags.writeable


def test_each_size_and_annotation_is_packed_for_itself(published: Path, tmp_path: Path) -> None:
    dme = Data("dme", evidence="real", split=Split("subject"))
    packed = [
        datasets.pack(data, published, tmp_path)
        for data in (
            dme,
            replace(dme, labels="expert1"),
            replace(dme, labels="expert2"),
            replace(dme, resize=Resize((6, 8))),
        )
    ]
    assert [some.images.shape for some in packed] == [(20, 12, 16, 1)] * 3 + [(20, 6, 8, 1)]
    assert len({some.targets.tobytes() for some in packed}) == 4


def test_a_changed_file_is_packed_anew(copied: Callable[[str], Path], published: Path, tmp_path: Path) -> None:
    root, cache = copied("DRIVE"), tmp_path / "cache"
    before = datasets.pack(DRIVE, root, cache)
    masks = root / "DRIVE" / "training" / "1st_manual"
    (masks / "21_manual1.gif").write_bytes((masks / "22_manual1.gif").read_bytes())
    after = datasets.pack(DRIVE, root, cache)
    changed = [i for i, (one, two) in enumerate(zip(before.targets, after.targets, strict=True)) if (one != two).any()]
    assert [before.ids[i] for i in changed] == ["21"]


def test_the_default_annotation_is_the_first_one(published: Path, tmp_path: Path) -> None:
    dme = Data("dme", evidence="real", split=Split("subject"))
    assert same(
        datasets.pack(dme, published, tmp_path), datasets.pack(replace(dme, labels="union"), published, tmp_path)
    )
    assert len(list((tmp_path / "packed").glob("dme-*.lock"))) == 1


@pytest.mark.parametrize("damaged", ["images.npy", "targets.npy", "manifest.json"])
def test_a_damaged_pack_is_packed_anew_with_one_warning(published: Path, tmp_path: Path, damaged: str) -> None:
    mapped = datasets.pack(DRIVE, published, tmp_path)
    first = replace(mapped, images=mapped.images.copy(), targets=mapped.targets.copy())
    (path,) = (tmp_path / "packed").glob(f"*/{damaged}")
    content = bytearray(path.read_bytes())
    content[-40] ^= 4
    path.write_bytes(content)
    packfile._verified.clear()  # As in another process.
    with pytest.warns(UserWarning, match="packed anew") as warned:
        assert same(first, datasets.pack(DRIVE, published, tmp_path))
    assert len(warned) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        packfile._verified.clear()
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


def test_images_of_different_sizes_need_a_size(tmp_path: Path, add_set: Callable[..., Any]) -> None:
    toy = Data("toy", split=Split("random"), evidence="real")
    mask = np.eye(6, dtype=np.uint8)
    add_set(items=[Item(mask[:height], mask[:height], str(height), "s") for height in (4, 6)])
    with pytest.raises(DataError, match="equally large, but 6 is 6×6 and 4 is 4×6"):
        datasets.pack(toy, tmp_path, tmp_path / "cache")
    assert datasets.pack(replace(toy, resize=Resize((2, 2))), tmp_path, tmp_path / "cache").images.shape == (2, 2, 2, 1)
    add_set(items=[])
    with pytest.raises(DataError, match="found none"):
        datasets.pack(toy, tmp_path, tmp_path / "cache")


@pytest.mark.parametrize("name", ["voc2012", "ade20k", "coco2017", "imagenet", "camvid", "dme"])
def test_a_pack_does_not_depend_on_the_number_of_workers(
    name: str, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, manifest included; with images that are ready in another order than they are packed in."""
    root = published
    if name in MANY:
        root = tmp_path / "root"
        MANY_WRITERS[name](root, np.random.default_rng(0))
        if name != "imagenet":
            monkeypatch.setattr(registry, "adapter", lambda name: replace(ADAPTERS[name], counts=MANY[name]))
            monkeypatch.setattr(fingerprints, "adapter", registry.adapter)
    data = Data(name, resize=Resize((6, 8)), split=Split("random"), evidence="real")
    packs = []
    for workers in (1, 2, 7):
        datasets.pack(data, root, tmp_path / str(workers), workers)
        (folder,) = (each for each in (tmp_path / str(workers) / "packed").iterdir() if each.is_dir())
        packs.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert packs[0].keys() == {"images.npy", "targets.npy", "manifest.json"}
    assert packs[0] == packs[1] == packs[2]


@pytest.mark.parametrize("name", ["voc2012", "coco2017", "imagenet"])
def test_images_that_vary_need_a_resize(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MANY_WRITERS[name](tmp_path / "root", np.random.default_rng(0))
    if name != "imagenet":
        monkeypatch.setattr(registry, "adapter", lambda name: replace(ADAPTERS[name], counts=MANY[name]))
        monkeypatch.setattr(fingerprints, "adapter", registry.adapter)
    with pytest.raises(DataError, match=rf"images of {name} to be equally large, but .*; give a `resize`\.$"):
        datasets.pack(Data(name, evidence="real"), tmp_path / "root", tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache" / "packed").iterdir() if path.is_dir()]


def test_a_disk_that_cannot_hold_a_large_data_set(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "items", lambda *_: pytest.fail("decoded"))
    monkeypatch.setattr(packing, "GATHERED", 10**6)
    monkeypatch.setattr(packing.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(DataError, match=r"about 0 GB free in .* the 40 images of DRIVE at 584×565, but got 0;"):
        datasets.pack(DRIVE, published, tmp_path)


def test_phantoms_are_cut_as_real_images_are(tmp_path: Path) -> None:
    """A centre crop of a phantom shows the middle of the published size, not the whole scene made small."""
    camvid = Data("camvid", count=2, evidence="phantom")
    whole = datasets.pack(camvid, None, tmp_path)
    cut = datasets.pack(replace(camvid, resize=Resize((60, 80), "centre-crop")), None, tmp_path)
    np.testing.assert_array_equal(cut.images, whole.images[:, 150:210, 200:280])
    np.testing.assert_array_equal(cut.targets, whole.targets[:, 150:210, 200:280])
