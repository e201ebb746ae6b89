"""Networks: families of segmenters and classifiers, their losses, and weights to start from.

A family is added with one module of :mod:`harness.networks.families` that holds a ``FAMILY``, a loss with one module of
:mod:`harness.networks.losses` that holds a ``TERM``. Neither needs another edit. Nothing here imports torch before a
network is built: :mod:`harness.networks.building` and :mod:`harness.networks.weights` do.
"""

from harness.networks.family import Family
from harness.networks.registry import family, registered
from harness.networks.weight_files import WeightsError

__all__ = ["Family", "WeightsError", "family", "registered"]
