"""A claim as it will be tested: its arms, its relation, and the seeds that it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from harness.evidence import Evidence
from harness.relations import Key, Looks, Relation, SequentialDecision, decide_sequentially
from harness.runs import Record, Run
from harness.specs import Pretrained, Recipe, Scale
from harness.specs.measures import parse


@dataclass(frozen=True)
class Comparison:
    """One claim at one scale on one kind of evidence.

    Attributes:
        paper, slug: The id is ``<paper>/<slug>``.
        variant: Which variant of the claim, ``""`` for the pre-registered one.
        statement, place: What the paper says, and where.
        scale: How much of the published budget is spent.
        arms: Resolved recipes by name.
        relation: What the claim says of the arms.
        metric: What is compared, as :meth:`harness.runs.Record.value` takes it; parts of ``relation`` may name theirs.
        evidence: Which data it rests on.
        looks: The plan of seeds.
        family: Number of pre-registered claims of the paper that early stopping has to pay for.
        unavailable: Why it cannot run, in one sentence; then there are no arms.
    """

    paper: str
    slug: str
    variant: str
    statement: str
    place: str
    scale: Scale
    arms: Mapping[str, Recipe]
    relation: Relation
    metric: str
    evidence: Evidence
    looks: Looks
    family: int = 1
    unavailable: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.unavailable:
            return
        compared = set(self.relation.arms)
        unknown = sorted(compared - set(self.arms))
        if unknown:
            raise ValueError(
                f"Expected the relation of {self.id} to compare the arms {', '.join(self.arms)}, but it names "
                f"{unknown[0]!r}; give that arm a recipe."
            )
        unnamed = [arm for arm in self.arms if arm not in compared]
        if unnamed:
            raise ValueError(
                f"Expected every arm of {self.id} to be compared, but its relation does not name {unnamed[0]!r}; "
                "add it to the relation, or leave it out."
            )
        self.relation.check(parse(self.metric))
        same = [(a, b) for a, b in combinations(self.arms, 2) if self.arms[a] == self.arms[b]]
        if same:
            raise ValueError(
                f"Expected the arms of {self.id} to differ, but {same[0][0]!r} and {same[0][1]!r} have one recipe; "
                "give each its own level."
            )

    @property
    def id(self) -> str:
        """``<paper>/<slug>``."""
        return f"{self.paper}/{self.slug}"

    @property
    def name(self) -> str:
        """The id with its variant in brackets."""
        return f"{self.id}[{self.variant}]" if self.variant else self.id

    @property
    def one_checkpoint(self) -> bool:
        """Whether all seeds of an arm start from one and the same source run."""
        return any(
            isinstance(step.init, Pretrained) and step.init.seed is not None
            for recipe in self.arms.values()
            for step in recipe.lineage()
        )

    def runs(self, seeds: int) -> Iterator[Run]:
        """The runs of the first ``seeds`` seeds of every arm, without their sources."""
        for recipe in self.arms.values():
            for seed in range(seeds):
                yield Run(recipe, seed)

    def samples(self, find: Callable[[Run], Record | None]) -> dict[Key, list[float]]:
        """Per-seed values as relations take them: by :class:`Value`, and by arm for the claim's own measure.

        An arm's values end before the first seed that has no record yet.
        """
        default = parse(self.metric)
        records = {arm: self._records(arm, find) for arm in self.arms}
        samples: dict[Key, list[float]] = {}
        for value in self.relation.values(default):
            samples[value] = [record.value(value.measure) for record in records[value.arm]]
            if value.measure == default:
                samples[value.arm] = samples[value]
        return samples

    def _records(self, arm: str, find: Callable[[Run], Record | None]) -> list[Record]:
        """The records of an arm's seeds, before the first one that has none yet."""
        records: list[Record] = []
        for seed in range(self.looks.most):
            record = find(Run(self.arms[arm], seed))
            if record is None:
                break
            records.append(record)
        return records

    def stand(self, find: Callable[[Run], Record | None], alpha: float = 0.05) -> SequentialDecision:
        """Where the claim stands with the runs that there are.

        It is not stopped early as decided while most runs of every arm have collapsed: then nothing was compared, and
        the seeds to come may do better.
        """

        def collapsed(n: int) -> bool:
            return all(mostly_collapsed([find(Run(arm, seed)) for seed in range(n)]) for arm in self.arms.values())

        return decide_sequentially(
            self.relation, self.samples(find), self.looks, alpha=alpha, family=self.family, open_at=collapsed
        )


def metrics_of(relation: Relation, default: str) -> tuple[str, ...]:
    """Every measure that a relation reads, in its printed form, the default one first."""
    values = relation.values(parse(default))
    return tuple(dict.fromkeys([default, *(str(value.measure) for value in values)]))


def mostly_collapsed(records: Sequence[Record | None]) -> bool:
    """Whether more than half of an arm's runs predict (nearly) no foreground."""
    return 2 * sum(record is not None and record.collapsed for record in records) > len(records)


@dataclass
class Plan:
    """Everything that one invocation was asked for."""

    comparisons: list[Comparison] = field(default_factory=list)

    def sources(self) -> frozenset[Run]:
        """Runs whose weights another run of the plan starts from."""
        return frozenset(
            step.source
            for comparison in self.comparisons
            for run in comparison.runs(comparison.looks.most)
            for step in run.lineage()
            if step.source is not None
        )

    def runs(self, look: Callable[[Comparison], int]) -> list[Run]:
        """Every run, with its sources before it, each once; ``look`` says how many seeds of a claim count."""
        ordered: dict[Run, None] = {}
        for comparison in self.comparisons:
            for run in comparison.runs(look(comparison)):
                ordered.update(dict.fromkeys(run.lineage()))
        return list(ordered)
