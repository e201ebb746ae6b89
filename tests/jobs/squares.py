"""The split of the squares task, and trainings on it."""

from __future__ import annotations

import numpy as np

from harness.data import Parts
from harness.jobs.training import Progress, Trainer

HEIGHT, WIDTH = 24, 32
TRAIN, TEST = 10, 5


def parts(validation: int = 0) -> Parts:
    """Which of the images train, choose and test; the last of the training images are held out to choose with."""
    return Parts(np.arange(TRAIN - validation), np.arange(TRAIN - validation, TRAIN), np.arange(TRAIN, TRAIN + TEST))


def finished(trainer: Trainer) -> Trainer:
    """The training after it ran."""
    trainer.run()
    return trainer


class Killed(Exception):
    """Stands for a signal."""


def kill(trainer: Trainer, iteration: int) -> None:
    """Runs a training until it reports that iteration; the checkpoint of the one before is there."""

    def report(progress: Progress, iterations: int) -> None:
        if progress.iteration == iteration:
            raise Killed

    trainer.report = report
    try:
        trainer.run()
    except Killed:
        return
    raise AssertionError(f"the training ended before iteration {iteration}")
