"""The same images after the preparations that the arms of a claim differ by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.report.overlays import Picture
from harness.specs.identity import SPEC

WORDS: Mapping[str, str] = {"Clahe": "CLAHE", "BenGraham": "Ben Graham", "CircularCrop": "circular crop"}
"""Preparations that are not called as their class is."""


@dataclass(frozen=True, eq=False)
class SideBySide:
    """One image after each preparation.

    Attributes:
        title: The image's id.
        versions: Preparation in words, the arms that use it, and the pixels ``(H, W)`` or ``(H, W, 3)``.
    """

    title: str
    versions: Sequence[tuple[str, Sequence[str], npt.NDArray[np.uint8]]]

    def pictures(self) -> list[Picture]:
        """One picture for each preparation."""
        return [Picture.of(words, ", ".join(arms), pixels) for words, arms, pixels in self.versions]


def words(prepare: Sequence[Mapping[str, Any]]) -> str:
    """The preparations of a data set in canonical form, in words; fields that are at their defaults are not named.

    >>> words([{"spec": "Clahe", "clip": 4}, {"spec": "GaussianBlur"}]), words([])
    ('CLAHE (clip 4), gaussian blur', 'none')
    """
    terms = []
    for term in prepare:
        kind = str(term[SPEC])
        name = WORDS.get(kind, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower())
        fields = ", ".join(f"{field} {value}" for field, value in term.items() if field != SPEC)
        terms.append(f"{name} ({fields})" if fields else name)
    return ", ".join(terms) or "none"
