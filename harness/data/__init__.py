"""Data sets: adapters of published layouts, phantoms, and their packed form.

A data set is added with one module of :mod:`harness.data.sets` that is named like it and holds an ``ADAPTER``, a
phantom with one module of :mod:`harness.data.phantoms` that holds a ``GENERATOR``. Neither needs another edit. Nothing
here imports torch, and nothing decodes an image before :func:`pack`.
"""

from harness.data.catalogue import Catalogue
from harness.data.dataset import IGNORED, Adapter, DataError, Generator, Item, Packed
from harness.data.fingerprints import fingerprint
from harness.data.packing import pack
from harness.data.registry import adapter, check, check_spec, companions, generator, has_phantom, is_phantom, names
from harness.data.splitting import Parts, split

__all__ = [
    "IGNORED",
    "Adapter",
    "Catalogue",
    "DataError",
    "Generator",
    "Item",
    "Packed",
    "Parts",
    "adapter",
    "check",
    "check_spec",
    "companions",
    "fingerprint",
    "generator",
    "has_phantom",
    "is_phantom",
    "names",
    "pack",
    "split",
]
