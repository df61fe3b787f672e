"""Shift-based AdaMax in one pass: three arrays read and written, nothing in between."""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, above, add, bxor, flat, launch, maximum, minimum, mul, narrowed, picked, share,
    shl, sign_bits, sra, sub,
)
from .shift_exponent import exponent, rounded

LARGEST = (1 << 30) - 1


def adamax_update(w, update, m, v, g, align, rshift, overwrites, lo, hi, ntask):
    """One parallel pass."""
    w, m, v, g = (flat(x, w.size) for x in (w, m, v, g))
    update = flat(update, w.size if update.size else 0)
    launch(_adamax_part, w.size, ntask, w, update, m, v, g, align, rshift, int(overwrites), lo, hi)


@njit(inline="always", **SERIAL)
def _step(mean, largest, rshift):
    """round(m * 2**-(k(v) + rshift)), 0 where v = 0; the same for v and for its power of two."""
    return mul(rounded(mean, add(exponent(largest), rshift)), above(largest, 0))


@njit(**SERIAL)
def _adamax_part(w, update, m, v, g, align, rshift, overwrites, lo, hi, task, ntask):
    i, j = share(w.size, task, ntask)
    w, update, m, v, g = w[i:j], update[i:j], m[i:j], v[i:j], g[i:j]      # of update maybe nothing
    for i in range(w.size):
        near = minimum(maximum(rounded(np.int64(g[i]), align), -LARGEST), LARGEST)
        old, largest = np.int64(m[i]), np.int64(v[i])
        mean = add(old, rounded(sub(near, old), np.int64(3)))
        size = sub(bxor(near, sign_bits(near)), sign_bits(near))
        largest = maximum(sub(largest, sra(largest, 10)), size)
        d = _step(mean, largest, rshift)
        power = shl(np.int64(1), exponent(largest))
        m[i] = narrowed(mean, m)
        v[i] = narrowed(picked(mul(overwrites, above(largest, 0)), power, largest), v)
        w[i] = narrowed(minimum(maximum(sub(np.int64(w[i]), d), lo), hi), w)
    for i in range(update.size):
        update[i] = narrowed(_step(np.int64(m[i]), np.int64(v[i]), rshift), update)
