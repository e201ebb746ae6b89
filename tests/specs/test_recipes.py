"""Recipes: what they refuse, how long they train, what identifies them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.specs import (
    Augmentation,
    Budget,
    Checkpoint,
    Data,
    Loss,
    Model,
    Optimiser,
    Pretrained,
    Recipe,
    Schedule,
    Scratch,
    digest,
    to_dict,
)

RECIPE = Recipe(Data("dme"), Budget(10))
SHA = "0123456789abcdef" * 4

CHANGES = {
    "data": Data("drive"),
    "labels": Data("dme", labels="union"),
    "split": Data("dme", split="subject"),
    "size": Data("dme", size=(48, 72)),
    "evidence": Data("dme", evidence="phantom"),
    "budget": Budget(11),
    "unit": Budget(10, "epochs"),
    "evaluations": Budget(10, evaluations=2),
    "head": Model(head="pspnet"),
    "width": Model(width=8),
    "init": Checkpoint("a.pth", SHA),
    "source": Pretrained(Recipe(Data("drive"), Budget(10))),
    "shared source": Pretrained(Recipe(Data("drive"), Budget(10)), seed=0),
    "longer source": Pretrained(Recipe(Data("drive"), Budget(20))),
    "augmentation": Augmentation(flip=0.5),
    "loss": Loss(class_weight=(1.0, 10.0)),
    "optimiser": Optimiser("adam"),
    "lr": Optimiser(lr=0.1),
    "momentum": Optimiser(momentum=0.0),
    "weight decay": Optimiser(weight_decay=0.0),
    "schedule": Schedule("poly"),
    "batch_size": 4,
    "normalise": (46.6002, 54.681),
    "test_resize": 0.5,
    "precision": "bf16",
    "frozen": ("backbone",),
}
FIELDS = {
    "labels": "data", "split": "data", "size": "data", "evidence": "data", "unit": "budget", "evaluations": "budget",
    "head": "model", "width": "model", "source": "init", "shared source": "init", "longer source": "init",
    "lr": "optimiser", "momentum": "optimiser", "weight decay": "optimiser",
}  # fmt: skip


def changed(name: str) -> Recipe:
    return replace(RECIPE, **{FIELDS.get(name, name): CHANGES[name]})


def test_every_change_of_a_recipe_changes_its_digest() -> None:
    digests = {digest(RECIPE), *(digest(changed(name)) for name in CHANGES)}
    assert len(digests) == len(CHANGES) + 1


def test_every_field_of_a_recipe_is_in_its_identity() -> None:
    assert {FIELDS.get(name, name) for name in CHANGES} == set(to_dict(RECIPE, identity=True))


def test_what_does_not_determine_a_training_does_not_change_its_digest() -> None:
    here, there = (replace(RECIPE, init=Checkpoint(path, SHA)) for path in ("a.pth", "/elsewhere/b.pth"))
    assert digest(here) == digest(there)
    assert digest(RECIPE) == digest(replace(RECIPE, data=Data("dme", substitute="drive")))
    assert to_dict(here)["init"]["path"] == "a.pth", "a record still says where the file was"


@given(st.integers(-(10**6), 10**6))
def test_an_int_and_the_equal_float_hash_alike(value: int) -> None:
    assert digest({"x": value}) == digest({"x": float(value)})
    assert digest([value, {"y": (value,)}]) == digest((float(value), {"y": [float(value)]}))


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_unequal_numbers_hash_differently(one: float, two: float) -> None:
    assert (digest(one) == digest(two)) == (one == two)


def test_a_recipe_written_with_ints_is_the_same_run_as_one_with_floats() -> None:
    floats = replace(RECIPE, normalise=(116.0, 57.0), test_resize=1.0, loss=Loss(1.0, 3.0))
    ints = replace(RECIPE, normalise=(116, 57), test_resize=1, loss=Loss(1, 3))
    assert floats == ints
    assert hash(floats) == hash(ints)
    assert digest(floats) == digest(ints)


def test_a_digest_is_stable_across_processes_and_versions() -> None:
    text = rb'{"a":[1.5,null,"\u00e9"],"b":1}'
    assert digest({"b": 1.0, "a": (1.5, None, "é")}) == hashlib.sha256(text).hexdigest()


def test_the_lineage_runs_from_the_farthest_source_to_the_recipe() -> None:
    first = Recipe(Data("camvid"), Budget(1))
    second = Recipe(Data("drive"), Budget(2), init=Pretrained(first))
    third = Recipe(Data("dme"), Budget(3), init=Pretrained(second, seed=0))
    assert list(third.lineage()) == [first, second, third]
    resolved = third.with_data(lambda data: replace(data, evidence="real"))
    assert [step.data.evidence for step in resolved.lineage()] == ["real"] * 3
    assert [step.budget for step in resolved.lineage()] == [Budget(1), Budget(2), Budget(3)]
    assert resolved.init.seed == 0


@pytest.mark.parametrize(
    ("images", "batch", "iterations"),
    [(88, 8, 2200), (88, 2, 8800), (85, 8, 2200), (1, 8, 200), (8, 8, 200), (9, 8, 400)],
)
def test_an_epoch_is_as_many_iterations_as_hold_every_image(images: int, batch: int, iterations: int) -> None:
    assert Budget(200, "epochs").iterations(images, batch) == iterations
    assert Budget(200, "iterations").iterations(images, batch) == 200


@given(st.integers(1, 3000), st.integers(1, 400))
def test_evaluations_are_evenly_spaced_and_the_last_is_at_the_end(iterations: int, evaluations: int) -> None:
    points = Budget(iterations, evaluations=evaluations).evaluated_at(iterations)
    assert len(points) == min(iterations, evaluations)
    assert points[-1] == iterations
    assert points[0] >= 1
    gaps = [after - before for before, after in zip((0, *points), points, strict=False)]
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Model(head="deeplab"), "Expected model `head` to be one of 'fcn', 'pspnet', 'deeplabv3', but got"),
        (lambda: Model(stages=6), "`stages` to be between 2 and 5"),
        (lambda: Model(width=0), "`width` to be greater than 0"),
        (lambda: Data("dme", split="thirds"), "data `split` to be one of"),
        (lambda: Checkpoint("a.pth", "12"), "64 hexadecimal digits, but got '12'"),
        (lambda: Augmentation(resize=(2.0, 0.5), crop=(32, 32)), "an increasing range above 0"),
        (lambda: Augmentation(resize=(0.5, 2.0)), "`crop` to be a size where `resize` is random"),
        (lambda: Augmentation(flip=2.0), "`flip` to be a probability"),
        (lambda: Loss(0.0, 0.0), "not all 0"),
        (lambda: Loss(1.0, -1.0), "at least 0"),
        (lambda: Optimiser("rmsprop"), "optimiser `name` to be one of"),
        (lambda: Optimiser(lr=float("nan")), "`lr` to be greater than 0"),
        (lambda: Schedule("cosine"), "schedule `name` to be one of"),
        (lambda: Budget(0), "budget `amount` to be greater than 0"),
        (lambda: replace(RECIPE, batch_size=0), "`batch_size` to be greater than 0"),
        (lambda: replace(RECIPE, precision="fp16"), "`precision` to be one of"),
        (
            lambda: replace(RECIPE, augmentation=Augmentation(crop=(250, 256))),
            "divisible by the network's stride of 16",
        ),
        (
            lambda: replace(RECIPE, batch_size=1, model=Model(head="pspnet")),
            "`batch_size` to be at least 2 with the head 'pspnet', which pools each image to one pixel",
        ),
        (
            lambda: replace(RECIPE, batch_size=1, model=Model(head="deeplabv3"), frozen=("backbone",)),
            "but got 1; take a larger batch or the head 'fcn'.",
        ),
        (
            lambda: replace(RECIPE, batch_size=1, augmentation=Augmentation(crop=(16, 16))),
            "the crop to be larger than the network's stride of 16 where recipe `batch_size` is 1",
        ),
        (lambda: replace(RECIPE, frozen="backbone"), "but got 'backbone'; write (\"backbone\",), for example."),
        (lambda: replace(RECIPE, frozen=["backbone"]), "`frozen` to be a tuple of names"),
        (lambda: replace(RECIPE, frozen=("",)), "`frozen` to be a tuple of names"),
    ],
)
def test_a_recipe_that_cannot_train_is_refused_in_one_sentence(make, sentence: str) -> None:
    with pytest.raises(ValueError, match="Expected") as error:
        make()
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"augmentation": Augmentation(crop=(16, 32))},
        {"augmentation": Augmentation(crop=(16, 16)), "frozen": ("backbone.encoder",)},
        {"model": Model(head="pspnet"), "frozen": ("decode_head",)},
        {"model": Model(head="deeplabv3"), "frozen": ("decode_head.image_pool",)},
    ],
)
def test_one_image_is_a_batch_where_no_normalisation_is_left_with_one_value(changes: dict) -> None:
    assert replace(RECIPE, batch_size=1, **changes).batch_size == 1


def test_scratch_is_the_default_initialisation() -> None:
    assert RECIPE.init == Scratch()
    assert [step.init for step in RECIPE.lineage()] == [Scratch()]
