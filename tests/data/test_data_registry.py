"""Finding data sets and phantoms by name."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from harness import data as datasets
from harness.data import registry, sets
from harness.specs import Data


def test_every_module_is_a_data_set_of_its_name() -> None:
    assert set(datasets.names()) == {"camvid", "chase_db1", "cityscapes", "dme", "drive", "hrf", "stare"}
    for name in datasets.names():
        found = datasets.adapter(name)
        assert found.name == name
        assert found.title
        assert found.source
        assert found.layout
        assert found.labels


def test_every_data_set_has_a_phantom_with_its_classes() -> None:
    for name in datasets.names():
        assert datasets.generator(name).classes(name) == datasets.adapter(name).classes


def test_a_data_set_is_added_with_one_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "toy_set.py"
    module.write_text("class Toy:\n    name = 'toy_set'\n    title = 'Toy'\n\n\nADAPTER = Toy()\n")
    monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    for cached in (registry.names, registry.adapter):
        cached.cache_clear()
    try:
        assert "toy_set" in datasets.names()
        assert datasets.adapter("toy_set").title == "Toy"
    finally:
        for cached in (registry.names, registry.adapter):
            cached.cache_clear()


@pytest.mark.parametrize("find", [datasets.adapter, datasets.generator])
def test_an_unknown_name_is_answered_with_the_known_ones(find: object) -> None:
    with pytest.raises(ValueError, match=r"Expected the name of a data set.*chase_db1.*but got 'drove'\.$"):
        find("drove")  # type: ignore[operator]


def test_unknown_labels_and_splits_are_found_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one of '', 'union', 'expert1', 'expert2', but got 'expert3'"):
        datasets.check(Data("dme", labels="expert3", split="subject"), tmp_path)
    with pytest.raises(ValueError, match="to be 'subject' or 'random', since nobody published one"):
        datasets.check(Data("dme"), tmp_path)


def test_importing_and_looking_up_loads_no_decoder() -> None:
    code = (
        "import sys; from harness import data; [(data.adapter(n), data.generator(n)) for n in data.names()];"
        "print([m for m in ('torch', 'cv2', 'scipy', 'PIL', 'pytest') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
