"""Doing the same to many things by several threads, with results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

MOST = 16
"""More threads wait for one another, and for the disk."""


def cores() -> int:
    """How many threads are worth having: the cores that this process may use, at most :data:`MOST`."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST, usable)


def in_order(calls: Iterable[Callable[[], Result]], workers: int) -> Iterator[Result]:
    """The result of each call, in their order, whoever is ready first; memory holds two results a worker.

    Threads, since Pillow, OpenCV and numpy decode, resize and count without Python's lock, and since processes would
    have to send each image.

    Args:
        calls: What is to be done; taken one by one, by the caller's own thread.
        workers: Number of threads; with 1 the caller's own thread does everything.

    Raises:
        BaseException: What the first of the calls, in their order, raised; those after it are given up.
    """
    if workers == 1:
        for call in calls:
            yield call()
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="packing") as pool:
        try:
            for call in calls:
                waiting.append(pool.submit(call))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
