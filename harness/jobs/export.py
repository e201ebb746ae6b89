"""An arm as a plain mmsegmentation project: image files, masks and one config that mmseg's own tools run.

With this repository in PYTHONPATH and TOOLS for ``<site-packages>/mmseg/.mim/tools``::

    python TOOLS/train.py FOLDER/config.py
    python TOOLS/test.py FOLDER/config.py FOLDER/work_dir/weights.pth

The folder may be moved: paths in the config are relative to it. Its training differs from the harness's in the random
draws themselves (mmsegmentation draws from its own streams, also the initial weights), in that resized images are
rounded to whole grey levels, in that padding is never mirrored, and in that evaluations are not under autocast.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from mmengine.config import Config

from harness import data as datasets
from harness import mmseg_config
from harness.evidence import Catalogue
from harness.models import building, weights
from harness.specs import Checkpoint, Pretrained, Recipe

Split = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


class ExportError(ValueError):
    """An arm cannot be exported; the message is one sentence for the user."""


def export(
    recipe: Recipe,
    packed: datasets.Packed,
    split: Split,
    folder: Path,
    seed: int = 0,
    initial: tuple[weights.State, str] | None = None,
) -> Path:
    """Writes an arm as ``images/``, ``annotations/`` (``train`` and ``val`` each) and ``config.py``.

    Args:
        recipe: The arm, with its data resolved.
        packed: Its data.
        split: Indices of the training and of the test images, as :func:`harness.data.split` gives them.
        folder: A folder that does not exist yet or is empty.
        seed: Seed of mmengine's random numbers.
        initial: Tensors that the training starts from, and where they are from; they become ``initial.pth``. Needed
            where the recipe starts from another recipe's result; a checkpoint file of the recipe is read without.

    Returns:
        The config file.

    Raises:
        ExportError: The folder holds something or cannot be written, or the initial weights are not given.
        ValueError: The recipe does not fit the network, or the weights do not (``WeightsError``).
    """
    if initial is None and isinstance(recipe.init, Checkpoint):
        initial = weights.read(recipe.init), recipe.init.path
    if initial is None and isinstance(recipe.init, Pretrained):
        raise ExportError(
            f"Expected the weights that the arm on {recipe.data.name} starts from, but got none; train its source on "
            f"{recipe.init.recipe.data.name} first, or export the source with it by `export_arm`."
        )
    if initial is not None:
        weights.fitting(building.outline(recipe.model, len(packed.classes), recipe.loss).state_dict(), *initial)
    return _write(recipe, packed, split, folder, seed, initial)


def export_arm(
    recipe: Recipe, seed: int, catalogue: Catalogue, folder: Path, source_weights: Path | None = None
) -> Path:
    """Exports one run of a claim's arm, and where it starts from another recipe's result that recipe with it.

    Without ``source_weights`` the source goes to ``folder/source``, and ``config.py`` starts from what
    ``source/config.py`` leaves in its work folder: train the source first.

    Args:
        recipe: The arm, with its data resolved.
        seed: Seed of the run.
        catalogue: Where data come from.
        folder: A folder that does not exist yet or is empty.
        source_weights: Weights of the source run, a file of tensors by name (the run store keeps such files).

    Returns:
        The config file.

    Raises:
        ExportError, ValueError: As :func:`export`.
    """
    packed = catalogue.load(recipe.data)
    split = datasets.split(packed, recipe.data, seed)
    init = recipe.init
    if not isinstance(init, Pretrained):
        return export(recipe, packed, split, folder, seed)
    if source_weights is not None:
        return export(recipe, packed, split, folder, seed, (_tensors(source_weights), str(source_weights)))
    weights.check(recipe, len(packed.classes))
    config = _write(recipe, packed, split, folder, seed, f"{mmseg_config.HERE}/source/work_dir/{mmseg_config.WEIGHTS}")
    export_arm(init.recipe, seed if init.seed is None else init.seed, catalogue, folder / "source")
    return config


def _tensors(path: Path) -> weights.State:
    try:
        state: weights.State = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ExportError(f"Expected weights at {path}, but they cannot be read ({error.strerror}).") from error
    return state


def _write(
    recipe: Recipe,
    packed: datasets.Packed,
    split: Split,
    folder: Path,
    seed: int,
    initial: tuple[weights.State, str] | str | None,
) -> Path:
    """Everything is written beside the folder and moved there in one step."""
    building.check_frozen(recipe, len(packed.classes))
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"Expected a folder to export to that is new or empty, but {folder} is not; give another.")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        for part, indices in zip(("train", "val"), split, strict=True):
            _write_images(packed, indices, part, temporary)
        load_from: str | None = None
        if isinstance(initial, str):
            load_from = initial
        elif initial is not None:
            load_from = f"{mmseg_config.HERE}/initial.pth"
            torch.save({"state_dict": dict(initial[0])}, temporary / "initial.pth")
        content = mmseg_config.config(recipe, packed.classes, _shape(packed), len(split[0]), seed, load_from)
        (temporary / "config.py").write_text(_header(recipe, seed) + Config(content).pretty_text, encoding="utf-8")
        os.replace(temporary, folder)
    except OSError as error:
        reason = error.strerror or error
        raise ExportError(
            f"Expected to write to {folder}, but it failed ({reason}); give a folder with room."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder / "config.py"


def _shape(packed: datasets.Packed) -> tuple[int, int, int]:
    _, height, width, channels = packed.images.shape
    return height, width, channels


def _write_images(packed: datasets.Packed, indices: npt.NDArray[np.intp], part: str, folder: Path) -> None:
    """PNG files whose names sort as the indices do; grey images have one channel, others are RGB."""
    from PIL import Image

    for kind in ("images", "annotations"):
        (folder / kind / part).mkdir(parents=True)
    for index in indices:
        name = f"{index:05d}-{re.sub(r'[^0-9A-Za-z_-]+', '_', packed.ids[index])}.png"
        image = packed.images[index]
        Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(folder / "images" / part / name)
        Image.fromarray(packed.masks[index]).save(folder / "annotations" / part / name)


def _header(recipe: Recipe, seed: int) -> str:
    data, model = recipe.data, recipe.model
    text = (
        f"An arm of a claim, exported for mmsegmentation: {model.backbone} with {model.head}, {data.name}",
        f"({data.evidence or 'unresolved'} data), seed {seed}. Run it with mmseg's tools/train.py; `harness` must be",
        "importable (PYTHONPATH). Where `load_from` is in source/work_dir, train source/config.py first.",
    )
    return "".join(f"# {line}\n" for line in text) + "\n"
