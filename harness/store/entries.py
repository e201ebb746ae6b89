"""Entries of the store: a job's record, counts and artifacts, written at once and checked when they are read."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.specs import Artifact
from harness.store import in_flight, manifest, plans
from harness.store.counts import dense, sparse
from harness.store.disposable import Disposable, kept_bytes
from harness.store.files import StoreError, beside, flush, reason, swap, sweep
from harness.store.locks import Locks
from harness.store.record import Record

FILES: Mapping[Artifact, str] = {
    "weights": "weights.pt",
    "predictions": "predictions.npz",
    "training predictions": "training_predictions.npz",
    "explanations": "explanations.npz",
}
"""File of each artifact in its entry."""

RECORD, COUNTS = "record.json", "counts.npz"

FREE_BYTES = 256 * 2**20
"""Free space below which no job starts."""

Stamp = tuple[int, int, int]


class Store:
    """A folder of entries.

    Args:
        root: The folder; made where it is absent.

    Attributes:
        damaged: A sentence for each thing that this object set aside because it was not as it was written.

    Raises:
        StoreError: The folder cannot be made or written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.damaged: list[str] = []
        self._seen: dict[str, tuple[Stamp, Record]] = {}
        self._locks = Locks(self.root / "locks")
        self._disposable = Disposable(self.root / "disposable", self.root / "locks" / "disposable.lock")
        try:
            for name in ("entries", "partial", "locks", "disposable", "packs"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"Expected the store {root} to be a folder that can be written to, but got: {reason(error)}; "
                "give another with --claims-store=DIR."
            ) from error

    def entry(self, key: str) -> Path:
        """Folder of a job's result."""
        return self.root / "entries" / key[:2] / key

    def partial(self, key: str) -> Path:
        """Folder of a training in flight."""
        return self.root / "partial" / key

    def checkpoint(self, key: str) -> Path:
        """File from which a killed training goes on."""
        return self.partial(key) / "checkpoint"

    def lock(self, key: str) -> AbstractContextManager[bool]:
        """Holds the lock of a job while the block runs, if it is free; see :meth:`harness.store.locks.Locks.hold`."""
        return self._locks.hold(key)

    def stamp(self) -> int:
        """A number that changes whenever any process has changed an entry, so that waiting costs one look at a file."""
        try:
            return (self.root / "stamp").stat().st_size
        except OSError:
            return 0

    def find(self, key: str) -> Record | None:
        """The record of a job, if it is in the store and it and its counts are undamaged.

        A damaged entry is set aside under ``damaged/`` and named in :attr:`damaged`.
        """
        folder = self.entry(key)
        while (stamp := self._entry_stamp(key)) is not None:
            if key in self._seen and self._seen[key][0] == stamp:
                return self._seen[key][1]
            try:
                manifest.check(folder, RECORD, COUNTS)
                record = Record.from_json((folder / RECORD).read_text("utf-8"))
                if record.key != key:
                    raise ValueError(f"it is the entry of job {record.key[:12]}")
            except (OSError, ValueError) as error:
                if self._entry_stamp(key) == stamp:  # else it was replaced while it was read
                    self._set_aside(key, "", str(error))
                continue
            self._seen[key] = (stamp, record)
            return record
        return None

    def counts(self, key: str) -> npt.NDArray[np.int64]:
        """Counts of each test image, on the first axis; the task defines the other axes.

        Raises:
            StoreError: The job has none.
        """
        with self._arrays(key, "counts") as content:
            return dense(content)

    def previews(self, key: str) -> npt.NDArray[np.uint8] | npt.NDArray[np.int16]:
        """Predicted classes of each image of the record's ``preview_ids``, on the first axis.

        Raises:
            StoreError: The job has none.
        """
        with self._arrays(key, "previews") as content:
            return np.asarray(content["previews"])

    @contextmanager
    def _arrays(self, key: str, name: str) -> Iterator[Mapping[str, npt.NDArray[Any]]]:
        file = self.entry(key) / COUNTS
        if self.find(key) is None or not file.exists():
            raise StoreError(f"Expected {name} of job {key[:12]} in the store {self.root}, but there are none.")
        with np.load(file) as content:
            yield content

    def has(self, key: str, name: Artifact) -> bool:
        """Whether an artifact of a job is there."""
        return (self.entry(key) / FILES[name]).exists()

    def artifact(self, key: str, name: Artifact, *, stays: bool = True) -> Path:
        """File of an artifact.

        Args:
            key, name: Which one.
            stays: Whether it stays from now on; a disposable one stays disposable where this is False.

        Raises:
            StoreError: It is absent, or damaged; then it is set aside, and the record stays.
        """
        if stays:
            self._disposable.claim(key, FILES[name])
        file = self.entry(key) / FILES[name]
        why = "they are not there"
        while (stamp := self._entry_stamp(key)) is not None and file.exists():
            try:
                manifest.check(file.parent, file.name)
                return file
            except (OSError, ValueError) as error:
                # Else it was replaced while it was read: a writer changes the manifest before it puts a new file there.
                if file.exists() and self._entry_stamp(key) == stamp:
                    why = str(error)
                    self._set_aside(key, file.name, why)
        raise StoreError(
            f"Expected intact {name} of job {key[:12]} in the store, but {why}; run the same command again, and they "
            "are made anew."
        )

    def write(
        self,
        record: Record,
        *,
        counts: npt.NDArray[np.int64] | None = None,
        previews: npt.NDArray[np.uint8] | npt.NDArray[np.int16] | None = None,
        artifacts: Mapping[Artifact, Path] | None = None,
        keep: Collection[Artifact] = (),
    ) -> None:
        """Puts the result of a job into the store at once, replacing an earlier one, and forgets its partial state.

        The caller holds the job's lock.

        Args:
            record: The record, finished or failed.
            counts: Counts by test image of a finished job.
            previews: Predictions of the record's ``preview_ids``.
            artifacts: Files to move into the entry.
            keep: Artifacts that a job asks for. Others are disposable, see :meth:`trim`.

        Raises:
            StoreError: The disk is full; nothing of the entry is left.
            AssertionError: The caller does not hold the lock.
        """
        artifacts = artifacts or {}
        with self._staging(record.key) as staging:
            (staging / RECORD).write_text(record.to_json(), "utf-8")
            if counts is not None:
                previews = np.zeros(0, np.uint8) if previews is None else previews
                places, values, shape = sparse(counts).values()
                np.savez_compressed(staging / COUNTS, previews=previews, places=places, values=values, shape=shape)
            for name, path in artifacts.items():
                shutil.move(path, staging / FILES[name])
            manifest.write(staging)
            with self._disposable.unchanged():
                swap(staging, self.entry(record.key))
                for name, file in FILES.items():
                    self._disposable.mark(record.key, file, name in artifacts and name not in keep)
            self._changed()
        if not record.transient:  # what failed for want of memory goes on from its checkpoint
            shutil.rmtree(self.partial(record.key), ignore_errors=True)

    def add(self, key: str, name: Artifact, path: Path) -> None:
        """Moves an artifact that a job asks for into an entry that is there, replacing an earlier one.

        The caller holds the job's lock. Until the end, other processes see the entry without the artifact.

        Raises:
            StoreError: The entry is not there, or the disk is full; then the artifact is absent.
            AssertionError: The caller does not hold the lock.
        """
        entry, file = self.entry(key), self.entry(key) / FILES[name]
        with self._staging(key) as staging:
            if self.find(key) is None:
                raise StoreError(
                    f"Expected job {key[:12]} in the store {self.root} to add its {name} to, but it is not there; "
                    "run the same command again, and it is done anew."
                )
            shutil.move(path, staging / file.name)
            flush(staging / file.name)
            with self._disposable.unchanged():
                file.unlink(missing_ok=True)
                manifest.add(entry, file.name, staging / file.name)
                os.rename(staging / file.name, file)
                flush(entry)
                self._disposable.mark(key, file.name, False)
            self._changed()

    def trim(self, limit: int | None = None) -> list[str]:
        """Removes the oldest disposable artifacts. What cannot be removed, in a store that can only be read, stays.

        Args:
            limit: Size in bytes that all others may take; ``None``: 20 GB, or what ``CLAIMS_KEEP_GB`` says.

        Returns:
            Keys of the jobs that lost an artifact.

        Raises:
            StoreError: ``CLAIMS_KEEP_GB`` is not a number.
        """
        limit = kept_bytes() if limit is None else limit
        keys: list[str] = []
        with suppress(OSError):
            keys = self._disposable.trim(lambda key, name: self.entry(key) / name, limit)
        if keys:
            self._changed()
        return keys

    def check_space(self) -> None:
        """Raises :class:`StoreError` where the disk is nearly full even without disposable artifacts."""
        if shutil.disk_usage(self.root).free < FREE_BYTES:
            self.trim(0)
        free = shutil.disk_usage(self.root).free
        if free < FREE_BYTES:
            raise StoreError(
                f"Expected {FREE_BYTES >> 20} MiB of free space for the store {self.root}, but got {free >> 20} MiB; "
                "free some, or give another folder with --claims-store=DIR."
            )

    def report_progress(self, key: str, report: Mapping[str, Any]) -> None:
        """Tells other processes how far a training is; see :func:`harness.store.in_flight.report`."""
        in_flight.report(self.partial(key), report)

    def end_progress(self, key: str) -> None:
        """Takes back what :meth:`report_progress` told, of what leaves no entry."""
        shutil.rmtree(self.partial(key), ignore_errors=True)

    def in_flight(self, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Progress of the trainings that reported lately; see :func:`harness.store.in_flight.in_flight`."""
        return in_flight.in_flight(self.root / "partial", seconds)

    def end_plan(
        self, question: Mapping[str, Any], seeds: Sequence[int], verdict: str
    ) -> list[tuple[tuple[int, ...], str]]:
        """Notes that a plan of seeds came to its end; see :func:`harness.store.plans.end_plan`."""
        return plans.end_plan(self.root / "plans", question, seeds, verdict)

    @contextmanager
    def _staging(self, key: str) -> Iterator[Path]:
        """A new folder beside an entry, which is gone afterwards whatever happens."""
        self._locks.require(key)
        staging = beside(self.entry(key))
        try:
            sweep(staging.parent)
            staging.mkdir(parents=True)
            yield staging
        except OSError as error:
            raise StoreError(
                f"Expected to write job {key[:12]} to the store {self.root}, but got: {reason(error)}; "
                "make room and run the same command again."
            ) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _set_aside(self, key: str, name: str, why: str) -> None:
        """Moves an entry, or the artifact with that file name, to ``damaged/``."""
        what = f"{name} of job {key[:12]}" if name else f"job {key[:12]}"
        place = self.entry(key) / name
        target = self.root / "damaged" / "-".join(filter(None, (key, str(time.time_ns()), name)))
        try:
            target.parent.mkdir(exist_ok=True)
            os.rename(place, target)
        except FileNotFoundError:
            return  # another process was faster
        except OSError as error:
            raise StoreError(
                f"Expected {what} in the store to be as it was written, but {why}, and it cannot be set aside: "
                f"{reason(error)}; remove {place}, or give another store with --claims-store=DIR."
            ) from error
        self._seen.pop(key, None)
        self.damaged.append(f"{what} was damaged ({why}) and is set aside in {target}")
        self._changed()

    def _entry_stamp(self, key: str) -> Stamp | None:
        try:
            status = (self.entry(key) / manifest.MANIFEST).stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _changed(self) -> None:
        """Lets :meth:`stamp` grow. By a byte, since two changes may fall into one tick of the file system's clock."""
        with suppress(OSError), (self.root / "stamp").open("ab") as file:
            file.write(b".")
