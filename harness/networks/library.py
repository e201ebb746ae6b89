"""The user's folder of released weights: finds the file of a name, checks it, and fetches it where that is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.networks import fetching, released
from harness.networks.released import Released
from harness.networks.weight_files import WeightsError, hash_of, verify
from harness.specs import Weights


@dataclass(frozen=True)
class Library:
    """A folder of files of weights under the names that they were published with.

    Attributes:
        root: The folder; it need not exist.
        fetch: Whether a file that is absent is fetched from its publisher. Nothing else here uses a network.
    """

    root: Path
    fetch: bool = False
    _failed: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def find(self, weights: Weights) -> Weights | str:
        """The weights with the file that they are in, or why there is none.

        Args:
            weights: By name, or a file with its hash.

        Returns:
            The weights with ``sha256`` and ``path`` and without ``otherwise``; or one sentence that names the file, and
            where to put it.

        Raises:
            WeightsError: The file is there and is damaged or another one, or fetching it failed.
            ValueError: There are no weights of that name.
        """
        entry = released.find(weights.name)
        if entry is None and weights.sha256:
            return _of_user(weights)
        entry = entry or released.known(weights.name)
        if not (entry.sha256 or weights.sha256 or entry.name.startswith(released.YOURS)):
            raise WeightsError(
                f"Expected the published name of {entry.name} to end in digits of its SHA-256, but got {entry.file}; "
                "give the whole `sha256` of the file that is meant."
            )
        file = self.root / entry.file
        if not file.is_file():
            if not self.fetch or not entry.url:
                return self._absent(entry)
            self._fetch(entry, file)
        content = hash_of(file)
        wanted = weights.sha256 or entry.sha256
        if not content.startswith(wanted):
            raise WeightsError(
                f"Expected {file}, {file.stat().st_size} bytes, to have a SHA-256 that begins with {wanted}, but got "
                f"{content}; delete it and download it again{f' from {entry.url}' if entry.url else ''}."
            )
        return replace(weights, sha256=content, path=str(file), otherwise=None)

    def _fetch(self, entry: Released, file: Path) -> None:
        """Fetches a file, or says again why that failed: claims that share weights wait for a dead network once."""
        if entry.name not in self._failed:
            try:
                fetching.fetch(entry.url, file, entry.sha256)
            except WeightsError as error:
                self._failed[entry.name] = str(error)
        if entry.name in self._failed:
            raise WeightsError(self._failed[entry.name])

    def _absent(self, entry: Released) -> str:
        wanted = f"Expected the weights {entry.name} as {entry.file} in {self.root}, but there is no such file"
        if not entry.url:
            return f"{wanted}; put it there, or name its folder with --claims-weights-root=DIR."
        return (
            f"{wanted}; download {entry.url} into that folder, name its folder with --claims-weights-root=DIR, or let "
            "it be fetched with --claims-fetch=on."
        )


def _of_user(weights: Weights) -> Weights | str:
    """A file that is named by its path."""
    if not Path(weights.file).is_file():
        return (
            f"Expected weights at {weights.file}, but there is no such file; give the path of the weights, or put them "
            "there."
        )
    verify(weights)
    return replace(weights, otherwise=None)
