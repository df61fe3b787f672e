"""The data sets of the first command and of the papers, one folder each.

A folder holds what the set is, its licence and checksums (`README.md`) and `prepare.py`,
which declares the set (`SET`) and turns its original files into one pack. Nothing here
knows of the engine that trains on them.
"""

import importlib

from .source import BadData

NAMES = ("mnist", "fashion_mnist", "cifar10", "cifar100", "svhn", "imagenet_folder", "ptb", "sample")

__all__ = ["NAMES", "BadData", "describe"]


def describe(name):
    """The DataSet of this name; KeyError for another."""
    if name not in NAMES:
        raise KeyError(name)
    return importlib.import_module(f"{__name__}.{name}.prepare").SET
