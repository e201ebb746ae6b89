"""Tiny data sets, one of the test's own, and where the real ones are."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts import REAL_ROOT, WRITERS

from harness.data import Item, registry, sets
from harness.specs import Data


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with every data set, tiny; not to be changed."""
    root = tmp_path_factory.mktemp("published")
    for name, write in WRITERS.items():
        write(root, np.random.default_rng(len(name)))
    return root


@pytest.fixture
def copied(published: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies one top-level folder of the tiny data sets into a root of the test's own."""

    def copy(folder: str) -> Path:
        root = tmp_path / "root"
        shutil.copytree(published / folder, root / folder)
        return root

    return copy


@dataclass
class Toy:
    """A data set of the test's own, without a phantom."""

    items: Iterable[Item] = ()
    name: str = "toy"
    title: str = "Toy"
    version: int = 1
    task: str = "segmentation"
    size: tuple[int, int] = (4, 6)
    images: int = 0
    classes: tuple[str, ...] = ("background", "thing")
    foreground: str = "thing"
    labels: tuple[str, ...] = ()
    annotators: tuple[str, ...] = ()
    published: bool = False
    source: str = "nowhere"
    layout: str = "nothing"

    def files(self, root: Path) -> list[Path]:
        return []

    def check(self, root: Path) -> None: ...

    def read(self, root: Path, data: Data) -> Iterator[Item]:
        yield from self.items


@pytest.fixture
def add_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Toy]]:
    """Adds a :class:`Toy` with the given fields to the known data sets, as one module more in their folder does."""
    caches = (registry.names, registry.adapter)

    def add(**fields: Any) -> Toy:
        adapter = Toy(**fields)
        folder = tmp_path / "more_sets"
        folder.mkdir(exist_ok=True)
        (folder / f"{adapter.name}.py").write_text("ADAPTER = None\n")
        monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(folder)])
        importlib.invalidate_caches()
        for cached in caches:
            cached.cache_clear()
        module = importlib.import_module(f"{sets.__name__}.{adapter.name}")
        monkeypatch.setattr(module, "ADAPTER", adapter)
        return adapter

    yield add
    for cached in caches:
        cached.cache_clear()


@pytest.fixture(scope="session")
def real_root() -> Path:
    """The data root with real data; the test is skipped where there is none."""
    if not REAL_ROOT.is_dir():
        pytest.skip(f"no real data: {REAL_ROOT} is no folder; set CLAIMS_DATA_ROOT")
    return REAL_ROOT


@pytest.fixture(scope="session")
def real_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packed")
