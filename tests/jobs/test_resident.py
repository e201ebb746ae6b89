"""Packed data on the device: the same pixels, without a copy on the CPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.data import Packed
from harness.jobs import resident
from harness.jobs.resident import Resident, normalised
from harness.specs import Normalise

CPU = torch.device("cpu")


def coloured(squares: Packed) -> Packed:
    rng = np.random.default_rng(0)
    return replace(squares, images=rng.integers(0, 256, (15, 24, 32, 3), dtype=np.uint8))


@pytest.mark.parametrize("channels", [1, 3])
def test_only_the_images_of_the_part_are_taken_channels_first(channels: int, squares: Packed) -> None:
    packed = squares if channels == 1 else coloured(squares)
    chosen = np.array([2, 5, 11])
    data = Resident.place(packed, chosen, CPU)
    assert len(data) == 3
    assert data.size == (24, 32)
    images, targets = data.take(torch.tensor([2, 0]))
    assert images.is_contiguous()
    assert (images.numpy() == packed.images[[11, 2]].transpose(0, 3, 1, 2)).all()
    assert (targets.numpy() == packed.targets[[11, 2]]).all()


def test_on_the_cpu_all_parts_share_the_memory_of_the_pack(squares: Packed) -> None:
    for part in (np.arange(3), np.arange(5, 9)):
        data = Resident.place(squares, part, CPU)
        assert data.images.data_ptr() == squares.images.ctypes.data
        assert data.targets.data_ptr() == squares.targets.ctypes.data


@pytest.mark.filterwarnings("error")
def test_a_mapped_file_stays_one(squares: Packed, tmp_path: Path) -> None:
    for name in ("images", "targets"):
        np.save(tmp_path / f"{name}.npy", getattr(squares, name))
    images, targets = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("images", "targets"))
    data = Resident.place(replace(squares, images=images, targets=targets), np.arange(4), CPU)
    assert data.images.data_ptr() == images.ctypes.data
    assert (data.take(torch.arange(4))[0].numpy()[:, 0] == squares.images[:4, :, :, 0]).all()


def test_on_another_device_the_parts_of_a_pack_share_one_copy_and_few_packs_are_kept(
    squares: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = torch.device("meta")
    monkeypatch.setattr(resident, "KEPT_BYTES", 2 * squares.images.nbytes)  # two beside the one in use
    packs = [replace(squares) for _ in range(4)]
    one, other = (Resident.place(packs[0], part, device) for part in (np.arange(3), np.arange(5, 9)))
    assert one.images is other.images
    assert one.targets is other.targets
    assert (one.images.device.type, one.indices.device.type) == ("meta", "meta")
    for each in packs[1:]:
        assert Resident.place(each, np.arange(3), device).images is not one.images
    assert len(resident._KEPT) == 3
    assert Resident.place(packs[0], np.arange(3), device).images is not one.images, "it made room"
    assert (
        Resident.place(packs[-1], np.arange(3), device).images is Resident.place(packs[-1], np.arange(3), device).images
    )
    resident._KEPT.clear()


def test_one_mean_normalises_every_channel_alike() -> None:
    images = torch.randint(0, 256, (2, 1, 4, 5), dtype=torch.uint8)
    found = normalised(images, Normalise(46.6, 54.7))
    assert found.shape == (2, 1, 4, 5)
    assert torch.equal(found, (images.float() - 46.6) / 54.7)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("mean", "std"),
    [((10.0, 20.0, 30.0), (2.0, 4.0, 8.0)), ((10.0, 20.0, 30.0), 5.0), (7.0, (2.0, 4.0, 8.0))],
    ids=["both", "mean", "std"],
)
def test_three_means_normalise_each_channel_by_its_own(mean, std, channels: int) -> None:
    images = torch.randint(0, 256, (2, channels, 4, 5), dtype=torch.uint8)
    found = normalised(images, Normalise(mean, std)).numpy()
    assert found.shape == (2, 3, 4, 5)
    means, stds = np.broadcast_to(mean, 3), np.broadcast_to(std, 3)
    for channel in range(3):
        grey = images[:, channel if channels == 3 else 0].numpy().astype(np.float64)
        np.testing.assert_allclose(found[:, channel], (grey - means[channel]) / stds[channel], rtol=1e-6)
