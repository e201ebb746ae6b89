"""Artifacts of an entry: asked for by name, checked when they are used, removed where no job asks for them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from entry import KEY, OTHER, artifact, counts, files_below, record, write

from harness.store import Store, StoreError, disposable

THIRD = "cd" + "2" * 62


def test_damaged_weights_leave_the_record(store: Store) -> None:
    write(store)
    (store.entry(KEY) / "weights.pt").write_bytes(b"weighty")
    assert store.find(KEY) == record()
    with pytest.raises(StoreError, match=r"but weights\.pt is not what was written; run the same command again"):
        store.artifact(KEY, "weights")
    assert not store.has(KEY, "weights")
    assert Store(store.root).find(KEY) == record()
    (aside,) = (store.root / "damaged").iterdir()
    assert aside.read_bytes() == b"weighty"
    (sentence,) = store.damaged
    assert sentence.startswith(f"weights.pt of job {KEY[:12]} was damaged")
    with pytest.raises(StoreError, match="but they are not there; run the same command again"):
        store.artifact(KEY, "weights")


def test_an_artifact_of_an_absent_job_is_absent(store: Store) -> None:
    assert not store.has(KEY, "weights")
    with pytest.raises(StoreError, match=f"Expected intact weights of job {KEY[:12]} .* but they are not there"):
        store.artifact(KEY, "weights")


def test_an_artifact_that_was_not_written_here_is_not_trusted(store: Store) -> None:
    write(store, weights=None)
    shutil.copy(store.entry(KEY) / "record.json", store.entry(KEY) / "weights.pt")
    with pytest.raises(StoreError, match=r"weights\.pt is not what was written"):
        store.artifact(KEY, "weights")


def test_an_artifact_is_added_to_an_entry_that_is_there(store: Store) -> None:
    write(store)
    reader = Store(store.root)
    assert reader.find(KEY) == record()
    with store.lock(KEY):
        store.add(KEY, "predictions", artifact(store, content=b"first"))
        assert reader.artifact(KEY, "predictions").read_bytes() == b"first"
        store.add(KEY, "predictions", artifact(store, content=b"second"))
    assert reader.artifact(KEY, "predictions").read_bytes() == b"second"
    assert reader.artifact(KEY, "weights").read_bytes() == b"weights"
    assert reader.find(KEY) == record()
    assert not reader.damaged
    assert files_below(store.root / "entries") == {
        f"ab/{KEY}/{name}" for name in ("record.json", "counts.npz", "weights.pt", "predictions.npz", "manifest.json")
    }


def test_nothing_is_added_without_the_lock_or_to_an_entry_that_is_not_there(store: Store) -> None:
    file = artifact(store)
    with store.lock(KEY), pytest.raises(StoreError, match="to add its weights to, but it is not there"):
        store.add(KEY, "weights", file)
    write(store, OTHER)
    with pytest.raises(AssertionError, match="Expected the lock"):
        store.add(OTHER, "weights", file)
    assert file.exists()


def test_an_artifact_that_cannot_be_added_leaves_the_entry(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store)

    def full(*_args: object) -> None:
        raise OSError(28, os.strerror(28))

    file = artifact(store)
    with store.lock(KEY), monkeypatch.context() as patch:
        patch.setattr(os, "rename", full)
        with pytest.raises(StoreError, match="No space left on device"):
            store.add(KEY, "predictions", file)
    assert not store.has(KEY, "predictions")
    assert Store(store.root).find(KEY) == record()
    with pytest.raises(StoreError, match="they are not there"):
        store.artifact(KEY, "predictions")
    assert not store.damaged


def write_in_turn(store: Store, *keys: str, keep: tuple[str, ...] = ()) -> None:
    for number, key in enumerate(keys):
        write(store, key, b"10 bytes..", keep=keep)
        if not keep:
            os.utime(store.root / "disposable" / f"{key}-weights.pt", (number, number))


def test_the_oldest_weights_that_no_job_asks_for_are_trimmed(store: Store) -> None:
    write_in_turn(store, OTHER, THIRD, KEY)
    assert store.trim(30) == []
    assert store.trim(29) == [OTHER]
    assert store.trim(10) == [THIRD]
    assert [store.has(key, "weights") for key in (OTHER, THIRD, KEY)] == [False, False, True]
    again = Store(store.root)
    assert again.find(OTHER) == record(OTHER)
    assert (again.counts(OTHER) == counts()).all()
    with pytest.raises(StoreError, match="they are not there"):
        again.artifact(OTHER, "weights")
    assert not again.damaged
    assert store.trim(0) == [KEY]
    assert store.trim(0) == []


def test_what_a_job_asks_for_is_never_trimmed(store: Store) -> None:
    write_in_turn(store, KEY, keep=("weights",))
    write_in_turn(store, OTHER, THIRD)
    Store(store.root).artifact(OTHER, "weights")
    assert store.trim(0) == [THIRD]
    assert store.has(KEY, "weights")
    assert store.has(OTHER, "weights")


def test_writing_again_decides_anew_what_is_disposable(store: Store) -> None:
    write_in_turn(store, KEY)
    write(store, KEY, keep=("weights",))
    assert store.trim(0) == []
    write(store, KEY, keep=())
    with store.lock(KEY):
        store.add(KEY, "predictions", artifact(store))
    assert store.trim(0) == [KEY]
    assert store.has(KEY, "predictions")


def test_weights_that_were_set_aside_take_no_room(store: Store) -> None:
    write_in_turn(store, OTHER, KEY)
    (store.entry(OTHER) / "record.json").write_text("{}")
    assert store.find(OTHER) is None
    assert store.trim(10) == []
    assert [path.name for path in (store.root / "disposable").iterdir()] == [f"{KEY}-weights.pt"]


def test_the_environment_sets_the_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert disposable.kept_bytes() == 20 * 10**9
    write_in_turn(store, OTHER, KEY)
    assert store.trim() == []
    monkeypatch.setenv("CLAIMS_KEEP_GB", "15e-9")
    assert store.trim() == [OTHER]
    for wrong in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv("CLAIMS_KEEP_GB", wrong)
        with pytest.raises(StoreError, match=f"Expected CLAIMS_KEEP_GB to be a number of gigabytes, but got '{wrong}'"):
            store.trim()


def test_disposable_weights_make_room_before_a_job_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write_in_turn(store, OTHER)
    write_in_turn(store, KEY, keep=("weights",))

    def usage(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=0 if store.has(OTHER, "weights") else 2**30)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    store.check_space()
    assert store.has(KEY, "weights")


def test_a_look_at_a_disposable_artifact_leaves_it_disposable(store: Store) -> None:
    write(store, keep=())
    store.artifact(KEY, "weights", stays=False)
    assert store.trim(0) == [KEY]
    write(store, OTHER, keep=())
    store.artifact(OTHER, "weights")
    assert store.trim(0) == []
