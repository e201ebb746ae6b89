"""A claim as it will be tested: its arms, its relation, and the seeds that it may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from harness.relations import Collapsed, Contrast, Looks, Relation, SequentialDecision, decide_sequentially
from harness.relations.relation import SampleKey
from harness.specs import Arm, Job, Measure, Scale, TimeTo, digest, job, one_checkpoint
from harness.store import Record
from harness.verdicts.evidence import Evidence
from harness.verdicts.rows import first_seed

Find = Callable[[Job], Record | None]
"""Finds a job's record."""

ALPHA = 0.05
"""Level of each claim's whole plan of looks."""


@dataclass(frozen=True)
class Question:
    """One claim at one scale on one kind of evidence. To the scheduler it is a demand.

    Attributes:
        paper, slug: The id is ``<paper>/<slug>``.
        variant: Which variant of the claim, ``""`` for the pre-registered one.
        statement, place: What the paper says, and where.
        scale: How much of the published budget is spent.
        arms: Resolved arms by name.
        relation: What the claim says of the arms.
        measure: What is compared; parts of ``relation`` may have their own.
        evidence: Which data it rests on.
        looks: The plan of seeds.
        family: Number of pre-registered claims of the paper that early stopping has to pay for.
        registration: How often the claim's rule has been registered. Each time it takes its own seeds, so that nothing
            is decided on values that were seen when the rule was chosen.
        contrasts: Differences between two arms that stand beside the row and decide nothing.
        beside: Further measures whose means stand beside each arm and decide nothing.
        unavailable: Why it cannot run, in one sentence; then nothing is wanted.
    """

    paper: str
    slug: str
    variant: str
    statement: str
    place: str
    scale: Scale
    arms: Mapping[str, Arm]
    relation: Relation
    measure: Measure
    evidence: Evidence
    looks: Looks
    family: int = 1
    unavailable: str = ""
    registration: int = 1
    contrasts: tuple[Contrast, ...] = ()
    beside: tuple[Measure, ...] = ()
    _standing: dict[str, SequentialDecision] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.registration, int) or self.registration < 1:
            raise ValueError(
                f"Expected `registration` of {self.id} to be a whole number from 1 on, but got {self.registration!r}."
            )
        if self.unavailable:
            return
        compared = set(self.relation.arms)
        unknown = sorted(compared - set(self.arms))
        if unknown:
            raise ValueError(
                f"Expected the relation of {self.id} to compare the arms {', '.join(self.arms)}, but it names "
                f"{unknown[0]!r}; give that arm a recipe."
            )
        unnamed = [arm for arm in self.arms if arm not in compared | self._contrasted]
        if unnamed:
            raise ValueError(
                f"Expected every arm of {self.id} to be compared, but its relation does not name {unnamed[0]!r}; "
                "add it to the relation, or leave it out."
            )
        self.relation.check(self.measure)
        if self.contrasts and isinstance(self.measure, TimeTo):
            raise ValueError(
                f"Expected the contrasts of {self.id} to compare values, since times may never come, but got "
                f"{str(self.measure)!r}; give the claim another measure and the relation its own."
            )
        digests = {name: digest(arm) for name, arm in self.arms.items()}
        same = [(a, b) for a, b in combinations(self.arms, 2) if digests[a] == digests[b]]
        if same:
            raise ValueError(
                f"Expected the arms of {self.id} to differ, but {same[0][0]!r} and {same[0][1]!r} are one and the "
                "same; give each its own level."
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
        """Whether all seeds of an arm start from one and the same checkpoint, a file or a shared training."""
        return one_checkpoint(self.arms.values())

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of the arms that the relation compares; the others stand in contrasts alone."""
        compared = set(self.relation.arms)
        return tuple(arm for arm in self.arms if arm in compared)

    def measure_of(self, arm: str) -> Measure:
        """What an arm's values are: the claim's measure where the relation reads it, else what it reads of the arm."""
        read = [value.measure for value in self.relation.values(self.measure) if value.arm == arm]
        return self.measure if self.measure in read or not read else read[0]

    @property
    def most(self) -> int:
        """Seeds that it may come to need."""
        return self.looks.most

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of every arm, in the order in which they are taken: from 1000 × (registration − 1) on."""
        first = first_seed(self.registration)
        return tuple(range(first, first + self.most))

    def wanted(self, find: Find) -> int:
        """Seeds of every arm that it needs for its next look; 0 where its plan has ended."""
        if self.unavailable:
            return 0
        standing = self.stand(find)
        if standing.n_next or not self.contrasts:
            return standing.n_next or 0
        seeds, others = standing.decision.n, set(self.arms) - set(self.compared)
        lacking = any(find(job(self.arms[name], seed)) is None for name in others for seed in self.seeds[:seeds])
        return seeds if lacking else 0

    def jobs(self, seeds: int) -> Iterator[Job]:
        """The jobs of the first seeds of every arm, without their inputs."""
        for arm in self.arms.values():
            for seed in self.seeds[:seeds]:
                yield job(arm, seed)

    def samples(self, find: Find) -> dict[SampleKey, list[float]]:
        """Per-seed values as relations take them: by arm, by :class:`Value` for further figures; and what collapsed.

        An arm's values end before the first seed that has no record yet.
        """
        records = {name: list(self._records(self.arms[name], find)) for name in self.compared}
        samples: dict[SampleKey, list[float]] = {}
        for name, done in records.items():
            if any(record.collapsed for record in done):
                samples[Collapsed(name)] = [float(record.collapsed) for record in done]
        for value in self.relation.values(self.measure):
            figures = [record.value(value.measure) for record in records[value.arm]]
            samples[value] = figures
            if value.measure == self.measure:
                samples[value.arm] = figures
        return samples

    def stand(self, find: Find) -> SequentialDecision:
        """Where the claim stands with the jobs that are done.

        Remembered, because whoever waits asks again and again, and whether a claim is futile takes a simulation (10 to
        110 ms a claim).
        """
        samples = self.samples(find)
        seen = repr(samples)
        if seen not in self._standing:
            self._standing.clear()
            self._standing[seen] = decide_sequentially(
                self.relation, samples, self.looks, alpha=ALPHA, family=self.family
            )
        return self._standing[seen]

    @property
    def _contrasted(self) -> set[str]:
        return {arm for each in self.contrasts for arm in (each.a, each.b)}

    def _records(self, arm: Arm, find: Find) -> Iterator[Record]:
        for seed in self.seeds:
            record = find(job(arm, seed))
            if record is None:
                return
            yield record
