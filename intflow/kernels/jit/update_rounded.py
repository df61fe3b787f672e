"""The update by a threshold or by draws from elsewhere: groups whose steps stay in L1.

Each comes in two forms of g * p / D, by what D allows: shifts where it is a power of two, else a
division.
"""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, above, add, as_unsigned, band, below, bor, bxor, flat, launch, mul, picked,
    share, shl, sign_bits, sra, srl, sub, widened,
)
from .thresholds import threshold
from .update import FAR, subtract

GROUP = 1024            # weights worked at a time
DIVIDE = -1             # in place of a shift


def rounded_update(w, update, g, p, q, rshift, rounding, lo, hi, ntask):
    """The thresholds of D, then one parallel pass."""
    w, update, g, p, lshift, rshift, divisor = _prepared(w, update, g, p, q, rshift)
    launch(_rounded_update_part, w.size, ntask,
           w, update, g, p, lshift, rshift, divisor, *threshold(rounding, divisor), lo, hi)


def drawn_update(w, update, g, p, q, rshift, lo, hi, draws, bits, ntask):
    """One parallel pass."""
    w, update, g, p, lshift, rshift, divisor = _prepared(w, update, g, p, q, rshift)
    launch(_drawn_update_part, w.size, ntask,
           w, update, g, flat(draws, w.size), p, lshift, rshift, divisor, bits, lo, hi)


def _prepared(w, update, g, p, q, rshift):
    """Rows, and D with its logarithm or DIVIDE."""
    n = w.size
    p, q, rshift = int(p), int(q), int(rshift)              # Python's do not wrap below
    divisor = q << max(rshift, 0)
    shift = divisor.bit_length() - 1 if divisor & (divisor - 1) == 0 else DIVIDE
    return (flat(w, n), flat(update, n if update.size else 0), flat(g, n), p, max(-rshift, 0),
            shift, divisor)


@njit(**SERIAL)
def _rounded_update_part(w, update, g, p, lshift, rshift, divisor, base, negative, parity, lo, hi,
                         task, ntask):
    first, last = share((w.size + GROUP - 1) // GROUP, task, ntask)
    steps = np.empty(GROUP, np.int64)
    for group in range(first, last):
        i, j = group * GROUP, min(group * GROUP + GROUP, w.size)
        if rshift == DIVIDE:
            _round_by_division(steps, g[i:j], p, lshift, divisor, base, negative, parity)
        else:
            _round_by_shift(steps, g[i:j], p, lshift, rshift, base, negative, parity)
        subtract(w[i:j], update[i:j], steps, lo, hi, FAR)


@njit(**SERIAL)
def _up(x, q, rest, base, negative, parity):
    """1 where the rest lies above the threshold, else 0."""
    limit = add(band(sign_bits(x), negative), base)
    return above(rest, add(limit, picked(band(q, 1), parity, np.int64(0))))


@njit(**SERIAL)
def _round_by_shift(d, g, p, lshift, rshift, base, negative, parity):
    for i in range(g.size):
        x = shl(mul(widened(g[i], d), p), lshift)
        q = sra(x, rshift)
        d[i] = add(q, _up(x, q, sub(x, shl(q, rshift)), base, negative, parity))


@njit(**SERIAL)
def _round_by_division(d, g, p, lshift, divisor, base, negative, parity):
    for i in range(g.size):
        x = shl(mul(widened(g[i], d), p), lshift)
        q = x // divisor
        d[i] = add(q, _up(x, q, sub(x, mul(q, divisor)), base, negative, parity))


@njit(**SERIAL)
def _drawn_update_part(w, update, g, draws, p, lshift, rshift, divisor, bits, lo, hi, task, ntask):
    first, last = share((w.size + GROUP - 1) // GROUP, task, ntask)
    steps = np.empty(GROUP, np.int64)
    for group in range(first, last):
        i, j = group * GROUP, min(group * GROUP + GROUP, w.size)
        if rshift == DIVIDE:
            _draw_by_division(steps, g[i:j], draws[i:j], p, lshift, divisor, bits)
        else:
            _draw_by_shift(steps, g[i:j], draws[i:j], p, lshift, rshift, bits)
        subtract(w[i:j], update[i:j], steps, lo, hi, FAR)


@njit(**SERIAL)
def _size(v, p, lshift):
    """|v| * p * 2**lshift as u64."""
    sign = sign_bits(v)
    return shl(mul(as_unsigned(sub(bxor(v, sign), sign)), p), lshift)


@njit(**SERIAL)
def _signed(size, v):
    """size as s64 with the sign of v."""
    sign = sign_bits(v)
    return sub(bxor(np.int64(size), sign), sign)


@njit(**SERIAL)
def _draw_by_shift(d, g, draws, p, lshift, rshift, bits):
    """The fraction's first `bits` bits: the rest shifted until it has so many."""
    down, up = max(rshift - bits, 0), max(bits - rshift, 0)
    for i in range(g.size):
        v = widened(g[i], d)
        size = _size(v, p, lshift)
        whole = srl(size, rshift)
        fraction = shl(srl(sub(size, shl(whole, rshift)), down), up)
        d[i] = _signed(add(whole, above(fraction, draws[i])), v)


@njit(**SERIAL)
def _draw_by_division(d, g, draws, p, lshift, divisor, bits):
    """The fraction by long division, a bit at a time: rest * 2**bits may need 96 bits."""
    by = np.uint64(divisor)
    for i in range(g.size):
        v = widened(g[i], d)
        size = _size(v, p, lshift)
        whole = size // by
        rest, fraction = sub(size, mul(whole, by)), band(size, 0)
        for _ in range(bits):
            rest = shl(rest, 1)
            enough = bxor(below(rest, by), 1)
            rest = picked(enough, sub(rest, by), rest)
            fraction = bor(shl(fraction, 1), enough)
        d[i] = _signed(add(whole, above(fraction, draws[i])), v)
