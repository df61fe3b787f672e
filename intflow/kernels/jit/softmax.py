"""The softmax of rows: largest, table, quotient; two passes over a row that stays in the cache."""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, above, add, as_unsigned, band, launch, maximum, minimum, mul, narrowed, shl, share,
    sra, sub,
)

DEEPEST = 31
FARTHEST = 62


def softmax(out, totals, largest, y, table, factor, drop, rshift, bits, ntask):
    """Whole rows a task."""
    right, left = min(max(rshift, 0), FARTHEST), max(-rshift, 0)
    launch(_softmax_part, y.size, ntask,
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
        u = shl(sra(sra(mul(sub(most, y[j]), factor), drop), right), left)
        p = sra(table[as_unsigned(band(u, 255))], minimum(sra(u, 8), DEEPEST))
        out[j] = narrowed(p, out)
        total = add(total, p)
    return total


@njit(**SERIAL)
def _softmax_part(out, totals, largest, y, table, factor, drop, right, left, bits, task, ntask):
    start, stop = share(y.shape[0], task, ntask)
    for n in range(start, stop):
        largest[n] = _largest(y[n])
        totals[n] = _powers(out[n], y[n], largest[n], table, factor, drop, right, left)
        _divide(out[n], totals[n], bits)


@njit(**SERIAL)
def _divide(out, total, bits):
    """out = round(2**bits * out / total), by the reciprocal of 2 * total to `places` places.

    With N = out * 2**(bits + 1) + total < 2**places the quotient so found is right or one too
    small, and the product below 2**62: out <= total < 2**31.
    """
    places, divisor = 61 - bits, 2 * total
    reciprocal = (np.int64(1) << places) // divisor
    for j in range(out.size):
        n = add(shl(np.int64(out[j]), bits + 1), total)
        q = sra(mul(n, reciprocal), places)
        rest = sub(n, mul(q, divisor))
        out[j] = narrowed(add(q, above(rest, divisor - 1)), out)
