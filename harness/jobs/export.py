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
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from mmengine.config import Config

from harness import data as datasets
from harness.data import Packed, Parts
from harness.jobs import mmseg_config
from harness.jobs.mmseg_parts import WEIGHTS
from harness.networks import building, family, weights
from harness.specs import Data, Every, FromJob, Last, Recipe, Segmenter, Weights


class ExportError(ValueError):
    """An arm cannot be exported; the message is one sentence for the user."""


def export(
    recipe: Recipe,
    packed: Packed,
    parts: Parts,
    folder: Path,
    seed: int = 0,
    initial: tuple[weights.State, str] | None = None,
) -> Path:
    """Writes an arm as ``images/``, ``annotations/`` (``train`` and ``test`` each, ``val`` too where the split holds
    some out) and ``config.py``.

    Args:
        recipe: The arm, with its data resolved.
        packed: Its data.
        parts: Its split.
        folder: A folder that does not exist yet or is empty.
        seed: Seed of mmengine's random numbers.
        initial: Tensors that the training starts from, and where they are from; what fits becomes ``initial.pth``.
            Needed where the recipe starts from another recipe's result; a file that the recipe names is read without.

    Returns:
        The config file.

    Raises:
        ExportError: The folder holds something or cannot be written, the initial weights are not given, or
            mmsegmentation cannot train the arm as the harness does.
        ValueError: The recipe does not suit the network, or the weights do not (``WeightsError``).
    """
    init = recipe.init
    if initial is None and isinstance(init, Weights):
        initial = weights.read(init), weights.name_of(init)
    if initial is None and isinstance(init, FromJob):
        raise ExportError(
            f"Expected the weights that the arm on {recipe.data.name} starts from, but got none; train its source on "
            f"{init.recipe.data.name} first, or export the source with it by `export_arm`."
        )
    if initial is None:
        return _write(recipe, packed, parts, folder, seed)
    state, origin = initial
    part = init.part if isinstance(init, (Weights, FromJob)) else "all"
    own = building.outline(recipe.network, len(packed.classes), recipe.losses).state_dict()
    fitted = weights.fitting(recipe.network, own, state, origin, part)
    return _write(recipe, packed, parts, folder, seed, fitted.tensors)


def export_arm(
    recipe: Recipe, seed: int, load: Callable[[Data], Packed], folder: Path, source_weights: Path | None = None
) -> Path:
    """Exports one job of a claim's arm, and where it starts from another recipe's result that recipe with it.

    Without ``source_weights`` the source goes to ``folder/source``, and ``config.py`` starts from what
    ``source/config.py`` leaves in its work folder: train the source first.

    Args:
        recipe: The arm, with its data resolved.
        seed: Seed of the job.
        load: Reads a data set.
        folder: A folder that does not exist yet or is empty.
        source_weights: Weights of the source job, a file of tensors by name (the store keeps such files).

    Returns:
        The config file.

    Raises:
        ExportError, ValueError: As :func:`export`.
    """
    for step in recipe.lineage():
        _check(step)
    packed = load(recipe.data)
    parts = datasets.split(packed, recipe.data, seed)
    init = recipe.init
    if not isinstance(init, FromJob):
        return export(recipe, packed, parts, folder, seed)
    if source_weights is not None:
        return export(recipe, packed, parts, folder, seed, (weights.load(source_weights), str(source_weights)))
    weights.check(recipe, lambda data: len(load(data).classes))
    config = _write(recipe, packed, parts, folder, seed, f"{mmseg_config.HERE}/source/work_dir/{WEIGHTS}")
    export_arm(init.recipe, seed if init.seed is None else init.seed, load, folder / "source")
    return config


def _check(recipe: Recipe) -> None:
    """Raises ValueError where an arm cannot train, and ExportError where mmsegmentation would train it otherwise."""
    if not isinstance(recipe.network, Segmenter):
        raise ExportError(
            f"Expected an arm that segments, but {recipe.network.backbone} classifies, which mmsegmentation cannot; "
            "leave the arm out."
        )
    if not isinstance(recipe.sample, Every):
        raise ExportError(
            "Expected an arm that sees every training image, but got one that sees a sample drawn with replacement, "
            "which the exported config cannot; leave the arm out."
        )
    if not isinstance(recipe.select, Last):
        raise ExportError(
            "Expected an arm that keeps its last weights, but got one that selects them on validation images, which "
            "the exported config cannot; export it with select=Last()."
        )
    if isinstance(recipe.init, FromJob) and recipe.init.shuffled:
        raise ExportError(
            "Expected an arm that starts from weights as they are, but got one that shuffles them, which the exported "
            "config cannot; leave the arm out."
        )
    family(recipe.network).check(recipe)


def _write(
    recipe: Recipe,
    packed: Packed,
    parts: Parts,
    folder: Path,
    seed: int,
    initial: dict[str, torch.Tensor] | str | None = None,
) -> Path:
    """Writes everything beside the folder and moves it there in one step.

    Args:
        recipe, packed, parts, folder, seed: As in :func:`export`.
        initial: Tensors that all fit, or the file that will hold them.
    """
    _check(recipe)
    building.check_frozen(recipe, len(packed.classes))
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExportError(f"Expected a folder to export to that is new or empty, but {folder} is not; give another.")
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    indices = {"train": parts.train, "val": parts.validation, "test": parts.test}
    try:
        for name, chosen in indices.items():
            if len(chosen):
                _write_images(packed, chosen, name, temporary)
        if isinstance(initial, dict):
            torch.save({"state_dict": initial}, temporary / "initial.pth")
            initial = f"{mmseg_config.HERE}/initial.pth"
        content = mmseg_config.config(
            recipe,
            packed.classes,
            _shape(packed),
            len(parts.train),
            seed=seed,
            evaluated="val" if len(parts.validation) else "test",
            load_from=initial,
            part=recipe.init.part if isinstance(recipe.init, (Weights, FromJob)) else "all",
        )
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


def _shape(packed: Packed) -> tuple[int, int, int]:
    _, height, width, channels = packed.images.shape
    return height, width, channels


def _write_images(packed: Packed, indices: npt.NDArray[np.int64], part: str, folder: Path) -> None:
    """PNG files whose names sort as the indices do; grey images have one channel, others are RGB."""
    from PIL import Image

    for kind in ("images", "annotations"):
        (folder / kind / part).mkdir(parents=True)
    for index in indices:
        name = f"{index:05d}-{re.sub(r'[^0-9A-Za-z_-]+', '_', packed.ids[index])}.png"
        image = packed.images[index]
        Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(folder / "images" / part / name)
        Image.fromarray(packed.targets[index]).save(folder / "annotations" / part / name)


def _header(recipe: Recipe, seed: int) -> str:
    data, network = recipe.data, recipe.network
    assert isinstance(network, Segmenter)
    text = (
        f"An arm of a claim, exported for mmsegmentation: {network.backbone} with {network.head}, {data.name}",
        f"({data.evidence or 'unresolved'} data), seed {seed}. Run it with mmseg's tools/train.py; `harness` must be",
        "importable (PYTHONPATH). Where the initial weights are in source/work_dir, train source/config.py first.",
    )
    return "".join(f"# {line}\n" for line in text) + "\n"
