"""What identifies a data set's content, and the folder where derived files are kept."""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
import os
import pkgutil
import sys
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import platformdirs

from harness.data.registry import adapter, existing, generator
from harness.specs import Data, digest


def folder(cache: Path | None) -> Path:
    """Where derived files are kept: ``cache``, or the user's cache folder."""
    return cache if cache is not None else Path(platformdirs.user_cache_dir("transfer-claims")) / "data"


def fingerprint(data: Data, root: Path | None, cache: Path | None = None) -> str:
    """SHA-256, as hexadecimal, of what a data set consists of.

    For real data: the names of its files below the root and their content, whichever annotation or size ``data`` asks
    for. The result is remembered by path, size and time of change of every file. For a phantom: what it is asked for
    and the code that draws it, without comments and docstrings.

    Args:
        data: A resolved data set: ``evidence`` is ``"real"`` or ``"phantom"``.
        root: The data root; not needed for a phantom.
        cache: Folder to remember fingerprints in; ``None``: the user's cache folder.

    Raises:
        ValueError: ``data`` is not resolved, or there is no data set of that name.
        DataError: The data set is absent or incomplete.
    """
    if is_phantom(data):
        request = {"name": data.name, "size": data.size, "count": data.count}
        return digest([_drawing_code(type(generator(data.name)).__module__), json.dumps(request)])
    root = existing(root)
    files = adapter(data.name).files(root)
    states = [(path, path.stat()) for path in files]
    key = digest([[str(path.resolve()), state.st_size, state.st_mtime_ns] for path, state in states])
    remembered = folder(cache) / "fingerprints" / f"{key[:32]}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.loads(remembered.read_text())["sha256"])
    result = digest([[path.relative_to(root).as_posix(), _sha256(path)] for path in files])
    with suppress(OSError):  # An unwritable cache costs time only.
        write_atomically(remembered, json.dumps({"data": data.name, "files": len(files), "sha256": result}))
    return result


def is_phantom(data: Data) -> bool:
    """Whether a resolved data set is generated; raises ValueError for one that is not resolved."""
    if data.evidence not in ("real", "phantom"):
        raise ValueError(
            f"Expected data {data.name!r} with `evidence` 'real' or 'phantom', but got {data.evidence!r}; "
            "resolve it first."
        )
    return data.evidence == "phantom"


def write_atomically(path: Path, text: str) -> None:
    """Write a text file such that a reader sees the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache
def _drawing_code(module: str) -> str:
    """The generator's module and the modules beside it that hold no generator, which it may draw with."""
    package = importlib.import_module(module.rpartition(".")[0])
    sources = []
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        source = importlib.import_module(info.name)
        if info.name == module or not hasattr(source, "GENERATOR"):
            sources.append(normalised(Path(str(sys.modules[info.name].__file__)).read_text(encoding="utf-8")))
    return "\n".join(sources)


def normalised(source: str) -> str:
    """Python source without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # Any string that stands alone is documentation, of attributes too.
            node.body = [  # type: ignore[attr-defined]
                entry for entry in body if not (isinstance(entry, ast.Expr) and isinstance(entry.value, ast.Constant))
            ] or [ast.Pass()]
    return ast.unparse(tree)
