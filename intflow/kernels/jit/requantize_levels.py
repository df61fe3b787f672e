"""Wide integers to the codes of a grid: clamp, multiply, shift, in 32 bits where these hold it."""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, above, add, band, bxor, bor, below, flat, launch, maximum, minimum, mul,
    narrowed, picked, same, share, shl, sign_bits, sra, sub,
)
from .thresholds import threshold

SHORT, WIDE = np.empty(0, np.int32), np.empty(0, np.int64)


def requantize_levels(out, mask, x, lo, hi, p, rshift, rounding, least, most, ntask):
    """The thresholds of the shift, then one parallel pass."""
    n = out.size
    out, x, mask = flat(out, n), flat(x, n), flat(mask, n if mask.size else 0)
    lo, hi, p, rshift = int(lo), int(hi), int(p), int(rshift)       # Python's do not wrap below
    fits = x.itemsize <= 4 and rshift <= 30 and (max(abs(lo), abs(hi)) + 1) * p < 1 << 31
    info = np.iinfo(x.dtype)
    first, last = max(lo - 1, info.min), min(hi + 1, info.max)
    launch(_levels_part, n, ntask, out, mask, x, SHORT if fits else WIDE,
           first, last, lo, hi, p, rshift, *threshold(rounding, 1 << rshift), least, most)


@njit(**SERIAL)
def _levels_part(out, mask, x, like, first, last, lo, hi, p, rshift, base, negative, parity,
                 least, most, task, ntask):
    i, j = share(out.size, task, ntask)
    out, mask, x = out[i:j], mask[i:j], x[i:j]
    for i in range(out.size):
        c = narrowed(minimum(maximum(np.int64(x[i]), first), last), like)
        v = mul(c, p)
        q = sra(v, rshift)
        rest = band(v, sub(shl(same(v, v), rshift), 1))
        limit = add(band(sign_bits(v), negative), base)
        limit = add(limit, picked(band(q, 1), parity, band(q, 0)))
        q = add(q, above(rest, limit))
        out[i] = narrowed(minimum(maximum(q, least), most), out)
    for i in range(mask.size):
        c = np.int64(x[i])
        mask[i] = narrowed(bxor(bor(below(c, lo), above(c, hi)), 1), mask)
