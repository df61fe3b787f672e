"""Wide integers to narrow ones. One loop serves every deterministic rounding.

With q = acc >> n and r the n bits dropped, each rounding is q + (r > threshold):

    rounding      threshold              at base    negative    odd
    floor         never                  mask       0           0
    toward zero   0 where acc < 0        mask       -mask       0
    half up       half - 1               half - 1   0           0
    half away     one more where < 0     half - 1   1           0
    half even     half, less q's parity  half       0           1

threshold = base + (negative where acc < 0) - (q & odd), half = 2**(n-1), mask = 2**n - 1. Nothing
is added to acc before the shift, so nothing overflows; clamping acc to [lo, hi] * 2**n first
makes a clip of the result unnecessary and gives the mask by one comparison.
"""

import numpy as np
from numba import njit, prange

from ...errors import UsageError
from ...formats.rounding import Rounding
from .primitives import (
    PARALLEL, SERIAL, above, add, band, below, bor, flat, launch, maximum, minimum, narrowed,
    picked, same, share, shl, sign_bits, sra, sub, widened,
)

NO_MASK = np.empty(0, np.uint8)
DETERMINISTIC = frozenset(Rounding) - {Rounding.STOCHASTIC}


def requantize(out, acc, rshift, rounding, lo, hi, ntask):
    """Clamp, shift, compare with the threshold."""
    _requantize(out, NO_MASK, acc, rshift, rounding, lo, hi, ntask)


def requantize_masked(out, mask, acc, rshift, rounding, lo, hi, ntask):
    """The same loop; the mask is 1 where clamping changed nothing."""
    _requantize(out, flat(mask, out.size), acc, rshift, rounding, lo, hi, ntask)


def _requantize(out, mask, acc, rshift, rounding, lo, hi, ntask):
    n = out.size
    out, acc = flat(out, n), flat(acc, n)
    rshift, lo, hi = int(rshift), int(lo), int(hi)          # Python's do not wrap below
    if rshift >= 0:
        acc, rshift = _gathered(acc, rshift)
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
    base, negative, odd = threshold(rounding, max(rshift, 0))
    if rshift >= 0:
        launch(_shift_right, _shift_right_part, n, ntask,
               out, mask, acc, rshift, base, negative, odd, first, last)
    else:
        launch(_shift_left, _shift_left_part, n, ntask,
               out, mask, acc, -rshift, first, last, lo, hi)


def _gathered(acc, rshift):
    """(acc, rshift) such that the arithmetic's width holds rshift.

    Where all bits but the sign drop, the lowest ones are replaced by one that says whether any
    was set: no rounding can tell the difference. Three places beyond the width, nothing changes.
    """
    widest = 63 if acc.itemsize == 8 else 31
    if rshift <= widest:
        return acc, rshift
    lowest = min(rshift - widest, 3)
    any_set = (acc & ((1 << lowest) - 1)) != 0
    return (acc >> lowest) | any_set, widest


def threshold(rounding, rshift):
    """(base, negative, odd) of the module's table; nothing rounds where nothing drops."""
    if rounding not in DETERMINISTIC:
        raise UsageError(
            "requantize takes a deterministic rounding, got stochastic; use stochastic_update"
        )
    mask, half = (1 << rshift) - 1, 1 << rshift >> 1
    return {
        Rounding.FLOOR: (mask, 0, 0),
        Rounding.TOWARD_ZERO: (mask, -mask, 0),
        Rounding.HALF_UP: (half - 1, 0, 0),
        Rounding.HALF_AWAY: (half - 1, 1, 0),
        Rounding.HALF_EVEN: (half, 0, 1),
    }[rounding if rshift else Rounding.FLOOR]


@njit(**SERIAL)
def round_shift(a, rshift, base, negative, odd):
    """a * 2**-rshift by the threshold, in the width of a."""
    q = sra(a, rshift)
    dropped = band(a, sub(shl(same(a, a), rshift), 1))
    limit = sub(add(band(sign_bits(a), negative), base), band(q, odd))
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


@njit(**PARALLEL)
def _shift_right(out, mask, acc, rshift, base, negative, odd, first, last, ntask):
    for t in prange(ntask):
        _shift_right_part(out, mask, acc, rshift, base, negative, odd, first, last,
                          np.int64(t), ntask)


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


@njit(**PARALLEL)
def _shift_left(out, mask, acc, lshift, first, last, lo, hi, ntask):
    for t in prange(ntask):
        _shift_left_part(out, mask, acc, lshift, first, last, lo, hi, np.int64(t), ntask)
