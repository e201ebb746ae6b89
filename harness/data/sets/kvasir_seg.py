"""Kvasir-SEG: polyps in colonoscopies, Jha et al. 2020."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from harness.data.dataset import Deferred, Item
from harness.data.images import decoded, opened
from harness.data.pairs import Pair, PairedImages
from harness.specs import Data

_SIDE = 32
_ALIKE = 0.98
"""Correlation of two images' grey thumbnails from which on they are nearly the same. The four pairs of the 1000 images
correlate by .9933 and more, all others by .9662 and less."""


class KvasirSeg(PairedImages):
    """1000 images with a polyp each, whose masks are JPEG; sizes vary from 332×487 to 1072×1920 pixels.

    Nobody published which patient an image is of, so each image is its own subject, but for near-duplicates, which are
    one: four pairs, in the copy with numbered files 222 and test_16, 300 and 667, 459 and 620, 510 and 593. They are
    found by their content, so that the publisher's names and sizes serve as well. A split by subject never separates
    them; a random one may.

    There is no published split: names such as ``test_16`` in some copies are of whoever made the copy.
    """

    name = "kvasir_seg"
    title = "Kvasir-SEG"
    version = 2
    size = (531, 622)
    folder = "Kvasir-SEG"
    classes = ("background", "polyp")
    foreground = "polyp"
    published = False
    source = "https://datasets.simula.no/kvasir-seg"
    layout = "Kvasir-SEG/{images,masks}/*.jpg"

    def pairs(self, base: Path) -> Iterator[Pair]:
        images, masks = base / "images", base / "masks"
        for stem in {path.stem for path in (*images.glob("*.jpg"), *masks.glob("*.jpg"))}:
            yield Pair(images / f"{stem}.jpg", masks / f"{stem}.jpg", stem, stem)

    def deferred(self, root: Path, data: Data) -> Iterator[Deferred]:
        pairs = self.complete_pairs(root)
        firsts = _first_alike([pair.image for pair in pairs])
        for decode, first in zip(super().deferred(root, data), firsts, strict=True):
            yield partial(_of_subject, decode, pairs[first].subject)


def _of_subject(decode: Deferred, subject: str) -> Item:
    return replace(decode(), subject=subject)


def _first_alike(paths: Sequence[Path]) -> list[int]:
    """For each image the index of the first that it nearly equals, directly or through others, if only itself."""
    from scipy.sparse.csgraph import connected_components

    thumbnails = np.stack([_thumbnail(path) for path in paths])
    groups = connected_components(thumbnails @ thumbnails.T >= _ALIKE, directed=False)[1]
    firsts: dict[int, int] = {}
    return [firsts.setdefault(int(group), index) for index, group in enumerate(groups)]


def _thumbnail(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The grey levels of an image at 32×32, with mean 0 and norm 1, so that a product of two is their correlation."""
    from PIL import Image

    with opened(path) as image:
        image.draft("L", (2 * _SIDE, 2 * _SIDE))  # JPEG decodes to a small image at a tenth of the time.
        grey = Image.fromarray(decoded(path, image, "L"))
    levels = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float64).ravel()
    levels -= levels.mean()
    return levels / (np.linalg.norm(levels) or 1.0)


ADAPTER = KvasirSeg({"": 1000})
