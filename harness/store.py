"""The run store: results found by what the run is.

Layout beneath the root::

    runs/ab/abcdef…/   run.json, counts.npz, weights.pt, manifest.json    a finished run, or a failed one's run.json
    partial/abcdef…/   checkpoint.pt, progress.json                       a training in flight, or a killed one
    locks/             one file for each run that is or was trained
    plans/abcdef…/     4-7-10.json    a plan of seeds that was brought to its end for a claim
    damaged/           entries whose checksum did not fit, set aside
    packs/             decoded data sets

An entry is written beside its place and renamed into it, so it is there whole or not at all. A run is trained under
its lock, which the operating system releases when a process dies.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from harness.runs import Record
from harness.specs import digest

FREE_BYTES = 256 * 2**20
"""Free space below which no training starts."""


class StoreError(Exception):
    """The store cannot be used; the message is one sentence for the user."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plan(file: Path) -> dict[str, Any] | None:
    """A plan that was brought to its end; ``None`` where the file cannot be read."""
    try:
        content: dict[str, Any] = json.loads(file.read_text("utf-8"))
        content["plan"] = [int(seeds) for seeds in content["plan"]]
        content["verdict"] = str(content["verdict"])
        content["ended"] = float(content["ended"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return content


def _said(error: OSError) -> str:
    return error.strerror or str(error)


class Store:
    """A folder of runs.

    Args:
        root: The folder; made where it is absent.

    Raises:
        StoreError: The folder cannot be made or written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.damaged: list[str] = []
        self._seen: dict[str, tuple[int, Record]] = {}
        try:
            for name in ("runs", "partial", "locks", "packs"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"Expected the store {root} to be a folder that can be written to, but got: {_said(error)}; "
                "give another with --claims-store=DIR."
            ) from error

    def entry(self, key: str) -> Path:
        """Folder of a run's result."""
        return self.root / "runs" / key[:2] / key

    def partial(self, key: str) -> Path:
        """Folder of a training in flight."""
        return self.root / "partial" / key

    def find(self, key: str) -> Record | None:
        """The record of a run, if it is in the store and undamaged.

        A damaged entry is set aside under ``damaged/`` and named in :attr:`damaged`.
        """
        folder = self.entry(key)
        while (stamp := self._stamp(key)) is not None:
            if key in self._seen and self._seen[key][0] == stamp:
                return self._seen[key][1]
            try:
                self._check(folder, ("run.json", "counts.npz"))
                record = Record(**json.loads((folder / "run.json").read_text("utf-8")))
            except (OSError, ValueError, TypeError) as error:
                if self._stamp(key) == stamp:  # else it was replaced while it was read
                    self._set_aside(key, str(error))
                continue
            self._seen[key] = (stamp, record)
            return record
        return None

    def _stamp(self, key: str) -> int | None:
        try:
            return (self.entry(key) / "manifest.json").stat().st_mtime_ns
        except OSError:
            return None

    def has_weights(self, key: str) -> bool:
        """Whether the run's weights were kept."""
        return (self.entry(key) / "weights.pt").exists()

    def weights(self, key: str) -> Path:
        """The run's weights file.

        Raises:
            StoreError: It is absent or damaged (then the entry is set aside, and the next attempt trains it again).
        """
        try:
            self._check(self.entry(key), ("weights.pt",))
        except (OSError, ValueError) as error:
            self._set_aside(key, str(error))
            raise StoreError(
                f"Expected the weights of run {key[:12]} in the store to be intact, but {error}; run the same command "
                "again, and they are trained anew."
            ) from error
        return self.entry(key) / "weights.pt"

    def counts(self, key: str) -> npt.NDArray[np.int64]:
        """Confusion counts by test image, ``(N, C, C)``."""
        with np.load(self.entry(key) / "counts.npz") as content:
            return np.asarray(content["counts"], np.int64)

    def previews(self, key: str) -> npt.NDArray[np.uint8]:
        """Predicted classes of the first test images, ``(P, H, W)``."""
        with np.load(self.entry(key) / "counts.npz") as content:
            return np.asarray(content["previews"], np.uint8)

    def _check(self, folder: Path, names: tuple[str, ...]) -> None:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        if not isinstance(manifest, dict):
            raise ValueError("manifest.json is not what was written")  # noqa: TRY004
        for name in names:
            # A failed run has no counts. What lies there without a checksum was not written by this store.
            if (name in manifest or (folder / name).exists()) and file_digest(folder / name) != manifest.get(name):
                raise ValueError(f"{name} is not what was written")

    def _set_aside(self, key: str, why: str) -> None:
        target = self.root / "damaged" / f"{key}-{time.time_ns()}"
        try:
            target.parent.mkdir(exist_ok=True)
            os.rename(self.entry(key), target)
        except FileNotFoundError:
            return  # another process was faster
        except OSError as error:
            raise StoreError(
                f"Expected run {key[:12]} in the store to be intact, but {why}, and it cannot be set aside: "
                f"{_said(error)}; remove {self.entry(key)}, or give another store with --claims-store=DIR."
            ) from error
        self._seen.pop(key, None)
        self.damaged.append(f"run {key[:12]} was damaged ({why}) and is set aside in {target}")

    @contextmanager
    def lock(self, key: str) -> Iterator[bool]:
        """Holds the lock of a run while the block runs, if it is free; yields whether it is held.

        Raises:
            StoreError: The store cannot be written to.
        """
        lock = FileLock(self.root / "locks" / f"{key}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        except OSError as error:
            raise StoreError(
                f"Expected to write to the store {self.root}, where run {key[:12]} is to be trained, but got: "
                f"{_said(error)}; make it writable, or give another with --claims-store=DIR."
            ) from error
        try:
            yield True
        finally:
            lock.release()

    def check_space(self) -> None:
        """Raises :class:`StoreError` where the disk is nearly full."""
        free = shutil.disk_usage(self.root).free
        if free < FREE_BYTES:
            raise StoreError(
                f"Expected {FREE_BYTES >> 20} MiB of free space for the store {self.root}, but found {free >> 20} MiB; "
                "free some, or give another folder with --claims-store=DIR."
            )

    def write(
        self,
        record: Record,
        *,
        counts: npt.NDArray[np.int64] | None = None,
        previews: npt.NDArray[np.uint8] | None = None,
        weights: Path | None = None,
    ) -> None:
        """Puts the result of a run into the store at once, replacing an earlier one, and forgets its partial state.

        Args:
            record: The record, finished or failed.
            counts: Confusion counts ``(N, C, C)`` of a finished run.
            previews: Predictions ``(P, H, W)`` of a finished run.
            weights: A file to move into the entry; ``None``: the weights are not kept.

        Raises:
            StoreError: The disk is full; nothing of the entry is left.
        """
        folder = self.entry(record.key)
        staging = folder.with_name(f".{record.key}.{os.getpid()}")
        try:
            shutil.rmtree(staging, ignore_errors=True)  # of a killed process with the same number, as in containers
            staging.mkdir(parents=True)
            (staging / "run.json").write_text(json.dumps(asdict(record)), "utf-8")
            if counts is not None and previews is not None:
                np.savez_compressed(staging / "counts.npz", counts=counts, previews=previews)
            if weights is not None:
                shutil.move(weights, staging / "weights.pt")
            manifest = {file.name: file_digest(file) for file in sorted(staging.iterdir())}
            (staging / "manifest.json").write_text(json.dumps(manifest), "utf-8")
            self._swap(staging, folder)
        except OSError as error:
            shutil.rmtree(staging, ignore_errors=True)
            raise StoreError(
                f"Expected to write run {record.key[:12]} to the store {self.root}, but got: {_said(error)}; "
                "make room and run the same command again."
            ) from error
        if not record.transient:  # what failed for want of memory goes on from its checkpoint
            shutil.rmtree(self.partial(record.key), ignore_errors=True)

    def _swap(self, staging: Path, folder: Path) -> None:
        """Renames an entry into its place; an earlier one goes away in one step, then its files are removed."""
        former = staging.with_name(f"{staging.name}.former")
        while staging.exists():
            shutil.rmtree(former, ignore_errors=True)
            with suppress(FileNotFoundError):
                os.rename(folder, former)
            try:
                os.rename(staging, folder)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    continue  # another process wrote the same run meanwhile
                with suppress(OSError):
                    os.rename(former, folder)
                raise
        shutil.rmtree(former, ignore_errors=True)

    def report_progress(self, key: str, progress: dict[str, Any]) -> None:
        """Tells other processes how far a training is. Nothing depends on it: a full disk is said by what does."""
        folder = self.partial(key)
        temporary = folder / f"progress.{os.getpid()}.tmp"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps({**progress, "updated": time.time()}), "utf-8")
            os.replace(temporary, folder / "progress.json")

    def end_plan(
        self, question: Mapping[str, Any], seeds: Sequence[int], verdict: str
    ) -> list[tuple[tuple[int, ...], str]]:
        """Keeps that a plan of seeds came to its end, and says which others had before it.

        Nothing depends on it: what cannot be written or read is left out.

        Args:
            question: What was asked of which runs, as plain types; other plans of the same question are found by it.
            seeds: The plan's looks.
            verdict: What it came to.

        Returns:
            The looks and the verdict of every other plan that had ended before this one did for the first time.
        """
        folder = self.root / "plans" / digest(dict(question))
        file = folder / f"{'-'.join(map(str, seeds))}.json"
        known = {path: found for path in folder.glob("*.json") if (found := _plan(path)) is not None}
        ended = known[file]["ended"] if file in known else time.time()
        content = {**question, "plan": list(seeds), "verdict": verdict, "ended": ended}
        if content != known.get(file):
            temporary = folder / f"{file.stem}.{os.getpid()}.tmp"
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                temporary.write_text(json.dumps(content), "utf-8")
                os.replace(temporary, file)
        others = sorted((found for path, found in known.items() if path != file), key=lambda found: found["ended"])
        return [(tuple(found["plan"]), found["verdict"]) for found in others if found["ended"] < ended]

    def in_flight(self, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Progress of the trainings that said something within the last ``seconds``."""
        found = []
        for file in (self.root / "partial").glob("*/progress.json"):
            try:
                progress = json.loads(file.read_text("utf-8"))
            except (OSError, ValueError):
                continue
            if time.time() - progress.get("updated", 0.0) <= seconds:
                found.append(progress)
        return sorted(found, key=lambda progress: str(progress.get("label")))
