"""Results in order, whatever the number of threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest

from harness.data.parallel import cores, in_order


def late(number: int) -> int:
    """Is ready the later the smaller the number."""
    time.sleep((40 - number) / 4000)
    return number


@pytest.mark.parametrize("workers", [1, 2, 5, 50])
def test_results_come_in_order(workers: int) -> None:
    assert list(in_order((partial(late, number) for number in range(40)), workers)) == list(range(40))
    assert list(in_order([], workers)) == []


def test_several_threads_work_at_once() -> None:
    """A barrier that nobody passes alone."""
    barrier = threading.Barrier(3)
    assert len(list(in_order([partial(barrier.wait, 10) for _ in range(3)], 3))) == 3


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_only_two_results_a_worker_wait(workers: int) -> None:
    taken = []

    def calls() -> Iterator[Callable[[], int]]:
        for number in range(100):
            taken.append(number)
            yield partial(int, number)

    results = in_order(calls(), workers)
    for number in range(50):
        assert next(results) == number
        assert len(taken) <= number + 1 + 2 * workers
    results.close()
    assert len(taken) < 60


@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_failure_in_order_is_raised_and_the_rest_given_up(workers: int) -> None:
    done = []

    def call(number: int) -> int:
        late(number)
        if number in (5, 6):
            raise ValueError(str(number))
        done.append(number)
        return number

    results = in_order((partial(call, number) for number in range(40)), workers)
    seen = []
    with pytest.raises(ValueError, match=r"^5$"):
        seen.extend(results)
    assert seen == list(range(5))
    assert len(done) < 5 + 2 * workers


def test_there_is_a_core() -> None:
    assert 1 <= cores() <= 16


def test_numbers_of_threads_draw_the_same_array() -> None:
    def call(seed: int) -> bytes:
        return np.random.default_rng(seed).integers(0, 256, 999, dtype=np.uint8).tobytes()

    one, four = (b"".join(in_order((partial(call, seed) for seed in range(30)), workers)) for workers in (1, 4))
    assert one == four
