"""One thread: networks this small are no faster with more, and much slower where other tests run beside them."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
