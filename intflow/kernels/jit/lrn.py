"""Local response normalisation: a running sum of squares along each row of channels."""

import numpy as np
from numba import njit

from .primitives import SERIAL, launch, narrowed, shaped, share

FRACTION = 16


def local_response_norm(out, x, table, size, factor, rshift, offset, first, ntask):
    """Squares enter and leave one sum; the table is read once for every element."""
    shape = (-1, x.shape[-1]) if x.size else (0, 1)
    launch(_local_response_norm_part, 8 * x.size, ntask,
           shaped(out, shape), shaped(x, shape), table, size, factor, rshift, offset, first)


@njit(**SERIAL)
def _leading(value):
    """Position of the leading bit of an s64 above 0."""
    lead, step = 0, 32
    while step:
        if value >> (lead + step):
            lead += step
        step >>= 1
    return lead


@njit(**SERIAL)
def _power(value, table, first):
    lead = _leading(value)
    below = (value >> (lead - FRACTION)) & 0xFFFF
    i, j = below >> 8, below & 0xFF
    a, b = np.int64(table[lead - first, i]), np.int64(table[lead - first, i + 1])
    return a - (((a - b) * j + 128) >> 8)


@njit(**SERIAL)
def _normalise_row(out, x, table, size, factor, rshift, offset, first):
    half = (np.int64(1) << rshift) >> 1
    before, after = size // 2, (size - 1) // 2
    total = np.int64(0)
    for c in range(min(after, x.size)):
        total += np.int64(x[c]) * np.int64(x[c])
    for c in range(x.size):
        if c + after < x.size:
            total += np.int64(x[c + after]) * np.int64(x[c + after])
        if c - before - 1 >= 0:
            total -= np.int64(x[c - before - 1]) * np.int64(x[c - before - 1])
        r = _power(offset + ((total * factor + half) >> rshift), table, first)
        out[c] = narrowed(np.int64(x[c]) * r, out)


@njit(**SERIAL)
def _local_response_norm_part(out, x, table, size, factor, rshift, offset, first, task, ntask):
    """A run of rows."""
    start, stop = share(out.shape[0], task, ntask)
    for row in range(start, stop):
        _normalise_row(out[row], x[row], table, size, factor, rshift, offset, first)
