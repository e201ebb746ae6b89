"""Which data sets there are, and whether one can be used."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from harness.data import phantoms, sets
from harness.data.dataset import Accompanied, Adapter, DataError, Finding, Generator
from harness.specs import Data


@cache
def names() -> tuple[str, ...]:
    """Names of the data sets that can be read, sorted: the modules of :mod:`harness.data.sets`."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(sets.__path__)))


@cache
def adapter(name: str) -> Adapter:
    """The adapter of a data set.

    Raises:
        ValueError: There is no data set of that name.
    """
    if name not in names():
        raise ValueError(f"Expected the name of a data set, one of {', '.join(names())}, but got {name!r}.")
    found: Adapter = importlib.import_module(f"{sets.__name__}.{name}").ADAPTER
    return found


def adapter_of(data: Data, root: Path | None) -> Adapter:
    """The adapter of a resolved data set, with the classes that it finds under the root where these are real.

    Raises:
        ValueError: ``data`` is not resolved, or there is no data set of that name.
        DataError: Its classes are to be found, and it is absent.
    """
    known = adapter(data.name)
    return known.found(existing(root)) if not is_phantom(data) and isinstance(known, Finding) else known


def companions(name: str) -> tuple[str, ...]:
    """Which other images of the same subject a data set has for each image, by name; empty where it has none.

    Raises:
        ValueError: There is no data set of that name.
    """
    known = adapter(name)
    return known.companions if isinstance(known, Accompanied) else ()


@cache
def generator(name: str) -> Generator:
    """The generator of a data set's phantom.

    Raises:
        ValueError: There is no phantom of that data set.
    """
    found = _generators()
    if name not in found:
        raise ValueError(
            f"Expected the name of a data set with a phantom, one of {', '.join(found)}, but got {name!r}."
        )
    return found[name]


@cache
def _generators() -> dict[str, Generator]:
    found: dict[str, Generator] = {}
    for info in pkgutil.iter_modules(phantoms.__path__):
        module = importlib.import_module(f"{phantoms.__name__}.{info.name}")
        if hasattr(module, "GENERATOR"):
            found.update(dict.fromkeys(module.GENERATOR.names, module.GENERATOR))
    return dict(sorted(found.items()))


def has_phantom(name: str) -> bool:
    """Whether a phantom can stand in for a data set; one without is used with real data only."""
    return name in _generators()


def is_phantom(data: Data) -> bool:
    """Whether a resolved data set is generated; raises ValueError for one that is not resolved."""
    if data.evidence not in ("real", "phantom"):
        raise ValueError(
            f"Expected data {data.name!r} with `evidence` 'real' or 'phantom', but got {data.evidence!r}; "
            "resolve it first."
        )
    return data.evidence == "phantom"


def check(data: Data, root: Path | None) -> None:
    """Find out, without decoding, whether real data can be used as ``data`` asks for.

    Args:
        data: What a training wants; ``evidence`` is not looked at.
        root: The data root.

    Raises:
        ValueError: There is no data set of that name, or it has no such annotation, split or companion.
        DataError: It is absent, incomplete, cut short, or a mask is not as large as its image; one sentence.
    """
    check_spec(data)
    adapter(data.name).check(existing(root))


def check_spec(data: Data) -> None:
    """Raise ValueError where the data set has no such annotation, split or companion, real or phantom.

    ``labels=""`` is the data set's own default and always right, so that a substitute needs no annotation by name.
    """
    known = adapter(data.name)
    if data.labels not in ("", *known.labels):
        expected = ", ".join(map(repr, ("", *known.labels)))
        raise ValueError(f"Expected `labels` of {known.title} to be one of {expected}, but got {data.labels!r}.")
    if data.split.kind == "published" and not known.published:
        raise ValueError(
            f"Expected the split of {known.title} to be by 'subject', in 'folds' or 'random', since nobody published "
            f"one, but got {data.split.kind!r}."
        )
    if data.companion not in ("", *companions(data.name)):
        expected = ", ".join(map(repr, ("", *companions(data.name))))
        raise ValueError(f"Expected `companion` of {known.title} to be one of {expected}, but got {data.companion!r}.")


def existing(root: Path | None) -> Path:
    """The data root; raises DataError where it is not given or no folder."""
    if root is None:
        raise DataError("Expected a data root, but none was given; give the folder that holds the data sets.")
    if not root.is_dir():
        raise DataError(f"Expected the data root to be a folder, but {root} is none; give the one with the data sets.")
    return root
