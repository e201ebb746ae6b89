"""harness.runs: a run is found by everything that its result depends on, and by nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from synthetic import recipe, record

from harness.runs import Run, syntax_digest, training_code
from harness.specs import Checkpoint, Pretrained

SOURCE = recipe(0.5, name="drive", labels="", split="published")


def key(run: Run, content: str = "c", code: str = "v1") -> str:
    return run.key(lambda data: f"{data.name}:{content}", code)


def test_a_key_is_stable_hexadecimal():
    assert key(Run(recipe(0.5), 0)) == key(Run(recipe(0.5), 0))
    assert len(key(Run(recipe(0.5), 0))) == 64


def test_everything_that_changes_a_result_changes_the_key():
    run = Run(recipe(0.5, source=SOURCE), 0)
    other_source = replace(SOURCE, batch_size=4)
    keys = [
        key(run),
        key(Run(run.recipe, 1)),
        key(Run(replace(run.recipe, batch_size=4), 0)),
        key(Run(recipe(0.5, source=other_source), 0)),
        key(Run(recipe(0.5, source=SOURCE, source_seed=0), 1)),
        key(Run(recipe(0.5), 0)),
        key(run, content="other images"),
        key(run, code="v2"),
    ]
    assert len(set(keys)) == len(keys)


def test_a_changed_source_data_set_changes_the_key_of_what_starts_from_it():
    run = Run(recipe(0.5, source=SOURCE), 0)
    changed = run.key(lambda data: "new" if data.name == "drive" else f"{data.name}:c", "v1")
    assert changed != key(run)


def test_where_a_checkpoint_lies_and_which_substitute_was_allowed_do_not_matter():
    here, there = (replace(recipe(0.5), init=Checkpoint(path, "0" * 64)) for path in ("a.pth", "b.pth"))
    assert key(Run(here, 0)) == key(Run(there, 0))
    allowed = replace(recipe(0.5), data=replace(recipe(0.5).data, substitute="drive"))
    assert key(Run(allowed, 0)) == key(Run(recipe(0.5), 0))


def test_by_default_the_key_holds_this_checkouts_training_code():
    assert key(Run(recipe(0.5), 0), code="") == key(Run(recipe(0.5), 0), code=training_code())


@pytest.mark.parametrize("seed", [None, 7])
def test_the_source_has_the_runs_seed_unless_it_is_shared(seed):
    run = Run(replace(recipe(0.5), init=Pretrained(SOURCE, seed)), 3)
    assert run.source == Run(SOURCE, 3 if seed is None else 7)
    assert list(run.lineage()) == [run.source, run]


def test_comments_and_docstrings_do_not_change_the_code_but_constants_do():
    code = 'def f():\n    """Doc."""\n    return 1  # why\n'
    assert syntax_digest(code) == syntax_digest("def f():\n\n    return (1)\n")
    assert syntax_digest(code) != syntax_digest(code.replace("1", "2"))


@pytest.fixture
def run():
    return record(Run(recipe(0.6), 0), "k", 0.6)


def test_values_of_a_run(run):
    assert run.value("IoU.fluid") == pytest.approx(0.6)
    assert run.value("trend:IoU.fluid") == pytest.approx(1.0)
    assert run.value("time:IoU.fluid>=0.3") == 5.0
    assert run.value("time:IoU.fluid>=0.31") == 10.0
    assert run.value("time:IoU.fluid>=0.9") == math.inf
    assert run.points("IoU.fluid") == [(5, pytest.approx(0.3)), (10, pytest.approx(0.6))]


def test_a_failed_run_has_no_value(run):
    failed = replace(run, status="failed", curve=[])
    for metric in ("IoU.fluid", "trend:IoU.fluid", "time:IoU.fluid>=0.3"):
        assert math.isnan(failed.value(metric))
    assert not failed.collapsed


def test_a_run_without_foreground_has_collapsed(run):
    assert not run.collapsed
    assert record(Run(recipe(0.6), 0), "k", 0.0).collapsed


@pytest.mark.parametrize("metric", ["IoU.fluids", "trend:IoU.fluids", "time:IoU.fluids>=0.3"])
def test_an_unknown_name_is_said_with_the_names_that_there_are(run, metric):
    with pytest.raises(ValueError, match=r"Expected a metric of .*IoU\.fluid, .*, but got "):
        run.value(metric)
