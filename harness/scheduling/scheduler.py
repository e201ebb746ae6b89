"""Does what the selected claims still need, together with other processes on the same store.

Processes do not talk to each other: the store knows what is done and the locks what is being done, so a worker that
would wait takes any other pending job of any demand.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from harness.data import Catalogue, DataError
from harness.jobs.versions import versions
from harness.provenance import provenance
from harness.specs import (
    Arm,
    Artifact,
    Combination,
    Job,
    Recipe,
    Scale,
    ancestry,
    canonical,
    key,
    recipe_of,
    recipes,
)
from harness.store import Record, Store, StoreError

LOG = logging.getLogger(__name__)

POLL_SECONDS = 0.2
"""Between two looks at the store's stamp, which cost one system call each."""

RECHECK_SECONDS = 5.0
"""After which a waiting process looks at everything again: another may have died without a word."""

Find = Callable[[Job], Record | None]


class Demand(Protocol):
    """What somebody wants done: a claim, to the scheduler."""

    @property
    def scale(self) -> Scale:
        """How much of the published budget is spent; decides on the device."""

    @property
    def arms(self) -> Mapping[str, Arm]:
        """Arms by name, with their data resolved."""

    @property
    def most(self) -> int:
        """Seeds that it may come to need."""

    def wanted(self, find: Find) -> int:
        """Seeds of every arm that it needs now; 0 where it needs nothing more."""

    def jobs(self, seeds: int) -> Iterator[Job]:
        """The jobs of its first seeds, without their inputs."""


@dataclass
class Scheduler:
    """One process at work.

    Attributes:
        store, catalogue: Where results go and data come from.
        demands: Everything that the invocation selected.
        devices: ``"cpu"`` or ``"cuda:N"`` by scale.
        session: Name of the invocation, the same in all its workers.
        on_progress: Called about twice a second while this process trains.
    """

    store: Store
    catalogue: Catalogue
    demands: list[Demand]
    devices: Mapping[Scale, str]
    session: str = ""
    on_progress: Callable[[dict[str, object]], None] = lambda progress: None
    _keys: dict[Job, str] = field(default_factory=dict)
    _checked: bool = False
    _incomplete: dict[Job, str] = field(default_factory=dict)

    def key(self, job: Job) -> str:
        """What the job is found by in the store."""
        if job not in self._keys:
            self._keys[job] = key(job, self.catalogue.fingerprint, versions)
        return self._keys[job]

    def record(self, job: Job) -> Record | None:
        """The job's record, unless it has to be done: absent, damaged, or failed for a reason that may be gone."""
        record = self.store.find(self.key(job))
        if record is not None and record.transient and record.session != self.session:
            return None
        return record

    @cached_property
    def _asked(self) -> dict[Job, frozenset[Artifact]]:
        asked: dict[Job, frozenset[Artifact]] = {}
        for demand in self.demands:
            for job in demand.jobs(demand.most):
                for step in ancestry(job):
                    for each in step.inputs:
                        asked[each] = asked.get(each, frozenset()) | step.needs(each)
        return asked

    def asked(self, job: Job) -> frozenset[Artifact]:
        """Artifacts that other jobs of the invocation need of this one."""
        return self._asked.get(job, frozenset())

    def done(self, job: Job) -> bool:
        """Whether nothing is left to do: a record, and the artifacts that others need."""
        record = self.record(job)
        return record is not None and (record.failed or job in self._incomplete or not self._lacking(job))

    def pending(self, demands: Iterable[Demand]) -> list[tuple[Job, Scale]]:
        """Jobs that the demands need now, each after its inputs."""
        ordered: dict[Job, Scale] = {}
        for demand in demands:
            try:
                seeds = demand.wanted(self.record)
            except ValueError:  # a record without the demand's figure: its own claim reports it
                continue
            for job in demand.jobs(seeds):
                if not self.done(job):
                    for step in ancestry(job):
                        if not self.done(step):
                            ordered.setdefault(step, demand.scale)
        return list(ordered.items())

    def finish(self, demand: Demand) -> None:
        """Works until a demand needs nothing more; helps others along where it would have to wait."""
        while True:
            stamp = self.store.stamp()
            if not demand.wanted(self.record):
                return
            if self._step([demand]) or self._step(self.demands):
                continue
            self._wait(stamp)

    def drain(self) -> None:
        """Does what any demand still needs and no other process is doing."""
        while self._step(self.demands):
            pass

    def add(self, job: Job, artifact: Artifact, scale: Scale) -> bool:
        """Makes an artifact of a finished job for which nobody asked beforehand, where its weights are still there.

        Returns:
            Whether the artifact is there. Why it is not is no failure of the job; a log says it.
        """
        key, until = self.key(job), time.monotonic() + RECHECK_SECONDS
        while not self.store.has(key, artifact) and self.store.has(key, "weights") and time.monotonic() < until:
            with self.store.lock(key) as held:
                if held and not self.store.has(key, artifact):
                    from harness.jobs.running import Runner

                    runner = Runner(self.store, self.catalogue, self.devices[scale], self.session, self.on_progress)
                    try:
                        runner.produce(job, key, artifact)
                    except Exception as error:  # the verdict stands without it
                        LOG.warning("no %s of %s: %s", artifact, describe(job), error)
                        LOG.debug("the traceback", exc_info=True)
                        return False
            if not held:  # another process makes it
                time.sleep(POLL_SECONDS)
        return self.store.has(key, artifact)

    def _wait(self, stamp: int) -> None:
        """Sleeps until some process has written to the store since ``stamp`` was taken, or for a few seconds."""
        until = time.monotonic() + RECHECK_SECONDS
        while self.store.stamp() == stamp and time.monotonic() < until:
            time.sleep(POLL_SECONDS)

    def _lacking(self, job: Job) -> frozenset[Artifact]:
        key = self.key(job)
        return frozenset(artifact for artifact in self.asked(job) if not self.store.has(key, artifact))

    def _step(self, demands: Iterable[Demand]) -> bool:
        """Does one pending job that is free and ready; whether there was one."""
        pending = self.pending(demands)
        if pending and self._refuse():
            pending = self.pending(demands)
        for job, scale in pending:
            if not all(self.done(each) for each in job.inputs):
                continue
            with self.store.lock(self.key(job)) as held:
                if not held:
                    continue
                if not self.done(job):
                    self._do(job, self.devices[scale])
            self.store.trim()
            return True
        return False

    def _refuse(self) -> bool:
        """Fails, before the first training, every job whose recipe does not fit its network; whether there was one.

        A source that only such jobs start from is then not pending any more.
        """
        if self._checked:
            return False
        self._checked = True
        from harness.jobs.running import Failure, check

        reasons: dict[Recipe, tuple[str, bool]] = {}  # and whether another invocation may try again
        refused = False
        for demand in self.demands:
            for recipe in dict.fromkeys(step for arm in demand.arms.values() for step in recipes(arm)):
                if recipe not in reasons:
                    try:
                        check(recipe, lambda data: len(self.catalogue.adapter(data).classes))
                        reasons[recipe] = "", False
                    except Failure as failure:
                        reasons[recipe] = str(failure), failure.transient
                    except Exception as error:  # of a network that somebody is still writing, anything comes
                        reasons[recipe] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}", True
            for job in demand.jobs(demand.most):
                for step in ancestry(job):
                    reason, transient = ("", False) if isinstance(step, Combination) else reasons[step.recipe]
                    if reason and not self.done(step):
                        with self.store.lock(self.key(step)) as held:
                            if held and not self.done(step):
                                self._fail(step, self.devices[demand.scale], reason, transient=transient)
                        refused = True
        return refused

    def _do(self, job: Job, device: str) -> None:
        """Does one job under its lock and writes what came of it, success or failure."""
        for each in job.inputs:
            record = self.record(each)
            reason = self._incomplete.get(each, record.reason if record is not None else "")
            if reason:
                what = "member" if isinstance(job, Combination) else "source" if each == job.source else "forerunner"
                transient = each in self._incomplete or (record is not None and record.transient)
                self._fail(job, device, f"its {what} failed: {reason}", transient=transient)
                return
        self.store.check_space()
        inputs = self._inputs(job)
        if inputs is None:
            return  # damaged: dropped, so that the input is pending again
        from harness.jobs.running import Failure, Runner

        def report(progress: dict[str, object]) -> None:
            labelled = {"label": describe(job), **progress}
            self.store.report_progress(self.key(job), labelled)
            self.on_progress(labelled)

        runner = Runner(self.store, self.catalogue, device, self.session, report)
        try:
            if self.record(job) is not None and self._artifact(job, "weights") is not None:
                for artifact in self._lacking(job):
                    runner.produce(job, self.key(job), artifact)
            else:
                runner.run(job, self.key(job), inputs, self.asked(job))
        except Failure as failure:
            self._fail(job, device, str(failure), transient=failure.transient)
        except DataError as error:
            self._fail(job, device, str(error), transient=True)
        except StoreError:
            raise
        except Exception as error:
            self.store.check_space()  # what a full disk leads to comes in many forms
            log = self.store.partial(self.key(job)) / "error.txt"
            with suppress(OSError):
                log.parent.mkdir(parents=True, exist_ok=True)
                log.write_text(traceback.format_exc(), "utf-8")
            first = (str(error).splitlines() or [""])[0]
            self._fail(job, device, f"{type(error).__name__}: {first} (traceback in {log})", transient=True)

    def _inputs(self, job: Job) -> dict[Job, dict[Artifact, Path]] | None:
        """The artifacts that a job needs of each input; ``None`` where one turned out to be damaged."""
        files: dict[Job, dict[Artifact, Path]] = {}
        for each in job.inputs:
            files[each] = {}
            for name in sorted(job.needs(each)):
                file = self._artifact(each, name)
                if file is None:
                    return None
                files[each][name] = file
        return files

    def _artifact(self, job: Job, name: Artifact) -> Path | None:
        """File of a job's artifact; ``None`` where it is absent, or damaged and now set aside."""
        try:
            return self.store.artifact(self.key(job), name)
        except StoreError:
            if self.store.has(self.key(job), name):
                raise
            return None

    def _fail(self, job: Job, device: str, reason: str, *, transient: bool) -> None:
        """Writes a failure; where the job had finished, what is lacking of it fails whoever asks for it instead."""
        finished = self.record(job)
        if finished is not None and not finished.failed:
            self._incomplete[job] = reason
            return
        record = Record(
            key=self.key(job),
            job=dict(canonical(job)),
            kind=job.kind,
            seed=job.seed,
            status="failed",
            reason=reason,
            transient=transient,
            session=self.session,
            provenance=provenance(device),
        )
        self.store.write(record)


def describe(job: Job) -> str:
    """A job in a few words, for progress lines: ``"dme fcn ← drive, batch 8, seed 0"``."""
    recipe = recipe_of(job)
    if isinstance(job, Combination):
        return f"{recipe.data.name} {job.ensemble.method} ensemble of {len(job.inputs)}, seed {job.seed}"
    network = getattr(recipe.network, "head", recipe.network.backbone)
    origin = f" ← {job.source.recipe.data.name}" if job.source is not None else ""
    return f"{recipe.data.name} {network}{origin}, batch {recipe.batch_size}, seed {job.seed}"
