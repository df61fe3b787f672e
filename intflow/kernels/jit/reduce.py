"""Whole tensors to one Python integer: a partial result per task, joined in Python integers."""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, above, add, as_unsigned, band, below, bor, bxor, flat, launch, maximum,
    minimum, mul, narrowed, share, sign_bits, srl, sub,
)

LINE = 8                # s64 to a cache line: tasks do not write to each other's
U32 = 0xFFFFFFFF


def max_abs(x, ntask):
    """From the smallest and the largest, so that -2**(bits-1) needs no wider type."""
    if x.size == 0:
        return 0
    ends = np.zeros((ntask, LINE), np.int64)
    launch(_extremes_part, x.size, ntask, ends, flat(x, x.size))
    return max(-int(ends[:, 0].min()), int(ends[:, 1].max()))


@njit(**SERIAL)
def _extremes_part(ends, x, task, ntask):
    i, j = share(x.size, task, ntask)
    x = x[i:j]
    low = high = narrowed(0, x)
    for i in range(x.size):
        low, high = minimum(low, x[i]), maximum(high, x[i])
    ends[task, 0], ends[task, 1] = low, high


def sum_squares(x, ntask):
    """Squares of the 32-bit halves of |x|, summed in 32-bit halves: exact below 2**32 elements.

    One task: it sees the outputs of a network, which are few.
    """
    sums = np.zeros(6, np.uint64)
    _square_sums(sums, flat(x, x.size))
    low, cross, high = (int(sums[k]) + (int(sums[k + 1]) << 32) for k in (0, 2, 4))
    return low + (cross << 33) + (high << 64)


@njit(**SERIAL)
def _square_sums(sums, x):
    """|x| = a * 2**32 + b: sums of b*b, a*b, a*a, each as low and high halves."""
    bb0 = bb1 = ab0 = ab1 = aa0 = aa1 = np.uint64(0)
    for i in range(x.size):
        v = np.int64(x[i])
        size = as_unsigned(sub(bxor(v, sign_bits(v)), sign_bits(v)))
        a, b = srl(size, 32), band(size, U32)
        bb, ab, aa = mul(b, b), mul(a, b), mul(a, a)
        bb0, bb1 = add(bb0, band(bb, U32)), add(bb1, srl(bb, 32))
        ab0, ab1 = add(ab0, band(ab, U32)), add(ab1, srl(ab, 32))
        aa0, aa1 = add(aa0, band(aa, U32)), add(aa1, srl(aa, 32))
    sums[0], sums[1], sums[2], sums[3], sums[4], sums[5] = bb0, bb1, ab0, ab1, aa0, aa1


def count_outside(x, lo, hi, ntask):
    """Compared in the width of x: bounds beyond it exclude nothing, or everything."""
    info = np.iinfo(x.dtype)
    if lo > info.max or hi < info.min:
        return x.size
    counts = np.zeros((ntask, LINE), np.int64)
    launch(_count_outside_part, x.size, ntask,
           counts, flat(x, x.size), max(lo, info.min), min(hi, info.max))
    return int(counts[:, 0].sum())


@njit(**SERIAL)
def _count_outside_part(counts, x, lo, hi, task, ntask):
    i, j = share(x.size, task, ntask)
    x = x[i:j]
    count = 0
    for i in range(x.size):
        count += bor(below(x[i], lo), above(x[i], hi))
    counts[task, 0] = count
