"""Specs of which training images a training sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.specs import checks

if TYPE_CHECKING:
    from harness.specs.recipes import Recipe


@dataclass(frozen=True)
class Every:
    """Each training image once an epoch."""


@dataclass(frozen=True)
class Bootstrap:
    """As many training images as there are, drawn with replacement: a member of a bagged ensemble (Breiman 1996).

    Attributes:
        number: Each number, counted from 1, is a draw of its own with the same seed.
    """

    number: int

    def __post_init__(self) -> None:
        checks.whole("Bootstrap", "number", self.number)


@dataclass(frozen=True)
class Boosted:
    """As many training images as there are, drawn with replacement, those that earlier recipes mistake more often.

    AdaBoost by resampling: the weights are SAMME's (:mod:`harness.jobs.boosting`). The jobs of the recipes before, with
    the same seed, are inputs of the job.

    Attributes:
        after: The recipe just before, of the same data; it may be boosted itself, and so on back to the first one.
    """

    after: Recipe

    def before(self) -> Iterator[Recipe]:
        """The recipes whose mistakes count, the first one first."""
        if isinstance(self.after.sample, Boosted):
            yield from self.after.sample.before()
        yield self.after


Sample = Every | Bootstrap | Boosted


def check_sample(recipe: Recipe) -> None:
    """Raises ValueError unless a recipe's sample is one, and suits its task and data."""
    sample = recipe.sample
    if not isinstance(sample, (Every, Bootstrap, Boosted)):
        raise ValueError(  # noqa: TRY004
            f"Expected recipe `sample` to be an instance of Every or Bootstrap or Boosted, but got {sample!r}."
        )
    if not isinstance(sample, Boosted):
        return
    if not isinstance(sample.after, type(recipe)):
        raise ValueError(f"Expected Boosted `after` to be a Recipe, but got {sample.after!r}.")  # noqa: TRY004
    if recipe.task != "classification":
        raise ValueError(
            f"Expected a recipe that classifies to be Boosted, because images have no single class to mistake in "
            f"{recipe.task}, but got {recipe.network!r}; take Bootstrap, for example."
        )
    if (sample.after.data, sample.after.task) != (recipe.data, recipe.task):
        raise ValueError(
            f"Expected Boosted `after` to train on the same images of {recipe.data.name}, which are drawn by its "
            "mistakes, but its `data` differ; give both the same."
        )
