"""harness.specs.recipes: what a recipe holds, and the sentence for each mistake."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.specs import (
    BestOnValidation,
    Boosted,
    Bootstrap,
    Budget,
    Classifier,
    ColourJitter,
    CrossEntropy,
    Data,
    FromJob,
    Last,
    Normalise,
    RandomCrop,
    RandomFlip,
    RandomResize,
    Recipe,
    Rescale,
    Scratch,
    Segmenter,
    Split,
    Transform,
    Weights,
)

RECIPE = Recipe(Data("dme"), Segmenter("unet-s5-d16", "fcn"), Budget(10))
GRADING = Recipe(Data("aptos2019"), Classifier("resnet18"), Budget(10))
SHA = "0123456789abcdef" * 4


def changed(**changes: Any) -> Recipe:
    return replace(RECIPE, **changes)


def test_defaults_are_a_network_from_scratch_as_it_is_at_the_end() -> None:
    assert (RECIPE.init, RECIPE.select, RECIPE.frozen, RECIPE.precision) == (Scratch(), Last(), (), "fp32")
    assert RECIPE.losses == (CrossEntropy(),)


def test_the_task_follows_from_the_network() -> None:
    assert RECIPE.task == "segmentation"
    assert changed(network=Classifier("resnet18")).task == "classification"


def test_crop_and_rescale_are_those_of_the_transforms() -> None:
    assert (RECIPE.crop, RECIPE.rescale) == (None, 1.0)
    recipe = changed(transforms=(Rescale(0.5), RandomResize(0.5, 2.0), RandomCrop((32, 64)), RandomFlip()))
    assert (recipe.crop, recipe.rescale) == ((32, 64), 0.5)


def test_the_lineage_runs_from_the_farthest_source_to_the_recipe() -> None:
    first = changed(data=Data("camvid"))
    second = changed(data=Data("drive"), init=FromJob(first))
    third = changed(init=FromJob(second, "backbone", seed=0))
    assert list(third.lineage()) == [first, second, third]
    assert list(first.lineage()) == [first]


@pytest.mark.parametrize(
    ("transforms", "fits"),
    [
        ((), True),
        ((RandomCrop((48, 72)),), True),
        ((RandomCrop((49, 72)),), False),
        ((RandomCrop((48, 73)),), False),
        ((RandomResize(0.5, 2.0), RandomCrop((96, 144))), True),
        ((RandomResize(0.5, 2.0), RandomCrop((97, 144))), False),
        ((Rescale(0.5), RandomResize(0.5, 2.0), RandomCrop((48, 72))), True),
        ((Rescale(0.5), RandomCrop((48, 72))), False),
    ],
)
def test_a_crop_fits_into_the_image_at_its_largest_scale(transforms: tuple[Any, ...], fits: bool) -> None:
    recipe = changed(transforms=transforms)
    if fits:
        recipe.check_crop((48, 72))
    else:
        with pytest.raises(ValueError, match=r"\AExpected the crop to fit into the images of dme .* smaller crop\.\Z"):
            recipe.check_crop((48, 72))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: changed(data="dme"), "recipe `data` to be an instance of Data, but got 'dme'"),
        (
            lambda: changed(network="fcn"),
            "recipe `network` to be an instance of Segmenter or Classifier, but got 'fcn'",
        ),
        (lambda: changed(budget=10), "recipe `budget` to be an instance of Budget, but got 10"),
        (lambda: changed(init=RECIPE), "recipe `init` to be an instance of Scratch or Weights or FromJob"),
        (lambda: changed(select="last"), "recipe `select` to be an instance of Last or BestOnValidation"),
        (lambda: changed(schedule="poly"), "recipe `schedule` to be an instance of Constant or Poly or Step"),
        (lambda: changed(optimiser="adam"), "recipe `optimiser` to be an instance of Optimiser"),
        (lambda: changed(normalise=(116, 57)), "recipe `normalise` to be an instance of Normalise"),
        (lambda: changed(transforms=RandomFlip()), "recipe `transforms` to be a tuple as in"),
        (lambda: changed(transforms=[RandomFlip()]), "recipe `transforms` to be a tuple as in"),
        (lambda: changed(losses=CrossEntropy()), "recipe `losses` to be a tuple as in"),
        (lambda: changed(losses=(RandomFlip(),)), "recipe `losses` to be a tuple as in"),
        (lambda: changed(losses=()), "`losses` to have a term, but got none; add CrossEntropy()"),
        (lambda: changed(batch_size=0), "`batch_size` to be a whole number above 0, but got 0"),
        (lambda: changed(batch_size=2.5), "`batch_size` to be a whole number above 0, but got 2.5"),
        (lambda: changed(batch_size=True), "`batch_size` to be a whole number above 0, but got True"),
        (lambda: changed(precision="fp16"), "`precision` to be one of 'fp32', 'bf16', but got 'fp16'"),
        (lambda: changed(frozen="backbone"), "but got 'backbone'; write (\"backbone\",), for example."),
        (lambda: changed(frozen=["backbone"]), "`frozen` to be a tuple of names"),
        (lambda: changed(frozen=("",)), "`frozen` to be a tuple of names"),
        (lambda: changed(select=BestOnValidation()), "the split of dme to hold out images to select with"),
        (lambda: changed(transforms=(RandomResize(0.5, 2.0),)), "a RandomCrop after RandomResize"),
        (
            lambda: changed(transforms=(RandomFlip(), RandomCrop((8, 8)))),
            "in the order Rescale, RandomResize, RandomRotation, RandomCrop, RandomFlip, ColourJitter, each at most "
            "once, but got RandomFlip, RandomCrop.",
        ),
        (lambda: changed(transforms=(RandomFlip(), RandomFlip())), "each at most once, but got RandomFlip, RandomFlip"),
        (lambda: changed(transforms=(ColourJitter(0.1), Rescale(2.0))), "but got ColourJitter, Rescale."),
        (lambda: changed(sample="bootstrap"), "`sample` to be an instance of Every or Bootstrap or Boosted, but got"),
        (lambda: changed(sample=Bootstrap(0)), "Bootstrap `number` to be a whole number above 0, but got 0"),
        (lambda: changed(sample=Boosted(RECIPE)), "a recipe that classifies to be Boosted"),
        (lambda: replace(GRADING, sample=Boosted("first")), "Boosted `after` to be a Recipe, but got 'first'"),
        (lambda: replace(GRADING, sample=Boosted(RECIPE)), "to train on the same images of aptos2019, which are drawn"),
        (lambda: Weights(""), "weights `name` to be a name or a path, but got ''"),
        (lambda: Weights("a", otherwise=RECIPE), "weights `otherwise` to be a FromJob, but got Recipe"),
        (lambda: Weights("a.pth", "12"), "64 hexadecimal digits, but got '12'"),
        (lambda: Weights("a.pth", SHA.upper()), "64 hexadecimal digits"),
        (lambda: Weights("a.pth", SHA, "head"), "weights `part` to be one of 'all', 'backbone', but got 'head'"),
        (lambda: FromJob("drive"), "FromJob `recipe` to be a Recipe, but got 'drive'"),
        (lambda: FromJob(RECIPE, shuffled=1), "FromJob `shuffled` to be True or False, but got 1"),
        (lambda: FromJob(RECIPE, "head"), "FromJob `part` to be one of 'all', 'backbone', but got 'head'"),
        (lambda: Normalise((1.0, 2.0), 1.0), "`mean` to be one number or a tuple of three, but got (1.0, 2.0)"),
        (lambda: Normalise((1.0,), 1.0), "`mean` to be one number or a tuple of three, but got (1.0,)"),
        (lambda: Normalise([1.0, 2.0, 3.0], 1.0), "`mean` to be a finite number, but got [1.0, 2.0, 3.0]"),
        (lambda: Normalise(0.0, (1.0, 0.0, 1.0)), "`std` to be greater than 0, but got 0.0"),
        (lambda: Normalise(float("nan"), 1.0), "`mean` to be a finite number, but got nan"),
    ],
)
def test_a_mistake_is_one_sentence(refusal, make, words: str) -> None:
    assert words in refusal(make)


def test_selection_on_validation_images_takes_a_split_that_has_some() -> None:
    data = Data("dme", split=Split(validation=0.1))
    assert changed(data=data, select=BestOnValidation()).select.lowest


@pytest.mark.parametrize(
    ("transforms", "expected"),
    [
        ((), True),
        ((Rescale(0.5), RandomCrop((31, 48)), RandomFlip()), True),
        ((Rescale(0.5), RandomCrop((30, 48)), RandomFlip()), False),
        ((RandomResize(1.0, 1.0), RandomCrop((62, 96))), False),
    ],
)
def test_two_views_are_those_of_a_whole_image(transforms: tuple[Transform, ...], expected: bool) -> None:
    assert changed(transforms=transforms).mirrors_only((62, 96)) is expected
