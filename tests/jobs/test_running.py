"""How a job that comes to nothing is reported, and what is checked before anything trains."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.jobs import running
from harness.jobs.running import Failure, Runner
from harness.jobs.training import Trainer
from harness.networks import building
from harness.specs import (
    Combination,
    Ensemble,
    FromJob,
    Optimiser,
    RandomCrop,
    RandomResize,
    Recipe,
    Segmenter,
    Shrink,
    Training,
    Weights,
    ZeroShot,
)
from harness.store import Record, Store

Do = Callable[..., Record]
WIDE = Segmenter("unet-s5-d16", "fcn", Shrink(width=16, stages=2))


def fails(do: Do, recipe: Recipe) -> Failure:
    with pytest.raises(Failure) as error:
        do(recipe)
    assert "\n" not in str(error.value)
    return error.value


def saved(network: torch.nn.Module, path: Path) -> Weights:
    torch.save({"state_dict": network.state_dict()}, path)
    return Weights(str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_diverged_training_is_final_and_names_the_iteration(do: Do, recipe: Recipe) -> None:
    failure = fails(do, replace(recipe, optimiser=Optimiser("sgd", 1e30)))
    assert not failure.transient
    assert "the loss was not finite at iteration 2; lower the learning rate" in str(failure)


@pytest.mark.parametrize(("crop", "fits"), [((36, 48), True), ((36, 50), False), ((38, 48), False)])
def test_a_crop_must_fit_into_the_images_at_their_largest_scale(
    crop: tuple[int, int], fits: bool, do: Do, recipe: Recipe
) -> None:
    cropped = replace(recipe, transforms=(RandomResize(0.5, 1.5), RandomCrop(crop)))
    if fits:
        assert do(cropped).status == "finished"
    else:
        failure = fails(do, cropped)
        assert not failure.transient
        assert f"largest scale, 36×48, but got {crop[0]}×{crop[1]}; choose a smaller crop" in str(failure)


def test_a_split_that_the_data_do_not_have_is_a_final_failure(do: Do, recipe: Recipe) -> None:
    subset = replace(recipe, data=replace(recipe.data, subset=99))
    failure = fails(do, subset)
    assert not failure.transient
    assert "to be at most its 10 training images, but got 99" in str(failure)


def test_weights_that_do_not_fit_are_a_final_failure(do: Do, recipe: Recipe, tmp_path: Path) -> None:
    wide = saved(building.build(WIDE, 2, (), 0), tmp_path / "wide.pth")
    failure = fails(do, replace(recipe, init=wide))
    assert not failure.transient
    assert "to fit the backbone of unet-s5-d16" in str(failure)
    failure = fails(do, replace(recipe, init=replace(wide, sha256="0" * 64)))
    assert not failure.transient
    assert "SHA-256" in str(failure)


def test_a_part_that_is_not_there_cannot_be_frozen_and_that_is_final(do: Do, recipe: Recipe) -> None:
    failure = fails(do, replace(recipe, frozen=("backbone.layer1",)))
    assert not failure.transient
    assert "it has no 'backbone.layer1'; choose of backbone.encoder, backbone.decoder." in str(failure)


def test_want_of_memory_is_worth_another_attempt(do: Do, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(self: Trainer) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Trainer, "run", exhausted)
    failure = fails(do, recipe)
    assert failure.transient
    assert str(failure) == "the cpu ran out of memory; run fewer workers at once (-n)"


def test_what_only_the_network_can_tell_is_checked_without_training(recipe: Recipe, tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    torch.save({"encoder.weight": torch.zeros(2)}, file)
    other = Weights(str(file), hashlib.sha256(file.read_bytes()).hexdigest())
    running.check(replace(recipe, frozen=("backbone",), init=FromJob(recipe)))
    for wrong, words in (
        (replace(recipe, frozen=("layer1",)), "`frozen` to name parts"),
        (replace(recipe, init=other), "other.pth to fit"),
        (replace(recipe, init=FromJob(replace(recipe, network=WIDE))), "the source on drive to fit"),
        (replace(recipe, init=replace(other, name=str(tmp_path / "absent.pth"))), "absent.pth"),
    ):
        with pytest.raises(Failure, match="Expected") as error:
            running.check(wrong)
        assert words in str(error.value)
        assert "\n" not in str(error.value)
        assert not error.value.transient


@pytest.mark.parametrize("part", ["all", "backbone"])
def test_a_file_of_weights_starts_a_training(part: str, do: Do, store: Store, recipe: Recipe, tmp_path: Path) -> None:
    source = building.build(recipe.network, 2, recipe.losses, 77)
    init = replace(saved(source, tmp_path / "source.pth"), part=part)
    still = replace(recipe, init=init, optimiser=Optimiser("sgd", 1e-30, 0.0, 0.0))
    record = do(still)
    found = torch.load(store.artifact(record.key, "weights"), weights_only=True)
    for name, parameter in source.named_parameters():
        if parameter.ndim > 1:  # all others start as 0 or 1 anyway
            same = torch.allclose(found[name], parameter.data, rtol=0, atol=1e-25)
            assert same is (part == "all" or name.startswith("backbone.")), name
    assert record.weights["origin"] == init.name
    assert record.weights["loaded"] == len([name for name in found if part == "all" or name.startswith("backbone.")])
    assert all(not name.startswith("backbone.") for name in record.weights["not_loaded"])
    assert bool(record.weights["unused"]) is (part == "backbone")


def test_predictions_are_all_that_is_made_from_weights_later(runner: Runner, recipe: Recipe) -> None:
    with pytest.raises(ValueError, match="Expected to make predictions of a network, but got weights"):
        runner.produce(Training(recipe, 0), "ab" * 32, "weights")
    ensemble = Combination(Ensemble((recipe, ZeroShot(recipe))), 0)
    with pytest.raises(ValueError, match="Expected to make predictions of a network"):
        runner.produce(ensemble, "ab" * 32, "predictions")
