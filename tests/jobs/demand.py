"""What a claim is to the scheduler: arms and seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from harness.scheduling.scheduler import Scheduler
from harness.specs import Arm, Job, Scale, job
from harness.store import Record


@dataclass
class Seeds:
    """Wants every arm's job with the first seeds."""

    arms: Mapping[str, Arm]
    most: int = 1
    scale: Scale = "smoke"

    def wanted(self, find: Callable[[Job], Record | None]) -> int:
        return 0 if all(find(each) is not None for each in self.jobs(self.most)) else self.most

    def jobs(self, seeds: int) -> Iterator[Job]:
        for seed in range(seeds):
            for arm in self.arms.values():
                yield job(arm, seed)


def finished(scheduler: Scheduler, arm: Arm, seed: int = 0) -> Record:
    """The record of an arm's job, which must have metrics."""
    record = scheduler.record(job(arm, seed))
    assert record is not None
    assert not record.failed, record.reason
    return record
