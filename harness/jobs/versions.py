"""Versions of the parts of this library that shape a job's result.

Those of adapters, phantoms and packing are in the data's fingerprint.
"""

from __future__ import annotations

from harness import jobs
from harness.networks import family
from harness.networks.losses import term
from harness.specs import Combination, Job, Training, recipe_of
from harness.tasks import task


def versions(job: Job) -> dict[str, int]:
    """Version by part, as :func:`harness.specs.key` takes them."""
    recipe = recipe_of(job)
    parts = {f"task:{recipe.task}": task(recipe.task).VERSION}
    if isinstance(job, Combination):
        return {"combination": jobs.COMBINATION, **parts}
    network = family(recipe.network)
    terms = [term(loss) for loss in recipe.losses] if isinstance(job, Training) else []
    return {
        "jobs": jobs.VERSION,
        f"network:{network.name}": network.version,
        **{f"loss:{each.name}": each.version for each in terms},
        **parts,
    }
