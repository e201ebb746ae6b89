"""ISIC 2018 Task 1: lesions in dermatoscopic images, Codella et al. 2019, with images of Tschandl et al. 2018."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.data.pairs import Pair, PairedImages

_IMAGES, _MASKS = "ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth"
_MASK = "_segmentation.png"


class Isic2018(PairedImages):
    """The training images of the challenge, the only ones that had masks when papers began to use it.

    Images vary in size, up to 4499×6748 pixels. Which images show the same lesion or patient is not published with
    Task 1, so each image is its own subject. Not verified on the archive: the usual size.
    """

    name = "isic2018"
    title = "ISIC 2018 Task 1"
    size = (767, 1022)
    folder = "ISIC2018"
    classes = ("background", "lesion")
    foreground = "lesion"
    published = False
    source = "https://challenge.isic-archive.com/data/#2018"
    layout = f"[ISIC2018/]{{{_IMAGES}/ISIC_*.jpg,{_MASKS}/ISIC_*{_MASK}}}"

    def base(self, root: Path) -> Path:
        # The publisher's archives have no folder around these two.
        return root if (root / _IMAGES).is_dir() else super().base(root)

    def pairs(self, base: Path) -> Iterator[Pair]:
        images, masks = base / _IMAGES, base / _MASKS
        stems = {path.stem for path in images.glob("ISIC_*.jpg")}
        stems |= {path.name.removesuffix(_MASK) for path in masks.glob(f"ISIC_*{_MASK}")}
        for stem in stems:
            yield Pair(images / f"{stem}.jpg", masks / f"{stem}{_MASK}", stem, stem)


ADAPTER = Isic2018({"": 2594})
