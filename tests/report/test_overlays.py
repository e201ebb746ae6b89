import base64
import io

import numpy as np
import pytest
from PIL import Image

from harness.report.overlays import COLOURS, Overlay, Prediction


def pixels(picture, kind):
    assert picture.source.startswith(f"data:image/{kind};base64,")
    image = Image.open(io.BytesIO(base64.b64decode(picture.source.partition(",")[2])))
    return np.asarray(image.convert("RGB")).astype(int)


def test_hits_misses_and_false_alarms_have_their_colours():
    truth = np.array([[1, 1, 0, 0, 255]] * 4, np.uint8).repeat(4, 0).repeat(4, 1)
    prediction = np.array([[1, 0, 1, 0, 1]] * 4, np.uint8).repeat(4, 0).repeat(4, 1)
    shown = Prediction("arm", "seed 0, IoU 0.15", prediction)
    pictures = Overlay("x", np.zeros(truth.shape, np.uint8), truth, [shown]).pictures()
    captions = [(picture.caption, picture.run) for picture in pictures]
    assert captions == [("image", ""), ("truth", ""), ("arm", "seed 0, IoU 0.15")]
    drawn = pixels(pictures[2], "png")[8, 2::4]
    for painted, name in zip(drawn, ("hit", "missed", "false alarm", None, None), strict=True):
        expected = 0.6 * np.array(COLOURS[name]) if name else np.zeros(3)
        assert np.abs(painted - expected).max() <= 4


def test_every_colour_differs_from_the_others():
    assert len(set(COLOURS.values())) == len(COLOURS) == 4


def test_one_arm_may_be_shown_by_two_runs():
    truth = np.zeros((4, 4), np.uint8)
    runs = [Prediction("a", "seed 0, IoU 0.40", truth), Prediction("a", "seed 2, IoU 0.00, collapsed", truth)]
    assert [picture.run for picture in Overlay("x", truth, truth, runs).pictures()[2:]] == [run.run for run in runs]


def test_small_images_keep_their_pixels_and_large_ones_become_small():
    coarse, _ = Overlay("x", np.zeros((48, 72), np.uint8), np.zeros((48, 72), np.int64), []).pictures()
    assert coarse.coarse
    assert pixels(coarse, "png").shape == (48, 72, 3)
    fine, _ = Overlay("x", np.zeros((600, 900, 3), np.uint8), np.zeros((600, 900), np.int64), []).pictures()
    assert not fine.coarse
    assert pixels(fine, "jpeg").shape == (160, 240, 3)


def test_a_noisy_image_takes_little_of_the_page():
    noisy = np.random.default_rng(0).normal(60, 20, (496, 768)).clip(0, 255).astype(np.uint8)
    for picture in Overlay("x", noisy, np.zeros((496, 768), np.uint8), []).pictures():
        assert len(picture.source) < 16_000


def test_shapes_that_do_not_fit_are_refused():
    truth = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="image"):
        Overlay("x", np.zeros((4, 5), np.uint8), truth, [])
    with pytest.raises(ValueError, match="prediction of 'a'"):
        Overlay("x", truth, truth, [Prediction("a", "seed 0", np.zeros((2, 2), np.uint8))])
