"""Which declared versions enter the key of a job."""

from __future__ import annotations

from dataclasses import replace

from ci.parts import parts
from harness import jobs
from harness.jobs.versions import versions
from harness.specs import Classifier, CrossEntropy, Ensemble, Recipe, ZeroShot, job


def test_a_training_has_those_of_the_loop_its_network_its_losses_and_its_task(recipe: Recipe) -> None:
    found = versions(job(recipe, 0))
    assert set(found) == {"jobs", "network:unet", "loss:ce", "loss:dice", "task:segmentation"}
    assert found["jobs"] == jobs.VERSION
    graded = replace(recipe, network=Classifier("resnet18"), losses=(CrossEntropy(),))
    assert set(versions(job(graded, 0))) == {"jobs", "network:resnet", "loss:ce", "task:classification"}


def test_every_version_in_a_key_is_of_a_part_whose_code_is_locked(recipe: Recipe) -> None:
    locked = {part.name for part in parts()}
    for arm in (recipe, ZeroShot(recipe), Ensemble((recipe, ZeroShot(recipe)))):
        assert set(versions(job(arm, 0))) <= locked


def test_an_evaluation_knows_no_losses_and_a_combination_no_network(recipe: Recipe) -> None:
    assert set(versions(job(ZeroShot(recipe), 0))) == {"jobs", "network:unet", "task:segmentation"}
    assert set(versions(job(Ensemble((recipe, ZeroShot(recipe))), 0))) == {"combination", "task:segmentation"}
