"""harness.devices: which device a worker trains on."""

from __future__ import annotations

import ctypes

import pytest

from harness import devices
from harness.devices import choose, gpu_count


@pytest.fixture
def gpus(monkeypatch):
    def say(count: int) -> None:
        monkeypatch.setattr(devices, "gpu_count", lambda: count)

    return say


def test_auto_is_a_gpu_where_there_is_one(gpus):
    gpus(0)
    assert choose("auto") == "cpu"
    gpus(1)
    assert choose("auto", worker=3) == "cuda:0"


def test_workers_take_turns_on_several_gpus(gpus):
    gpus(2)
    assert [choose("cuda", worker) for worker in range(4)] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]


def test_a_named_device_is_taken_as_it_is(gpus):
    gpus(2)
    assert choose("cuda:1", worker=2) == "cuda:1"
    assert choose("cpu", worker=2) == "cpu"


@pytest.mark.parametrize(
    ("wanted", "count"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2), ("cuda:", 1), ("tpu", 1), ("cuda:x", 1)]
)
def test_a_device_that_does_not_exist_is_one_sentence(gpus, wanted, count):
    gpus(count)
    with pytest.raises(ValueError, match=f"but got '{wanted}' on a machine with {count} GPUs; choose one that exists"):
        choose(wanted)


class Driver:
    def __init__(self, count: int, init: int = 0) -> None:
        self.count, self.init = count, init

    def cuInit(self, flags: int) -> int:
        return self.init

    def cuDeviceGetCount(self, found: object) -> int:
        found._obj.value = self.count  # type: ignore[attr-defined]
        return 0


@pytest.mark.parametrize(("driver", "expected"), [(Driver(3), 3), (Driver(3, init=100), 0), (None, 0)])
def test_gpus_are_counted_without_torch(monkeypatch, driver, expected):
    def load(name):
        if driver is None:
            raise OSError("no such library")
        return driver

    monkeypatch.setattr(ctypes, "CDLL", load)
    gpu_count.cache_clear()
    try:
        assert gpu_count() == expected
    finally:
        gpu_count.cache_clear()
