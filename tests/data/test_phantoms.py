"""Phantoms: deterministic, exact, and alike where the real data are."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import data as datasets
from harness.data import IGNORED, Item, Packed
from harness.specs import Data, Resize, Split

SMALL = (48, 72)
DRAWN = [name for name in datasets.names() if datasets.has_phantom(name)]
VESSELS = ("drive", "chase_db1", "stare", "hrf")


def made(name: str, count: int, size: tuple[int, int] | None = SMALL) -> list[Item]:
    resize = Resize(size) if size else None
    return list(datasets.generator(name).generate(Data(name, resize=resize, count=count)))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds what several tests look at, so that it is drawn once."""
    return tmp_path_factory.mktemp("drawn")


def packed(name: str, count: int, cache: Path) -> Packed:
    return datasets.pack(
        Data(name, split=Split("random"), resize=Resize(SMALL), count=count, evidence="phantom"), None, cache
    )


def digest(items: list[Item]) -> str:
    content = b"".join(item.image.tobytes() + np.asarray(item.target).tobytes() for item in items)
    return hashlib.sha256(content).hexdigest()


def test_another_process_makes_the_same_images() -> None:
    code = (
        "import hashlib, numpy; from harness import data; from harness.specs import Data, Resize\n"
        "for name in filter(data.has_phantom, data.names()):\n"
        "    items = list(data.generator(name).generate(Data(name, resize=Resize((48, 72)), count=2)))\n"
        "    content = b''.join(i.image.tobytes() + numpy.asarray(i.target).tobytes() for i in items)\n"
        "    print(name, hashlib.sha256(content).hexdigest())"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    printed = dict(line.split() for line in done.stdout.splitlines())
    assert printed == {name: digest(made(name, 2)) for name in DRAWN}


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(DRAWN), st.integers(1, 4), st.tuples(st.integers(8, 60), st.integers(8, 90)))
def test_any_size_has_valid_masks(name: str, count: int, size: tuple[int, int]) -> None:
    items = made(name, count, size)
    assert len({item.id for item in items}) == len(items) == count
    for item in items:
        assert item.image.shape[:2] == size
        assert item.image.ndim == (2 if name in ("bars", "discs", "dme") else 3)
        assert item.image.dtype == np.uint8
        target = np.asarray(item.target, np.uint8)
        assert target.shape == (size if datasets.adapter(name).task == "segmentation" else ())
        assert set(np.unique(target)) <= {*range(len(datasets.adapter(name).classes)), IGNORED}


@pytest.mark.parametrize("name", DRAWN)
def test_an_image_depends_on_its_position_only(name: str) -> None:
    few, more = made(name, 3), made(name, 5)
    assert digest(few) == digest(more[:3])
    assert len({item.image.tobytes() for item in more}) == 5


@pytest.mark.parametrize(("name", "size"), [("dme", (496, 768)), ("drive", (584, 565)), ("camvid", (360, 480))])
def test_the_published_size_is_the_default(name: str, size: tuple[int, int]) -> None:
    assert made(name, 1, None)[0].target.shape == size


def test_a_larger_size_shows_the_same_scene() -> None:
    for name in ("dme", "drive", "camvid"):
        small, large = made(name, 3), made(name, 3, (96, 144))
        for one, two in zip(small, large, strict=True):
            agree = (two.target[::2, ::2] == one.target).mean()
            assert agree > 0.9, (name, agree)


def test_oct_resembles_the_real_scans(drawn: Path) -> None:
    """Real, either expert: fluid 1.2% of the pixels, 19 of 110 scans without, mean grey level 46."""
    some = packed("dme", 110, drawn)
    fluid = some.targets == 1
    empty = (~fluid.any((1, 2))).sum()
    assert 0.01 < fluid.mean() < 0.04
    assert 10 <= empty <= 35
    assert len(set(some.subjects)) == 10
    assert 35 < some.images.mean() < 60
    # Subjects differ more than chance: their scans share anatomy and severity.
    share = fluid.mean((1, 2))
    by_subject = [share[np.array(some.subjects) == subject].mean() for subject in sorted(set(some.subjects))]
    assert np.var(by_subject) > 1.5 * share.var() / 11


def test_fluid_is_darker_than_the_retina_around_it(drawn: Path) -> None:
    import cv2

    some = packed("dme", 110, drawn)
    contrasts = []
    for image, mask in zip(some.images[..., 0].astype(float), some.targets, strict=True):
        if mask.sum() >= 10:
            ring = cv2.dilate(mask, np.ones((5, 5), np.uint8)) - mask
            contrasts.append(image[ring == 1].mean() - image[mask == 1].mean())
    assert min(contrasts) > 0
    assert np.mean(contrasts) > 12


@pytest.mark.parametrize("name", VESSELS)
def test_vessels_are_dark_and_cover_about_a_tenth(name: str, drawn: Path) -> None:
    some = packed(name, 20, drawn)
    vessel = some.targets == 1
    assert 0.07 < vessel.mean() < 0.13
    green = some.images[..., 1].astype(float)
    near = np.stack([_ring(mask) for mask in some.targets])
    assert green[near].mean() - green[vessel].mean() > 5


def _ring(mask: np.ndarray) -> np.ndarray:
    import cv2

    return (cv2.dilate(mask, np.ones((3, 3), np.uint8)) - mask) == 1


def test_the_four_looks_differ(drawn: Path) -> None:
    colours = {name: packed(name, 20, drawn).images.mean((0, 1, 2)) for name in VESSELS}
    for one in VESSELS:
        for two in VESSELS:
            assert one == two or np.abs(colours[one] - colours[two]).max() > 12


def test_streets_hold_every_kind_of_thing(drawn: Path) -> None:
    camvid = packed("camvid", 40, drawn)
    assert set(np.unique(camvid.targets)) == set(range(11))
    cityscapes = packed("cityscapes", 40, drawn)
    present = {cityscapes.classes[index] for index in np.unique(cityscapes.targets)}
    assert present == set(cityscapes.classes) - {"wall", "train", "motorcycle"}
    for some in (camvid, cityscapes):
        assert 0.3 < (some.targets == some.classes.index("road")).mean() < 0.55


@pytest.mark.parametrize("name", [name for name in DRAWN if datasets.adapter(name).published])
def test_the_last_fifth_is_tested_with(name: str, drawn: Path) -> None:
    data = Data(name, resize=Resize((24, 36)), count=10, evidence="phantom")
    parts = datasets.split(datasets.pack(data, None, drawn), data, 0)
    assert (len(parts.train), len(parts.test)) == (8, 2)
