"""What identifies a data set's content, and what does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import data as datasets
from harness.data import fingerprints
from harness.specs import Data, Resize, Split

DRIVE = Data("drive", evidence="real")
PHANTOM = Data("drive", resize=Resize((24, 36)), count=3, evidence="phantom")

WRITTEN = {
    "real": "1df6965242fd3e0dbb46395bf27bfb452185447afa3fa34c850ff306ed9391ed",
    "phantom": "e4bcc4c9e6c40d92004c3f2442681612603dbca0106ad6fc3a8cd0e453af506d",
}
"""Every key of every recorded run rests on such digests: they are the same on all Python versions and machines."""


def files(root: Path) -> Path:
    """DRIVE's layout with files that no decoder shaped."""
    for folder, first in (("training", 21), ("test", 1)):
        for number in range(first, first + 20):
            for kind, name in (("images", f"{number:02d}_{folder}.tif"), ("1st_manual", f"{number:02d}_manual1.gif")):
                path = root / "DRIVE" / folder / kind / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(name)
    return root


def test_fingerprints_are_those_written_down(tmp_path: Path) -> None:
    assert datasets.fingerprint(DRIVE, files(tmp_path / "root"), tmp_path / "cache") == WRITTEN["real"]
    assert datasets.fingerprint(PHANTOM, None) == WRITTEN["phantom"]


def test_another_data_set_changes_no_fingerprint(tmp_path: Path, add_set: Callable[..., Any]) -> None:
    add_set()
    assert "toy" in datasets.names()
    assert datasets.fingerprint(DRIVE, files(tmp_path / "root"), tmp_path / "cache") == WRITTEN["real"]
    assert datasets.fingerprint(PHANTOM, None) == WRITTEN["phantom"]


@pytest.mark.parametrize("data", [DRIVE, PHANTOM], ids=["real", "phantom"])
def test_a_higher_version_is_another_content(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, cache = files(tmp_path / "root"), tmp_path / "cache"
    seen = {datasets.fingerprint(data, root, cache)}
    source = datasets.adapter("drive") if data.evidence == "real" else datasets.generator("drive")
    with monkeypatch.context() as patch:
        patch.setattr(type(source), "version", source.version + 1)
        seen.add(datasets.fingerprint(data, root, cache))
    monkeypatch.setattr(fingerprints, "PACKING_VERSION", fingerprints.PACKING_VERSION + 1)
    seen.add(datasets.fingerprint(data, root, cache))
    assert len(seen) == 3


def test_a_fingerprint_is_of_the_content_not_of_its_place(copied: Callable[[str], Path], published: Path) -> None:
    root = copied("DRIVE")
    cache = root.parent / "cache"
    first = datasets.fingerprint(DRIVE, root, cache)
    assert first == datasets.fingerprint(DRIVE, published, cache)
    assert first == datasets.fingerprint(replace(DRIVE, resize=Resize((4, 4)), split=Split("random")), root, cache)
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


@pytest.mark.parametrize("damage", ["{", "another digit"])
def test_a_hash_is_remembered_and_a_damaged_memory_is_ignored(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    first = datasets.fingerprint(DRIVE, published, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(fingerprints, "_sha256", lambda path: pytest.fail("hashed again"))
        assert datasets.fingerprint(DRIVE, published, tmp_path) == first
    (memory,) = (tmp_path / "fingerprints").iterdir()
    if damage == "another digit":
        text = memory.read_text()
        at = text.index('"sha256": "') + len('"sha256": "')
        damage = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
    memory.write_text(damage)
    assert datasets.fingerprint(DRIVE, published, tmp_path) == first


def test_a_phantoms_fingerprint_is_of_its_request() -> None:
    first = datasets.fingerprint(PHANTOM, None)
    assert first == datasets.fingerprint(replace(PHANTOM, split=Split("random"), subset=2), None)
    others = [
        replace(PHANTOM, count=4),
        replace(PHANTOM, resize=Resize((24, 24))),
        replace(PHANTOM, name="stare"),
        replace(PHANTOM, related=0.0),
        replace(PHANTOM, related=0.5),
    ]
    assert len({first, *(datasets.fingerprint(other, None) for other in others)}) == 6


def test_data_must_be_resolved(published: Path, tmp_path: Path) -> None:
    for use in (datasets.pack, datasets.fingerprint):
        with pytest.raises(ValueError, match="resolve it first"):
            use(Data("drive"), published, tmp_path)
