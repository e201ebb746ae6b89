"""Several processes on one store: one works on a job at a time, and no write is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from entry import KEY, OTHER, artifact, files_below, write

from harness.store import Store, locks

FORK = multiprocessing.get_context("fork")
ROUNDS = 20


def hold(root: Path, key: str, ready: Queue[bool], stop: Event) -> None:
    with Store(root).lock(key) as held:
        ready.put(held)
        stop.wait(20)


def test_a_lock_excludes_another_process_and_ends_with_the_block(store: Store) -> None:
    ready, stop = FORK.Queue(), FORK.Event()
    process = FORK.Process(target=hold, args=(store.root, KEY, ready, stop))
    process.start()
    assert ready.get(timeout=20)
    with store.lock(KEY) as held:
        assert not held
    with store.lock(OTHER) as held:
        assert held
    stop.set()
    process.join()
    with store.lock(KEY) as held:
        assert held


def test_a_killed_process_releases_its_lock(store: Store) -> None:
    ready, stop = FORK.Queue(), FORK.Event()
    process = FORK.Process(target=hold, args=(store.root, KEY, ready, stop))
    process.start()
    assert ready.get(timeout=20)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with store.lock(KEY) as held:
        assert held


def test_not_even_the_holder_gets_in_twice(store: Store) -> None:
    with store.lock(KEY) as outer:
        for again in (store, Store(store.root)):
            with again.lock(KEY) as inner:
                assert not inner
        write_inside = pytest.raises(AssertionError, match="is not; write inside")
        with Store(store.root).lock(OTHER), write_inside:
            Store(store.root).add(KEY, "weights", artifact(store))
        store._locks.require(KEY)
    assert outer
    with pytest.raises(AssertionError):
        store._locks.require(KEY)


def together(work: Callable[..., None], root: Path, *, watch: Callable[[], Any] = lambda: None) -> None:
    """Runs some work in two processes at once, which are given the numbers 1 and 2; both must succeed."""
    processes = [FORK.Process(target=work, args=(root, number)) for number in (1, 2)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        watch()
    for process in processes:
        process.join()
        assert process.exitcode == 0


def write_when_free(root: Path, number: int) -> None:
    store = Store(root)
    for round_ in range(ROUNDS):
        written = False
        while not written:
            with store.lock(KEY) as written:
                if written:
                    write_under_lock(store, 100 * number + round_)


def write_under_lock(store: Store, seconds: int) -> None:
    from entry import counts, record

    weights = artifact(store, content=bytes(seconds))
    store.write(record(seconds=float(seconds)), counts=counts(), artifacts={"weights": weights})


def consistent(store: Store) -> None:
    """A reader sees a whole entry or, for an instant, none."""
    record = store.find(KEY)
    assert record is None or record.seconds % 100 < ROUNDS


def test_two_processes_that_write_the_same_job_leave_one_whole_entry(store: Store) -> None:
    reader = Store(store.root)
    together(write_when_free, store.root, watch=lambda: consistent(reader))
    last = Store(store.root).find(KEY)
    assert last is not None
    assert last.seconds in (100.0 + ROUNDS - 1, 200.0 + ROUNDS - 1)
    assert len(reader.artifact(KEY, "weights").read_bytes()) == last.seconds
    assert {path.split("/")[1] for path in files_below(store.root / "entries")} == {KEY}
    assert store.stamp() == 2 * ROUNDS
    assert not reader.damaged


def write_with_an_equal_number(root: Path, number: int) -> None:
    os.getpid = lambda: 7  # as in two containers
    locks.FileLock.acquire = lambda self, **_: None
    locks.FileLock.is_locked = True
    store = Store(root)
    for round_ in range(ROUNDS):
        write(store, weights=None, seconds=float(100 * number + round_))
        store.report_progress(KEY, {"label": f"{number}"})
        store.end_plan({"claim": "a"}, (number,), "SUPPORTED")


def test_writers_with_equal_process_numbers_lose_nothing_even_where_a_disk_has_no_locks(store: Store) -> None:
    reader = Store(store.root)
    together(write_with_an_equal_number, store.root, watch=lambda: consistent(reader))
    last = Store(store.root).find(KEY)
    assert last is not None
    assert last.seconds in (100.0 + ROUNDS - 1, 200.0 + ROUNDS - 1)
    assert {path.split("/")[1] for path in files_below(store.root / "entries")} == {KEY}
    assert len(store.in_flight()) == 1
    assert len(files_below(store.root / "plans")) == 2
    assert not reader.damaged


def add_in_turn(root: Path, number: int) -> None:
    store = Store(root)
    for _ in range(ROUNDS):
        added = False
        while not added:
            with store.lock(KEY) as added:
                if added:
                    store.add(KEY, "predictions", artifact(store, content=str(number).encode() * 1000))


def test_a_reader_never_takes_an_artifact_that_is_being_replaced_for_damaged(store: Store) -> None:
    from harness.store import StoreError

    write(store)
    reader = Store(store.root)

    def use() -> None:
        try:
            assert len(set(reader.artifact(KEY, "predictions").read_bytes())) == 1
        except (StoreError, FileNotFoundError):
            assert not reader.damaged  # absent for an instant

    together(add_in_turn, store.root, watch=use)
    assert not reader.damaged
    assert reader.artifact(KEY, "weights").read_bytes() == b"weights"
