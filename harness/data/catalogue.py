"""The data that there are: what is complete, what it consists of, and its decoded form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

from harness.data.dataset import Adapter, DataError, Packed
from harness.data.fingerprints import fingerprint
from harness.data.packing import pack
from harness.data.progress import Report
from harness.data.registry import adapter_of, check
from harness.specs import Data, Split
from harness.specs.data import WHOLE


class Catalogue:
    """The data sets beneath a root, and the phantoms.

    Args:
        root: The data root; ``None``: phantoms only.
        cache: Folder for decoded data; ``None``: the user's cache folder.
        report: Hears how far a data set is that is being decoded, see :func:`harness.data.progress.followed`.
    """

    def __init__(self, root: Path | None, cache: Path | None = None, report: Report | None = None) -> None:
        self.root, self.cache, self.report = root, cache, report
        self._adapters: dict[tuple[str, str], Adapter] = {}
        self._problems: dict[tuple[str, ...], str] = {}
        self._fingerprints: dict[Data, str] = {}
        self._packed: WeakValueDictionary[Data, Packed] = WeakValueDictionary()

    def problem(self, data: Data) -> str:
        """Why the real data set cannot be used, in one sentence; empty where it can."""
        place = (data.name, data.labels, data.split.kind, data.companion)
        if place not in self._problems:
            try:
                check(data, self.root)
                self._problems[place] = ""
            except DataError as error:
                self._problems[place] = str(error)
        return self._problems[place]

    def problems(self) -> tuple[str, ...]:
        """Why data sets that were looked for cannot be used, one sentence each."""
        return tuple(dict.fromkeys(filter(None, self._problems.values())))

    def adapter(self, data: Data) -> Adapter:
        """The adapter of resolved data, with the classes that these have."""
        place = (data.name, data.evidence)
        if place not in self._adapters:
            self._adapters[place] = adapter_of(data, self.root)
        return self._adapters[place]

    def fingerprint(self, data: Data) -> str:
        """Hash of the content of resolved data."""
        if data not in self._fingerprints:
            self._fingerprints[data] = fingerprint(data, self.root, self.cache)
        return self._fingerprints[data]

    def load(self, data: Data) -> Packed:
        """The decoded images of resolved data: one object for all splits of them, as long as somebody holds it."""
        images = replace(data, split=Split(), subset=None, companion="", share=WHOLE, substitute="")
        packed = self._packed.get(images)
        if packed is None:
            packed = self._packed[images] = pack(data, self.root, self.cache, report=self.report)
        return packed
