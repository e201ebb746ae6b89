"""Trains what the selected claims still need, together with other processes on the same store.

Processes do not talk to each other: the store says what is done and the locks say what is being trained, so a worker
that would wait takes any other pending run of any selected claim.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from harness.data import DataError
from harness.evidence import Catalogue
from harness.plan import Comparison, Plan
from harness.provenance import provenance
from harness.relations import SequentialDecision
from harness.runs import Record, Run
from harness.specs import Recipe, Scale, to_dict
from harness.store import Store, StoreError

POLL_SECONDS = 0.2


@dataclass
class Workbench:
    """One process at work on a plan.

    Attributes:
        plan: Every claim that the invocation selected.
        devices: ``"cpu"`` or ``"cuda:N"`` by scale.
        session: Name of the invocation, the same in all its workers.
        alpha: Level of each claim's whole plan of looks.
        on_progress: Called about twice a second while this process trains.
    """

    store: Store
    catalogue: Catalogue
    plan: Plan
    devices: Mapping[Scale, str]
    session: str = ""
    alpha: float = 0.05
    on_progress: Callable[[dict[str, object]], None] = lambda progress: None
    _keys: dict[Run, str] = field(default_factory=dict)
    _sources: frozenset[Run] | None = None
    _checked: bool = False
    _standings: dict[int, tuple[Comparison, str, SequentialDecision]] = field(default_factory=dict)

    def key(self, run: Run) -> str:
        """What the run is found by in the store."""
        if run not in self._keys:
            self._keys[run] = run.key(self.catalogue.fingerprint)
        return self._keys[run]

    def record(self, run: Run) -> Record | None:
        """The run's record, unless it has to be trained: absent, damaged, or failed for a reason that may be gone."""
        record = self.store.find(self.key(run))
        if record is not None and record.transient and record.session != self.session:
            return None
        return record

    def is_source(self, run: Run) -> bool:
        """Whether another run of the plan starts from this one's weights."""
        if self._sources is None:
            self._sources = self.plan.sources()
        return run in self._sources

    def done(self, run: Run) -> bool:
        """Whether nothing is left to train: a record, and weights where they are needed."""
        record = self.record(run)
        return record is not None and (record.failed or not self.is_source(run) or self.store.has_weights(record.key))

    def stand(self, comparison: Comparison) -> SequentialDecision:
        """Where a claim stands with the runs in the store.

        Remembered, because whoever waits asks again and again, and whether a claim is futile takes a simulation
        (10 to 110 ms a claim).
        """
        seen = repr(comparison.samples(self.record))
        known = self._standings.get(id(comparison))
        if known is None or known[0] is not comparison or known[1] != seen:
            known = (comparison, seen, comparison.stand(self.record, self.alpha))
            self._standings[id(comparison)] = known
        return known[2]

    def pending(self, comparisons: Iterable[Comparison]) -> list[tuple[Run, Scale]]:
        """Runs that the claims need for their next look, each after the run that it starts from."""
        ordered: dict[Run, Scale] = {}
        for comparison in comparisons:
            if comparison.unavailable:
                continue
            seeds = self.stand(comparison).n_next
            for run in comparison.runs(seeds or 0):
                if not self.done(run):
                    for step in run.lineage():
                        if not self.done(step):
                            ordered.setdefault(step, comparison.scale)
        return list(ordered.items())

    def finish(self, comparison: Comparison) -> SequentialDecision:
        """Trains until the claim's plan of looks has ended; helps other claims along where it would have to wait."""
        while True:
            standing = self.stand(comparison)
            if standing.stopped is not None:
                return standing
            if self._step([comparison]) or self._step(self.plan.comparisons):
                continue
            time.sleep(POLL_SECONDS)

    def drain(self) -> None:
        """Trains what any claim of the plan still needs and no other process is training."""
        while self._step(self.plan.comparisons):
            pass

    def _step(self, comparisons: Iterable[Comparison]) -> bool:
        """Trains one pending run that is free and ready; whether there was one."""
        pending = self.pending(comparisons)
        if pending and self._refuse():
            pending = self.pending(comparisons)
        for run, scale in pending:
            if run.source is not None and not self.done(run.source):
                continue
            key = self.key(run)
            with self.store.lock(key) as held:
                if not held:
                    continue
                if not self.done(run):
                    self._train(run, key, self.devices[scale])
                return True
        return False

    def _refuse(self) -> bool:
        """Fails, before the first training, every run whose recipe does not fit its network; whether there was one.

        A source that only such runs start from is then not pending any more.
        """
        if self._checked:
            return False
        self._checked = True
        from harness.training.session import Failure, check

        reasons: dict[Recipe, str] = {}
        refused = False
        for comparison in self.plan.comparisons:
            if comparison.unavailable:
                continue
            for recipe in dict.fromkeys(step for arm in comparison.arms.values() for step in arm.lineage()):
                if recipe not in reasons:
                    try:
                        check(recipe)
                        reasons[recipe] = ""
                    except Failure as failure:
                        reasons[recipe] = str(failure)
            for run in comparison.runs(comparison.looks.most):
                for step in run.lineage():
                    if reasons[step.recipe] and not self.done(step):
                        device = self.devices[comparison.scale]
                        self._fail(step, self.key(step), device, reasons[step.recipe], transient=False)
                        refused = True
        return refused

    def _train(self, run: Run, key: str, device: str) -> None:
        """Trains one run under its lock and writes what came of it, success or failure."""
        source = run.source
        if source is not None:
            record = self.record(source)
            if record is not None and record.failed:
                self._fail(run, key, device, f"its source failed: {record.reason}", transient=record.transient)
                return
        self.store.check_space()
        initial = None
        if source is not None and (initial := self._weights(source)) is None:
            return  # damaged: set aside, so that the source is pending again
        from harness.training.session import Failure, train

        def tell(progress: dict[str, object]) -> None:
            told = {"label": describe(run), **progress}
            self.store.report_progress(key, told)
            self.on_progress(told)

        try:
            train(
                run,
                key,
                store=self.store,
                catalogue=self.catalogue,
                device=device,
                source_weights=initial,
                keep_weights=self.is_source(run),
                session=self.session,
                report=tell,
            )
        except Failure as failure:
            self._fail(run, key, device, str(failure), transient=failure.transient)
        except DataError as error:
            self._fail(run, key, device, str(error), transient=True)
        except StoreError:
            raise
        except Exception as error:
            self.store.check_space()  # what a full disk leads to comes in many forms
            log = self.store.partial(key) / "error.txt"
            with suppress(OSError):
                log.parent.mkdir(parents=True, exist_ok=True)
                log.write_text(traceback.format_exc(), "utf-8")
            first = (str(error).splitlines() or [""])[0]
            self._fail(run, key, device, f"{type(error).__name__}: {first} (traceback in {log})", transient=True)

    def _weights(self, source: Run) -> Path | None:
        """The weights of a finished source; ``None`` where they turned out to be damaged and were set aside."""
        try:
            return self.store.weights(self.key(source))
        except StoreError:
            if self.store.has_weights(self.key(source)):
                raise
            return None

    def _fail(self, run: Run, key: str, device: str, reason: str, *, transient: bool) -> None:
        record = Record(
            key=key,
            recipe=to_dict(run.recipe),
            seed=run.seed,
            status="failed",
            reason=reason,
            transient=transient,
            session=self.session,
            provenance=provenance(device),
        )
        self.store.write(record)


def describe(run: Run) -> str:
    """A run in a few words, for progress lines: ``"dme fcn ← drive, batch 8, seed 0"``."""
    recipe = run.recipe
    origin = f" ← {run.source.recipe.data.name}" if run.source else ""
    return f"{recipe.data.name} {recipe.model.head}{origin}, batch {recipe.batch_size}, seed {run.seed}"


def work_units(run: Run) -> float:
    """Size of a training, in arbitrary units: pixels seen times the network's width squared.

    The length of a budget in epochs is taken for 88 training images, DME's.
    """
    recipe = run.recipe
    crop = recipe.augmentation.crop
    size = crop or recipe.data.size or (496, 768)
    scale = 1.0 if crop else recipe.augmentation.resize[0] ** 2
    iterations = recipe.budget.iterations(88, recipe.batch_size)
    evaluated = recipe.data.size or (496, 768)
    seen = iterations * recipe.batch_size * size[0] * size[1] * scale
    seen += recipe.budget.evaluations * 22 * evaluated[0] * evaluated[1] / 3
    return seen * recipe.model.width**2 * recipe.model.stages


RATES = {"cpu": 7.6e7, "cuda": 2.0e11}
"""Units of :func:`work_units` a second where the store holds no run of that device yet: measured at the smoke scale on
one core of a server; for a GPU a guess that the first runs replace."""


def estimate_seconds(
    runs: Iterable[Run], device: str, known: Callable[[Run], Record | None], done: Iterable[Run]
) -> float:
    """Time that the runs take one after another, from the measured rate of runs in the store on the same device."""
    rates = []
    for run in done:
        record = known(run)
        if record is None or record.failed or record.seconds <= 0:
            continue
        if record.provenance.get("kind") == device.partition(":")[0]:
            rates.append(work_units(run) / record.seconds)
    rate = sorted(rates)[len(rates) // 2] if rates else RATES[device.partition(":")[0]]
    return sum(work_units(run) for run in runs) / rate


def default_store() -> Path:
    """``claims-store`` in the user's cache folder."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("CLAIMS_STORE") or user_cache_path("transfer-claims") / "store")
