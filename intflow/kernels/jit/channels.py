"""One number a channel: rows of C neighbours against two vectors."""

import numpy as np
from numba import njit, prange

from .primitives import PARALLEL, SERIAL, add, launch, mul, narrowed, shaped, share, widened


def scale_channels(out, x, a, b, ntask):
    """A product and a sum in the width of out."""
    shape = (out.size // max(len(a), 1), len(a))
    launch(_scale_channels, _scale_channels_part, out.size, ntask,
           shaped(out, shape), shaped(x, shape), a, b)


@njit(**SERIAL)
def _scale_row(out, x, a, b):
    for i in range(out.size):
        out[i] = narrowed(add(mul(widened(x[i], out), a[i]), b[i]), out)


@njit(**SERIAL)
def _scale_channels_part(out, x, a, b, task, ntask):
    """A run of rows."""
    first, last = share(out.shape[0], task, ntask)
    for row in range(first, last):
        _scale_row(out[row], x[row], a, b)


@njit(**PARALLEL)
def _scale_channels(out, x, a, b, ntask):
    for t in prange(ntask):
        _scale_channels_part(out, x, a, b, np.int64(t), ntask)
