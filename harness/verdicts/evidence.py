"""Which data a claim rests on: the paper's own, a named substitute, or phantoms; never a mixture without a word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness import data as datasets
from harness.data import Catalogue
from harness.specs import Arm, Data, final, recipes, replaced

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


def check_root(root: Path | None, mode: Mode) -> None:
    """Raises :class:`Unavailable` where the data root is no folder, or real data are asked for without one."""
    if root is not None and mode != "phantom" and not root.is_dir():
        raise Unavailable(
            f"Expected the data root to be a folder, but there is none at {root}; "
            "give the folder that holds the data sets with --claims-data-root=DIR."
        )
    if root is None and mode == "real":
        raise Unavailable(
            "Expected a data root for --claims-data=real, but none was given; add --claims-data-root=DIR."
        )


def resolve(
    arms: Mapping[str, Arm],
    catalogue: Catalogue,
    mode: Mode = "auto",
    *,
    may_drop: Callable[[tuple[str, ...]], bool] = lambda names: False,
) -> tuple[dict[str, Arm], Evidence]:
    """Decides on one kind of evidence for all arms of a claim.

    Args:
        arms: As the claim declares them.
        catalogue: The data that there are.
        mode: ``"auto"``: real data where all of the claim's are complete, else phantoms; ``"real"``: real or not at
            all; ``"phantom"``.
        may_drop: Whether the claim still makes sense with the named arms only; arms whose real data are absent are
            then left out rather than the whole claim.

    Returns:
        The arms with their data resolved, and the evidence.

    Raises:
        Unavailable: Real data are asked for and the claim's are not complete, or one of them has no phantom.
        ValueError: There is no such data set, substitute, annotation or split.
    """
    for data in _all_data(arms):
        datasets.check_spec(data)
        if data.stand_in:
            datasets.adapter(data.stand_in.name)
    if mode == "phantom":
        return _phantoms(arms, (), "phantoms are asked for")
    if catalogue.root is None:
        return _phantoms(arms, (), "no data root is given")
    chosen = {data: _real(data, catalogue) for data in _all_data(arms)}
    kept = _distinct(arms, chosen)
    dropped = tuple(name for name in arms if name not in kept)
    if not dropped or (kept and may_drop(tuple(kept))):
        swaps = {
            _title(data.name): _described(data, stand_in)
            for data in _all_data({name: arms[name] for name in kept})
            if (stand_in := chosen[data]) is not None and stand_in.name != data.name
        }
        notes = [f"without {', '.join(dropped)}"] if dropped else []
        notes += [f"{stand_in} for {title}" for title, stand_in in swaps.items()]
        return kept, Evidence("substituted" if swaps else "real", titles(kept), tuple(notes))
    absent = [data for data, stand_in in chosen.items() if stand_in is None]
    reason = catalogue.problem(absent[0]) if absent else f"the substitute of {dropped[0]} is another arm already"
    if mode == "real":
        raise Unavailable(reason)
    missing = ", ".join(dict.fromkeys(_title(data.name) for data in absent))
    note = f"no complete {missing} in the data root" if missing else reason
    return _phantoms(arms, (note,), note)


def titles(arms: Mapping[str, Arm]) -> tuple[str, ...]:
    """Titles of the data sets of some arms, the targets first."""
    targets = [final(arm).data.name for arm in arms.values()]
    return tuple(_title(name) for name in dict.fromkeys([*targets, *(data.name for data in _all_data(arms))]))


def _all_data(arms: Mapping[str, Arm]) -> Iterator[Data]:
    """The data of every recipe that the arms rest on, each once."""
    yield from dict.fromkeys(recipe.data for arm in arms.values() for recipe in recipes(arm))


def _real(data: Data, catalogue: Catalogue) -> Data | None:
    """The data set itself, its substitute, or nothing."""
    own = replace(data, substitute="", evidence="real", count=Data(data.name).count, related=None)
    if not catalogue.problem(own):
        return own
    other = data.stand_in
    if other is None:
        return None
    adapter = datasets.adapter(other.name)
    if adapter.task != datasets.adapter(data.name).task:
        return None
    labels = other.labels or (data.labels if data.labels in adapter.labels else "")
    subset = data.subset if other.subset is None else other.subset
    stand_in = replace(own, name=other.name, labels=labels, subset=subset)
    if data.split.kind == "published" and not adapter.published:
        stand_in = replace(stand_in, split=replace(data.split, kind="subject"))
    return stand_in if not catalogue.problem(stand_in) else None


def _distinct(arms: Mapping[str, Arm], chosen: Mapping[Data, Data | None]) -> dict[str, Arm]:
    """The arms whose data are all there, resolved.

    A substitute that makes two arms the same job cannot stand for the absent one: of such arms the one with the fewest
    substitutes stays, the first of several. Arms that the claim itself declares equal are its affair.
    """
    complete = {
        name: replaced(arm, Data, lambda data: chosen[data] or data)
        for name, arm in arms.items()
        if all(chosen[recipe.data] for recipe in recipes(arm))
    }
    swaps = {
        name: sum((chosen[recipe.data] or recipe.data).name != recipe.data.name for recipe in recipes(arms[name]))
        for name in complete
    }
    order = sorted(complete, key=lambda name: swaps[name])
    return {
        name: arm
        for name, arm in complete.items()
        if not swaps[name] or all(arm != complete[other] for other in order[: order.index(name)])
    }


def _phantoms(arms: Mapping[str, Arm], notes: tuple[str, ...], why: str) -> tuple[dict[str, Arm], Evidence]:
    lacking = [data.name for data in _all_data(arms) if not datasets.has_phantom(data.name)]
    if lacking:
        raise Unavailable(
            f"Expected real data or a phantom of {_title(lacking[0])}, but {why}, and it has no phantom; "
            "give the folder that holds the data set with --claims-data-root=DIR."
        )
    resolved = {
        name: replaced(arm, Data, lambda data: replace(data, substitute="", evidence="phantom"))
        for name, arm in arms.items()
    }
    return resolved, Evidence("phantom", titles(resolved), notes)


def _described(data: Data, stand_in: Data) -> str:
    """``"CamVid"``, or ``"64 of the training images of CamVid"`` where the substitute has a number of its own."""
    title = _title(stand_in.name)
    if stand_in.subset is None or stand_in.subset == data.subset:
        return title
    amount = f"{stand_in.subset:.0%}" if isinstance(stand_in.subset, float) else f"{stand_in.subset}"
    return f"{amount} of the training images of {title}"


def _title(name: str) -> str:
    return datasets.adapter(name).title
