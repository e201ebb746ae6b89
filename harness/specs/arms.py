"""Arms: what a claim compares.

An arm is a recipe, an evaluation without training, a combination of members, or one of these with other seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Literal

from harness.specs import checks
from harness.specs.recipes import FromJob, Recipe, Weights
from harness.specs.sampling import Boosted, Bootstrap
from harness.specs.schedules import Budget
from harness.specs.transforms import Rescale

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
            equal ones that with the higher mean probability. ``"weighted"``: the mean with weights in proportion to the
            accuracies on the validation images, so the members' data need some. ``"stacking"``: a multinomial logistic
            regression on the members' class probabilities, fitted on the validation images. ``"boosting"``: the
            predicted class with the greatest weight, where members weigh the more the fewer mistakes they make on the
            training images (SAMME).
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


def one_checkpoint(arms: Iterable[Arm]) -> bool:
    """Whether all seeds of an arm start from one and the same checkpoint, a file or a shared training."""
    return any(
        isinstance(step.init, Weights) or (isinstance(step.init, FromJob) and step.init.seed is not None)
        for arm in arms
        for step in recipes(arm)
    )
