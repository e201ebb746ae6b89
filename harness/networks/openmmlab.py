"""Imports mmsegmentation on top of mmcv-lite.

``mmseg.models`` imports ``mmcv.ops``, whose compiled part ``mmcv._ext`` mmcv-lite does not have. A placeholder stands
in for it while ``mmcv.ops`` is imported and is removed right after, because mmengine asks later whether the compiled
part exists. Where the real compiled mmcv is installed it is used untouched.

Importing this module does all of it; an mmseg config may name it in ``custom_imports``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from types import ModuleType
from typing import Any, NoReturn


class _Placeholder(ModuleType):
    """Has every operator that is asked for; calling one is an error."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*_args: object, **_kwargs: object) -> NoReturn:
            raise RuntimeError(
                f"The operator mmcv.ops `{name}` is compiled, and mmcv-lite does not have it: "
                "install the full mmcv (>=2.0, <2.2) for models that need it."
            )

        return missing


def import_mmcv_ops() -> None:
    """Imports ``mmcv.ops``, with a placeholder for its compiled part where that is absent."""
    if "mmcv.ops" in sys.modules:
        return
    name = "mmcv._ext"
    if importlib.util.find_spec(name) is not None:
        importlib.import_module("mmcv.ops")
        return
    sys.modules[name] = _Placeholder(name)
    try:
        importlib.import_module("mmcv.ops")
    finally:
        del sys.modules[name]
        mmcv = sys.modules.get("mmcv")
        if mmcv is not None and hasattr(mmcv, "_ext"):
            delattr(mmcv, "_ext")


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import_mmcv_ops()
    importlib.import_module("mmseg.models")
    importlib.import_module("mmengine.registry").init_default_scope("mmseg")

    _logger = importlib.import_module("mmengine.logging").MMLogger
    if not _logger.check_instance_created("mmengine"):
        _logger.get_instance("mmengine", log_level="ERROR")  # initialisation prints every tensor otherwise
