"""Threads of the compiled kernels: which library starts them, and where they run.

OpenMP starts a parallel region in 2 microseconds, Numba's own layer in 125. Left alone, its
threads now and then share one core for a whole run, so they are pinned; but only where they take
every processor that this process may use, since two runs on half a machine each would be pinned to
the same half. What the user's environment says is left as it is.
"""

import os
from importlib import import_module
from importlib.util import find_spec

LAYERS = {"omp": "omppool", "tbb": "tbbpool", "workqueue": "workqueue"}      # fastest first
BIND = "OMP_PROC_BIND"


def processors():
    """Numbers of the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


ALL = processors()


def prepare(threads):
    """Before the first parallel kernel: choose the layer, and pin where it helps.

    threads : int; how many there will be.
    """
    import numba

    if "NUMBA_THREADING_LAYER_PRIORITY" not in os.environ:
        numba.config.THREADING_LAYER_PRIORITY = list(LAYERS)
    if 1 < threads == len(ALL):
        os.environ.setdefault(BIND, "true")     # read when OpenMP is loaded


def leave_core():
    """Let the calling thread run on every processor again.

    A thread inherits the core of the one that started it, which the kernels may have pinned.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, ALL)


def describe():
    """The layer that kernels will use, and whether it will be pinned.

    Examples
    --------
    "omp, pinned": OpenMP, every thread on a core of its own.
    """
    import numba

    layer = numba.config.THREADING_LAYER
    if layer not in LAYERS:
        layer = next(name for name in LAYERS if _is_there(name))
    if layer != "omp":
        return layer
    bound = os.environ.get(BIND, "true" if len(ALL) > 1 else "false")
    return f"omp, {'not pinned' if bound.lower() == 'false' else 'pinned'}"


def _is_there(layer):
    """Whether Numba has the layer; one that lacks its library is found only by importing it."""
    name = f"numba.np.ufunc.{LAYERS[layer]}"
    try:
        return find_spec(name) is not None and import_module(name) is not None
    except ImportError:
        return False
