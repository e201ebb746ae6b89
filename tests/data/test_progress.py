"""What is shown while a data set is packed."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import data as datasets
from harness.data import Item, progress
from harness.data.progress import Progress, followed
from harness.specs import Data, Split


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets how many seconds each look at the clock takes."""
    state = {"now": 0.0, "step": 0.0}

    def monotonic() -> float:
        state["now"] += state["step"]
        return state["now"]

    monkeypatch.setattr(progress.time, "monotonic", monotonic)
    return lambda step: state.update(step=step)


def test_a_caller_hears_how_far_it_is_and_when_it_is_done(clock: Callable[[float], None]) -> None:
    clock(0.3)
    heard: list[Progress] = []
    assert list(followed(range(5), "Some", 5, heard.append)) == list(range(5))
    assert [(each.done, each.total) for each in heard] == [(2, 5), (4, 5), (5, 5)]
    assert heard[-1].seconds == pytest.approx(1.8)


def test_what_is_done_at_once_is_not_worth_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[Progress] = []
    assert list(followed(range(5), "Some", 5, heard.append)) == list(range(5))
    assert list(followed(range(5), "Some", 5)) == list(range(5))
    assert heard == []
    assert capsys.readouterr().err == ""


def test_more_than_expected_is_not_done_before_the_end(clock: Callable[[float], None]) -> None:
    clock(1.0)
    heard: list[Progress] = []
    list(followed(range(4), "Some", 2, heard.append))
    assert [each.done == each.total for each in heard] == [False, False, False, False, True]


def test_a_log_has_a_line_now_and_then(clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]) -> None:
    clock(10.0)
    list(followed(range(7), "COCO 2017", 7))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "packing COCO 2017: 3/7 images, 40 s left",
        "packing COCO 2017: 6/7 images, 10 s left",
        "packing COCO 2017: 7/7 images, 0 s left",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_that_leaves_nothing(
    clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert list(followed(range(3), "COCO 2017", 3)) == [0, 1, 2]
    assert terminal.getvalue() == ""
    clock(5.0)
    assert list(followed(range(3), "COCO 2017", 3)) == [0, 1, 2]
    assert "packing COCO 2017" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")  # the line is erased


def test_packing_reports(tmp_path: Path, add_set: Callable[..., Any], clock: Callable[[float], None]) -> None:
    clock(1.0)
    mask = np.eye(4, dtype=np.uint8)
    add_set(items=[Item(mask, mask, str(number), "s") for number in range(3)], images=3)
    heard: list[Progress] = []
    toy = Data("toy", split=Split("random"), evidence="real")
    datasets.pack(toy, tmp_path, tmp_path / "cache", report=heard.append)
    assert [(each.title, each.done) for each in heard] == [("Toy", 1), ("Toy", 2), ("Toy", 3), ("Toy", 3)]
    datasets.pack(toy, tmp_path, tmp_path / "cache", report=heard.append)
    assert len(heard) == 4
