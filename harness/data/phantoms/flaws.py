"""What hides a part of a fundus photograph: a shadow, glare, a field that is cut off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.data.phantoms.drawing import Floats


@dataclass(frozen=True)
class _Flaw:
    """One kind of flaw.

    Attributes:
        colour: What is seen in place of the retina, RGB grey levels.
        edge: How wide its edge is, in heights of the image.
        opacity: Share of the retina's colour that it hides.
    """

    colour: tuple[float, float, float]
    edge: float
    opacity: float


_FLAWS = (
    _Flaw((22, 8, 5), 0.16, 0.96),  # a shadow, of an eyelid or a small pupil
    _Flaw((244, 214, 176), 0.20, 0.94),  # glare
    _Flaw((4, 4, 4), 0.008, 1.0),  # a field that is cut off
)
_DEEPEST = 0.6
"""How far beyond the centre a flaw may reach, in radii of the field."""


def spoil(image: Floats, rng: np.random.Generator, field: float) -> None:
    """Hides a part of a photograph ``(H, W, 3)`` in place: what lies beyond a line across its field.

    Args:
        image: Grey levels.
        rng: What kind of flaw, on which side, and how much of the field it hides: 2% to 86%, 42% on average.
        field: Radius of the field of view, in heights of the image.
    """
    height, width = image.shape[:2]
    flaw = _FLAWS[int(rng.integers(len(_FLAWS)))]
    angle, line = rng.uniform(0, 2 * np.pi), rng.uniform(-_DEEPEST, 0.9) * field
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height - 0.5)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5 - 0.5 * width) / height)[None, :]
    beyond = x * np.cos(angle) + y * np.sin(angle) - line
    cover = flaw.opacity * np.clip(beyond / flaw.edge + 0.5, 0, 1) * (np.hypot(x, y) < field)
    image += cover[..., None].astype(np.float32) * (np.array(flaw.colour, np.float32) - image)
