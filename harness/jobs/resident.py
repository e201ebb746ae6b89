"""Packed data on the training device."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from harness.data import Packed
from harness.specs import Normalise

KEPT_BYTES = 2 * 2**30
"""What the packs that a process keeps on a GPU may take beside the one in use."""


@dataclass(frozen=True)
class Resident:
    """A pack on the device, still uint8, and which of its images one part of a split has.

    On the CPU the tensors are the mapped files themselves, so that all processes of a machine share one copy. On a GPU
    the trainings of a process share one.

    Attributes:
        images: uint8 ``(N, H, W, C)`` of the whole pack.
        targets: uint8 ``(N, H, W)`` or ``(N,)``, or int16 ``(N,)``, of the whole pack.
        indices: int64 ``(M,)``, the images of this part; one that is drawn several times comes several times.
        companions: int64 ``(N,)``, which image of the pack a network sees beside each; ``None``: none.
    """

    images: torch.Tensor
    targets: torch.Tensor
    indices: torch.Tensor
    companions: torch.Tensor | None = None

    @classmethod
    def place(
        cls, packed: Packed, indices: npt.NDArray[np.int64], device: torch.device, companion: str = ""
    ) -> Resident:
        """The images at ``indices`` on ``device``, and their companions of that name.

        Raises:
            ValueError: An image has no such companion.
        """
        images, targets = _placed(packed, device)
        beside = torch.from_numpy(packed.companion_of(companion)).to(device) if companion else None
        return cls(images, targets, torch.from_numpy(np.asarray(indices, np.int64)).to(device), beside)

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.images.shape[1]), int(self.images.shape[2])

    def take(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Images uint8 ``(B, C, H, W)`` and targets at positions within this part."""
        picked = self.indices[positions]
        return self._at(picked), self.targets[picked]

    def views(self, positions: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """All that a network sees of each: images as of :meth:`take`, and where there are companions those."""
        picked = self.indices[positions]
        if self.companions is None:
            return (self._at(picked),)
        return self._at(picked), self._at(self.companions[picked])

    def _at(self, picked: torch.Tensor) -> torch.Tensor:
        return self.images[picked].permute(0, 3, 1, 2).contiguous()


_KEPT: dict[tuple[int, str], tuple[Packed, torch.Tensor, torch.Tensor]] = {}


def _placed(packed: Packed, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch cannot mark a tensor as read-only; nobody writes to these
        images, targets = torch.from_numpy(packed.images), torch.from_numpy(packed.targets)
    if device.type == "cpu":
        return images, targets
    place = (id(packed), str(device))
    if place not in _KEPT:
        while _KEPT and sum(pack.images.nbytes for pack, *_ in _KEPT.values()) > KEPT_BYTES:
            del _KEPT[next(iter(_KEPT))]
        _KEPT[place] = (packed, images.to(device), targets.to(device))
    return _KEPT[place][1:]


def normalised(images: torch.Tensor, normalise: Normalise) -> torch.Tensor:
    """Grey levels ``(B, C, H, W)`` as floats; three channels where ``normalise`` has three.

    A grey image keeps its one channel as long as all channels are normalised alike: it is expanded after warping.
    """
    if isinstance(normalise.mean, tuple) or isinstance(normalise.std, tuple):
        channels = (torch.tensor(value, device=images.device).expand(3) for value in (normalise.mean, normalise.std))
        mean, std = (values.view(3, 1, 1) for values in channels)
        return (images.float() - mean) / std
    grey: torch.Tensor = (images.float() - normalise.mean) / normalise.std
    return grey
