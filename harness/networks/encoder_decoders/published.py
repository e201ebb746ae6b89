"""mmsegmentation's published configs, which ship in its wheel."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

BATCH_NORM = {"type": "BN", "requires_grad": True}
"""In the place of SyncBN: there is one device."""


def published(file: str) -> dict[str, Any]:
    """The ``model`` entry of a config, without the weights that it would download and without its preprocessor.

    Args:
        file: Below ``mmseg/.mim/configs``, ``"fcn/fcn_r50-d8_4xb2-80k_cityscapes-512x1024.py"`` for example.
    """
    return deepcopy(_read(file))


@cache
def _read(file: str) -> dict[str, Any]:
    from pathlib import Path

    import mmseg
    from mmengine.config import Config

    model: dict[str, Any] = Config.fromfile(Path(mmseg.__file__).parent / ".mim" / "configs" / file).model.to_dict()
    model.pop("pretrained", None)
    model.pop("data_preprocessor", None)
    model["backbone"].pop("init_cfg", None)
    return model
