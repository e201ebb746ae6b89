import base64
import io

import numpy as np
import pytest
from PIL import Image

from harness.report.overlays import COLOURS, Overlay


def pixels(uri):
    assert uri.startswith("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")).astype(int)


def test_hits_misses_and_false_alarms_have_their_colours():
    truth = np.array([[1, 1, 0, 0, 255]] * 4, np.uint8).repeat(4, 0).repeat(4, 1)
    prediction = np.array([[1, 0, 1, 0, 1]] * 4, np.uint8).repeat(4, 0).repeat(4, 1)
    pictures = Overlay("x", np.zeros(truth.shape, np.uint8), truth, {"arm": prediction}).pictures()
    assert [caption for caption, _ in pictures] == ["image", "truth", "arm"]
    drawn = pixels(pictures[2][1])[80, 20::40]
    for found, name in zip(drawn, ("hit", "missed", "false alarm", None, None), strict=True):
        expected = 0.6 * np.array(COLOURS[name]) if name else np.zeros(3)
        assert np.abs(found - expected).max() <= 4


def test_large_images_become_small():
    image = np.zeros((600, 900, 3), np.uint8)
    (_, uri), _ = Overlay("x", image, np.zeros((600, 900), np.int64), {}).pictures()
    assert pixels(uri).shape == (192, 288, 3)


def test_shapes_that_do_not_fit_are_refused():
    truth = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="image"):
        Overlay("x", np.zeros((4, 5), np.uint8), truth, {})
    with pytest.raises(ValueError, match="prediction of 'a'"):
        Overlay("x", truth, truth, {"a": np.zeros((2, 2), np.uint8)})
