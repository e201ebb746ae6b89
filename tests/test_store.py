"""harness.store: what is written is there whole or not at all, and what is damaged is not used."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from synthetic import counts, recipe, record

from harness import store as store_module
from harness.runs import Run
from harness.store import Store, StoreError, file_digest

FORK = multiprocessing.get_context("fork")
KEY = "ab" + "0" * 62
RUN = Run(recipe(0.5), 0)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def write(store, key=KEY, weights=b"weights", **changes):
    file = None
    if weights:
        file = store.partial(key) / "weights.pt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(weights)
    store.write(record(RUN, key, **changes), counts=counts(0.5), previews=np.ones((1, 2, 3), np.uint8), weights=file)


def everything_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_written_is_found_again_by_another_process(store):
    write(store)
    again = Store(store.root)
    assert again.find(KEY) == record(RUN, KEY)
    assert np.array_equal(again.counts(KEY), counts(0.5))
    assert again.previews(KEY).shape == (1, 2, 3)
    assert again.weights(KEY).read_bytes() == b"weights"
    assert not again.damaged


def test_an_absent_run_is_none(store):
    assert store.find(KEY) is None
    assert not store.has_weights(KEY)


def test_a_failed_run_is_an_entry_without_counts(store):
    store.write(record(RUN, KEY, status="failed", reason="the loss was NaN at iteration 7", curve=[]))
    assert Store(store.root).find(KEY).reason == "the loss was NaN at iteration 7"
    assert everything_below(store.entry(KEY)) == {"run.json", "manifest.json"}


def test_writing_again_replaces_the_whole_entry(store):
    write(store, seconds=1.0)
    write(store, seconds=2.0, weights=None)
    assert Store(store.root).find(KEY).seconds == 2.0
    assert not store.has_weights(KEY)
    assert everything_below(store.root / "runs") == {
        f"ab/{KEY}/{name}" for name in ("run.json", "counts.npz", "manifest.json")
    }


def test_a_replaced_entry_is_read_anew(store):
    write(store, seconds=1.0)
    assert store.find(KEY).seconds == 1.0
    write(Store(store.root), seconds=2.0)
    assert store.find(KEY).seconds == 2.0


def test_a_result_forgets_the_partial_state_unless_it_may_go_on(store):
    checkpoint = store.partial(KEY) / "checkpoint.pt"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"state")
    store.write(record(RUN, KEY, status="failed", transient=True))
    assert checkpoint.exists()
    write(store, weights=None)
    assert not checkpoint.parent.exists()


@pytest.mark.parametrize("name", ["run.json", "counts.npz", "manifest.json"])
def test_an_entry_with_one_flipped_byte_is_set_aside_and_said(store, name):
    write(store)
    file = store.entry(KEY) / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    again = Store(store.root)
    assert again.find(KEY) is None
    assert again.find(KEY) is None
    assert not store.entry(KEY).exists()
    (sentence,) = again.damaged
    (aside,) = (store.root / "damaged").iterdir()
    assert KEY[:12] in sentence
    assert str(aside) in sentence
    assert (aside / name).read_bytes() == content


def test_damaged_weights_are_found_when_they_are_needed(store):
    write(store)
    (store.entry(KEY) / "weights.pt").write_bytes(b"weighty")
    assert store.find(KEY) is not None
    with pytest.raises(StoreError, match=r"weights\.pt is not what was written; run the same command again"):
        store.weights(KEY)
    assert store.find(KEY) is None
    assert len(store.damaged) == 1


@pytest.mark.parametrize("name", ["run.json", "counts.npz"])
def test_an_entry_that_lacks_a_file_is_set_aside(store, name):
    write(store)
    (store.entry(KEY) / name).unlink()
    assert store.find(KEY) is None
    assert len(store.damaged) == 1


def test_a_file_that_the_manifest_does_not_know_is_not_trusted(store):
    store.write(record(RUN, KEY, status="failed"))
    shutil.copy(store.entry(KEY) / "run.json", store.entry(KEY) / "counts.npz")
    assert store.find(KEY) is None


def test_an_entry_that_is_replaced_while_it_is_read_is_not_set_aside(store, monkeypatch):
    write(store, seconds=1.0)
    reads = []

    def digest_during_replacement(path):
        reads.append(path)
        if len(reads) == 1:
            write(Store(store.root), seconds=2.0)
            raise FileNotFoundError(errno.ENOENT, "gone", str(path))
        return file_digest(path)

    reader = Store(store.root)
    with monkeypatch.context() as patch:
        writing = store_module.file_digest
        patch.setattr(
            store_module,
            "file_digest",
            lambda path: writing(path) if f".{os.getpid()}" in str(path) else digest_during_replacement(path),
        )
        assert reader.find(KEY).seconds == 2.0
    assert not reader.damaged


def hold(root: Path, key: str, ready, stop) -> None:
    with Store(root).lock(key) as held:
        ready.put(held)
        stop.wait(20)


def test_a_lock_excludes_another_process_and_ends_with_the_block(store):
    ready, stop = FORK.Queue(), FORK.Event()
    process = FORK.Process(target=hold, args=(store.root, KEY, ready, stop))
    process.start()
    assert ready.get(timeout=20)
    with store.lock(KEY) as held:
        assert not held
    with store.lock("cd" + KEY) as other:
        assert other
    stop.set()
    process.join()
    with store.lock(KEY) as held:
        assert held


def test_a_killed_process_releases_its_lock(store):
    ready, stop = FORK.Queue(), FORK.Event()
    process = FORK.Process(target=hold, args=(store.root, KEY, ready, stop))
    process.start()
    assert ready.get(timeout=20)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with store.lock(KEY) as held:
        assert held


def write_often(root: Path, number: int, done) -> None:
    store = Store(root)
    for round_ in range(20):
        write(store, seconds=float(100 * number + round_), weights=None)
    done.put(number)


def test_two_processes_that_write_the_same_run_leave_one_whole_entry(store):
    done = FORK.Queue()
    processes = [FORK.Process(target=write_often, args=(store.root, number, done)) for number in (1, 2)]
    for process in processes:
        process.start()
    reader = Store(store.root)
    while any(process.is_alive() for process in processes):
        reader.find(KEY)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert Store(store.root).find(KEY).seconds in (119.0, 219.0)
    assert {path.split("/")[1] for path in everything_below(store.root / "runs")} == {KEY}
    assert not reader.damaged


def full(*_args, **_kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("owner", "name"),
    [(np, "savez_compressed"), (Path, "write_text"), (Path, "mkdir"), (shutil, "move"), (os, "rename")],
)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(store, monkeypatch, owner, name):
    weights = store.partial(KEY) / "weights.pt"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, full)
        with pytest.raises(StoreError) as caught:
            store.write(record(RUN, KEY), counts=counts(0.5), previews=np.ones((1, 2, 2), np.uint8), weights=weights)
    assert str(caught.value) == (
        f"Expected to write run {KEY[:12]} to the store {store.root}, but got: No space left on device; "
        "make room and run the same command again."
    )
    assert everything_below(store.root / "runs") == set()
    assert store.find(KEY) is None


def test_a_replacement_that_fails_leaves_the_earlier_entry(store, monkeypatch):
    write(store, seconds=1.0)
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", full)
        with pytest.raises(StoreError):
            write(store, seconds=2.0)
    rename = os.rename
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", lambda a, b: full() if "former" not in f"{a}{b}" else rename(a, b))
        with pytest.raises(StoreError):
            write(store, seconds=2.0)
    assert Store(store.root).find(KEY).seconds == 1.0


def test_what_a_killed_writer_left_is_in_nobodys_way(store):
    staging = store.entry(KEY).with_name(f".{KEY}.{os.getpid()}")
    staging.mkdir(parents=True)
    (staging / "weights.pt").write_bytes(b"half")
    write(store, weights=None)
    assert store.find(KEY) is not None
    assert not store.has_weights(KEY)


def test_little_space_is_said_before_anything_trains(store, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=3 * 2**20))
    with pytest.raises(StoreError, match=r"Expected 256 MiB of free space .* but found 3 MiB; free some"):
        store.check_space()


def test_a_store_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StoreError, match=r"to be a folder that can be written to, but got: .*; give another with --claims-store=DIR"
    ):
        Store(tmp_path / "file")


def test_a_store_that_can_only_be_read_gives_its_runs_and_says_what_it_cannot(store, monkeypatch):
    write(store)
    (store.entry(KEY) / "weights.pt").write_bytes(b"weighty")

    def refuse(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "rename", refuse)
    monkeypatch.setattr(store_module.FileLock, "acquire", refuse)
    read_only = Store(store.root)
    assert read_only.find(KEY) is not None
    with (
        pytest.raises(StoreError, match="is to be trained, but got: Permission denied; make it writable"),
        read_only.lock(KEY),
    ):
        pass
    with pytest.raises(StoreError, match="cannot be set aside: Permission denied; remove"):
        read_only.weights(KEY)


def test_trainings_in_flight_are_those_that_said_something_lately(store, monkeypatch):
    store.report_progress(KEY, {"label": "b", "iteration": 3})
    store.report_progress("cd" + KEY[2:], {"label": "a", "iteration": 4})
    assert [(each["label"], each["iteration"]) for each in Store(store.root).in_flight()] == [("a", 4), ("b", 3)]
    (store.partial(KEY) / "progress.json").write_text("{")
    assert [each["label"] for each in store.in_flight()] == ["a"]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert store.in_flight() == []


def test_progress_that_cannot_be_written_disturbs_no_training(store, monkeypatch):
    monkeypatch.setattr(Path, "write_text", full)
    store.report_progress(KEY, {"label": "a"})
    assert store.in_flight() == []


def test_the_manifest_names_every_file_of_an_entry(store):
    write(store)
    manifest = json.loads((store.entry(KEY) / "manifest.json").read_text())
    assert set(manifest) == {"run.json", "counts.npz", "weights.pt"}
    assert manifest["weights.pt"] == file_digest(store.entry(KEY) / "weights.pt")


QUESTION = {"claim": "tiny-paper/a", "arms": {"good": KEY}}


def test_plans_that_ended_before_are_told_in_their_order(store, monkeypatch):
    now = iter(range(1, 100))
    monkeypatch.setattr(store_module.time, "time", lambda: float(next(now)))
    assert store.end_plan(QUESTION, (4, 7, 10), "INCONCLUSIVE") == []
    assert Store(store.root).end_plan(QUESTION, (3,), "SUPPORTED") == [((4, 7, 10), "INCONCLUSIVE")]
    assert store.end_plan(QUESTION, (12,), "REFUTED") == [((4, 7, 10), "INCONCLUSIVE"), ((3,), "SUPPORTED")]
    # Once more: what came later does not count, and the end stays where it was.
    assert store.end_plan(QUESTION, (3,), "REFUTED") == [((4, 7, 10), "INCONCLUSIVE")]
    assert store.end_plan(QUESTION, (4, 7, 10), "INCONCLUSIVE") == []
    assert store.end_plan(QUESTION, (12,), "REFUTED") == [((4, 7, 10), "INCONCLUSIVE"), ((3,), "REFUTED")]
    assert store.end_plan({**QUESTION, "arms": {"good": "cd"}}, (12,), "REFUTED") == []
    assert not list(store.root.rglob("*.tmp"))


def test_a_plan_that_cannot_be_kept_or_read_disturbs_nothing(store, monkeypatch):
    store.end_plan(QUESTION, (3,), "INCONCLUSIVE")
    (file,) = (store.root / "plans").rglob("3.json")
    for content in (
        "{",
        "[]",
        '{"plan": [3]}',
        '{"plan": 3, "verdict": "x", "ended": 1}',
        '{"plan": [3], "ended": "x"}',
    ):
        file.write_text(content)
        assert store.end_plan(QUESTION, (4,), "INCONCLUSIVE") == []
    store.end_plan(QUESTION, (3,), "INCONCLUSIVE")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module.os, "replace", full)
    assert store.end_plan(QUESTION, (5,), "SUPPORTED") == [((4,), "INCONCLUSIVE"), ((3,), "INCONCLUSIVE")]
