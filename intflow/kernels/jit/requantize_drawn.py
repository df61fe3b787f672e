"""Wide to narrow by draws, in u64: clamp, split, compare the fraction with its draw."""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, above, add, as_unsigned, bxor, flat, launch, maximum, minimum, narrowed, same,
    share, shl, sign_bits, srl, sub,
)

WIDEST_SHIFT = 62


def requantize_drawn(out, mask, acc, rshift, lo, hi, draws, bits, ntask):
    """Bits that no draw sees are dropped first, so that the rest of the shift is at most 62."""
    n = out.size
    out, acc, draws = flat(out, n), flat(acc, n), flat(draws, n)
    mask = flat(mask, n if mask.size else 0)
    rshift, lo, hi = int(rshift), int(lo), int(hi)          # Python's do not wrap below
    first, last = lo << rshift, hi << rshift
    bounds = np.iinfo(np.int64)
    if first > bounds.max or last < bounds.min:             # every value lies on one side
        out[:] = lo if first > bounds.max else hi
        mask[:] = 0
        return
    unseen = min(max(rshift - WIDEST_SHIFT, 0), 63)
    launch(_requantize_drawn_part, n, ntask,
           out, mask, acc, draws, unseen, min(rshift, WIDEST_SHIFT), bits,
           max(first, bounds.min), min(last, bounds.max))


@njit(**SERIAL)
def _requantize_drawn_part(out, mask, acc, draws, unseen, rshift, bits, first, last, task, ntask):
    i, j = share(out.size, task, ntask)
    out, mask, acc, draws = out[i:j], mask[i:j], acc[i:j], draws[i:j]
    down, up = max(rshift - bits, 0), max(bits - rshift, 0)
    for i in range(out.size):
        c = minimum(maximum(np.int64(acc[i]), first), last)
        sign = sign_bits(c)
        size = srl(as_unsigned(sub(bxor(c, sign), sign)), unseen)
        whole = srl(size, rshift)
        fraction = shl(srl(sub(size, shl(whole, rshift)), down), up)
        v = np.int64(add(whole, above(fraction, np.uint64(draws[i]))))
        out[i] = narrowed(sub(bxor(v, sign), sign), out)
    for i in range(mask.size):
        a = np.int64(acc[i])
        mask[i] = narrowed(same(a, minimum(maximum(a, first), last)), mask)
