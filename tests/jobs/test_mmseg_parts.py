"""What an exported config registers; test_export.py trains with it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.jobs.mmseg_parts import TorchvisionColourJitter

PINK = np.full((2, 3, 3), (200, 100, 240), np.uint8)  # blue, green, red


def jittered(**factors: float) -> np.ndarray:
    image = TorchvisionColourJitter(**factors)({"img": PINK})["img"]
    assert image.shape == PINK.shape
    assert image.dtype == np.uint8
    return image[0, 0].astype(float)


def test_brightness_multiplies() -> None:
    seen = np.array([jittered(brightness=0.5) for _ in range(40)])
    below = seen[seen.max(axis=1) < 255]
    assert below[:, 0] / below[:, 2] == pytest.approx(200 / 240, abs=0.02)
    assert seen[:, 1].min() >= 50
    assert np.ptp(seen[:, 1]) > 30


def test_saturation_keeps_the_grey_level_of_red_green_and_blue() -> None:
    seen = np.array([jittered(saturation=0.9) for _ in range(40)])
    inside = seen[(seen.max(axis=1) < 255) & (seen.min(axis=1) > 0)]
    grey = inside @ (0.114, 0.587, 0.299)
    assert grey == pytest.approx(PINK[0, 0] @ (0.114, 0.587, 0.299), abs=2)
    assert np.ptp(inside[:, 1]) > 20
