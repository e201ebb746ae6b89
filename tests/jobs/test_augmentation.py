"""The warp against OpenCV's resize, numpy's crop, and mmsegmentation's flip and padding with the same parameters."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from harness.training.augmentation import Windows, draw, padded_size, warp, window_size
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import stats

from harness.specs import Augmentation

OUTSIDE = 255


def tensors(images: np.ndarray, masks: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Grey images (B, H, W) and masks as the warp takes them."""
    return torch.from_numpy(images).float().unsqueeze(1), torch.from_numpy(masks)


def by_hand(
    image: np.ndarray, mask: np.ndarray, windows: Windows, index: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """RandomResize, RandomCrop, RandomFlip, then padding at the right and the bottom; and where a mask is no tie."""
    height, width = (round(side * factor) for side, factor in zip(image.shape, windows.scale[index], strict=True))
    resized = cv2.resize(image.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    labels = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))
    sure = np.ones((height, width), bool)
    for axis, (old, new) in enumerate(zip(image.shape, (height, width), strict=True)):
        place = (np.arange(new) + 0.5) * old / new
        sure &= np.expand_dims(np.abs(place - np.round(place)) > 1e-3, 1 - axis)
    top, left = (max(0, int(offset)) for offset in windows.offset[index])
    window = np.s_[top : top + windows.size[0], left : left + windows.size[1]]
    parts = [part[window] for part in (resized, labels, sure)]
    if windows.flip[index]:
        parts = [part[:, ::-1] for part in parts]
    missing = [(0, full - part) for full, part in zip(windows.size, parts[0].shape, strict=True)]
    padded = [np.pad(part, missing, constant_values=fill) for part, fill in zip(parts, (0, OUTSIDE, True), strict=True)]
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
    masks = rng.choice(np.array([0, 1, 2, 255], np.uint8), (5, *size))
    windows = draw(Augmentation((low, low + spread), crop, 0.5), 5, size, 1, rng)
    found, target = warp(*tensors(images, masks), windows)
    assert found.shape == (5, 1, *crop)
    assert target.shape == (5, *crop)
    assert target.dtype == torch.int64
    for index in range(5):
        image, mask, sure = by_hand(images[index], masks[index], windows, index)
        np.testing.assert_allclose(found[index, 0].numpy(), image, atol=0.25)
        assert (target[index].numpy() == mask)[sure].all()


def test_the_warp_is_what_mmsegmentations_own_transforms_do() -> None:
    import harness.models.openmmlab  # noqa: F401, I001
    from mmcv.transforms import RandomFlip, Resize
    from mmseg.datasets.transforms import RandomCrop
    from mmseg.structures import SegDataSample
    from mmseg.utils import stack_batch
    from mmengine.structures import PixelData

    rng = np.random.default_rng(5)
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (6, 31, 45, 3), dtype=np.uint8).reshape(-1, 45, 3), (5, 5), 1)
    images = smooth.reshape(6, 31, 45, 3)
    windows = draw(Augmentation((0.5, 1.6), (32, 32), 0.5), 6, (31, 45), 1, rng)
    assert windows.flip.any()
    assert not windows.flip.all()
    assert (windows.scale < 32 / 45).any(), "some must be padded at the right"
    found, target = warp(torch.from_numpy(images).permute(0, 3, 1, 2).float(), torch.zeros(6, 31, 45).byte(), windows)
    for index, image in enumerate(images):
        height, width = (round(side * factor) for side, factor in zip((31, 45), windows.scale[index], strict=True))
        top, left = (max(0, int(offset)) for offset in windows.offset[index])
        results = {"img": image, "gt_seg_map": np.zeros((31, 45), np.uint8), "seg_fields": ["gt_seg_map"]}
        results = Resize(scale=(width, height), keep_ratio=False)(results)
        box = (top, min(height, top + 32), left, min(width, left + 32))
        crop = RandomCrop((32, 32))
        results["img"], results["gt_seg_map"] = (crop.crop(results[key], box) for key in ("img", "gt_seg_map"))
        results = RandomFlip(prob=1.0 if windows.flip[index] else 0.0)(results)
        tensor = torch.from_numpy(np.ascontiguousarray(results["img"])).permute(2, 0, 1).float()
        data = torch.from_numpy(np.ascontiguousarray(results["gt_seg_map"]))[None]
        sample = SegDataSample(gt_sem_seg=PixelData(data=data), metainfo={"img_shape": tensor.shape[1:]})
        inputs, samples = stack_batch([tensor], [sample], size=(32, 32), pad_val=0, seg_pad_val=255)
        np.testing.assert_allclose(found[index].numpy(), inputs[0].numpy(), atol=1.01)
        assert torch.equal(target[index], samples[0].gt_sem_seg.data[0].long())


def test_without_resize_crop_and_flip_the_warp_is_the_identity() -> None:
    rng = np.random.default_rng(0)
    for size in ((16, 32), (17, 31), (496, 768)):
        images, masks = rng.integers(0, 256, (2, *size)), rng.integers(0, 256, (2, *size), dtype=np.uint8)
        windows = draw(Augmentation(), 2, size, 1, rng)
        found, target = warp(*tensors(images, masks), windows)
        np.testing.assert_allclose(found[:, 0].numpy(), images, atol=0.02)
        assert (target.numpy() == masks).all()


def test_a_mirrored_window_is_the_mirror_of_the_window() -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(1, 256, (4, 20, 30))
    masks = rng.choice(np.array([0, 1, 255], np.uint8), (4, 20, 30))
    windows = draw(Augmentation((0.9, 1.7), (16, 24), 0.0), 4, (20, 30), 1, rng)
    mirrored = Windows(windows.scale, windows.offset, ~windows.flip, windows.size)
    plain, flipped = warp(*tensors(images, masks), windows), warp(*tensors(images, masks), mirrored)
    torch.testing.assert_close(flipped[0], plain[0].flip(-1), atol=0.02, rtol=0)
    assert (flipped[1] == plain[1].flip(-1)).float().mean() > 0.99, "equal but for ties"


def test_what_is_outside_is_0_after_normalisation_and_ignored() -> None:
    images, masks = np.full((2, 10, 12), 200), np.ones((2, 10, 12), np.uint8)
    windows = draw(Augmentation(crop=(16, 16), flip=1.0), 2, (10, 12), 1, np.random.default_rng(0))
    found, target = warp(*tensors(images, masks), windows)
    inside = torch.zeros(16, 16, dtype=torch.bool)
    inside[:10, :12] = True
    assert (found[:, 0, inside] == 200).all()
    assert (target[:, inside] == 1).all()
    assert (found[:, 0, ~inside] == 0).all()
    assert (target[:, ~inside] == OUTSIDE).all()


def test_an_image_that_shrinks_below_the_crop_is_padded_below() -> None:
    """DME at half its size is 248 high, its crop is 256."""
    windows = draw(Augmentation((0.5, 0.5), (256, 256)), 1, (496, 768), 16, np.random.default_rng(0))
    _, target = warp(torch.ones(1, 1, 496, 768), torch.ones(1, 496, 768).byte(), windows)
    assert (target[:, :248] == 1).all()
    assert (target[:, 248:] == OUTSIDE).all()


def test_every_label_survives_the_warp() -> None:
    masks = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    windows = draw(Augmentation((2.0, 2.0), (32, 32)), 1, (16, 16), 1, np.random.default_rng(0))
    _, target = warp(*tensors(np.zeros((1, 16, 16)), masks), windows)
    assert torch.equal(target, torch.from_numpy(masks).long().repeat_interleave(2, 1).repeat_interleave(2, 2))


def test_each_sample_has_parameters_of_its_own() -> None:
    windows = draw(Augmentation((0.5, 2.0), (32, 32), 0.5), 200, (48, 72), 4, np.random.default_rng(0))
    assert len(np.unique(windows.scale[:, 0])) > 30
    assert len(np.unique(windows.offset, axis=0)) > 100
    assert 0 < windows.flip.sum() < 200


def test_scales_are_uniform_over_the_range_and_alike_in_both_directions() -> None:
    windows = draw(Augmentation((0.5, 2.0), (32, 32)), 5000, (4960, 7680), 4, np.random.default_rng(0))
    assert stats.kstest(windows.scale[:, 0], stats.uniform(0.5, 1.5).cdf).pvalue > 0.001
    np.testing.assert_allclose(windows.scale[:, 0], windows.scale[:, 1], atol=2e-4)
    sizes = windows.scale * np.array([4960, 7680])
    np.testing.assert_allclose(sizes, np.round(sizes), atol=1e-6, err_msg="resized images have whole pixels")


def test_offsets_cover_every_position_equally_often() -> None:
    windows = draw(Augmentation(crop=(8, 8)), 6000, (11, 13), 1, np.random.default_rng(0))
    for column, places in ((0, 4), (1, 6)):
        values, counts = np.unique(windows.offset[:, column], return_counts=True)
        assert values.tolist() == list(range(places)), "the last position included"
        assert stats.chisquare(counts).pvalue > 0.001
    assert abs(np.corrcoef(windows.offset.T)[0, 1]) < 0.05


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_the_flip_rate_is_the_probability(rate: float) -> None:
    flip = draw(Augmentation(crop=(8, 8), flip=rate), 4000, (11, 13), 1, np.random.default_rng(0)).flip
    assert flip.mean() == pytest.approx(rate, abs=0.03 if 0 < rate < 1 else 0)


def test_without_a_crop_the_window_is_the_resized_image_padded_to_the_stride() -> None:
    half = Augmentation(resize=(0.5, 0.5))
    assert window_size(half, (496, 768), 16) == padded_size((496, 768), 0.5, 16) == (256, 384)
    assert window_size(Augmentation(), (48, 72), 4) == (48, 72)
    assert window_size(Augmentation(), (49, 72), 4) == (52, 72)
    assert window_size(Augmentation(crop=(32, 64)), (49, 72), 4) == (32, 64)
    windows = draw(half, 3, (496, 768), 16, np.random.default_rng(0))
    assert (windows.offset == 0).all()
    assert (windows.scale == 0.5).all()
