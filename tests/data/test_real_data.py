"""The genuine data, where they are: the counts that are known of them, and the memory they take."""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from harness import data as datasets
from harness.data import IGNORED, DataError, Packed
from harness.data.preparation import prepared
from harness.data.resizing import resize_mask
from harness.specs import BenGraham, CircularCrop, Data, Split


def real(name: str, root: Path, cache: Path, labels: str = "") -> Packed:
    """A packed data set; the test is skipped where it is absent."""
    data = Data(name, labels=labels, split=Split("random"), evidence="real")
    try:
        datasets.check(data, root)
    except DataError as error:
        pytest.skip(f"no real {name}: {error}")
    return datasets.pack(data, root, cache)


def test_dme_counts_and_fluid_by_expert(real_root: Path, real_cache: Path) -> None:
    for labels, empty, share in (("expert1", 32, 0.008), ("expert2", 24, 0.010)):
        some = real("dme", real_root, real_cache, labels)
        assert some.images.shape == (110, 496, 768, 1)
        assert len(set(some.subjects)) == 10
        fluid = some.targets == 1
        assert (~fluid.any((1, 2))).sum() == empty
        assert fluid.mean() == pytest.approx(share, abs=0.0005)
        assert set(np.unique(some.targets)) == {0, 1}


def test_the_dme_experts_agree_to_a_dice_of_069(real_root: Path, real_cache: Path) -> None:
    one, two = (real("dme", real_root, real_cache, labels).targets == 1 for labels in ("expert1", "expert2"))
    both, sizes = (one & two).sum((1, 2)), one.sum((1, 2)) + two.sum((1, 2))
    assert 2 * both.sum() / sizes.sum() == pytest.approx(0.69, abs=0.005)
    assert (2 * both[sizes > 0] / sizes[sizes > 0]).mean() == pytest.approx(0.49, abs=0.005)
    assert (sizes > 0).sum() == 91


def test_dme_test_subjects(real_root: Path, real_cache: Path) -> None:
    some = real("dme", real_root, real_cache, "expert1")
    parts = datasets.split(some, Data("dme", split=Split("subject")), 0)
    assert (len(parts.train), len(parts.test)) == (88, 22)
    assert {some.subjects[i] for i in parts.test} == {"Subject_09", "Subject_10"}


@pytest.mark.parametrize(
    ("name", "shape", "training"),
    [("drive", (40, 584, 565, 3), 20), ("chase_db1", (28, 960, 999, 3), 20)],
)
def test_vessel_counts(name: str, shape: tuple[int, ...], training: int, real_root: Path, real_cache: Path) -> None:
    some = real(name, real_root, real_cache)
    assert some.images.shape == shape
    assert some.published.count("train") == training
    assert 0.06 < (some.targets == 1).mean() < 0.10


def test_camvid_counts(real_root: Path) -> None:
    camvid = datasets.adapter("camvid")
    try:
        files = camvid.files(real_root)
    except DataError as error:
        pytest.skip(f"no real camvid: {error}")
    folders = Counter(path.parent.name for path in files)
    assert folders == {"train": 367, "trainannot": 367, "val": 101, "valannot": 101}
    item = next(camvid.read(real_root, Data("camvid")))
    assert item.image.shape == (360, 480, 3)
    assert {camvid.classes[value] for value in np.unique(item.target) if value != IGNORED} >= {
        "sky",
        "road",
        "building",
    }


def test_kvasir_seg_counts_share_of_polyps_and_near_duplicates(real_root: Path) -> None:
    kvasir = datasets.adapter("kvasir_seg")
    try:
        kvasir.check(real_root)
    except DataError as error:
        pytest.skip(f"no real kvasir_seg: {error}")
    shares, images = [], {}
    for item in kvasir.read(real_root, Data("kvasir_seg")):
        images.setdefault(item.subject, []).append(item.id)
        shares.append(np.mean(item.target == 1))
        assert item.target.max() == 1  # type: ignore[union-attr]
    assert len(shares) == 1000
    assert np.mean(shares) == pytest.approx(0.154, abs=0.0005)
    pairs = [sorted(ids) for ids in images.values() if len(ids) > 1]
    assert len(images) == 996
    assert all(len(ids) == 2 for ids in pairs)
    if (real_root / "kvasir_seg/Kvasir-SEG/images/test_16.jpg").is_file():  # The copy with numbered files.
        assert sorted(pairs) == [["222", "test_16"], ["300", "667"], ["459", "620"], ["510", "593"]]


def test_dr_rahim_counts(real_root: Path) -> None:
    rahim = datasets.adapter("dr_rahim")
    try:
        rahim.check(real_root)
    except DataError as error:
        pytest.skip(f"no real dr_rahim: {error}")
    items = rahim.read(real_root, Data("dr_rahim"))
    first = next(items)
    assert first.image.shape == (428, 640, 3)
    assert (first.id, first.subject, first.target) == ("Patient001_L", "Patient001", 0)
    assert first.companions == {"other-eye": "Patient001_R"}
    # Their folders tell the grades: decoding all 588 takes longer than it shows.
    assert len(rahim.files(real_root)) == rahim.images == 588
    grades = {id: grade for _, id, grade in rahim._graded(real_root)}  # type: ignore[attr-defined]
    assert Counter(grades.values()) == {0: 276, 1: 99, 2: 166, 3: 32, 4: 15}
    apart = Counter(abs(grades[id] - grades[f"{id[:-1]}R"]) for id in grades if id.endswith("L"))
    assert apart == {0: 218, 1: 70, 2: 5, 3: 1}
    # Patient276's left eye is graded, but its right eye has advanced disease.
    assert not [id for id in grades if id[7:10] in ("031", "053", "103", "276")]


def test_real_retinas_are_cut_to_their_disc(real_root: Path) -> None:
    rahim = datasets.adapter("dr_rahim")
    try:
        rahim.check(real_root)
    except DataError as error:
        pytest.skip(f"no real dr_rahim: {error}")
    for item in islice(rahim.read(real_root, Data("dr_rahim", split=Split("subject"))), 12):
        cut, _ = prepared(CircularCrop(), item.image, item.target)
        assert 380 < cut.shape[0] <= 428
        assert 480 < cut.shape[1] < 600  # the disc is cut above and below
        flat, _ = prepared(BenGraham(), cut, item.target)
        inside = flat[100:-100, 150:-150].astype(float)
        assert abs(np.median(inside) - 128) < 8


def test_dme_drive_and_chase_take_less_than_300_mb(real_root: Path, real_cache: Path) -> None:
    packed = [
        real(name, real_root, real_cache, labels)
        for name, labels in (("dme", "expert1"), ("drive", ""), ("chase_db1", ""))
    ]
    assert sum(some.images.nbytes + some.targets.nbytes for some in packed) < 300e6


def test_small_masks_keep_the_share_of_fluid_and_the_empty_scans(real_root: Path, real_cache: Path) -> None:
    full = real("dme", real_root, real_cache, "expert1").targets == 1
    small = np.stack([resize_mask(mask.astype(np.uint8), (48, 72), 2) for mask in full])
    assert small.mean() == pytest.approx(full.mean(), rel=0.02)
    assert (small.max((1, 2)) == 0).sum() == (~full.any((1, 2))).sum()


def test_dme_is_checked_within_a_second(real_root: Path) -> None:
    start = time.perf_counter()
    try:
        datasets.check(Data("dme", split=Split("subject")), real_root)
    except DataError as error:
        pytest.skip(f"no real DME: {error}")
    assert time.perf_counter() - start < 1
