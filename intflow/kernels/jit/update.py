"""The weight update in groups of 1024: random numbers into L1, then two vector loops.

Three forms of d = sign(g) * ((|g| * p + R) // D), by what the widths allow:

    short    u32: g s32, p = q = 1, 0 <= rshift <= 31     |g| + R <= 2**31 + 2**31 - 1 < 2**32
    shift    u64: D a power of two
    divide   u64: any D
"""

import numpy as np
from numba import njit

from ...random_streams import PURPOSES
from .primitives import (
    SERIAL, add, as_unsigned, bxor, flat, launch, maximum, minimum, mul, narrowed,
    share, shl, sign_bits, srl, sub, widened,
)
from .random import GROUP, U32, random_group

SHORT, SHIFT, DIVIDE = 0, 1, 2
FAR_SHORT, FAR = 1 << 30, 1 << 62       # |d| is cut here before w - d: past any weight's range


def stochastic_update(w, update, g, p, q, rshift, lo, hi, seed, step, tensor, ntask):
    """Choose the form, then one parallel pass."""
    n = w.size
    w, g = flat(w, n), flat(g, n)
    update = flat(update, n if update.size else 0)
    p, q, rshift = int(p), int(q), int(rshift)              # Python's do not wrap below
    lshift, rshift = max(-rshift, 0), max(rshift, 0)
    divisor = q << rshift
    drop = max(0, (divisor - 1).bit_length() - 32)
    if g.itemsize <= 4 and w.itemsize <= 2 and p == q == 1 and lshift == 0 and rshift <= 31:
        form = SHORT
    elif divisor & (divisor - 1) == 0:
        form, rshift = SHIFT, divisor.bit_length() - 1
    else:
        form = DIVIDE
    launch(_stochastic_update_part, n, ntask,
           w, update, g, form, p, lshift, rshift, divisor, drop, lo, hi,
           tensor, step, PURPOSES["update"], seed & U32, seed >> 32)


@njit(**SERIAL)
def _stochastic_update_part(w, update, g, form, p, lshift, rshift, divisor, drop, lo, hi,
                            tensor, step, purpose, key0, key1, task, ntask):
    """Whole groups, each with its random numbers and steps in buffers that stay in L1."""
    first, last = share((w.size + GROUP - 1) // GROUP, task, ntask)
    random = np.empty(GROUP, np.uint32)
    short, wide = np.empty(GROUP, np.int32), np.empty(GROUP, np.int64)
    for group in range(first, last):
        i, j = group * GROUP, min(group * GROUP + GROUP, w.size)
        random_group(random, group, tensor, step, purpose, key0, key1)
        if form == SHORT:
            _round_short(short, g[i:j], random, rshift)
            subtract(w[i:j], update[i:j], short, lo, hi, FAR_SHORT)
        else:
            if form == SHIFT:
                round_by_shift(wide, g[i:j], random, p, lshift, rshift, divisor, drop)
            else:
                round_by_division(wide, g[i:j], random, p, lshift, divisor, drop)
            subtract(w[i:j], update[i:j], wide, lo, hi, FAR)


@njit(**SERIAL)
def _round_short(d, g, random, rshift):
    """R = r >> (32 - rshift), in two steps since a shift by 32 is none."""
    for i in range(g.size):
        v = widened(g[i], g)
        sign = sign_bits(v)
        size = as_unsigned(sub(bxor(v, sign), sign))
        r = srl(srl(random[i], 1), 31 - rshift)
        d[i] = sub(bxor(narrowed(srl(add(size, r), rshift), d), sign), sign)


@njit(**SERIAL)
def _size_and_random(v, r, p, lshift, divisor, drop):
    """|g| * p * 2**lshift + R as u64."""
    sign = sign_bits(v)
    size = shl(mul(as_unsigned(sub(bxor(v, sign), sign)), p), lshift)
    below = shl(srl(mul(np.uint64(r), srl(np.uint64(divisor), drop)), 32), drop)
    return add(size, below)


@njit(**SERIAL)
def round_by_shift(d, g, random, p, lshift, rshift, divisor, drop):
    """d = sign(g) * ((|g| * p * 2**lshift + R) >> rshift), D = 2**rshift."""
    for i in range(g.size):
        v = widened(g[i], d)
        sign = sign_bits(v)
        size = srl(_size_and_random(v, random[i], p, lshift, divisor, drop), rshift)
        d[i] = sub(bxor(narrowed(size, d), sign), sign)


@njit(**SERIAL)
def round_by_division(d, g, random, p, lshift, divisor, drop):
    """d = sign(g) * ((|g| * p * 2**lshift + R) // D)."""
    by = np.uint64(divisor)
    for i in range(g.size):
        v = widened(g[i], d)
        sign = sign_bits(v)
        size = _size_and_random(v, random[i], p, lshift, divisor, drop) // by
        d[i] = sub(bxor(narrowed(size, d), sign), sign)


@njit(**SERIAL)
def subtract(w, update, d, lo, hi, far):
    """w = clip(w - d, lo, hi) in the width of d, where |w| + far does not wrap; update = d."""
    for i in range(w.size):
        near = minimum(maximum(d[i], -far), far)
        v = sub(widened(w[i], d), near)
        w[i] = narrowed(minimum(maximum(v, lo), hi), w)
    for i in range(update.size):
        update[i] = narrowed(d[i], update)
