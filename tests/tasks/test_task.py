"""harness.tasks.task: tasks by name, and the printed names by which records hold their metrics."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.specs import Budget, Classifier, Data, Metric, Recipe, Segmenter
from harness.tasks import Task, known, task

CLASSES = ("background", "fluid", "fluid2")
ROOT = Path(__file__).resolve().parents[2]


def test_a_task_is_the_module_of_its_name() -> None:
    for name in ("segmentation", "classification"):
        assert name == task(name).NAME
        assert task(name) is sys.modules[f"harness.tasks.{name}"]
        assert isinstance(task(name).VERSION, int)


@pytest.mark.parametrize("name", ["segmentation", "classification"])
def test_a_task_has_all_that_the_protocol_names(name: str) -> None:
    expected = {entry for entry in (*vars(Task), *Task.__annotations__) if not entry.startswith("_")}
    assert expected == {"NAME", "VERSION", "functions", "summarise", "augmented", "fitted", "counts", "shown"}
    assert expected <= set(vars(task(name)))


@pytest.mark.parametrize("name", ["metrics", "task", "warping", "detection", ""])
def test_the_name_of_no_task_is_one_sentence(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"\AExpected the name of a task, one of classification, segmentation, but got"
    ):
        task(name)


def test_a_recipe_names_its_task_as_the_modules_do() -> None:
    for network in (Segmenter("unet-s5-d16", "fcn"), Classifier("resnet18")):
        assert task(Recipe(Data("dme"), network, Budget(1)).task)


@pytest.mark.parametrize(
    ("metric", "foreground", "name"),
    [
        (Metric("IoU", "foreground"), "fluid", "IoU.fluid"),
        (Metric("IoU", "fluid"), "fluid", "IoU.fluid"),
        (Metric("IoU", "fluid2"), "fluid", "IoU.fluid2"),
        (Metric("image_Dice", "foreground"), "fluid2", "image_Dice.fluid2"),
        (Metric("mIoU"), "", "mIoU"),
        (Metric("aAcc"), "fluid", "aAcc"),
    ],
)
def test_foreground_stands_for_the_class_that_the_data_set_names(metric: Metric, foreground: str, name: str) -> None:
    assert known(task("segmentation"), metric, CLASSES, foreground) == name


@pytest.mark.parametrize(
    ("metric", "foreground"),
    [
        (Metric("IoU", "foreground"), ""),
        (Metric("IoU", "wall"), "fluid"),
        (Metric("IoU"), "fluid"),
        (Metric("mIoU", "fluid"), "fluid"),
        (Metric("kappa"), "fluid"),
    ],
)
def test_a_metric_that_the_task_has_not_is_one_sentence(metric: Metric, foreground: str) -> None:
    with pytest.raises(ValueError, match=r"\AExpected a metric of segmentation, one of [^\n]*\.\Z") as error:
        known(task("segmentation"), metric, CLASSES, foreground)
    assert str(error.value).endswith(f"but got {metric}.")


def test_what_the_sentence_offers_is_known() -> None:
    with pytest.raises(ValueError, match="one of ") as error:
        known(task("segmentation"), Metric("kappa"), CLASSES, "fluid")
    offered = str(error.value).partition("one of ")[2].partition(", but got")[0].split(", ")
    assert "Dice.foreground" in offered
    assert "Dice.fluid2" in offered
    for text in offered:
        known(task("segmentation"), Metric(*text.split(".")), CLASSES, "fluid")


def test_classification_has_its_own_metrics() -> None:
    grades = ("none", "severe")
    assert known(task("classification"), Metric("kappa"), grades, "") == "kappa"
    assert known(task("classification"), Metric("F1", "severe"), grades, "") == "F1.severe"
    with pytest.raises(ValueError, match=r"a metric of classification, one of Recall\.none"):
        known(task("classification"), Metric("mIoU"), grades, "")


def test_tasks_are_looked_up_and_summarise_without_torch() -> None:
    code = (
        "import sys, numpy; from harness.tasks import task; "
        "[task(name).summarise(numpy.ones((1, 2, 2), int), 'ab') for name in ('segmentation', 'classification')]; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
