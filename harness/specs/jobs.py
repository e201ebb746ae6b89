"""Jobs: what an arm and a seed make to do.

Jobs form a graph, since each names the jobs that it starts from as its ``inputs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.specs.arms import Arm, Ensemble, Reseeded, ZeroShot, final
from harness.specs.data import Data
from harness.specs.identity import VERSION, digest
from harness.specs.recipes import FromJob, Recipe
from harness.specs.sampling import Boosted

JobKind = Literal["Training", "Evaluation", "Combination"]

Artifact = Literal["weights", "predictions", "training predictions", "explanations"]
"""What a job may need of its inputs beside their records. ``"predictions"`` are of the test and of the validation
images; ``"explanations"`` are heat maps for the report only."""


@dataclass(frozen=True)
class _OfNetwork:
    """A job with one network of its own."""

    recipe: Recipe
    seed: int

    @property
    def source(self) -> Training | None:
        """The training whose weights the network starts from."""
        init = self.recipe.init
        if not isinstance(init, FromJob):
            return None
        return Training(init.recipe, self.seed if init.seed is None else init.seed)

    @property
    def before(self) -> tuple[Training, ...]:
        """The trainings after whose mistakes the training images are drawn, in their order."""
        sample = self.recipe.sample
        if not isinstance(sample, Boosted):
            return ()
        return tuple(Training(recipe, self.seed) for recipe in sample.before())

    @property
    def inputs(self) -> tuple[Job, ...]:
        """The source, and the trainings before it."""
        return tuple(dict.fromkeys([*filter(None, [self.source]), *self.before]))

    def needs(self, of: Job) -> frozenset[Artifact]:
        """Which artifacts of one of its inputs the job asks for."""
        wanted: dict[Artifact, bool] = {"weights": of == self.source, "training predictions": of in self.before}
        return frozenset(artifact for artifact, asked in wanted.items() if asked)


@dataclass(frozen=True)
class Training(_OfNetwork):
    """A recipe trained with one seed."""

    kind: ClassVar[JobKind] = "Training"


@dataclass(frozen=True)
class Evaluation(_OfNetwork):
    """A network evaluated as it starts. The seed draws what the weights do not hold: a new head, the split."""

    kind: ClassVar[JobKind] = "Evaluation"


@dataclass(frozen=True)
class Combination:
    """An ensemble of members of one seed."""

    ensemble: Ensemble
    seed: int
    kind: ClassVar[JobKind] = "Combination"

    @property
    def inputs(self) -> tuple[Job, ...]:
        """The members' jobs."""
        return tuple(job(member, self.seed) for member in self.ensemble.members)

    def needs(self, of: Job) -> frozenset[Artifact]:
        """Which artifacts of one of its inputs the job asks for."""
        del of
        return frozenset(
            ("predictions", "training predictions") if self.ensemble.method == "boosting" else ("predictions",)
        )


Job = Training | Evaluation | Combination


def job(arm: Arm, seed: int) -> Job:
    """What an arm is to do with one seed."""
    if isinstance(arm, Reseeded):
        return job(arm.arm, seed + arm.by)
    if isinstance(arm, Ensemble):
        return Combination(arm, seed)
    return Evaluation(arm.recipe, seed) if isinstance(arm, ZeroShot) else Training(arm, seed)


def recipe_of(job: Job) -> Recipe:
    """The recipe whose data and task a job's record is of."""
    return final(job.ensemble) if isinstance(job, Combination) else job.recipe


def ancestry(job: Job) -> Iterator[Job]:
    """The jobs that a job needs, each once and after its inputs, then itself."""
    found: dict[Job, None] = {}

    def visit(step: Job) -> None:
        if step not in found:
            for each in step.inputs:
                visit(each)
            found[step] = None

    visit(job)
    yield from found


def key(job: Job, fingerprint: Callable[[Data], str], versions: Callable[[Job], dict[str, int]]) -> str:
    """What a job's record is found by, 64 hexadecimal digits.

    Args:
        job: The job, with its data resolved.
        fingerprint: Hash of a data set's content as it is packed.
        versions: Versions of the parts of this library that shape the job's result.
    """
    keys: dict[Job, str] = {}
    for step in ancestry(job):
        keys[step] = digest(
            {
                "job": step,
                "inputs": [keys[each] for each in step.inputs],
                "data": fingerprint(recipe_of(step).data),
                "versions": {"specs": VERSION, **versions(step)},
            }
        )
    return keys[job]
