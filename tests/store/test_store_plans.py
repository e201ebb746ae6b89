"""harness.store.plans: plans of seeds that ended before the one that a claim ends now."""

from __future__ import annotations

import errno
import os

import pytest
from entry import KEY

from harness.store import Store, plans

QUESTION = {"claim": "tiny-paper/a", "arms": {"good": KEY}}


def test_plans_that_ended_before_come_in_their_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1, 100))
    monkeypatch.setattr(plans.time, "time", lambda: float(next(now)))
    assert store.end_plan(QUESTION, (4, 7, 10), "INCONCLUSIVE") == []
    assert Store(store.root).end_plan(QUESTION, (3,), "SUPPORTED") == [((4, 7, 10), "INCONCLUSIVE")]
    assert store.end_plan(QUESTION, (12,), "REFUTED") == [((4, 7, 10), "INCONCLUSIVE"), ((3,), "SUPPORTED")]
    # Once more: what came later does not count, and the end stays where it was.
    assert store.end_plan(QUESTION, (3,), "REFUTED") == [((4, 7, 10), "INCONCLUSIVE")]
    assert store.end_plan(QUESTION, (4, 7, 10), "INCONCLUSIVE") == []
    assert store.end_plan(QUESTION, (12,), "REFUTED") == [((4, 7, 10), "INCONCLUSIVE"), ((3,), "REFUTED")]
    assert store.end_plan({**QUESTION, "arms": {"good": "cd"}}, (12,), "REFUTED") == []
    assert {path.suffix for path in (store.root / "plans").rglob("*") if path.is_file()} == {".json"}


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"plan": [3]}', '{"plan": 3, "verdict": "x", "ended": 1}', '{"plan": [3], "ended": "x"}'],
)
def test_a_plan_that_does_not_read_is_left_out(store: Store, content: str) -> None:
    store.end_plan(QUESTION, (3,), "INCONCLUSIVE")
    (file,) = (store.root / "plans").rglob("3.json")
    file.write_text(content)
    assert store.end_plan(QUESTION, (4,), "INCONCLUSIVE") == []


def test_a_plan_that_cannot_be_written_is_left_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.end_plan(QUESTION, (3,), "INCONCLUSIVE")

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert store.end_plan(QUESTION, (4,), "SUPPORTED") == [((3,), "INCONCLUSIVE")]
    assert store.end_plan(QUESTION, (5,), "SUPPORTED") == [((3,), "INCONCLUSIVE")]
