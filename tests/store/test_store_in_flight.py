"""harness.store.in_flight: which trainings are in flight."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from entry import KEY, OTHER, files_below

from harness.store import Store


def test_trainings_in_flight_are_those_that_reported_lately(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.report_progress(KEY, {"label": "b", "iteration": 3})
    store.report_progress(OTHER, {"label": "a", "iteration": 4})
    assert [(each["label"], each["iteration"]) for each in Store(store.root).in_flight()] == [("a", 4), ("b", 3)]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert store.in_flight() == []


@pytest.mark.parametrize("content", ["{", "[]", "3", '{"label": "b"}', '{"updated": "now"}'])
def test_progress_that_does_not_read_is_left_out(store: Store, content: str) -> None:
    store.report_progress(KEY, {"label": "b"})
    store.report_progress(OTHER, {"label": "a"})
    (store.partial(KEY) / "progress.json").write_text(content)
    assert [each["label"] for each in store.in_flight()] == ["a"]


@pytest.mark.parametrize(("owner", "name"), [(Path, "write_text"), (Path, "mkdir"), (os, "replace")])
def test_progress_that_cannot_be_written_disturbs_no_training(
    store: Store, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, full)
        store.report_progress(KEY, {"label": "a"})
    assert store.in_flight() == []
    assert files_below(store.root / "partial") == set()
