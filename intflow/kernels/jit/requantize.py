"""Wide integers to narrow ones, by the thresholds of `thresholds.py`.

A rounding adds nothing to acc before the shift, so nothing overflows; clamping acc to
[lo, hi] * 2**n first makes a clip of the result unnecessary and gives the mask by one comparison.
Roundings that push odd quotients up (half odd, jam) have a loop of their own, so that the others
keep the shorter one.
"""

import numpy as np
from numba import njit

from ...formats.rounding import Rounding
from ..buffers import is_planning
from .primitives import (
    SERIAL, above, add, band, below, bor, flat, launch, maximum, minimum, narrowed,
    picked, same, share, shl, sign_bits, sra, sub, widened,
)
from .thresholds import threshold

NO_MASK = np.empty(0, np.uint8)


def requantize(out, acc, rshift, rounding, lo, hi, ntask):
    """Clamp, shift, compare with the threshold."""
    _requantize(out, NO_MASK, acc, rshift, rounding, lo, hi, ntask)


def requantize_masked(out, mask, acc, rshift, rounding, lo, hi, ntask):
    """The same loop; the mask is 1 where clamping changed nothing."""
    _requantize(out, flat(mask, out.size), acc, rshift, rounding, lo, hi, ntask)


def _requantize(out, mask, acc, rshift, rounding, lo, hi, ntask):
    if is_planning():
        return
    n = out.size
    out, acc = flat(out, n), flat(acc, n)
    rshift, lo, hi = int(rshift), int(lo), int(hi)          # Python's do not wrap below
    if rshift >= 0:
        acc, rshift, rounding = _gathered(acc, rshift, rounding)
        first, last = lo << rshift, hi << rshift
    else:
        first, last = -(-lo >> -rshift), hi >> -rshift
        rshift = max(rshift, 1 - 8 * max(4, acc.itemsize, out.itemsize))    # further: only 0 fits
    bounds = np.iinfo(acc.dtype)
    if first > bounds.max or last < bounds.min:             # every value lies on one side
        out[:] = lo if first > bounds.max else hi
        mask[:] = 0
        return
    first, last = max(first, bounds.min), min(last, bounds.max)
    base, negative, parity = threshold(rounding, 1 << max(rshift, 0))
    if rshift < 0:
        launch(_shift_left_part, n, ntask,
               out, mask, acc, -rshift, first, last, lo, hi)
    elif parity > 0:
        launch(_shift_to_odd_part, n, ntask,
               out, mask, acc, rshift, base, parity, first, last)
    else:
        launch(_shift_right_part, n, ntask,
               out, mask, acc, rshift, base, negative, -parity, first, last)


def limits(acc, rshift, rounding, lo, hi):
    """What a loop of `round_shift` takes, (rshift, base, negative, odd, first, last), or None.

    None: left shifts, shifts past the width, roundings to odd and ranges beyond the width, which
    `requantize` treats apart.
    """
    rshift, lo, hi = int(rshift), int(lo), int(hi)
    bounds = np.iinfo(acc.dtype)
    if not 0 <= rshift <= (63 if acc.itemsize == 8 else 31):
        return None
    first, last = lo << rshift, hi << rshift
    base, negative, parity = threshold(rounding, 1 << rshift)
    if parity > 0 or first > bounds.max or last < bounds.min:
        return None
    return rshift, base, negative, -parity, max(first, bounds.min), min(last, bounds.max)


def _gathered(acc, rshift, rounding):
    """(acc, rshift, rounding) such that the arithmetic's width holds rshift.

    Where all bits but the sign drop, the lowest ones are replaced by one that says whether any
    was set: no single rounding can tell the difference. Three places beyond the width, nothing
    changes.
    """
    widest = 63 if acc.itemsize == 8 else 31
    if rshift > widest and rounding == Rounding.GEMMLOWP:
        acc, rshift, rounding = _halved(acc), rshift - 1, Rounding.HALF_AWAY
    if rshift <= widest:
        return acc, rshift, rounding
    lowest = min(rshift - widest, 3)
    any_set = (acc & ((1 << lowest) - 1)) != 0
    return (acc >> lowest) | any_set, widest, rounding


def _halved(acc):
    """acc / 2 rounded half up. -1 stays below zero, where the mask looks: it drops away anyhow."""
    return (acc >> 1) + (acc & (acc != -1))


@njit(**SERIAL)
def round_shift(a, rshift, base, negative, odd):
    """a * 2**-rshift by a threshold whose parity is -odd, in the width of a."""
    q = sra(a, rshift)
    dropped = band(a, sub(shl(same(a, a), rshift), 1))
    limit = sub(add(band(sign_bits(a), negative), base), band(q, odd))
    return add(q, above(dropped, limit))


@njit(**SERIAL)
def round_shift_to_odd(a, rshift, base, parity):
    """a * 2**-rshift by a threshold without a sign, in the width of a."""
    q = sra(a, rshift)
    dropped = band(a, sub(shl(same(a, a), rshift), 1))
    limit = add(picked(band(q, 1), parity, band(q, 0)), base)
    return add(q, above(dropped, limit))


@njit(**SERIAL)
def _shift_right_part(out, mask, acc, rshift, base, negative, odd, first, last, task, ntask):
    i, j = share(out.size, task, ntask)
    out, mask, acc = out[i:j], mask[i:j], acc[i:j]
    if mask.size == 0:
        for i in range(out.size):
            a = minimum(maximum(widened(acc[i], acc), first), last)
            out[i] = narrowed(round_shift(a, rshift, base, negative, odd), out)
    else:
        for i in range(out.size):
            a = widened(acc[i], acc)
            c = minimum(maximum(a, first), last)
            out[i] = narrowed(round_shift(c, rshift, base, negative, odd), out)
            mask[i] = narrowed(same(a, c), mask)


@njit(**SERIAL)
def _shift_to_odd_part(out, mask, acc, rshift, base, parity, first, last, task, ntask):
    i, j = share(out.size, task, ntask)
    out, mask, acc = out[i:j], mask[i:j], acc[i:j]
    for i in range(out.size):
        a = minimum(maximum(widened(acc[i], acc), first), last)
        out[i] = narrowed(round_shift_to_odd(a, rshift, base, parity), out)
    for i in range(mask.size):
        a = widened(acc[i], acc)
        mask[i] = narrowed(same(a, minimum(maximum(a, first), last)), mask)


@njit(**SERIAL)
def _shift_left_part(out, mask, acc, lshift, first, last, lo, hi, task, ntask):
    i, j = share(out.size, task, ntask)
    out, mask, acc = out[i:j], mask[i:j], acc[i:j]
    for i in range(out.size):
        a = widened(acc[i], out)
        v = picked(above(a, last), hi, shl(a, lshift))
        out[i] = narrowed(picked(below(a, first), lo, v), out)
    if mask.size:
        for i in range(out.size):
            a = widened(acc[i], out)
            mask[i] = narrowed(same(bor(above(a, last), below(a, first)), 0), mask)
