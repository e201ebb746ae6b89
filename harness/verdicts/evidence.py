"""Which data a claim rests on: the paper's own, a named substitute, or phantoms; never a mixture without a word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from harness import data as datasets
from harness.data import Catalogue
from harness.specs import Arm, Data, Weights, final, own_sources, recipes, replaced
from harness.specs.data import WHOLE

Kind = Literal["real", "substituted", "phantom"]
Mode = Literal["auto", "real", "phantom"]


Find = Callable[[Weights], Weights | str]
"""Finds the file of weights, or says in one sentence which file to put where."""


class Unavailable(Exception):
    """A claim cannot run on the data that are asked for; the message is one sentence for the user."""


@dataclass(frozen=True)
class Evidence:
    """What the table says about the data of a claim.

    Attributes:
        kind: ``"real"``: the paper's own data sets; ``"substituted"``: real ones, another in place of an absent one;
            ``"phantom"``: generated.
        names: Titles of the data sets, the target first.
        notes: Which data set stands for which, which arms were left out, why real data were not used, which weights are
            released ones and in place of which a source is trained.
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
    find: Find = lambda weights: weights,
) -> tuple[dict[str, Arm], Evidence]:
    """Decides on one kind of evidence for all arms of a claim, and on one kind of weights to start from.

    Released weights are taken where all of the claim's are there, else the source of every arm that names one of the
    same part (backbones, or whole networks) is trained: a released network beside one that this project trained would
    be no comparison. Where that does not help either, all sources are trained.

    Args:
        arms: As the claim declares them.
        catalogue: The data that there are.
        mode: ``"auto"``: real data where all of the claim's are complete, else phantoms; ``"real"``: real or not at
            all; ``"phantom"``. Phantoms also stand for the sources of released weights, where the claim names them.
        may_drop: Whether the claim still makes sense with the named arms only; arms whose real data or weights are
            absent are then left out rather than the whole claim.
        find: Finds files of weights.

    Returns:
        The arms with their data and weights resolved, and the evidence.

    Raises:
        Unavailable: Real data are asked for and the claim's are not complete, or one of them has no phantom; or weights
            are absent whose source the claim does not name.
        ValueError: There is no such data set, substitute, annotation, split or name of weights.
    """
    own = {name: own_sources(arm) for name, arm in arms.items()}
    for data in dict.fromkeys([*_all_data(arms), *_all_data(own)]):
        datasets.check_spec(data)
        if data.stand_in:
            datasets.adapter(data.stand_in.name)
    if mode == "phantom":
        return _phantoms(arms, (), "phantoms are asked for", find)
    if catalogue.root is None:
        return _phantoms(arms, (), "no data root is given", find)
    if not any(_real(final(arm).data, catalogue) for arm in arms.values()):
        find = _unsought  # nothing is fetched for a claim whose target is absent
    released = _Attempt(_Start(arms, find), catalogue)
    some = {name: own_sources(arm, released.start.lacking_kinds) for name, arm in arms.items()}
    tried = [arms, some, own]
    attempts = [released, *(_Attempt(_Start(each, find), catalogue) for each in tried[1:] if each != arms)]
    trained = attempts[-1]
    sensible = [each for each in attempts if each.kept and (not each.dropped or may_drop(tuple(each.kept)))]
    if sensible:
        best = max(sensible, key=lambda each: len(each.kept))  # the first of equal ones: released weights
        return best.kept, best.evidence(arms)
    if mode == "real" or trained.start.absent:
        files = {} if released.absent else trained.start.absent or released.start.absent
        raise Unavailable(next(iter(files.values()), "") or trained.reason)
    return _phantoms(arms, (trained.note,), trained.note, find)


class _Start:
    """Arms whose weights are looked for.

    Attributes:
        arms: With the weights that there are.
        absent: Of weights that are not there, by name, which file to put where.
    """

    def __init__(self, arms: Mapping[str, Arm], find: Find) -> None:
        self.absent: dict[str, str] = {}
        self._find = find
        self.arms = {name: replaced(arm, Weights, self._found) for name, arm in arms.items()}

    def _found(self, weights: Weights) -> Weights:
        found = self._find(weights)
        if isinstance(found, str):
            self.absent[weights.name] = found
            return weights
        return found

    @property
    def lacking_kinds(self) -> frozenset[str]:
        """Which parts of networks absent weights are of: a released one beside a trained one would be no comparison."""
        return frozenset(weights.part for weights in _all_weights(self.arms) if weights.name in self.absent)

    def lacks(self, arm: Arm) -> bool:
        """Whether an arm starts from weights that are not there."""
        return any(weights.name in self.absent for weights in _all_weights({"": arm}))


class _Attempt:
    """What is there, of data and weights, for some arms.

    Attributes:
        start: The arms with their weights.
        chosen: What stands for each of their data.
        kept: Those for which everything is there, resolved.
        dropped: Names of the others.
    """

    def __init__(self, start: _Start, catalogue: Catalogue) -> None:
        self.start, self.catalogue = start, catalogue
        self.chosen = _chosen(start.arms, catalogue)
        there = {name: arm for name, arm in start.arms.items() if not start.lacks(arm)}
        self.kept = _distinct(there, self.chosen)
        self.dropped = tuple(name for name in start.arms if name not in self.kept)

    @property
    def absent(self) -> list[Data]:
        """Data that neither are there nor have a substitute."""
        return [data for data, stand_in in self.chosen.items() if stand_in is None]

    @property
    def reason(self) -> str:
        """Why not all arms are kept, in one sentence."""
        if self.absent:
            return self.catalogue.problem(self.absent[0])
        return f"the substitute of {self.dropped[0]} is another arm already"

    @property
    def note(self) -> str:
        """The same in a few words."""
        missing = ", ".join(dict.fromkeys(_title(data.name) for data in self.absent))
        return f"no complete {missing} in the data root" if missing else self.reason

    def evidence(self, declared: Mapping[str, Arm]) -> Evidence:
        """What the table says of the arms that are kept."""
        swaps = {
            _title(data.name): _described(data, stand_in)
            for data in _all_data({name: self.start.arms[name] for name in self.kept})
            if (stand_in := self.chosen[data]) is not None and stand_in.name != data.name
        }
        notes = [f"without {', '.join(self.dropped)}"] if self.dropped else []
        notes += [f"{stand_in} for {title}" for title, stand_in in swaps.items()]
        notes += _origins({name: declared[name] for name in self.kept}, self.kept)
        return Evidence("substituted" if swaps else "real", titles(self.kept), tuple(notes))


def _unsought(weights: Weights) -> Weights:
    return weights


def titles(arms: Mapping[str, Arm]) -> tuple[str, ...]:
    """Titles of the data sets of some arms, the targets first."""
    targets = [final(arm).data.name for arm in arms.values()]
    return tuple(_title(name) for name in dict.fromkeys([*targets, *(data.name for data in _all_data(arms))]))


def _all_data(arms: Mapping[str, Arm]) -> Iterator[Data]:
    """The data of every recipe that the arms rest on, each once."""
    yield from dict.fromkeys(recipe.data for arm in arms.values() for recipe in recipes(arm))


def _all_weights(arms: Mapping[str, Arm]) -> Iterator[Weights]:
    """The weights that recipes of the arms start from, each once."""
    inits = (recipe.init for arm in arms.values() for recipe in recipes(arm))
    yield from dict.fromkeys(init for init in inits if isinstance(init, Weights))


def _origins(declared: Mapping[str, Arm], resolved: Mapping[str, Arm]) -> list[str]:
    """Which of the weights that the claim names are released ones, and in place of which a source is trained."""
    taken = dict.fromkeys(weights.name for weights in _all_weights(resolved))
    trained = dict.fromkeys(
        weights.name for weights in _all_weights(declared) if weights.otherwise and weights.name not in taken
    )
    notes = [f"weights {', '.join(taken)} (released)"] if taken else []
    return notes + ([f"own source training for {', '.join(trained)}"] if trained else [])


def _chosen(arms: Mapping[str, Arm], catalogue: Catalogue) -> dict[Data, Data | None]:
    """What stands for each data set of some arms; substitutes that are meant together stand in together."""
    found = {data: _real(data, catalogue) for data in _all_data(arms)}
    joint = [data for data in found if data.stand_in and data.stand_in.together]
    if all((there := found[data]) is not None and there.name == data.name for data in joint):
        return found
    return found | {data: _real(data, catalogue, itself=False) for data in joint}


def _real(data: Data, catalogue: Catalogue, *, itself: bool = True) -> Data | None:
    """The data set itself, its substitute, or nothing."""
    own = replace(data, substitute="", evidence="real", count=Data(data.name).count, related=None)
    if itself and not catalogue.problem(own):
        return own
    other = data.stand_in
    if other is None:
        return None
    adapter = datasets.adapter(other.name)
    if adapter.task != datasets.adapter(data.name).task:
        return None
    if data.companion and data.companion not in datasets.companions(other.name):
        return None
    labels = other.labels or (data.labels if data.labels in adapter.labels else "")
    subset = data.subset if other.subset is None else other.subset
    share = data.share if other.share == WHOLE else other.share
    stand_in = replace(own, name=other.name, labels=labels, subset=subset, share=share)
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


def _phantoms(arms: Mapping[str, Arm], notes: tuple[str, ...], why: str, find: Find) -> tuple[dict[str, Arm], Evidence]:
    start = _Start({name: own_sources(arm) for name, arm in arms.items()}, find)
    if start.absent:
        raise Unavailable(next(iter(start.absent.values())))
    lacking = [data.name for data in _all_data(start.arms) if not datasets.has_phantom(data.name)]
    if lacking:
        raise Unavailable(
            f"Expected real data or a phantom of {_title(lacking[0])}, but {why}, and it has no phantom; "
            "give the folder that holds the data set with --claims-data-root=DIR."
        )
    resolved = {
        name: replaced(arm, Data, lambda data: replace(data, substitute="", evidence="phantom"))
        for name, arm in start.arms.items()
    }
    return resolved, Evidence("phantom", titles(resolved), (*notes, *_origins(arms, resolved)))


def _described(data: Data, stand_in: Data) -> str:
    """``"CamVid"``, or ``"64 of the training images of CamVid"`` where the substitute has a number of its own, or
    ``"CamVid's subjects from 0% to 50%"`` where it has a share of its own."""
    title = _title(stand_in.name)
    if stand_in.share not in (WHOLE, data.share):
        low, high = stand_in.share
        title = f"{title}'s subjects from {low:.0%} to {high:.0%}"
    if stand_in.subset is None or stand_in.subset == data.subset:
        return title
    amount = f"{stand_in.subset:.0%}" if isinstance(stand_in.subset, float) else f"{stand_in.subset}"
    return f"{amount} of the training images of {title}"


def _title(name: str) -> str:
    return datasets.adapter(name).title
