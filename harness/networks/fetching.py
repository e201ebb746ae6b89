"""Fetches a published file: with a progress bar, from where an earlier attempt broke off, checked before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.networks.weight_files import WeightsError, hash_of

PART = ".part"
"""End of the name of a file that is not whole yet."""

CHUNK = 1 << 16
"""Bytes that are written at once: at most so many are lost where a connection breaks."""

SECONDS = 30
"""How long a server may stay silent."""


def fetch(url: str, file: Path, sha256: str) -> None:
    """Fetches a file; several processes may ask for it at once.

    What arrived before a connection broke is kept beside the file, and the next attempt goes on from there.

    Args:
        url: Where it is published.
        file: Where it should lie; its folder is made.
        sha256: The first digits of its hash, or all of them; ``""``: nobody knows it.

    Raises:
        WeightsError: The folder cannot be written, there is no connection, it broke, or the file is another.
    """
    from filelock import FileLock

    part = file.with_name(file.name + PART)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{part}.lock"):
            if file.is_file():
                return  # another process was faster
            resumed = part.is_file() and part.stat().st_size > 0
            _download(url, part)
            if resumed and not _is(part, sha256):  # the server cannot go on, or published another file
                part.unlink()
                _download(url, part)
            if not _is(part, sha256):
                content, size = hash_of(part), part.stat().st_size
                part.unlink()
                raise WeightsError(
                    f"Expected {url} to have a SHA-256 that begins with {sha256}, but got {content} ({size} bytes); "
                    f"try again, or put {file.name} into {file.parent} by other means."
                )
            part.replace(file)
    except OSError as error:
        raise WeightsError(
            f"Expected to write {file}, but it failed ({error.strerror or error}); choose another folder with "
            "--claims-weights-root=DIR."
        ) from error


def _is(part: Path, sha256: str) -> bool:
    return hash_of(part).startswith(sha256)


def _download(url: str, part: Path) -> None:
    """Appends to ``part`` what the server has beyond it."""
    import pooch
    import requests

    start = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        with part.open("ab") as stream, _bar(part.name.removesuffix(PART)) as bar:
            download = pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK, headers=headers, timeout=SECONDS)
            download(url, stream, None)
    except requests.RequestException as error:
        arrived = part.stat().st_size
        if error.response is not None and error.response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing lies beyond; the hash tells whether that is the file
        raise WeightsError(
            f"Expected to fetch {url}, but {_reason(error)} ({arrived} bytes have arrived); try again, which goes on "
            f"from there, or put {part.name.removesuffix(PART)} into {part.parent} by other means."
        ) from error


def _reason(error: Any) -> str:
    """What went wrong, in words."""
    import requests

    if error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"nothing came for {SECONDS} s"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection"
    return f"the connection broke off ({type(error).__name__})"


class _Bar:
    """What pooch asks of a progress bar, by rich's: tqdm, its own, is not installed with it."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task
        self._total = 0

    @property
    def total(self) -> int:
        return self._total

    @total.setter
    def total(self, value: int) -> None:
        self._total = value
        self._progress.update(self._task, total=value or None)

    def update(self, amount: int) -> None:
        self._progress.update(self._task, advance=amount)

    def reset(self) -> None:
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        pass


@contextmanager
def _bar(name: str) -> Iterator[_Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _Bar(progress, progress.add_task(name, total=None))
