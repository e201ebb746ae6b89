"""Finding data sets and phantoms by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import data as datasets
from harness.specs import Data, Split


def test_every_module_is_a_data_set_of_its_name() -> None:
    retinas = {"aptos2019", "chase_db1", "deepdrid", "dme", "dr_rahim", "drive", "hrf", "stare"}
    pairs = {"isic2018", "kvasir_seg", "mas3k", "oxford_iiit_pet"}
    scenes = {"ade20k", "camvid", "cityscapes", "coco2017", "imagenet", "voc2012"}
    assert {*retinas, *scenes, *pairs, "bars", "discs"} == set(datasets.names())
    for name in datasets.names():
        found = datasets.adapter(name)
        assert found.name == name
        assert found.title
        assert found.source
        assert found.layout
        assert found.version >= 1
        assert found.foreground in ("", *found.classes)
        assert found.task in ("segmentation", "classification")
        assert "" not in found.labels
        assert set(found.annotators) <= set(found.labels)
        assert len(found.annotators) != 1


def test_a_data_set_is_added_with_one_module_and_needs_no_phantom(add_set: Callable[..., Any]) -> None:
    assert datasets.has_phantom("dme")
    add_set()
    assert "toy" in datasets.names()
    assert datasets.adapter("toy").title == "Toy"
    assert not datasets.has_phantom("toy")
    datasets.check(Data("toy", split=Split("subject")), Path())


def test_the_default_annotation_is_always_right() -> None:
    for name in datasets.names():
        datasets.check_spec(Data(name, split=Split("random")))
    datasets.check_spec(Data("dme", labels="expert1", split=Split("folds")))


@pytest.mark.parametrize("find", [datasets.adapter, datasets.generator])
def test_an_unknown_name_is_answered_with_the_known_ones(find: object) -> None:
    with pytest.raises(ValueError, match=r"Expected the name of a data set.*chase_db1.*but got 'drove'\.$"):
        find("drove")  # type: ignore[operator]


def test_unknown_labels_and_splits_are_found_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one of '', 'union', 'expert1', 'expert2', but got 'expert3'"):
        datasets.check(Data("dme", labels="expert3", split=Split("subject")), tmp_path)
    with pytest.raises(ValueError, match="by 'subject', in 'folds' or 'random', since nobody published one"):
        datasets.check(Data("dme"), tmp_path)


def test_importing_and_looking_up_loads_no_decoder() -> None:
    code = (
        "import sys; from harness import data; [data.adapter(n) for n in data.names()];"
        "[data.generator(n) for n in data.names() if data.has_phantom(n)];"
        "print([m for m in ('torch', 'cv2', 'scipy', 'PIL', 'pytest') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
