"""An arm to export, data of noise, and the exported config in this process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch.nn import functional

from harness.data import Packed, Parts
from harness.specs import (
    Budget,
    ColourJitter,
    CrossEntropy,
    Data,
    Dice,
    Normalise,
    Optimiser,
    Poly,
    RandomCrop,
    RandomFlip,
    RandomResize,
    RandomRotation,
    Recipe,
    Resize,
    Segmenter,
    Shrink,
    Split,
)

HEIGHT, WIDTH = 22, 32  # not divisible by the network's stride of 4: 2 rows are padded
PARTS = Parts(np.arange(6), np.arange(0), np.arange(6, 9))
NETWORK = Segmenter("unet-s5-d16", "fcn", Shrink(8, 3))

PLAIN = Recipe(
    data=Data("dme", labels="union", split=Split("subject"), resize=Resize((HEIGHT, WIDTH)), evidence="phantom"),
    network=NETWORK,
    budget=Budget(2),
    losses=(CrossEntropy(class_weight=(1.0, 10.0)), Dice(3.0, "foreground")),
    optimiser=Optimiser("adam", 5e-3, weight_decay=0.0),
    schedule=Poly(),
    batch_size=3,
    normalise=Normalise(46.6002, 54.681),
)
TRANSFORMS = (RandomResize(0.5, 2.0), RandomRotation(20.0), RandomCrop((16, 16)), RandomFlip(), ColourJitter(0.2, 0.2))
AUGMENTED = replace(PLAIN, transforms=TRANSFORMS)
STILL = Optimiser("sgd", 1e-30, momentum=0.0, weight_decay=0.0)
"""Moves nothing, so that a trained network shows what it started from."""


def noise(channels: int = 1) -> Packed:
    """Nine images of noise of three subjects, with masks of both classes and ignored pixels."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, HEIGHT, WIDTH, channels), dtype=np.uint8)
    masks = rng.choice(np.array([0, 1, 255], np.uint8), (9, HEIGHT, WIDTH))
    ids = tuple(f"subject {index // 3}/{index}" for index in range(9))
    subjects = tuple(identifier.partition("/")[0] for identifier in ids)
    return Packed(images, masks, ids, subjects, ("",) * 9, ("background", "fluid"), "fluid", "segmentation")


def config_of(file: Path, tmp_path: Path) -> Any:
    """The config for a Runner in this process: no workers, no log."""
    config = Config.fromfile(file)
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    config.update(work_dir=str(tmp_path / "work"), log_level="ERROR", experiment_name=tmp_path.name)
    return config


def first_batch(runner: Runner) -> tuple[torch.Tensor, torch.Tensor]:
    """The training images in order, as the exported pipeline and preprocessor hand them to the network."""
    dataset = runner.build_dataloader(runner._train_dataloader).dataset
    samples = [dataset[index] for index in range(len(dataset))]
    batch = {key: [sample[key] for sample in samples] for key in ("inputs", "data_samples")}
    ready = runner.model.data_preprocessor(batch, training=True)
    return ready["inputs"], torch.cat([sample.gt_sem_seg.data for sample in ready["data_samples"]])


def batch(packed: Packed, normalise: Normalise, part: str = "train") -> tuple[torch.Tensor, torch.Tensor]:
    """The images of one part in order, normalised and padded, and their targets, by this file's own lights."""
    chosen = getattr(PARTS, part)
    images = torch.from_numpy(packed.images[chosen]).permute(0, 3, 1, 2).float().expand(-1, 3, -1, -1)
    mean, std = (torch.tensor(value).broadcast_to(3).view(3, 1, 1) for value in (normalise.mean, normalise.std))
    targets = torch.from_numpy(packed.targets[chosen]).long()
    return functional.pad((images - mean) / std, (0, 0, 0, 2)), functional.pad(targets, (0, 0, 0, 2), value=255)
