"""harness.store.entries: what is written is there whole or not at all, and what is damaged is not used."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from entry import KEY, OTHER, artifact, counts, files_below, record, write

from harness.store import Store, StoreError, file_digest, files, locks, manifest

POSITIONS = 60


def flip(file: Path, position: int, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 1 << bit
    file.write_bytes(content)


def full(*_args: object, **_kwargs: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_is_written_is_read_by_another_process(store: Store) -> None:
    write(store)
    again = Store(store.root)
    assert again.find(KEY) == record()
    assert np.array_equal(again.counts(KEY), counts())
    assert again.previews(KEY).shape == (1, 2, 3)
    assert again.artifact(KEY, "weights").read_bytes() == b"weights"
    assert not again.damaged


def test_an_absent_job_has_no_record(store: Store) -> None:
    assert store.find(KEY) is None
    with pytest.raises(StoreError, match=f"Expected counts of job {KEY[:12]} in the store .* but there are none"):
        store.counts(KEY)


def test_a_failed_job_is_an_entry_without_counts(store: Store) -> None:
    with store.lock(KEY):
        store.write(record(status="failed", reason="the loss was NaN at iteration 7", curve=[]))
    again = Store(store.root).find(KEY)
    assert again is not None
    assert again.reason == "the loss was NaN at iteration 7"
    assert files_below(store.entry(KEY)) == {"record.json", "manifest.json"}
    with pytest.raises(StoreError, match="but there are none"):
        store.previews(KEY)


def test_counts_without_previews_have_empty_ones(store: Store) -> None:
    with store.lock(KEY):
        store.write(record(preview_ids=[]), counts=counts())
    assert len(store.previews(KEY)) == 0


def test_writing_again_replaces_the_whole_entry(store: Store) -> None:
    write(store, seconds=1.0)
    write(store, seconds=2.0, weights=None)
    assert Store(store.root).find(KEY) == record(seconds=2.0)
    assert not store.has(KEY, "weights")
    expected = {f"ab/{KEY}/{name}" for name in ("record.json", "counts.npz", "manifest.json")}
    assert files_below(store.root / "entries") == expected


def test_a_replaced_entry_is_read_anew(store: Store) -> None:
    write(store, seconds=1.0)
    assert store.find(KEY) == record(seconds=1.0)
    write(Store(store.root), seconds=2.0)
    assert store.find(KEY) == record(seconds=2.0)


def test_nothing_is_written_without_the_lock(store: Store) -> None:
    with pytest.raises(AssertionError, match=r"Expected the lock of job ab0000000000 to be held .* but it is not"):
        store.write(record(status="failed"))
    other = Store(store.root)
    with other.lock(KEY), pytest.raises(AssertionError, match="Expected the lock"):
        store.write(record(status="failed"))
    assert files_below(store.root / "entries") == set()


def test_a_result_forgets_the_partial_state_unless_it_may_go_on(store: Store) -> None:
    checkpoint = store.checkpoint(KEY)
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"state")
    with store.lock(KEY):
        store.write(record(status="failed", transient=True))
    assert checkpoint.exists()
    write(store, weights=None)
    assert not checkpoint.parent.exists()


def read_everything(store: Store) -> bool:
    """Whether an entry is in order as far as anybody who uses all of it can tell."""
    try:
        return (
            store.find(KEY) == record()
            and np.array_equal(store.counts(KEY), counts())
            and store.artifact(KEY, "weights").read_bytes() == b"weights" * 100
            and store.artifact(KEY, "predictions").read_bytes() == b"predictions" * 100
        )
    except StoreError:
        return False


@pytest.mark.parametrize("name", ["record.json", "counts.npz", "manifest.json", "weights.pt", "predictions.npz"])
def test_no_flipped_bit_of_any_file_goes_unnoticed(store: Store, name: str) -> None:
    with store.lock(KEY):
        made = {"weights": artifact(store, content=b"weights" * 100)}
        store.write(record(), counts=counts(), artifacts=made, keep={"weights"})
        store.add(KEY, "predictions", artifact(store, content=b"predictions" * 100))
    assert read_everything(Store(store.root))
    intact = store.root.with_name("intact")
    shutil.copytree(store.entry(KEY), intact)
    drawn = random.Random(name)
    for _ in range(POSITIONS):
        shutil.rmtree(store.entry(KEY), ignore_errors=True)
        shutil.copytree(intact, store.entry(KEY))
        position, bit = drawn.randrange((intact / name).stat().st_size), drawn.randrange(8)
        flip(store.entry(KEY) / name, position, bit)
        again = Store(store.root)
        assert not read_everything(again), f"bit {bit} of byte {position}"
        assert again.damaged, f"bit {bit} of byte {position}"


@pytest.mark.parametrize("name", ["record.json", "counts.npz", "manifest.json"])
def test_a_damaged_entry_is_set_aside_and_reported(store: Store, name: str) -> None:
    write(store)
    flip(store.entry(KEY) / name, 20, 0)
    content = (store.entry(KEY) / name).read_bytes()
    again = Store(store.root)
    assert again.find(KEY) is None
    assert again.find(KEY) is None
    assert not store.entry(KEY).exists()
    (sentence,) = again.damaged
    (aside,) = (store.root / "damaged").iterdir()
    assert KEY[:12] in sentence
    assert str(aside) in sentence
    assert (aside / name).read_bytes() == content


@pytest.mark.parametrize("name", ["record.json", "counts.npz"])
def test_an_entry_that_lacks_a_file_is_set_aside(store: Store, name: str) -> None:
    write(store)
    (store.entry(KEY) / name).unlink()
    assert store.find(KEY) is None
    assert len(store.damaged) == 1


def test_another_jobs_entry_is_not_taken_for_ones_own(store: Store) -> None:
    write(store, OTHER)
    shutil.copytree(store.entry(OTHER), store.entry(KEY))
    assert store.find(KEY) is None
    assert store.find(OTHER) == record(OTHER)
    (sentence,) = store.damaged
    assert f"job {KEY[:12]} was damaged (it is the entry of job {OTHER[:12]})" in sentence


def rewrite(store: Store, change: Callable[[dict[str, Any]], object]) -> None:
    """What another version of this project would have written: another record, with a manifest that fits."""
    file = store.entry(KEY) / "record.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    (store.entry(KEY) / "manifest.json").unlink()
    manifest.write(store.entry(KEY))


def test_a_newer_versions_record_is_not_damaged(store: Store) -> None:
    write(store)
    rewrite(store, lambda content: content.update(energy=3.5))
    assert store.find(KEY) == record()
    assert not store.damaged


def test_a_record_of_another_shape_is_set_aside(store: Store) -> None:
    write(store)
    rewrite(store, lambda content: content.update(curve="rising"))
    assert store.find(KEY) is None
    assert "it does not read as a record" in store.damaged[0]


def test_a_file_that_the_manifest_does_not_list_is_not_trusted(store: Store) -> None:
    with store.lock(KEY):
        store.write(record(status="failed"))
    shutil.copy(store.entry(KEY) / "record.json", store.entry(KEY) / "counts.npz")
    assert store.find(KEY) is None


def test_the_manifest_lists_every_file_of_an_entry(store: Store) -> None:
    write(store)
    with store.lock(KEY):
        store.add(KEY, "predictions", artifact(store))
    content = json.loads((store.entry(KEY) / "manifest.json").read_text())
    assert {*content, "manifest.json"} == files_below(store.entry(KEY))
    for name, description in content.items():
        file = store.entry(KEY) / name
        assert description == {"bytes": file.stat().st_size, "sha256": file_digest(file)}


def test_an_entry_that_is_replaced_while_it_is_read_is_not_set_aside(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, seconds=1.0)
    reads = []

    def check_during_replacement(folder: Path, *names: str) -> None:
        reads.append(folder)
        if len(reads) == 1:
            write(Store(store.root), seconds=2.0)
            raise FileNotFoundError(errno.ENOENT, "gone")

    reader = Store(store.root)
    monkeypatch.setattr(manifest, "check", check_during_replacement)
    assert reader.find(KEY) == record(seconds=2.0)
    assert not reader.damaged


def test_an_entry_is_on_the_disk_before_it_is_renamed_into_its_place(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_disk, rename, missing = set(), os.rename, []

    def check_and_rename(old: Path, new: Path) -> None:
        if new == store.entry(KEY):
            missing.extend(path.name for path in (old, *old.iterdir()) if path.stat().st_ino not in on_disk)
        rename(old, new)

    monkeypatch.setattr(os, "fsync", lambda handle: on_disk.add(os.fstat(handle).st_ino))
    monkeypatch.setattr(os, "rename", check_and_rename)
    write(store)
    assert missing == []
    assert store.entry(KEY).parent.stat().st_ino in on_disk


@pytest.mark.parametrize(
    ("owner", "name"),
    [(np, "savez_compressed"), (Path, "write_text"), (Path, "mkdir"), (shutil, "move"), (os, "rename"), (os, "fsync")],
)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    artifacts = {"weights": artifact(store)}
    with store.lock(KEY), monkeypatch.context() as patch:
        patch.setattr(owner, name, full)
        with pytest.raises(StoreError) as caught:
            store.write(record(), counts=counts(), artifacts=artifacts)
    assert str(caught.value) == (
        f"Expected to write job {KEY[:12]} to the store {store.root}, but got: No space left on device; "
        "make room and run the same command again."
    )
    assert files_below(store.root / "entries") == set()
    assert store.find(KEY) is None


def test_a_record_that_cannot_be_written_as_text_leaves_nothing(store: Store) -> None:
    with store.lock(KEY), pytest.raises(TypeError):
        store.write(record(provenance={"device": object()}))
    assert list((store.root / "entries" / "ab").iterdir()) == []


def test_a_replacement_that_fails_leaves_the_earlier_entry(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, seconds=1.0)
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", full)
        with pytest.raises(StoreError):
            write(store, seconds=2.0)
    rename, names = os.rename, []

    def second_fails(old: Path, new: Path) -> None:
        names.append(new)
        if len(names) == 3:  # 1: the artifact into the staging folder, 2: the earlier entry away, 3: the new one in
            full()
        rename(old, new)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", second_fails)
        with pytest.raises(StoreError):
            write(store, seconds=2.0)
    assert names[2] == store.entry(KEY)
    assert Store(store.root).find(KEY) == record(seconds=1.0)


def test_what_a_killed_writer_left_goes_after_a_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    leftover = store.entry(OTHER).with_name(f".{OTHER}.0123")
    leftover.mkdir(parents=True)
    (leftover / "weights.pt").write_bytes(b"half")
    write(store)
    assert leftover.exists(), "it may be another process at work"
    now = files.time.time()
    monkeypatch.setattr(files.time, "time", lambda: now + files.LEFTOVER_SECONDS + 1)
    write(store)
    assert not leftover.exists()
    assert store.find(KEY) == record()


def test_little_space_is_an_error_before_anything_trains(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=3 * 2**20))
    with pytest.raises(StoreError, match=r"Expected 256 MiB of free space .* but got 3 MiB; free some"):
        store.check_space()


def test_a_store_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StoreError, match=r"to be a folder that can be written to, but got: .*; give another with --claims-store=DIR"
    ):
        Store(tmp_path / "file")


def test_a_store_that_can_only_be_read_gives_its_records(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, keep=())
    write(store, OTHER)
    flip(store.entry(OTHER) / "weights.pt", 0, 0)

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    for owner, name in ((os, "rename"), (os, "unlink"), (locks.FileLock, "acquire")):
        monkeypatch.setattr(owner, name, refuse)
    read_only = Store(store.root)
    assert read_only.find(KEY) == record()
    assert read_only.artifact(KEY, "weights").read_bytes() == b"weights"
    with (
        pytest.raises(StoreError, match="is to be done, but got: Permission denied; make it writable"),
        read_only.lock(KEY),
    ):
        pass
    with pytest.raises(StoreError, match="cannot be set aside: Permission denied; remove"):
        read_only.artifact(OTHER, "weights")
    assert read_only.trim(0) == []


def test_the_stamp_changes_with_every_entry_that_changes(store: Store) -> None:
    watcher = Store(store.root)
    stamps = [watcher.stamp()]
    for change in (
        lambda: write(store, weights=None),
        lambda: write(store, keep=()),  # often within the same tick of the file system's clock
        lambda: store.trim(0),
        lambda: flip(store.entry(KEY) / "record.json", 20, 0) or Store(store.root).find(KEY),
    ):
        change()
        stamps.append(watcher.stamp())
    assert len(set(stamps)) == 5
    store.find(KEY)
    store.report_progress(KEY, {"label": "a"})
    assert watcher.stamp() == stamps[-1]
