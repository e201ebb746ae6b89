"""Arms and jobs: what a claim compares, and what that makes to do.

An arm is a recipe, an evaluation without training, a combination of members, or one of these with other seeds. An arm
and a seed make a job; jobs form a graph, since each names the jobs that it starts from as its ``inputs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar, Literal

from harness.specs import checks
from harness.specs.data import Data
from harness.specs.identity import VERSION, digest
from harness.specs.recipes import FromJob, Recipe, Weights
from harness.specs.sampling import Boosted, Bootstrap
from harness.specs.schedules import Budget
from harness.specs.transforms import Rescale

JobKind = Literal["Training", "Evaluation", "Combination"]

Artifact = Literal["weights", "predictions", "training predictions"]
"""What a job may need of its inputs beside their records. ``"predictions"`` are of the test and of the validation
images."""

Method = Literal["soft", "hard", "weighted", "stacking", "boosting"]
METHODS: tuple[Method, ...] = ("soft", "hard", "weighted", "stacking", "boosting")
FITTED: tuple[Method, ...] = ("weighted", "stacking")
"""Methods that learn from the validation images."""


@dataclass(frozen=True)
class ZeroShot:
    """A network as it starts, evaluated on the recipe's data without training.

    Attributes:
        recipe: What concerns training alone (budget, losses, optimiser …) identifies nothing and is set to defaults.
    """

    recipe: Recipe

    def __post_init__(self) -> None:
        if not isinstance(self.recipe, Recipe):
            raise ValueError(f"Expected ZeroShot `recipe` to be a Recipe, but got {self.recipe!r}.")  # noqa: TRY004
        recipe = self.recipe
        evaluated = Recipe(
            data=replace(recipe.data, subset=None),
            network=recipe.network,
            budget=Budget(1),
            init=recipe.init,
            transforms=tuple(each for each in recipe.transforms if isinstance(each, Rescale)),
            normalise=recipe.normalise,
            precision=recipe.precision,
        )
        object.__setattr__(self, "recipe", evaluated)


@dataclass(frozen=True)
class Ensemble:
    """Several members' predictions of the same images as one.

    Attributes:
        members: Arms of one data set and task.
        method: ``"soft"``: the mean of the class probabilities. ``"hard"``: the majority of the predicted classes, of
            equal ones that with the higher mean probability. ``"weighted"``: the mean with weights that do best on the
            validation images, so the members' data need some. ``"stacking"``: a multinomial logistic regression on the
            members' class probabilities, fitted on the validation images. ``"boosting"``: the predicted class with the
            greatest weight, where members weigh the more the fewer mistakes they make on the training images (SAMME).
    """

    members: tuple[Arm, ...]
    method: Method = "soft"

    def __post_init__(self) -> None:
        if not isinstance(self.members, tuple) or len(self.members) < 2:
            raise ValueError(f"Expected ensemble `members` to be a tuple of at least 2 arms, but got {self.members!r}.")
        if not all(isinstance(member, (Recipe, ZeroShot, Ensemble, Reseeded)) for member in self.members):
            raise ValueError(f"Expected ensemble `members` to be arms, but got {self.members!r}.")
        checks.one_of("ensemble", "method", self.method, METHODS)
        different = {(final(member).data, final(member).task) for member in self.members}
        if len(different) > 1:
            raise ValueError(
                "Expected the members of an ensemble to predict the same images, but their data sets or tasks differ; "
                "give all of them the same `data`."
            )
        first = final(self.members[0])
        if self.method in FITTED and not first.data.split.validation:
            raise ValueError(
                f"Expected a validation split to fit {self.method!r} on the members of an ensemble with, but it is 0; "
                "choose a share."
            )
        if self.method in ("stacking", "boosting") and first.task != "classification":
            raise ValueError(
                f"Expected members that classify for an ensemble by {self.method!r}, but got {first.task}; take 'soft' "
                "or 'weighted'."
            )
        if self.method == "boosting" and not _in_a_row(self.members):
            raise ValueError(
                "Expected each member of an ensemble by 'boosting' but the first to be Boosted after the one before "
                "it, but got others; make it with boosted((recipe, …))."
            )


def _in_a_row(members: tuple[Arm, ...]) -> bool:
    """Whether all members are recipes, each boosted after the one before it and the first after none."""
    trained = [member for member in members if isinstance(member, Recipe)]
    before = [each.sample.after if isinstance(each.sample, Boosted) else None for each in trained]
    return len(trained) == len(members) and before == [None, *trained[:-1]]


def bagged(recipes: Iterable[Recipe]) -> Ensemble:
    """Soft voting over recipes, each trained on a draw of its own from the training images (Breiman 1996).

    Args:
        recipes: At least two recipes of the same data, which may be equal.
    """
    return Ensemble(tuple(replace(recipe, sample=Bootstrap(k)) for k, recipe in enumerate(recipes, 1)))


def boosted(recipes: Iterable[Recipe]) -> Ensemble:
    """AdaBoost over recipes that classify: each but the first is trained on images that those before it mistake.

    Args:
        recipes: At least two recipes of the same data, which may be equal. The first stays as it is, since the first
            weights are equal.
    """
    members: list[Recipe] = []
    for recipe in recipes:
        members.append(replace(recipe, sample=Boosted(members[-1])) if members else recipe)
    return Ensemble(tuple(members), "boosting")


@dataclass(frozen=True)
class Reseeded:
    """The same arm with other seeds: members of an ensemble that differ in nothing else, or an arm beside itself.

    Attributes:
        arm: Any arm.
        by: What is added to each seed; its sources for each seed move along.

    >>> from harness.specs import Budget, Data, Segmenter
    >>> recipe = Recipe(Data("dme"), Segmenter("unet-s5-d16", "fcn"), Budget(10))
    >>> job(Reseeded(recipe, by=500), 3) == job(recipe, 503)
    True
    """

    arm: Arm
    by: int = 500

    def __post_init__(self) -> None:
        if not isinstance(self.arm, (Recipe, ZeroShot, Ensemble, Reseeded)):
            raise ValueError(f"Expected Reseeded `arm` to be an arm, but got {self.arm!r}.")  # noqa: TRY004
        checks.whole("Reseeded", "by", self.by)


Arm = Recipe | ZeroShot | Ensemble | Reseeded


def final(arm: Arm) -> Recipe:
    """The recipe whose data and task an arm's record is of; of an ensemble, its first member's."""
    if isinstance(arm, Ensemble):
        return final(arm.members[0])
    if isinstance(arm, Reseeded):
        return final(arm.arm)
    return arm.recipe if isinstance(arm, ZeroShot) else arm


def recipes(arm: Arm) -> Iterator[Recipe]:
    """Every recipe that an arm rests on, sources before what starts from them."""
    if isinstance(arm, Ensemble):
        for member in arm.members:
            yield from recipes(member)
    elif isinstance(arm, Reseeded):
        yield from recipes(arm.arm)
    else:
        yield from final(arm).lineage()


def replaced(spec: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    """A spec with ``change`` applied to every part of a kind, however deep: all its data sets, for example.

    What lies within such a part is left to ``change``.
    """
    if isinstance(spec, kind):
        return change(spec)
    if isinstance(spec, tuple):
        return tuple(replaced(item, kind, change) for item in spec)
    if is_dataclass(spec) and not isinstance(spec, type):
        old = {item.name: getattr(spec, item.name) for item in fields(spec) if item.init}
        new = {name: replaced(value, kind, change) for name, value in old.items()}
        return replace(spec, **new) if any(new[name] is not old[name] for name in old) else spec
    return spec


def own_sources(spec: Any, parts: frozenset[str] = frozenset({"all", "backbone"})) -> Any:
    """A spec whose weights by name are replaced by the sources to train where their files are absent.

    Args:
        spec: Any spec.
        parts: Which weights: those that are taken whole, or the backbones.
    """

    def own(weights: Weights) -> Any:
        if weights.otherwise is None or weights.part not in parts:
            return weights
        return own_sources(weights.otherwise, parts)

    return replaced(spec, Weights, own)


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


def one_checkpoint(arms: Iterable[Arm]) -> bool:
    """Whether all seeds of an arm start from one and the same checkpoint, a file or a shared training."""
    return any(
        isinstance(step.init, Weights) or (isinstance(step.init, FromJob) and step.init.seed is not None)
        for arm in arms
        for step in recipes(arm)
    )


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
