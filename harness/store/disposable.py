"""Artifacts that no job has asked for: kept while there is room, since a job may still start from them.

An empty file ``disposable/<key>-<file name>`` stands for each. Removing that file makes the artifact one that stays.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from harness.store.files import StoreError

KEPT_GB = 20.0
"""Size of all disposable artifacts of a store, in gigabytes of 10⁹ bytes, unless ``CLAIMS_KEEP_GB`` sets another."""


def kept_bytes() -> int:
    """How much the disposable artifacts of a store may take.

    Raises:
        StoreError: ``CLAIMS_KEEP_GB`` is no number of gigabytes.
    """
    text = os.environ.get("CLAIMS_KEEP_GB") or str(KEPT_GB)
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = math.nan
    if not 0 <= gigabytes < math.inf:
        raise StoreError(
            f"Expected CLAIMS_KEEP_GB to be a number of gigabytes, but got {text!r}; "
            f"set it to {KEPT_GB:g}, for example."
        )
    return int(gigabytes * 1e9)


class Disposable:
    """Which artifacts of a store are disposable.

    Args:
        folder: Of the empty files.
        lock: File of the lock that keeps an artifact from being removed while a job asks for it.
    """

    def __init__(self, folder: Path, lock: Path) -> None:
        self._folder = folder
        self._lock = lock

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """While the block runs, no other process removes or claims anything."""
        with FileLock(self._lock):
            yield

    def mark(self, key: str, name: str, disposable: bool) -> None:
        """Notes, inside :meth:`unchanged`, whether an artifact is disposable. Where a disk is full, it stays."""
        with suppress(OSError):
            if disposable:
                self._marker(key, name).touch()
            else:
                self._marker(key, name).unlink(missing_ok=True)

    def claim(self, key: str, name: str) -> None:
        """Makes an artifact one that stays, if it is still there. What cannot be written to is left as it is."""
        marker = self._marker(key, name)
        if marker.exists():
            with suppress(OSError), self.unchanged():
                marker.unlink(missing_ok=True)

    def trim(self, place: Callable[[str, str], Path], limit: int) -> list[str]:
        """Removes the oldest disposable artifacts until the others take no more than ``limit`` bytes.

        Args:
            place: Where the artifact of a key and a file name lies.
            limit: In bytes.

        Returns:
            The keys of the entries that lost an artifact, the oldest first.
        """
        with self.unchanged():
            sizes = {}
            for marker in sorted(self._folder.iterdir(), key=lambda marker: (marker.stat().st_mtime_ns, marker.name)):
                if "-" not in marker.name:
                    continue  # not this store's
                file = place(*marker.name.split("-", 1))
                if file.exists():
                    sizes[marker] = file.stat().st_size
                else:
                    marker.unlink()
            total, keys = sum(sizes.values()), []
            for marker, size in sizes.items():
                if total <= limit:
                    break
                key, name = marker.name.split("-", 1)
                place(key, name).unlink()  # before its marker: without one, an artifact that is there stays
                marker.unlink()
                total -= size
                keys.append(key)
        return keys

    def _marker(self, key: str, name: str) -> Path:
        return self._folder / f"{key}-{name}"
