"""harness.execution: every run is trained once, in an order that works, whoever else is at work on the store.

Nothing trains here: the trainer is :mod:`synthetic`'s.
"""

from __future__ import annotations

import dataclasses
import errno
import multiprocessing
import os
import sys
from collections import Counter

import pytest
import synthetic
from harness.evidence import Catalogue
from harness.execution import Workbench, default_store, describe, estimate_seconds
from harness.plan import Plan
from harness.runs import Run
from synthetic import comparison, recipe, trained

from harness import execution
from harness.data import DataError
from harness.relations import Greater, Looks
from harness.store import Store, StoreError

FORK = multiprocessing.get_context("fork")
CPU = dict.fromkeys(("paper", "reduced", "smoke"), "cpu")

GOOD, BAD = recipe(0.6), recipe(0.3)
SOURCE = recipe(0.5, name="drive", labels="", split="published")
TUNED = recipe(0.7, source=SOURCE)


@pytest.fixture(autouse=True)
def fake_trainer(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "harness.training.session", None)  # so that it is restored
    synthetic.install()
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(execution, "POLL_SECONDS", 0.01)


@pytest.fixture
def bench(tmp_path):
    def make(*claims, session="first", store=None):
        return Workbench(store or Store(tmp_path / "store"), Catalogue(None), Plan(list(claims)), CPU, session)

    return make


def test_a_claim_trains_what_it_needs_and_is_decided(bench):
    claim = comparison({"good": GOOD, "bad": BAD})
    standing = bench(claim).finish(claim)
    assert str(standing.verdict) == "SUPPORTED"
    assert sorted(trained()) == [f"{score}/{seed}" for score in (0.3, 0.6) for seed in range(3)]


def test_two_claims_that_share_an_arm_share_its_runs(bench):
    first, second = comparison({"good": GOOD, "bad": BAD}), comparison({"tuned": TUNED, "good": GOOD})
    work = bench(first, second)
    work.finish(first)
    work.finish(second)
    assert max(Counter(trained()).values()) == 1
    assert len(trained()) == 12


def test_the_next_invocation_trains_nothing(bench):
    claim = comparison({"good": GOOD, "bad": BAD})
    bench(claim).finish(claim)
    before = len(trained())
    bench(claim, session="second").finish(claim)
    assert len(trained()) == before


def test_further_seeds_train_only_the_new_ones(bench):
    claim = comparison({"good": GOOD, "bad": BAD})
    bench(claim).finish(claim)
    more = dataclasses.replace(claim, looks=Looks.fixed(5))
    bench(more, session="second").finish(more)
    assert trained()[6:] == ["0.6/3", "0.6/4", "0.3/3", "0.3/4"]


def test_looks_train_no_more_seeds_than_they_need(bench):
    clear = comparison({"good": GOOD, "bad": BAD}, looks=Looks())
    assert bench(clear).finish(clear).stopped == "decided"
    assert Counter(each.partition("/")[0] for each in trained()) == {"0.6": 4, "0.3": 4}


def test_looks_go_on_while_nothing_is_decided(bench):
    near = comparison({"one": recipe(0.51), "other": recipe(0.5)}, looks=Looks())
    standing = bench(near).finish(near)
    seeds = Counter(each.partition("/")[0] for each in trained())
    assert set(seeds.values()) == {standing.decision.n}
    assert standing.decision.n in (7, 10)


def test_sources_come_before_what_starts_from_them(bench):
    claim = comparison({"tuned": TUNED, "bad": BAD})
    bench(claim).finish(claim)
    for seed in range(3):
        assert trained().index(f"0.5/{seed}") < trained().index(f"0.7/{seed}")


def test_one_shared_checkpoint_is_trained_once(bench):
    claim = comparison({"tuned": recipe(0.7, source=SOURCE, source_seed=0), "bad": BAD})
    bench(claim).finish(claim)
    assert Counter(trained())["0.5/0"] == 1
    assert "0.5/1" not in trained()


def test_a_failed_source_fails_what_starts_from_it_without_training(bench):
    broken = recipe(0.7, source=recipe(0.5, "diverge"))
    claim = comparison({"tuned": broken, "bad": BAD})
    work = bench(claim)
    assert str(work.finish(claim).verdict) == "ERROR"
    assert not [each for each in trained() if each.startswith("0.7")]
    found = work.record(Run(broken, 1))
    assert found.reason.startswith("its source failed: the loss was NaN at iteration 7")
    assert not found.transient


def test_a_divergence_is_kept_and_the_other_claims_go_on(bench):
    broken, fine = comparison({"good": recipe(0.6, "diverge"), "bad": BAD}), comparison({"good": GOOD, "bad": BAD})
    work = bench(broken, fine)
    assert str(work.finish(broken).verdict) == "ERROR"
    assert str(work.finish(fine).verdict) == "SUPPORTED"
    before = len(trained())
    assert str(bench(broken, session="second").finish(broken).verdict) == "ERROR"
    assert len(trained()) == before


def test_a_recipe_that_does_not_fit_its_network_is_found_before_anything_trains_and_its_source_is_not_trained(bench):
    wrong, fine = recipe(0.7, "nowhere", source=SOURCE), comparison({"good": GOOD, "bad": BAD})
    claim = comparison({"tuned": wrong, "bad": BAD})
    work = bench(fine, claim)
    assert str(work.finish(fine).verdict) == "SUPPORTED"
    lines = (work.store.root.parent / "log").read_text().splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["check"] * 4 + ["begin"], "each recipe once"
    assert str(work.finish(claim).verdict) == "ERROR"
    assert not [each for each in trained() if each.startswith(("0.5", "0.7"))]
    found = work.record(Run(wrong, 2))
    assert found.reason == "Expected `frozen` to name parts of the network, but it has no 'nowhere'."
    assert not found.transient


def test_a_source_that_does_not_fit_its_network_fails_what_starts_from_it(bench):
    claim = comparison({"tuned": recipe(0.7, source=recipe(0.5, "nowhere")), "bad": BAD})
    work = bench(claim)
    assert str(work.finish(claim).verdict) == "ERROR"
    assert {each.partition("/")[0] for each in trained()} <= {"0.3"}


def test_a_failure_of_the_machine_is_tried_again_by_another_invocation_only(bench, monkeypatch):
    tight = recipe(0.7, source=recipe(0.5, "memory"))
    claim = comparison({"tuned": tight, "bad": BAD})
    work = bench(claim)
    assert str(work.finish(claim).verdict) == "ERROR"
    assert Counter(trained())["0.5/0"] == 1
    monkeypatch.setenv("FAKE_MEMORY", "enough")
    assert str(work.finish(claim).verdict) == "ERROR"
    assert Counter(trained())["0.5/0"] == 1
    assert str(bench(claim, session="second").finish(claim).verdict) == "SUPPORTED"
    assert Counter(trained())["0.5/0"] == 2
    assert Counter(trained())["0.3/0"] == 1


def test_something_unforeseen_fails_one_run_and_keeps_its_traceback(bench):
    claim = comparison({"good": recipe(0.6, "bug"), "bad": BAD})
    work = bench(claim)
    assert str(work.finish(claim).verdict) == "ERROR"
    found = work.record(Run(recipe(0.6, "bug"), 0))
    assert found.reason.startswith("RuntimeError: something unforeseen (traceback in ")
    assert "second line" in (work.store.partial(found.key) / "error.txt").read_text()
    assert found.transient


def test_data_that_cannot_be_read_are_their_own_sentence(bench, monkeypatch):
    def unreadable(*_args, **_kwargs):
        raise DataError("Expected Subject_01.mat to be whole, but it is cut short; extract it again.")

    monkeypatch.setattr(sys.modules["harness.training.session"], "train", unreadable)
    claim = comparison({"good": GOOD, "bad": BAD})
    work = bench(claim)
    work.finish(claim)
    assert work.record(Run(GOOD, 0)).reason.startswith("Expected Subject_01.mat")


def test_a_disk_that_fills_up_during_a_training_is_one_sentence(bench, monkeypatch):
    def fill(*_args, **_kwargs):
        monkeypatch.setattr(execution.Store, "check_space", full)
        raise RuntimeError("PytorchStreamWriter failed writing file")

    def full(_self):
        raise StoreError("Expected 256 MiB of free space")

    monkeypatch.setattr(sys.modules["harness.training.session"], "train", fill)
    claim = comparison({"good": GOOD, "bad": BAD})
    work = bench(claim)
    with pytest.raises(StoreError, match="Expected 256 MiB"):
        work.finish(claim)
    assert work.record(Run(GOOD, 0)) is None


def test_an_error_that_cannot_even_be_logged_is_recorded(bench, monkeypatch):
    def refuse(self, *_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    claim = comparison({"good": recipe(0.6, "bug"), "bad": BAD})
    work = bench(claim)
    monkeypatch.setattr(Store, "write", lambda self, record, **_: written.append(record))
    written = []
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_text", refuse)
        work._step([claim])
    assert written[0].reason.startswith("RuntimeError")


def test_an_interrupted_training_is_no_result_and_goes_on_next_time(bench, monkeypatch):
    claim = comparison({"good": GOOD, "bad": recipe(0.3, "interrupt")})
    work = bench(claim)
    with pytest.raises(KeyboardInterrupt):
        work.finish(claim)
    assert work.record(Run(recipe(0.3, "interrupt"), 0)) is None
    monkeypatch.setenv("FAKE_CALM", "1")
    assert str(bench(claim, session="second").finish(claim).verdict) == "SUPPORTED"
    assert Counter(trained())["0.6/0"] == 1


def test_a_source_whose_weights_were_not_kept_is_trained_again(bench):
    alone = comparison({"source": SOURCE, "bad": BAD})
    bench(alone).finish(alone)
    claim = comparison({"tuned": TUNED, "bad": BAD})
    assert str(bench(claim, session="second").finish(claim).verdict) == "SUPPORTED"
    assert Counter(trained())["0.5/0"] == 2
    assert Counter(trained())["0.3/0"] == 1


def test_a_source_whose_weights_are_damaged_is_trained_again_at_once(bench):
    claim = comparison({"tuned": TUNED, "bad": BAD})
    work = bench(claim)
    work.finish(claim)
    key = work.key(Run(SOURCE, 0))
    (work.store.entry(key) / "weights.pt").write_bytes(b"something else")
    more = dataclasses.replace(claim, arms={"tuned": recipe(0.8, source=SOURCE), "bad": BAD})
    again = bench(more, session="second")
    assert str(again.finish(more).verdict) == "SUPPORTED"
    assert Counter(trained())["0.5/0"] == 2
    assert Counter(trained())["0.5/1"] == 1
    assert len(again.store.damaged) == 1


def test_a_damaged_result_is_trained_again(bench):
    claim = comparison({"good": GOOD, "bad": BAD})
    work = bench(claim)
    work.finish(claim)
    (work.store.entry(work.key(Run(GOOD, 1))) / "counts.npz").write_bytes(b"")
    bench(claim, session="second").finish(claim)
    assert Counter(trained())["0.6/1"] == 2
    assert len(trained()) == 7


def test_a_claim_without_data_asks_for_nothing(bench):
    claim = comparison({"good": GOOD, "bad": BAD}, unavailable="no DME")
    assert bench(claim).pending([claim]) == []


def claims_of_a_plan():
    tuned = [recipe(score, source=SOURCE) for score in (0.71, 0.72)]
    return [
        comparison({"good": GOOD, "bad": BAD}),
        comparison({"tuned": tuned[0], "good": GOOD}),
        comparison({"tuned": tuned[1], "other": tuned[0]}, Greater("tuned", "other")),
        comparison({"tuned": tuned[1], "broken": recipe(0.2, "diverge")}),
    ]


def work(root, own: int, results) -> None:
    claims = claims_of_a_plan()
    workbench = Workbench(Store(root), Catalogue(None), Plan(claims), CPU, "together")
    results.put((own, str(workbench.finish(claims[own]).verdict)))
    workbench.drain()


def together(root, owners) -> dict[int, str]:
    results = FORK.Queue()
    processes = [FORK.Process(target=work, args=(root, own, results)) for own in owners]
    for process in processes:
        process.start()
    verdicts = dict(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    return verdicts


def test_four_processes_train_each_run_exactly_once(tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_SECONDS", "0.05")
    verdicts = together(tmp_path / "store", range(4))
    assert verdicts[0] == "SUPPORTED"
    assert verdicts[3] == "ERROR"
    wanted = {f"{score}/{seed}" for score in (0.6, 0.3, 0.71, 0.72, 0.5, 0.2) for seed in range(3)}
    assert Counter(trained()) == dict.fromkeys(wanted, 1)
    lines = (tmp_path / "log").read_text().splitlines()
    assert len({line.split()[2] for line in lines}) == 4, "every process took part"
    for seed in range(3):
        assert lines.index(next(line for line in lines if line.startswith(f"end 0.5/{seed}"))) < min(
            index for index, line in enumerate(lines) if line.startswith("begin 0.7") and f"/{seed} " in line
        )


def test_a_process_that_would_wait_takes_another_pending_run(bench):
    wanted, other = comparison({"good": GOOD, "bad": BAD}), comparison({"tuned": TUNED, "bad": BAD})
    work = bench(wanted, other)
    busy = [work.key(Run(each, seed)) for each in (GOOD, BAD) for seed in range(3)]
    locks = [work.store.lock(key) for key in busy]
    assert all(lock.__enter__() for lock in locks)
    assert not work._step([wanted])
    assert work._step(work.plan.comparisons)
    assert trained() == ["0.5/0"]
    for lock in locks:
        lock.__exit__(None, None, None)


def test_a_run_that_was_trained_while_its_lock_was_sought_is_not_trained_again(bench, monkeypatch):
    claim = comparison({"good": GOOD, "bad": BAD})
    work = bench(claim)
    pending = work.pending([claim])
    bench(claim).finish(claim)
    before = len(trained())
    monkeypatch.setattr(work, "pending", lambda comparisons: pending)
    assert work._step([claim])
    assert len(trained()) == before


def test_a_progress_line_names_the_training(bench):
    told = []
    claim = comparison({"tuned": TUNED, "bad": BAD})
    work = bench(claim)
    work.on_progress = told.append
    work.finish(claim)
    assert told[1]["label"] == "dme fcn ← drive, batch 8, seed 0"
    assert describe(Run(BAD, 2)) == "dme fcn, batch 8, seed 2"


def test_the_estimate_follows_the_measured_rate_of_the_same_device():
    runs = [Run(GOOD, 3), Run(GOOD, 4)]
    done = [Run(GOOD, seed) for seed in range(3)]
    known = {run: synthetic.record(run, "k", seconds=7.0) for run in done}
    assert estimate_seconds(runs, "cpu", known.get, done) == pytest.approx(14.0)
    assert estimate_seconds(runs, "cuda:0", known.get, done) != pytest.approx(14.0)
    assert estimate_seconds([], "cpu", known.get, []) == 0


def test_the_store_lies_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("CLAIMS_STORE", str(tmp_path))
    assert default_store() == tmp_path
    monkeypatch.delenv("CLAIMS_STORE")
    assert default_store().parts[-2:] == ("transfer-claims", "store")
