"""The softmax of rows: largest, table, quotient; two passes over a row that stays in the cache."""

import numpy as np
from numba import njit, prange

from .primitives import PARALLEL, SERIAL, launch, maximum, minimum, share

DEEPEST = 31
FARTHEST = 62


def softmax(out, totals, largest, y, table, factor, drop, rshift, bits, ntask):
    """Whole rows a task."""
    right, left = min(max(rshift, 0), FARTHEST), max(-rshift, 0)
    launch(_softmax, _softmax_part, y.size, ntask,
           out, totals, largest, y, table, factor, drop, right, left, bits)


@njit(**SERIAL)
def _largest(y):
    most = y[0]
    for j in range(y.size):
        most = maximum(most, y[j])
    return np.int64(most)


@njit(**SERIAL)
def _powers(out, y, most, table, factor, drop, right, left):
    """out = p; returns their sum."""
    total = np.int64(0)
    for j in range(y.size):
        u = ((((most - y[j]) * factor) >> drop) >> right) << left
        p = table[u & 255] >> minimum(u >> 8, DEEPEST)
        out[j] = p
        total += p
    return total


@njit(**SERIAL)
def _softmax_part(out, totals, largest, y, table, factor, drop, right, left, bits, task, ntask):
    start, stop = share(y.shape[0], task, ntask)
    for n in range(start, stop):
        largest[n] = _largest(y[n])
        total = _powers(out[n], y[n], largest[n], table, factor, drop, right, left)
        totals[n] = total
        for j in range(out.shape[1]):
            if out[n, j]:                           # most are far below the largest
                p = np.int64(out[n, j])
                out[n, j] = ((p << bits + 1) + total) // (2 * total)


@njit(**PARALLEL)
def _softmax(out, totals, largest, y, table, factor, drop, right, left, bits, ntask):
    for t in prange(ntask):
        _softmax_part(out, totals, largest, y, table, factor, drop, right, left, bits, np.int64(t),
                      ntask)
