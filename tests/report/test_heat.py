import re

import numpy as np
import pytest

from harness.report.heat import OPACITY, Graded, Look, heated, legend

GREY = np.full((40, 60, 3), 100, np.uint8)


def test_the_hottest_place_has_the_colours_end_and_the_image_still_shows():
    from matplotlib import colormaps

    heat = np.zeros((40, 60), np.uint8)
    heat[10:30, 20:40] = 255
    painted = heated(GREY, heat).astype(float)
    for place, share in (((20, 30), 1.0), ((2, 2), 0.0)):
        opacity = OPACITY[int(share)]
        expected = (1 - opacity) * 100 + opacity * 255 * np.array(colormaps["cividis"](share)[:3])
        np.testing.assert_allclose(painted[place], expected, atol=1)
    assert painted[20, 30].sum() > painted[2, 2].sum()


def test_a_map_of_another_size_covers_the_whole_image():
    heat = np.tile(np.linspace(0, 255, 8).astype(np.uint8), (5, 1))
    painted = heated(np.zeros((40, 60), np.uint8), heat).astype(int)
    assert painted.shape == (40, 60, 3)
    assert (np.diff(painted[20, ::6].sum(1)) >= 0).all(), "light grows from left to right"


def test_without_a_map_the_image_is_as_it_was():
    assert np.array_equal(heated(GREY[..., 0], None), GREY)


def test_right_and_wrong_are_told_apart_and_arms_without_a_map_are_named():
    looks = [
        Look("one", "seed 0, kappa 0.50", GREY, "mild", np.zeros((4, 6), np.uint8)),
        Look("both", "seed 1, kappa 0.60", GREY, "severe"),
        Look("both", "seed 2, kappa 0.00, collapsed", GREY, "none"),
    ]
    graded = Graded("eye 1", "severe", looks)
    assert [(picture.caption, predicted, right) for picture, predicted, right in graded.pictures()] == [
        ("image", "", True), ("one", "mild", False), ("both", "severe", True), ("both", "none", False),
    ]  # fmt: skip
    assert graded.unexplained == ("both",)


def test_the_legend_goes_from_dark_to_light():
    stops = re.findall(r"#([0-9a-f]{6})", legend())
    light = [sum(int(stop[at : at + 2], 16) for at in (0, 2, 4)) for stop in stops]
    assert len(stops) == 9
    assert light == sorted(light)


@pytest.mark.parametrize("shape", [(30, 40), (300, 400)])
def test_pictures_are_of_the_size_of_the_page(shape):
    picture, _, _ = Graded("x", "a", [Look("arm", "", np.zeros(shape, np.uint8), "a")]).pictures()[1]
    assert picture.coarse == (shape[1] <= 128)
