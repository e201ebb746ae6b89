"""A record and its entry, for tests of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.specs import Budget, Data, Recipe, Segmenter, Training, canonical
from harness.store import Record, Store

KEY = "ab" + "0" * 62
OTHER = "ab" + "1" * 62
JOB = Training(Recipe(Data("dme"), Segmenter("unet-s5-d16", "fcn"), Budget(10)), 3)


def counts() -> npt.NDArray[np.int64]:
    """Confusion counts of six images and two classes."""
    return np.arange(24).reshape(6, 2, 2)


def record(key: str = KEY, **changes: Any) -> Record:
    """The record of a finished training with two evaluations."""
    curve = [
        {"iteration": 5, "epoch": 2.5, "metrics": {"IoU.fluid": 0.3, "mIoU": 0.6}},
        {"iteration": 10, "epoch": 5.0, "metrics": {"IoU.fluid": 0.6, "mIoU": 0.8}},
    ]
    fields: dict[str, Any] = {
        "key": key,
        "job": canonical(JOB),
        "kind": "Training",
        "seed": 3,
        "status": "finished",
        "task": "segmentation",
        "classes": ["background", "fluid"],
        "foreground": "fluid",
        "curve": curve,
        "losses": [[1.0, 0.7], [6.0, 0.4]],
        "test_ids": [f"image {number}" for number in range(6)],
        "test_subjects": [f"subject {number}" for number in range(6)],
        "preview_ids": ["image 0"],
        "iterations": 10,
        "train_images": 8,
        "seconds": 10.0,
        "provenance": {"device": "CPU"},
    }
    return Record(**{**fields, **changes})


def artifact(store: Store, key: str = KEY, content: bytes = b"weights") -> Path:
    """A file of a training in flight, as a job leaves it for the store to move."""
    file = store.partial(key) / "made"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def write(store: Store, key: str = KEY, weights: bytes | None = b"weights", keep: Any = ("weights",), **changes: Any):
    """Writes a finished training under its lock."""
    with store.lock(key) as held:
        assert held
        artifacts = {} if weights is None else {"weights": artifact(store, key, weights)}
        previews = np.ones((1, 2, 3), np.uint8)
        store.write(record(key, **changes), counts=counts(), previews=previews, artifacts=artifacts, keep=keep)


def files_below(folder: Path) -> set[str]:
    """Names of all files beneath a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
