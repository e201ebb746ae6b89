"""Locks of jobs: who holds one may work on the job and write its entry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.store.files import StoreError, reason


class Locks:
    """One file for each job. The operating system releases a lock when the process that holds it dies.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: set[str] = set()

    @contextmanager
    def hold(self, key: str) -> Iterator[bool]:
        """Holds the lock of a job while the block runs, if it is free; yields whether it is held.

        Nobody gets in twice, not even the holder itself: each call has its own ``FileLock``, since one such object lets
        its holder in again.

        Raises:
            StoreError: The folder cannot be written to.
        """
        lock = FileLock(self._folder / f"{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            pass
        except OSError as error:
            raise StoreError(
                f"Expected to write to the store {self._folder.parent}, where job {key[:12]} is to be done, but got: "
                f"{reason(error)}; make it writable, or give another with --claims-store=DIR."
            ) from error
        if not lock.is_locked:
            yield False
            return
        self._held.add(key)
        try:
            yield True
        finally:
            self._held.discard(key)
            lock.release()

    def require(self, key: str) -> None:
        """Raises AssertionError, a mistake of the caller's code, unless this object holds the lock of a job."""
        if key not in self._held:
            raise AssertionError(
                f"Expected the lock of job {key[:12]} to be held while its entry is written, but it is not; "
                "write inside `with store.lock(key) as held`, where `held` is true."
            )
