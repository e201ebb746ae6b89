"""Which data a claim rests on: the paper's own, a named substitute, or phantoms; never a mixture without a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness import data as datasets
from harness.data.registry import check_spec
from harness.specs import Data, Recipe

Kind = Literal["real", "substituted", "phantom"]
Mode = Literal["auto", "real", "phantom"]


class Unavailable(Exception):
    """A claim cannot run on the data that are asked for; the message is one sentence for the user."""


@dataclass(frozen=True)
class Evidence:
    """What the table says about the data of a claim.

    Attributes:
        kind: ``"real"``: the paper's own data sets; ``"substituted"``: real ones, another in place of an absent one;
            ``"phantom"``: generated.
        names: Titles of the data sets, the target first.
        notes: Which data set stands for which, which arms were left out, why real data were not used.
    """

    kind: Kind
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """``"real: DME, DRIVE (DRIVE for STARE)"``."""
        notes = f" ({'; '.join(self.notes)})" if self.notes else ""
        return f"{self.kind}: {', '.join(self.names)}{notes}"


class Catalogue:
    """The data that there are.

    Args:
        root: The data root; ``None``: phantoms only.
        mode: ``"auto"``: real data for a claim whose data sets are all complete, else phantoms; ``"real"``: real or
            not at all; ``"phantom"``.
        cache: Folder for decoded data; ``None``: the user's cache folder.

    Raises:
        Unavailable: A root was given that is no folder, or real data are asked for without one.
    """

    def __init__(self, root: Path | None, mode: Mode = "auto", cache: Path | None = None) -> None:
        if root is not None and mode != "phantom" and not root.is_dir():
            raise Unavailable(
                f"Expected the data root to be a folder, but there is none at {root}; "
                "give the folder that holds the data sets with --claims-data-root=DIR."
            )
        if root is None and mode == "real":
            raise Unavailable(
                "Expected a data root for --claims-data=real, but none was given; add --claims-data-root=DIR."
            )
        self.root, self.mode, self.cache = root, mode, cache
        self._problems: dict[tuple[str, str, str], str] = {}
        self._fingerprints: dict[Data, str] = {}

    def problem(self, data: Data) -> str:
        """Why the real data set cannot be used, in one sentence; empty where it can."""
        key = (data.name, data.labels, data.split)
        if key not in self._problems:
            try:
                datasets.check(data, self.root)
                self._problems[key] = ""
            except datasets.DataError as error:
                self._problems[key] = str(error)
        return self._problems[key]

    def problems(self) -> tuple[str, ...]:
        """Why data sets that were looked for cannot be used, one sentence each."""
        return tuple(dict.fromkeys(filter(None, self._problems.values())))

    def fingerprint(self, data: Data) -> str:
        """Hash of the content of resolved data."""
        if data not in self._fingerprints:
            self._fingerprints[data] = datasets.fingerprint(data, self.root, self.cache)
        return self._fingerprints[data]

    def load(self, data: Data) -> datasets.Packed:
        """The decoded images of resolved data."""
        return datasets.pack(data, self.root, self.cache)

    def resolve(
        self, arms: Mapping[str, Recipe], *, may_drop: Callable[[tuple[str, ...]], bool] = lambda names: False
    ) -> tuple[dict[str, Recipe], Evidence]:
        """Decides on one kind of evidence for all arms of a claim.

        Args:
            arms: Recipes as the claim declares them.
            may_drop: Whether the claim still makes sense with the named arms only; arms whose real data are absent
                are then left out rather than the whole claim.

        Returns:
            The arms with their data resolved, and the evidence.

        Raises:
            Unavailable: Real data are asked for, and the claim's are not complete.
            ValueError: There is no such data set, annotation, split or phantom.
        """
        for recipe in arms.values():
            for step in recipe.lineage():
                check_spec(step.data)
        if self.root is None or self.mode == "phantom":
            return self._phantoms(arms, ())
        named = list(dict.fromkeys(step.data for recipe in arms.values() for step in recipe.lineage()))
        chosen = {data: self._real(data) for data in named}
        complete = {
            name: recipe.with_data(lambda data: chosen[data] or data)
            for name, recipe in arms.items()
            if all(chosen[step.data] for step in recipe.lineage())
        }
        # A substitute that makes two arms the same training cannot stand for the absent one: of such arms the one with
        # the fewest substitutes stays, the first of several. Arms that the claim itself declares equal are its affair.
        swaps_of = {name: _swaps(arms[name], chosen) for name in complete}
        order = sorted(complete, key=lambda name: swaps_of[name])
        kept = {
            name: recipe
            for name, recipe in complete.items()
            if not swaps_of[name] or all(recipe != complete[other] for other in order[: order.index(name)])
        }
        dropped = tuple(name for name in arms if name not in kept)
        absent = [data for data in named if chosen[data] is None]
        if not dropped or may_drop(tuple(kept)):
            notes = [f"without {', '.join(dropped)}" for _ in [0] if dropped]
            used = {step.data for name in kept for step in arms[name].lineage()}
            swaps = {
                data.name: chosen[data].name  # type: ignore[union-attr]
                for data in named
                if data in used and chosen[data].name != data.name  # type: ignore[union-attr]
            }
            notes += [f"{_title(stand_in)} for {_title(name)}" for name, stand_in in swaps.items()]
            return kept, Evidence("substituted" if swaps else "real", _names(kept), tuple(notes))
        reason = self.problem(absent[0]) if absent else f"the substitute of {dropped[0]} is another arm already"
        if self.mode == "real":
            raise Unavailable(reason)
        missing = ", ".join(dict.fromkeys(_title(data.name) for data in absent))
        return self._phantoms(arms, (f"no complete {missing} in the data root" if missing else reason,))

    def unresolved(self, arms: Mapping[str, Recipe]) -> Evidence:
        """What a claim would rest on if its real data were there."""
        return Evidence("real", _names(arms))

    def _real(self, data: Data) -> Data | None:
        """The data set itself, its substitute, or nothing."""
        for name in filter(None, (data.name, data.substitute)):
            found = replace(data, name=name, substitute="", evidence="real", count=Data(name).count)
            if name != data.name and found.split == "published":
                found = replace(found, labels="")
            if not self.problem(found):
                return found
        return None

    def _phantoms(self, arms: Mapping[str, Recipe], notes: tuple[str, ...]) -> tuple[dict[str, Recipe], Evidence]:
        def generated(data: Data) -> Data:
            datasets.generator(data.name)  # raises where there is none
            return replace(data, substitute="", evidence="phantom")

        resolved = {name: recipe.with_data(generated) for name, recipe in arms.items()}
        return resolved, Evidence("phantom", _names(resolved), notes)


def _swaps(recipe: Recipe, chosen: Mapping[Data, Data | None]) -> int:
    return sum((chosen[step.data] or step.data).name != step.data.name for step in recipe.lineage())


def _names(arms: Mapping[str, Recipe]) -> tuple[str, ...]:
    targets = [recipe.data.name for recipe in arms.values()]
    sources = [step.data.name for recipe in arms.values() for step in recipe.lineage()]
    return tuple(_title(name) for name in dict.fromkeys(targets + sources))


def _title(name: str) -> str:
    return datasets.adapter(name).title
