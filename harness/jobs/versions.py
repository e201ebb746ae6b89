"""Versions of the parts of this library that shape a job's result.

Those of adapters, phantoms and packing are in the data's fingerprint.
"""

from __future__ import annotations

from harness import jobs
from harness.networks import family
from harness.specs import Combination, Job, recipe_of
from harness.tasks import task


def versions(job: Job) -> dict[str, int]:
    """Version by part, as :func:`harness.specs.key` takes them."""
    recipe = recipe_of(job)
    found = {f"task:{recipe.task}": task(recipe.task).VERSION}
    if isinstance(job, Combination):
        return {"combination": jobs.COMBINATION, **found}
    network = family(recipe.network)
    return {"jobs": jobs.VERSION, f"network:{network.name}": network.version, **found}
