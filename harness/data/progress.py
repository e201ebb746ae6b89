"""How far packing is: a bar on a terminal, a line now and then in a log, or whatever the caller makes of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Each = TypeVar("Each")

SECONDS = 0.5
"""Between two reports to a caller."""
SECONDS_LOG = 30.0
"""Between two lines of a log."""
SECONDS_SILENT = 2.0
"""What is packed sooner needs no bar."""


@dataclass(frozen=True)
class Progress:
    """How far the packing of one data set is.

    Attributes:
        title: The data set, as the table names it.
        done, total: Images that are packed, and about how many there are.
        seconds: Since it began.
    """

    title: str
    done: int
    total: int
    seconds: float

    def line(self) -> str:
        """One line.

        >>> Progress("COCO 2017", 30000, 120000, 60.0).line()
        'packing COCO 2017: 30000/120000 images, 180 s left'
        """
        left = self.seconds / max(1, self.done) * max(0, self.total - self.done)
        return f"packing {self.title}: {self.done}/{self.total} images, {left:.0f} s left"


Report = Callable[[Progress], None]


def followed(items: Iterable[Each], title: str, total: int, report: Report | None = None) -> Iterator[Each]:
    """The items, while somebody hears how many have passed.

    Args:
        items: Whatever is packed.
        title: The data set.
        total: About how many there are.
        report: Hears of it twice a second, and once more when all is done; ``None``: a bar on standard error where
            that is a terminal, else a line there every half minute.
    """
    if report is not None:
        return _reported(items, title, total, report, SECONDS)
    if sys.stderr.isatty():
        return _barred(items, title, total)
    return _reported(items, title, total, _print, SECONDS_LOG)


def _reported(items: Iterable[Each], title: str, total: int, report: Report, pause: float) -> Iterator[Each]:
    begin = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= pause:
            last = now
            report(Progress(title, done, max(total, done + 1), now - begin))
    if last > begin:
        report(Progress(title, done, done, time.monotonic() - begin))


def _print(progress: Progress) -> None:
    print(progress.line(), file=sys.stderr, flush=True)


def _barred(items: Iterable[Each], title: str, total: int) -> Iterator[Each]:
    """With a bar that appears after a moment and leaves no trace."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(f"packing {title}", total=total)
    begin, shown = time.monotonic(), False
    try:
        for item in items:
            yield item
            bar.advance(task)
            if not shown and time.monotonic() - begin >= SECONDS_SILENT:
                bar.start()
                shown = True
    finally:
        if shown:
            bar.stop()
