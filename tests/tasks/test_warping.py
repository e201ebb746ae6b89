"""harness.tasks.warping against OpenCV's resize, torchvision's rotation, numpy's crop, and mmsegmentation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from harness.tasks.warping import Windows, joined, warp


def drawn(
    rng: np.random.Generator, batch: int, image: tuple[int, int], size: tuple[int, int], low: float, high: float
) -> Windows:
    """Random windows of whole pixels; a mirrored window that is wider than the image begins left of it."""
    resized = np.maximum(1, np.round(rng.uniform(low, high, (batch, 1)) * np.asarray(image)))
    room = resized - np.asarray(size)
    offset = np.floor(rng.random((batch, 2)) * (np.maximum(0, room) + 1))
    flip = rng.random(batch) < 0.5
    offset[:, 1] += np.where(flip, np.minimum(0, room[:, 1]), 0)
    return Windows(resized / np.asarray(image), offset, flip, size)


def whole(batch: int, size: tuple[int, int], angle: float | None = None) -> Windows:
    """Windows that hold the whole image."""
    angles = None if angle is None else np.full(batch, angle)
    return Windows(np.ones((batch, 2)), np.zeros((batch, 2)), np.zeros(batch, bool), size, angles)


def grey(images: np.ndarray) -> torch.Tensor:
    """Images (B, H, W) as the warp takes them."""
    return torch.from_numpy(images.astype(np.float32)).unsqueeze(1)


def labels(masks: np.ndarray) -> torch.Tensor:
    """Masks (B, H, W), above 0, as the warp takes them."""
    return torch.from_numpy(masks.astype(np.float32))


def by_hand(
    image: np.ndarray, mask: np.ndarray, windows: Windows, index: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """RandomResize, RandomCrop, RandomFlip, then padding at the right and the bottom; and where a mask is no tie."""
    height, width = (round(side * factor) for side, factor in zip(image.shape, windows.scale[index], strict=True))
    resized = cv2.resize(image.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    moved = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))
    sure = np.ones((height, width), bool)
    for axis, (old, new) in enumerate(zip(image.shape, (height, width), strict=True)):
        place = (np.arange(new) + 0.5) * old / new
        sure &= np.expand_dims(np.abs(place - np.round(place)) > 1e-3, 1 - axis)
    top, left = (max(0, int(offset)) for offset in windows.offset[index])
    window = np.s_[top : top + windows.size[0], left : left + windows.size[1]]
    parts = [part[window] for part in (resized, moved, sure)]
    if windows.flip[index]:
        parts = [part[:, ::-1] for part in parts]
    missing = [(0, full - part) for full, part in zip(windows.size, parts[0].shape, strict=True)]
    padded = [np.pad(part, missing, constant_values=fill) for part, fill in zip(parts, (0, 0, True), strict=True)]
    return padded[0], padded[1], padded[2]


@given(
    size=st.tuples(st.integers(6, 40), st.integers(6, 40)),
    crop=st.tuples(st.sampled_from([4, 8, 16, 24]), st.sampled_from([4, 8, 16, 24])),
    low=st.floats(0.4, 1.2),
    spread=st.floats(0, 1.2),
    seed=st.integers(0, 2**20),
)
@settings(max_examples=80, deadline=None)
def test_the_warp_is_resize_crop_flip_and_padding(size, crop, low: float, spread: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 256, (5, *size), dtype=np.uint8)
    masks = rng.choice(np.array([1, 2, 3, 255], np.uint8), (5, *size))
    windows = drawn(rng, 5, size, crop, low, low + spread)
    cut, moved = warp(grey(images), labels(masks), windows)
    assert cut.shape == (5, 1, *crop)
    assert moved.shape == (5, *crop)
    for index in range(5):
        image, mask, sure = by_hand(images[index], masks[index], windows, index)
        np.testing.assert_allclose(cut[index, 0].numpy(), image, atol=0.25)
        assert (moved[index].numpy() == mask)[sure].all()


def test_the_warp_is_what_mmsegmentations_own_transforms_do() -> None:
    import harness.networks.openmmlab  # noqa: F401

    # isort: split
    from mmcv.transforms import RandomFlip, Resize
    from mmengine.structures import PixelData
    from mmseg.datasets.transforms import RandomCrop
    from mmseg.structures import SegDataSample
    from mmseg.utils import stack_batch

    rng = np.random.default_rng(5)
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (6, 31, 45, 3), dtype=np.uint8).reshape(-1, 45, 3), (5, 5), 1)
    images = smooth.reshape(6, 31, 45, 3)
    windows = drawn(rng, 6, (31, 45), (32, 32), 0.5, 1.6)
    assert 0 < windows.flip.sum() < 6
    assert (windows.scale < 32 / 45).any(), "some must be padded at the right"
    cut, moved = warp(torch.from_numpy(images).permute(0, 3, 1, 2).float(), None, windows)
    for index, image in enumerate(images):
        height, width = (round(side * factor) for side, factor in zip((31, 45), windows.scale[index], strict=True))
        top, left = (max(0, int(offset)) for offset in windows.offset[index])
        results = {"img": image, "gt_seg_map": np.ones((31, 45), np.uint8), "seg_fields": ["gt_seg_map"]}
        results = Resize(scale=(width, height), keep_ratio=False)(results)
        box = (top, min(height, top + 32), left, min(width, left + 32))
        crop = RandomCrop((32, 32))
        results["img"], results["gt_seg_map"] = (crop.crop(results[key], box) for key in ("img", "gt_seg_map"))
        results = RandomFlip(prob=1.0 if windows.flip[index] else 0.0)(results)
        tensor = torch.from_numpy(np.ascontiguousarray(results["img"])).permute(2, 0, 1).float()
        data = torch.from_numpy(np.ascontiguousarray(results["gt_seg_map"]))[None]
        sample = SegDataSample(gt_sem_seg=PixelData(data=data), metainfo={"img_shape": tensor.shape[1:]})
        inputs, samples = stack_batch([tensor], [sample], size=(32, 32), pad_val=0, seg_pad_val=0)
        np.testing.assert_allclose(cut[index].numpy(), inputs[0].numpy(), atol=1.01)
        assert torch.equal(moved[index].byte(), samples[0].gt_sem_seg.data[0])


@pytest.mark.parametrize("size", [(16, 32), (17, 31), (496, 768)])
def test_without_resize_crop_and_flip_the_warp_is_the_identity(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    images, masks = rng.integers(0, 256, (2, *size)), rng.integers(1, 256, (2, *size))
    for windows in (whole(2, size), whole(2, size, 0.0)):
        cut, moved = warp(grey(images), labels(masks), windows)
        np.testing.assert_allclose(cut[:, 0].numpy(), images, atol=0.02)
        assert (moved.numpy() == masks).all()


def test_a_mirrored_window_is_the_mirror_of_the_window() -> None:
    rng = np.random.default_rng(1)
    images, masks = rng.integers(1, 256, (4, 20, 30)), rng.integers(1, 4, (4, 20, 30))
    windows = drawn(rng, 4, (20, 30), (16, 24), 0.9, 1.7)
    mirrored = Windows(windows.scale, windows.offset, ~windows.flip, windows.size)
    plain, flipped = (warp(grey(images), labels(masks), each) for each in (windows, mirrored))
    torch.testing.assert_close(flipped[0], plain[0].flip(-1), atol=0.02, rtol=0)
    assert (flipped[1] == plain[1].flip(-1)).float().mean() > 0.99, "equal but for ties"


def test_what_is_outside_is_0() -> None:
    windows = Windows(np.ones((2, 2)), np.array([[0, 0], [0, -4]]), np.array([False, True]), (16, 16))
    cut, moved = warp(torch.full((2, 1, 10, 12), 200.0), torch.full((2, 10, 12), 7.0), windows)
    inside = torch.zeros(16, 16, dtype=torch.bool)
    inside[:10, :12] = True  # mmsegmentation pads what it mirrored, so padding is at the right of both
    assert (cut[:, 0, inside] == 200).all()
    assert (cut[:, 0, ~inside] == 0).all()
    assert (moved[:, inside] == 7).all()
    assert (moved[:, ~inside] == 0).all()


def test_without_labels_the_inside_is_1() -> None:
    windows = drawn(np.random.default_rng(0), 3, (10, 12), (16, 16), 0.5, 1.2)
    images = torch.rand(3, 3, 10, 12)
    cut, moved = warp(images, None, windows)
    same, marked = warp(images, torch.full((3, 10, 12), 5.0), windows)
    assert torch.equal(cut, same)
    assert torch.equal(moved * 5, marked)
    assert set(moved.unique().tolist()) == {0.0, 1.0}


def test_an_image_that_shrinks_below_the_crop_is_padded_below() -> None:
    """DME at half its size is 248 high, its crop is 256."""
    windows = Windows(np.full((1, 2), 0.5), np.array([[0, 100]]), np.array([False]), (256, 256))
    _, moved = warp(torch.ones(1, 1, 496, 768), None, windows)
    assert (moved[:, :248] == 1).all()
    assert (moved[:, 248:] == 0).all()


@pytest.mark.parametrize("size", [(40, 40), (40, 64), (64, 40), (41, 57)])
@pytest.mark.parametrize("degrees", [10.0, -25.0, 90.0, 135.0])
def test_an_image_is_rotated_as_torchvision_rotates_it(size: tuple[int, int], degrees: float) -> None:
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import rotate

    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.uniform(0, 255, size).astype(np.float32), (0, 0), 2)
    mask = cv2.GaussianBlur(rng.uniform(0, 255, size).astype(np.float32), (0, 0), 4).astype(np.uint8) // 8 + 1
    cut, moved = warp(grey(image[None]), labels(mask[None]), whole(1, size, np.deg2rad(degrees)))
    theirs = rotate(grey(image[None]), degrees, InterpolationMode.BILINEAR)
    inside = rotate(torch.ones(1, 1, *size), degrees, InterpolationMode.BILINEAR) > 0.999
    assert 0.3 < inside.float().mean() < 1.01
    torch.testing.assert_close(cut[inside], theirs[inside], atol=0.05, rtol=0)
    nearest = rotate(labels(mask[None])[:, None], degrees, InterpolationMode.NEAREST)[:, 0]
    assert (moved == nearest).float().mean() > 0.99, "equal but for ties"
    assert ((moved == 0) == (nearest == 0)).float().mean() > 0.99


def test_an_image_is_resized_then_rotated_then_cut_then_mirrored() -> None:
    """A ramp tells where each pixel comes from, since bilinear interpolation does not change it."""
    rows, columns = np.mgrid[:30, :50].astype(float)
    ramp = np.stack([rows, columns, np.ones_like(rows)])[None].astype(np.float32)
    scale, angle, (top, left), (height, width) = np.array([2.0, 1.5]), np.deg2rad(20), (14, 21), (24, 32)
    resized = scale * (30, 50)
    windows = Windows(scale[None], np.array([[top, left]]), np.array([True]), (height, width), np.array([angle]))
    cut, moved = warp(torch.from_numpy(ramp), None, windows)
    assert moved.all()
    for row, column in np.ndindex(height, width):
        mirrored = width - 1 - column
        down, right = top + row + 0.5 - resized[0] / 2, left + mirrored + 0.5 - resized[1] / 2
        # Anti-clockwise, rows pointing down: what was at angle a from the centre is now at a + angle.
        before = np.array([down * np.cos(angle) + right * np.sin(angle), right * np.cos(angle) - down * np.sin(angle)])
        place = (before + resized / 2) / scale - 0.5
        np.testing.assert_allclose(cut[0, :2, row, column].numpy(), place, atol=2e-3)


def test_each_sample_has_its_own_angle() -> None:
    images = grey(np.random.default_rng(0).uniform(0, 255, (3, 20, 20)))
    angles = np.deg2rad([0.0, 90.0, 180.0])
    windows = Windows(np.ones((3, 2)), np.zeros((3, 2)), np.zeros(3, bool), (20, 20), angles)
    cut, moved = warp(images, None, windows)
    expected = torch.stack([torch.rot90(image, turns, (1, 2)) for turns, image in enumerate(images)])
    torch.testing.assert_close(cut, expected, atol=0.02, rtol=0)
    assert moved.all()


@pytest.mark.parametrize("angled", [False, True])
def test_windows_of_several_batches_are_joined_in_their_order(angled: bool) -> None:
    rng = np.random.default_rng(0)
    images = grey(rng.uniform(0, 255, (5, 12, 14)))
    parts = [drawn(rng, batch, (12, 14), (8, 8), 0.8, 1.5) for batch in (2, 3)]
    if angled:
        parts = [Windows(p.scale, p.offset, p.flip, p.size, rng.uniform(-1, 1, len(p.flip))) for p in parts]
    together = warp(images, None, joined(parts))
    apart = [warp(part, None, windows) for part, windows in zip(images.split([2, 3]), parts, strict=True)]
    for index in (0, 1):
        torch.testing.assert_close(together[index], torch.cat([each[index] for each in apart]))


@pytest.mark.parametrize("angle", [None, np.array([0.1, 0.2, 0.3, 0.4])])
def test_some_windows_of_a_batch_cut_what_they_cut_in_it(angle: np.ndarray | None) -> None:
    rng = np.random.default_rng(3)
    windows = Windows(rng.uniform(0.5, 1.5, (4, 2)), np.zeros((4, 2)), rng.random(4) < 0.5, (6, 8), angle)
    images, labels = torch.rand(4, 3, 12, 16), torch.ones(4, 12, 16)
    whole = warp(images, labels, windows)
    for part, expected in zip(warp(images[[3, 1]], labels[[3, 1]], windows.at([3, 1])), whole, strict=True):
        assert torch.equal(part, expected[[3, 1]])
