"""Phantoms of graded retinas: the truth that is planted in them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import cohen_kappa_score

from harness import data as datasets
from harness.data import Item
from harness.data.phantoms import flaws, retinas
from harness.specs import Data, Resize, Split

NAMES = ("aptos2019", "deepdrid", "dr_rahim")
PAIRED = ("deepdrid", "dr_rahim")


@cache
def made(name: str, count: int, side: int = 48) -> tuple[Item, ...]:
    return tuple(datasets.generator(name).generate(Data(name, resize=Resize((side, side)), count=count)))


def test_the_photographs_of_a_patient() -> None:
    assert [item.id for item in made("dr_rahim", 6, 8)[:3]] == ["Phantom001_L", "Phantom001_R", "Phantom002_L"]
    assert [item.id for item in made("deepdrid", 8, 8)[2:5]] == ["PhantomD001_r1", "PhantomD001_r2", "PhantomD002_l1"]
    assert [(item.id, item.subject) for item in made("aptos2019", 3, 8)] == [
        (f"PhantomA{number:03d}", f"PhantomA{number:03d}") for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("name", PAIRED)
def test_companions_are_of_the_same_patient_and_mutual(name: str) -> None:
    items = {item.id: item for item in made(name, 24, 8)}
    for item in items.values():
        assert set(item.companions) == set(datasets.companions(name))
        for kind, id in item.companions.items():
            other = items[id]
            assert other.companions[kind] == item.id
            assert (other.subject, other.published) == (item.subject, item.published)
            eyes = [each.rpartition("_")[2][0] for each in (id, item.id)]
            assert (eyes[0] == eyes[1]) == (kind == "same-eye")
            if kind == "same-eye":
                assert other.target == item.target


def test_a_patient_who_is_cut_off_has_no_companion(tmp_path: Path) -> None:
    data = Data("deepdrid", resize=Resize((8, 8)), count=22, companion="other-eye", evidence="phantom")
    packed = datasets.pack(data, None, tmp_path)
    with pytest.raises(ValueError, match="Expected PhantomD006_l1 to have its 'other-eye' beside it, but it has none"):
        datasets.split(packed, data, 0)


def test_companions_stay_on_one_side(tmp_path: Path) -> None:
    data = Data("deepdrid", resize=Resize((8, 8)), companion="other-eye", evidence="phantom")
    packed = datasets.pack(data, None, tmp_path)
    for split in (Split(validation=0.2), Split("subject", validation=0.2), Split("folds")):
        parts = datasets.split(packed, Data("deepdrid", split=split, companion="same-eye", evidence="phantom"), 3)
        assert len(parts.test) == 8
        assert {packed.subjects[at] for at in parts.test}.isdisjoint(packed.subjects[at] for at in parts.train)


@pytest.mark.parametrize("name", PAIRED)
def test_eyes_of_a_patient_have_nearly_one_grade(name: str) -> None:
    grades = np.array([retinas._grades(name, patient) for patient in range(300)])
    difference = np.abs(grades[:, 0] - grades[:, 1])
    assert difference.max() == 1
    assert difference.mean() == pytest.approx({"deepdrid": 0.4, "dr_rahim": 0.25}[name], abs=0.07)
    assert np.corrcoef(grades.T)[0, 1] > 0.85
    assert np.bincount(grades.ravel(), minlength=5).min() >= 30


def test_lesions_grow_with_the_grade() -> None:
    covered = np.zeros((5, 30))
    for grade, trial in np.ndindex(*covered.shape):
        blank = np.full((64, 96, 3), 120, np.float32)
        retinas._paint(blank, retinas._spots(np.random.default_rng(trial), grade), 0.0, 0.6)
        covered[grade, trial] = (np.abs(blank - 120).max(axis=2) > 20).mean()
    assert covered[0].max() == 0
    means = covered.mean(axis=1)
    assert (np.diff(means) > 0.3 * means[1:]).all(), means


@pytest.mark.parametrize("name", NAMES)
def test_the_lesions_of_every_data_set_grow_with_the_grade(name: str) -> None:
    shown = np.array([[_spots_seen(_flawless(name, patient, grade)) for patient in range(8)] for grade in range(5)])
    assert (np.diff(shown.mean(axis=1)) > 0).all(), shown.mean(axis=1)


def _flawless(name: str, patient: int, grade: int) -> np.ndarray:
    view = next(iter(retinas._CAMERAS[name].views))
    return retinas._photograph(name, patient, 0, view, grade, (64, 64), flawless=True)


def test_two_views_show_the_same_lesions_from_two_sides() -> None:
    """Moved back by the distance of the views they cover one another; those of another eye do not."""
    apart = round(0.28 * 64)
    agree, chance = [], []
    for patient in range(12):
        one, two, other = (
            _dark(retinas._photograph("deepdrid", patient, eye, view, 3, (64, 64), flawless=True))
            for eye, view in ((1, "1"), (1, "2"), (0, "2"))
        )
        # A right eye's disc lies to the right: looking towards it moves everything to the left.
        agree.append((one[:, apart:] & two[:, :-apart]).sum() / one[:, apart:].sum())
        chance.append((one[:, apart:] & other[:, :-apart]).sum() / one[:, apart:].sum())
    assert np.mean(agree) > 2 * np.mean(chance)


def _dark(image: np.ndarray) -> np.ndarray:
    """Pixels that are darker in red than what is around them: lesions, and few of the vessels."""
    return cv2.medianBlur(image, 9)[..., 0].astype(int) - image[..., 0] > 30


def _bright(image: np.ndarray) -> np.ndarray:
    return image[..., 1].astype(int) - cv2.medianBlur(image, 9)[..., 1] > 35


def _spots_seen(image: np.ndarray) -> int:
    return int(_dark(image).sum() + _bright(image).sum())


def _readout(images: list[np.ndarray]) -> np.ndarray:
    """What a simple reader sees in each photograph: area of dark and of bright lesions, and of the retina."""
    return np.array([(_dark(each).sum(), _bright(each).sum(), (each[..., 0] > 60).sum()) for each in images], float)


def test_a_second_view_tells_more_of_the_grade() -> None:
    """Linear regression on lesion areas, fitted to 40 patients and scored on 40 others: a quadratic weighted
    kappa of .68 from one view, .80 with the other eye, .76 with the other view of the same eye."""
    items = made("deepdrid", 320)
    seen, grades = _readout([item.image for item in items]), np.array([item.target for item in items])
    places = {item.id: index for index, item in enumerate(items)}
    half = len(items) // 2

    def score(columns: np.ndarray) -> float:
        fitted = LinearRegression().fit(columns[:half], grades[:half]).predict(columns[half:])
        return float(cohen_kappa_score(np.clip(np.rint(fitted), 0, 4), grades[half:], weights="quadratic"))

    alone = score(seen)
    both = {
        name: score(np.hstack([seen, seen[[places[item.companions[name]] for item in items]]]))
        for name in datasets.companions("deepdrid")
    }
    assert 0.4 < alone < 0.85
    assert both["other-eye"] > alone + 0.03
    assert both["same-eye"] > alone + 0.05
    # Whoever sees a photograph twice knows no more.
    assert score(np.hstack([seen, seen])) == pytest.approx(alone, abs=1e-9)


def test_flaws_hide_a_part_of_most_photographs_whatever_the_grade() -> None:
    shares: dict[bool, list[bool]] = {True: [], False: []}
    for patient in range(25):
        spoiled = retinas._photograph("deepdrid", patient, 0, "1", 2, (32, 32))
        whole = retinas._photograph("deepdrid", patient, 0, "1", 2, (32, 32), flawless=True)
        ill = retinas._photograph("deepdrid", patient, 0, "1", 4, (32, 32))
        ill_whole = retinas._photograph("deepdrid", patient, 0, "1", 4, (32, 32), flawless=True)
        shares[True].append(bool((spoiled != whole).any()))
        shares[False].append(bool((ill != ill_whole).any()))
    assert shares[True] == shares[False]
    assert np.mean(shares[True]) == pytest.approx(0.8, abs=0.15)


def test_a_flaw_hides_what_lies_beyond_a_line() -> None:
    hidden = []
    for seed in range(60):
        image = np.full((40, 60, 3), 120, np.float32)
        flaws.spoil(image, np.random.default_rng(seed), 0.5)
        y, x = np.mgrid[:40, :60]
        field = np.hypot(y - 19.5, x - 29.5) < 19
        changed = np.abs(image - 120).max(axis=2) > 60
        assert not changed[np.hypot(y - 19.5, x - 29.5) > 21].any()
        hidden.append(changed[field].mean())
    assert np.mean(hidden) == pytest.approx(0.42, abs=0.08)
    assert min(hidden) < 0.1
    assert 0.7 < max(hidden) < 0.95


def test_no_two_data_sets_share_a_patient_or_an_image() -> None:
    sets = {name: made(name, 24, 16) for name in NAMES}
    subjects = [item.subject for items in sets.values() for item in items]
    assert sum(len({item.subject for item in items}) for items in sets.values()) == len(set(subjects))
    digests = [hashlib.sha256(item.image.tobytes()).hexdigest() for items in sets.values() for item in items]
    assert len(set(digests)) == 72
    grades = {name: tuple(retinas._grades(name, patient)[0] for patient in range(40)) for name in NAMES}
    assert len(set(grades.values())) == 3


def test_cameras_differ() -> None:
    colours = {
        name: np.mean([_flawless(name, patient, 0).mean(axis=(0, 1)) for patient in range(10)], axis=0)
        for name in NAMES
    }
    for one in NAMES:
        for two in NAMES:
            assert one == two or np.abs(colours[one] - colours[two]).max() > 8


def test_the_discs_of_left_and_right_eyes_lie_on_opposite_sides() -> None:
    for item in made("dr_rahim", 12, 64):
        if item.target == 0:
            brightest = item.image[24:40, :, 2].max(axis=0).argmax()
            assert brightest < 24 if item.id.endswith("L") else brightest > 40
