"""The store: results of jobs, found by what the jobs are.

Layout beneath the root::

    entries/ab/abcdef…/   record.json, counts.npz, weights.pt, predictions.npz …, manifest.json
    partial/abcdef…/      checkpoint, progress.json          a training in flight, or a killed one
    locks/                one file for each job that is or was worked on
    disposable/           one empty file for each artifact that no job has asked for
    plans/abcdef…/        4-7-10.json                        a plan of seeds that was brought to its end for a claim
    damaged/              what is not as it was written, set aside
    packs/                decoded data sets
    stamp                 grows when an entry changes

An entry is written beside its place and renamed into it, so it is there whole or not at all. A job is done under its
lock, which the operating system releases when a process dies. A failed job's entry holds only its record.
"""

from harness.store.entries import Store
from harness.store.files import StoreError, file_digest
from harness.store.record import Point, Record, first_reached, trend

__all__ = ["Point", "Record", "Store", "StoreError", "file_digest", "first_reached", "trend"]
