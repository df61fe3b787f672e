"""What intflow finds on this machine."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from .. import __version__
from ..data import data_folders
from ..kernels import available, cpu_features, threads

PACKAGES = ("numpy", "numba", "llvmlite", "scipy", "h5py", "click")


def describe():
    """{name: text, list or dictionary}, in the order shown."""
    backends = {
        name: "available" if ok else reason for name, (ok, reason) in available().items()
    }
    return {
        "intflow": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "threads": threads.describe(),
        "cpu": cpu_features(),
        "backends": backends,
        "data folders": [str(folder) for folder in data_folders()],
    }


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
