"""harness.scheduling.scheduler: every job is done once, in an order that works, whoever else works on the store.

Nothing trains here: the runner is :mod:`synthetic`'s.
"""

from __future__ import annotations

import dataclasses
import errno
import multiprocessing
import os
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
import synthetic
from synthetic import DRIVE, question, recipe, trained

from harness.data import Catalogue, DataError
from harness.relations import Greater, Looks
from harness.scheduling import Scheduler, describe
from harness.scheduling import scheduler as module
from harness.specs import SCALES, Ensemble, ZeroShot, job
from harness.store import Store, StoreError

FORK = multiprocessing.get_context("fork")
POLL_SECONDS = module.POLL_SECONDS
CPU = dict.fromkeys(SCALES, "cpu")

GOOD, BAD = recipe(0.6), recipe(0.3)
SOURCE = recipe(0.5, data=DRIVE)
TUNED = recipe(0.7, source=SOURCE)


@pytest.fixture(autouse=True)
def fake_runner(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "harness.jobs.running", None)  # so that it is restored
    synthetic.install()
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)


@pytest.fixture
def scheduler(tmp_path):
    def make(*claims, session="first", store=None):
        return Scheduler(store or Store(tmp_path / "store"), Catalogue(None), list(claims), CPU, session)

    return make


def decided(scheduler, claim):
    """Where a claim stands once a scheduler has done what it needs."""
    scheduler.finish(claim)
    return claim.stand(scheduler.record)


def test_a_claim_trains_what_it_needs_and_is_decided(scheduler):
    claim = question({"good": GOOD, "bad": BAD})
    standing = decided(scheduler(claim), claim)
    assert str(standing.verdict) == "SUPPORTED"
    assert sorted(trained()) == [f"{score}/{seed}" for score in (0.3, 0.6) for seed in range(3)]


def test_two_claims_that_share_an_arm_share_its_runs(scheduler):
    first, second = question({"good": GOOD, "bad": BAD}), question({"tuned": TUNED, "good": GOOD})
    work = scheduler(first, second)
    work.finish(first)
    work.finish(second)
    assert max(Counter(trained()).values()) == 1
    assert len(trained()) == 12


def test_the_next_invocation_trains_nothing(scheduler):
    claim = question({"good": GOOD, "bad": BAD})
    scheduler(claim).finish(claim)
    before = len(trained())
    scheduler(claim, session="second").finish(claim)
    assert len(trained()) == before


def test_further_seeds_train_only_the_new_ones(scheduler):
    claim = question({"good": GOOD, "bad": BAD})
    scheduler(claim).finish(claim)
    more = dataclasses.replace(claim, looks=Looks.fixed(5))
    scheduler(more, session="second").finish(more)
    assert trained()[6:] == ["0.6/3", "0.6/4", "0.3/3", "0.3/4"]


def test_looks_train_no_more_seeds_than_they_need(scheduler):
    clear = question({"good": GOOD, "bad": BAD}, looks=Looks())
    assert decided(scheduler(clear), clear).stopped == "decided"
    assert Counter(each.partition("/")[0] for each in trained()) == {"0.6": 4, "0.3": 4}


def test_looks_go_on_while_nothing_is_decided(scheduler):
    near = question({"one": recipe(0.51), "other": recipe(0.5)}, looks=Looks())
    standing = decided(scheduler(near), near)
    seeds = Counter(each.partition("/")[0] for each in trained())
    assert set(seeds.values()) == {standing.decision.n}
    assert standing.decision.n in (7, 10)


def test_sources_come_before_what_starts_from_them(scheduler):
    claim = question({"tuned": TUNED, "bad": BAD})
    scheduler(claim).finish(claim)
    for seed in range(3):
        assert trained().index(f"0.5/{seed}") < trained().index(f"0.7/{seed}")


def test_one_shared_checkpoint_is_trained_once(scheduler):
    claim = question({"tuned": recipe(0.7, source=SOURCE, source_seed=0), "bad": BAD})
    scheduler(claim).finish(claim)
    assert Counter(trained())["0.5/0"] == 1
    assert "0.5/1" not in trained()


def test_a_failed_source_fails_what_starts_from_it_without_training(scheduler):
    broken = recipe(0.7, source=recipe(0.5, "diverge"))
    claim = question({"tuned": broken, "bad": BAD})
    work = scheduler(claim)
    assert str(decided(work, claim).verdict) == "ERROR"
    assert not [each for each in trained() if each.startswith("0.7")]
    found = work.record(job(broken, 1))
    assert found.reason.startswith("its source failed: the loss was NaN at iteration 7")
    assert not found.transient


def test_a_divergence_is_kept_and_the_other_claims_go_on(scheduler):
    broken, fine = question({"good": recipe(0.6, "diverge"), "bad": BAD}), question({"good": GOOD, "bad": BAD})
    work = scheduler(broken, fine)
    assert str(decided(work, broken).verdict) == "ERROR"
    assert str(decided(work, fine).verdict) == "SUPPORTED"
    before = len(trained())
    assert str(decided(scheduler(broken, session="second"), broken).verdict) == "ERROR"
    assert len(trained()) == before


def test_a_recipe_that_does_not_fit_its_network_is_found_before_anything_trains_and_its_source_is_not_trained(
    scheduler,
):
    wrong, fine = recipe(0.7, "nowhere", source=SOURCE), question({"good": GOOD, "bad": BAD})
    claim = question({"tuned": wrong, "bad": BAD})
    work = scheduler(fine, claim)
    assert str(decided(work, fine).verdict) == "SUPPORTED"
    lines = (work.store.root.parent / "log").read_text().splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["check"] * 4 + ["begin"], "each recipe once"
    assert str(decided(work, claim).verdict) == "ERROR"
    assert not [each for each in trained() if each.startswith(("0.5", "0.7"))]
    found = work.record(job(wrong, 2))
    assert found.reason == "Expected `frozen` to name parts of the network, but it has no 'nowhere'."
    assert not found.transient


def test_a_source_that_does_not_fit_its_network_fails_what_starts_from_it(scheduler):
    claim = question({"tuned": recipe(0.7, source=recipe(0.5, "nowhere")), "bad": BAD})
    work = scheduler(claim)
    assert str(decided(work, claim).verdict) == "ERROR"
    assert {each.partition("/")[0] for each in trained()} <= {"0.3"}


def test_a_failure_of_the_machine_is_tried_again_by_another_invocation_only(scheduler, monkeypatch):
    tight = recipe(0.7, source=recipe(0.5, "memory"))
    claim = question({"tuned": tight, "bad": BAD})
    work = scheduler(claim)
    assert str(decided(work, claim).verdict) == "ERROR"
    assert Counter(trained())["0.5/0"] == 1
    monkeypatch.setenv("FAKE_MEMORY", "enough")
    assert str(decided(work, claim).verdict) == "ERROR"
    assert Counter(trained())["0.5/0"] == 1
    assert str(decided(scheduler(claim, session="second"), claim).verdict) == "SUPPORTED"
    assert Counter(trained())["0.5/0"] == 2
    assert Counter(trained())["0.3/0"] == 1


def test_something_unforeseen_fails_one_run_and_keeps_its_traceback(scheduler):
    claim = question({"good": recipe(0.6, "bug"), "bad": BAD})
    work = scheduler(claim)
    assert str(decided(work, claim).verdict) == "ERROR"
    found = work.record(job(recipe(0.6, "bug"), 0))
    assert found.reason.startswith("RuntimeError: something unforeseen (traceback in ")
    assert "second line" in (work.store.partial(found.key) / "error.txt").read_text()
    assert found.transient


def test_data_that_cannot_be_read_are_their_own_sentence(scheduler, monkeypatch):
    def unreadable(*_args, **_kwargs):
        raise DataError("Expected Subject_01.mat to be whole, but it is cut short; extract it again.")

    monkeypatch.setattr(synthetic.Runner, "run", unreadable)
    claim = question({"good": GOOD, "bad": BAD})
    work = scheduler(claim)
    work.finish(claim)
    assert work.record(job(GOOD, 0)).reason.startswith("Expected Subject_01.mat")


def test_a_disk_that_fills_up_during_a_training_is_one_sentence(scheduler, monkeypatch):
    def fill(*_args, **_kwargs):
        monkeypatch.setattr(Store, "check_space", full)
        raise RuntimeError("PytorchStreamWriter failed writing file")

    def full(_self):
        raise StoreError("Expected 256 MiB of free space")

    monkeypatch.setattr(synthetic.Runner, "run", fill)
    claim = question({"good": GOOD, "bad": BAD})
    work = scheduler(claim)
    with pytest.raises(StoreError, match="Expected 256 MiB"):
        work.finish(claim)
    assert work.record(job(GOOD, 0)) is None


def test_an_error_that_cannot_even_be_logged_is_recorded(scheduler, monkeypatch):
    def refuse(self, *_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    claim = question({"good": recipe(0.6, "bug"), "bad": BAD})
    work = scheduler(claim)
    monkeypatch.setattr(Store, "write", lambda self, record, **_: written.append(record))
    written = []
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.write_text", refuse)
        work._step([claim])
    assert written[0].reason.startswith("RuntimeError")


def test_an_interrupted_training_is_no_result_and_goes_on_next_time(scheduler, monkeypatch):
    claim = question({"good": GOOD, "bad": recipe(0.3, "interrupt")})
    work = scheduler(claim)
    with pytest.raises(KeyboardInterrupt):
        work.finish(claim)
    assert work.record(job(recipe(0.3, "interrupt"), 0)) is None
    monkeypatch.setenv("FAKE_CALM", "1")
    assert str(decided(scheduler(claim, session="second"), claim).verdict) == "SUPPORTED"
    assert Counter(trained())["0.6/0"] == 1


def test_a_job_that_becomes_a_source_later_is_not_done_again(scheduler):
    alone = question({"source": SOURCE, "bad": BAD})
    scheduler(alone).finish(alone)
    claim = question({"tuned": TUNED, "bad": BAD})
    assert str(decided(scheduler(claim, session="second"), claim).verdict) == "SUPPORTED"
    assert max(Counter(trained()).values()) == 1
    assert len(trained()) == 9


def test_a_source_whose_weights_made_room_for_others_is_done_again(scheduler, monkeypatch):
    monkeypatch.setenv("CLAIMS_KEEP_GB", "0")
    alone = question({"source": SOURCE, "bad": BAD})
    scheduler(alone).finish(alone)
    claim = question({"tuned": TUNED, "bad": BAD})
    assert str(decided(scheduler(claim, session="second"), claim).verdict) == "SUPPORTED"
    assert Counter(trained())["0.5/0"] == 2
    assert Counter(trained())["0.3/0"] == 1


def test_a_source_whose_weights_are_damaged_is_trained_again_at_once(scheduler):
    claim = question({"tuned": TUNED, "bad": BAD})
    work = scheduler(claim)
    work.finish(claim)
    key = work.key(job(SOURCE, 0))
    (work.store.entry(key) / "weights.pt").write_bytes(b"something else")
    more = dataclasses.replace(claim, arms={"tuned": recipe(0.8, source=SOURCE), "bad": BAD})
    again = scheduler(more, session="second")
    assert str(decided(again, more).verdict) == "SUPPORTED"
    assert Counter(trained())["0.5/0"] == 2
    assert Counter(trained())["0.5/1"] == 1
    assert len(again.store.damaged) == 1


def test_a_damaged_result_is_trained_again(scheduler):
    claim = question({"good": GOOD, "bad": BAD})
    work = scheduler(claim)
    work.finish(claim)
    (work.store.entry(work.key(job(GOOD, 1))) / "counts.npz").write_bytes(b"")
    scheduler(claim, session="second").finish(claim)
    assert Counter(trained())["0.6/1"] == 2
    assert len(trained()) == 7


def test_a_claim_without_data_asks_for_nothing(scheduler):
    claim = question({"good": GOOD, "bad": BAD}, unavailable="no DME")
    assert scheduler(claim).pending([claim]) == []


def claims_of_a_plan():
    tuned = [recipe(score, source=SOURCE) for score in (0.71, 0.72)]
    return [
        question({"good": GOOD, "bad": BAD}),
        question({"tuned": tuned[0], "good": GOOD}),
        question({"tuned": tuned[1], "other": tuned[0]}, Greater("tuned", "other")),
        question({"tuned": tuned[1], "broken": recipe(0.2, "diverge")}),
    ]


def work(root, own: int, results) -> None:
    claims = claims_of_a_plan()
    worker = Scheduler(Store(root), Catalogue(None), claims, CPU, "together")
    results.put((own, str(decided(worker, claims[own]).verdict)))
    worker.drain()


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


def test_an_ensemble_and_what_it_combines_are_done_once_and_members_make_their_predictions_from_their_weights(
    scheduler,
):
    alone = question({"good": GOOD, "bad": BAD})
    scheduler(alone).finish(alone)
    claim = question({"both": Ensemble((GOOD, TUNED)), "bad": BAD})
    assert str(decided(scheduler(claim, session="second"), claim).verdict) == "SUPPORTED"
    lines = (Path(os.environ["FAKE_LOG"])).read_text().splitlines()
    made = [line.split()[2] for line in lines if line.startswith("produce predictions")]
    assert made == [f"0.6/{seed}" for seed in range(3)]
    assert Counter(trained())["0.7/0"] == 1
    assert Counter(trained())["0.6/0"] == 2, "the member, and the ensemble under its first member's name"


def test_a_member_whose_weights_are_damaged_is_done_again_at_once(scheduler):
    alone = question({"good": GOOD, "bad": BAD})
    worker = scheduler(alone)
    worker.finish(alone)
    (worker.store.entry(worker.key(job(GOOD, 1))) / "weights.pt").write_bytes(b"something else")
    claim = question({"both": Ensemble((GOOD, TUNED)), "bad": BAD})
    assert str(decided(scheduler(claim, session="second"), claim).verdict) == "SUPPORTED"
    both = 1  # the ensemble goes by its first member's name
    assert [Counter(trained())[f"0.6/{seed}"] for seed in range(3)] == [1 + both, 2 + both, 1 + both]


def test_predictions_that_fail_take_nothing_from_a_finished_member(scheduler, monkeypatch):
    """The failure once replaced the member's record and its weights."""
    alone = question({"good": GOOD, "bad": BAD})
    scheduler(alone).finish(alone)

    def exhausted(self, job, key, artifact):
        raise synthetic.Failure("the cpu ran out of memory; run fewer workers at once (-n)", transient=True)

    monkeypatch.setattr(synthetic.Runner, "produce", exhausted)
    claim = question({"both": Ensemble((GOOD, TUNED)), "bad": BAD})
    worker = scheduler(claim, session="second")
    assert str(decided(worker, claim).verdict) == "ERROR"
    failed = worker.record(job(claim.arms["both"], 0))
    assert failed.reason.startswith("its member failed: the cpu ran out of memory")
    assert failed.transient
    for seed in range(3):
        assert not worker.record(job(GOOD, seed)).failed
        assert worker.store.has(worker.key(job(GOOD, seed)), "weights")


def test_a_network_that_cannot_be_built_fails_its_own_claim_and_is_tried_again_once_it_is_mended(
    scheduler, monkeypatch
):
    """The error once ended whichever claim came first."""
    broken, fine = question({"good": recipe(0.6, "unwritten"), "bad": BAD}), question({"good": GOOD, "bad": BAD})
    check = synthetic.check

    def unwritten(made, count):
        if "unwritten" in made.frozen:
            raise RuntimeError("shapes do not match\nand more")
        check(made, count)

    monkeypatch.setattr(sys.modules["harness.jobs.running"], "check", unwritten)
    worker = scheduler(broken, fine)
    assert str(decided(worker, fine).verdict) == "SUPPORTED"
    assert str(decided(worker, broken).verdict) == "ERROR"
    assert worker.record(job(broken.arms["good"], 0)).reason == "RuntimeError: shapes do not match"
    monkeypatch.setattr(sys.modules["harness.jobs.running"], "check", check)
    assert str(decided(scheduler(broken, session="second"), broken).verdict) == "SUPPORTED"


def test_a_claim_whose_records_lack_its_figure_stops_no_other(scheduler):
    """Every claim in turn once met the error of one."""
    alone = question({"good": GOOD, "bad": BAD})
    scheduler(alone).finish(alone)
    lacking = question({"good": GOOD, "bad": BAD}, measure="novelty", looks=Looks.fixed(4))
    other = question({"tuned": TUNED, "bad": BAD})
    worker = scheduler(lacking, other, session="second")
    assert str(decided(worker, other).verdict) == "SUPPORTED"
    worker.drain()
    with pytest.raises(ValueError, match="novelty"):
        worker.finish(lacking)


def test_an_evaluation_without_training_waits_for_the_training_that_it_evaluates(scheduler):
    claim = question({"tuned": TUNED, "zero-shot": ZeroShot(recipe(0.2, source=SOURCE))})
    assert decided(scheduler(claim), claim).stopped == "last look"
    for seed in range(3):
        assert trained().index(f"0.5/{seed}") < trained().index(f"0.01/{seed}")
    assert Counter(trained())["0.5/0"] == 1


def test_an_artifact_that_nobody_asked_for_is_made_once_and_only_from_weights(scheduler, caplog, monkeypatch):
    claim = question({"good": GOOD, "bad": BAD})
    worker = scheduler(claim)
    worker.finish(claim)
    assert worker.add(job(GOOD, 0), "explanations", "smoke")
    assert worker.add(job(GOOD, 0), "explanations", "smoke")
    lines = (Path(os.environ["FAKE_LOG"])).read_text().splitlines()
    assert [line.split()[2] for line in lines if line.startswith("produce explanations")] == ["0.6/0"]
    (worker.store.entry(worker.key(job(GOOD, 1))) / "weights.pt").unlink()
    assert not worker.add(job(GOOD, 1), "explanations", "smoke")

    def broken(self, job, key, artifact):
        raise ValueError("Expected a classifier, which pools its last feature map.")

    monkeypatch.setattr(synthetic.Runner, "produce", broken)
    assert not worker.add(job(GOOD, 2), "explanations", "smoke")
    assert "no explanations of dme fcn, batch 8, seed 2: Expected a classifier" in caplog.text
    assert not worker.record(job(GOOD, 2)).failed


class Patient:
    """A demand that is content after two seconds, whatever was done."""

    def __init__(self, claim):
        self.claim, self.until = claim, time.monotonic() + 2.0

    def __getattr__(self, name):
        return getattr(self.claim, name)

    def wanted(self, find):
        return self.claim.wanted(find) if time.monotonic() < self.until else 0


def test_waiting_for_other_processes_takes_next_to_no_time_of_the_processor(scheduler, monkeypatch):
    """A process that waited beside 45 claims took 40% of a core, because it looked at every record again and again."""
    monkeypatch.setattr(module, "POLL_SECONDS", POLL_SECONDS)
    monkeypatch.setattr(module, "RECHECK_SECONDS", 2.0)
    claims = [question({"good": GOOD, "bad": recipe(0.3 + n / 1000)}, looks=Looks()) for n in range(45)]
    worker, other = scheduler(*claims), scheduler(*claims, session="other")
    with ExitStack() as busy:
        for each in {step for claim in claims for step in claim.jobs(claim.most)}:
            assert busy.enter_context(other.store.lock(other.key(each)))
        worker.pending(claims)
        demand, began, spent = Patient(claims[0]), time.monotonic(), time.process_time()
        worker.finish(demand)
        waited, spent = time.monotonic() - began, time.process_time() - spent
    assert not trained()
    assert waited >= 2
    assert spent < 0.05 * waited


def test_a_process_that_would_wait_takes_another_pending_run(scheduler):
    wanted, other = question({"good": GOOD, "bad": BAD}), question({"tuned": TUNED, "bad": BAD})
    work = scheduler(wanted, other)
    busy = [work.key(job(each, seed)) for each in (GOOD, BAD) for seed in range(3)]
    locks = [work.store.lock(key) for key in busy]
    assert all(lock.__enter__() for lock in locks)
    assert not work._step([wanted])
    assert work._step(work.demands)
    assert trained() == ["0.5/0"]
    for lock in locks:
        lock.__exit__(None, None, None)


def test_a_run_that_was_trained_while_its_lock_was_sought_is_not_trained_again(scheduler, monkeypatch):
    claim = question({"good": GOOD, "bad": BAD})
    work = scheduler(claim)
    pending = work.pending([claim])
    scheduler(claim).finish(claim)
    before = len(trained())
    monkeypatch.setattr(work, "pending", lambda demands: pending)
    assert work._step([claim])
    assert len(trained()) == before


def test_a_progress_line_names_the_training(scheduler):
    reports = []
    claim = question({"tuned": TUNED, "bad": BAD})
    work = scheduler(claim)
    work.on_progress = reports.append
    work.finish(claim)
    assert reports[1]["label"] == "dme fcn ← drive, batch 8, seed 0"
    assert describe(job(BAD, 2)) == "dme fcn, batch 8, seed 2"
