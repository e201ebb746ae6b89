"""Image files in every format that publishers use: the same picture, or one sentence with the file's name."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data import DataError
from harness.data.images import decoded, opened

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
GREYS = np.repeat(RNG.integers(0, 256, (6, 8, 1), dtype=np.uint8), 3, axis=2)


def rgb(path: Path) -> np.ndarray:
    with warnings.catch_warnings(), opened(path) as image:
        warnings.simplefilter("error")
        return decoded(path, image, "RGB")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".ppm"])
@pytest.mark.parametrize("shown", [COLOURS, GREYS], ids=["colour", "grey"])
def test_the_ending_does_not_matter(suffix: str, shown: np.ndarray, tmp_path: Path) -> None:
    grey = np.array_equal(shown[:, :, 0], shown[:, :, 1])
    Image.fromarray(shown[:, :, 0] if grey else shown).save(tmp_path / f"a{suffix}")
    named_wrongly = (tmp_path / f"a{suffix}").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(rgb(named_wrongly), shown)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_left_out_and_the_colours_below_it_are_kept(mode: str, tmp_path: Path) -> None:
    shown = COLOURS if mode == "RGBA" else GREYS
    alpha = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8) * 5)
    image = Image.fromarray(shown if mode == "RGBA" else shown[:, :, 0])
    image.putalpha(alpha)
    assert image.mode == mode
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(rgb(tmp_path / "a.png"), shown)


@pytest.mark.parametrize("transparent", [None, 3, bytes(range(48))], ids=["opaque", "one entry", "by entry"])
def test_a_palette_becomes_its_colours(transparent: object, tmp_path: Path) -> None:
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8), "P")
    image.putpalette(COLOURS.tobytes())
    image.save(tmp_path / "a.png", **({} if transparent is None else {"transparency": transparent}))
    np.testing.assert_array_equal(rgb(tmp_path / "a.png"), COLOURS)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_of_16_bits_the_upper_8_are_taken(suffix: str, tmp_path: Path) -> None:
    stored = RNG.integers(0, 65536, (6, 8)).astype(np.uint16)
    stored[0, :2] = 0, 65535
    Image.fromarray(stored).save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(rgb(tmp_path / f"a{suffix}"), np.repeat((stored // 256)[:, :, None], 3, axis=2))


def test_16_bits_in_each_colour(tmp_path: Path) -> None:
    import cv2

    stored = RNG.integers(0, 65536, (6, 8, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), stored[:, :, ::-1])
    np.testing.assert_array_equal(rgb(tmp_path / "a.png"), stored // 256)


@pytest.mark.parametrize("highest", [1, 255, 4095])
def test_numbers_that_do_not_span_16_bits_are_refused_instead_of_dark(highest: int, tmp_path: Path) -> None:
    stored = np.zeros((6, 8), np.uint16)
    Image.fromarray(stored).save(tmp_path / "black.png")
    assert not rgb(tmp_path / "black.png").any()
    stored[1, 2] = highest
    Image.fromarray(stored).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=rf"^Expected the image .*a\.png to have .* between 0 and {highest}; convert"):
        rgb(tmp_path / "a.png")


def test_fractions_are_refused(tmp_path: Path) -> None:
    Image.fromarray(RNG.random((6, 8), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"^Expected the image .*a\.tif to have 8 bits"):
        rgb(tmp_path / "a.tif")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "PPM"])
@pytest.mark.filterwarnings("ignore:Truncated File Read", "ignore:Corrupt EXIF data")
def test_a_truncated_file_is_never_read_as_another_picture(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    Image.fromarray(COLOURS).save(path, kind)
    whole, expected = path.read_bytes(), rgb(path)
    refused = read = 0
    for left in range(len(whole)):
        path.write_bytes(whole[:left])
        try:
            pixels = rgb(path)
        except DataError as error:
            refused += f"Expected {path} to be a readable image, but it is damaged (" in str(error)
        else:  # What follows the last pixel may be missing.
            read += 1
            np.testing.assert_array_equal(pixels, expected)
    assert refused + read == len(whole)
    assert refused > len(whole) // 3
