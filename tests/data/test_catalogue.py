"""The catalogue hands out one pack for all splits of the same images."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from harness.data import Catalogue
from harness.specs import Clahe, Data, Resize, Split

DATA = Data("drive", resize=Resize((16, 16)), count=4, evidence="phantom")


def test_one_pack_serves_every_split_and_subset_while_it_is_in_use(tmp_path: Path) -> None:
    catalogue = Catalogue(None, tmp_path)
    packed = catalogue.load(DATA)
    for change in ({"split": Split("random", validation=0.2)}, {"subset": 2}, {"substitute": "stare"}):
        assert catalogue.load(replace(DATA, **change)) is packed
    for other in ({"resize": Resize((16, 24))}, {"count": 5}, {"prepare": (Clahe(),)}):
        assert catalogue.load(replace(DATA, **other)) is not packed


def test_a_pack_that_nobody_holds_is_let_go(tmp_path: Path) -> None:
    catalogue = Catalogue(None, tmp_path)
    packed = weakref.ref(catalogue.load(DATA))
    gc.collect()
    assert packed() is None


def test_what_cannot_be_packed_is_refused_each_time(tmp_path: Path) -> None:
    catalogue = Catalogue(None, tmp_path)
    for _ in range(2):
        with pytest.raises(ValueError, match="Expected"):
            catalogue.load(replace(DATA, name="nowhere"))
