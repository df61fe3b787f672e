"""Sums in an accumulator that is too narrow: the fast twin of reference/accumulate.py.

A row's sums lie side by side in the lanes of vectors. Products of 0 are left out where they cannot
matter: they change no sum, so only their places in the tiles count. What remains is taken GROUP
terms at a time, so that a sum stays in its register in between.
"""

import numpy as np
from numba import njit

from ...formats.rounding import Overflow, code_range
from .parts import run_parts
from .primitives import (
    SERIAL, add, flat, launch, maximum, minimum, mul, narrowed, picked, same, share, shl, sra,
)
from .reduce import LINE

GROUP = 8
CHUNK = 1024            # terms gathered at a time, a multiple of GROUP
FEW = 1 << 16           # products below which a second thread costs more than it saves


def ordered_sums(out, seen, a, b, table, rows, terms, lanes, tile, lo, hi,
                 product_lo=0, product_hi=0, product_wraps=False, ntask=1):
    """See reference/accumulate.py. Rows are shared out; each is one task's."""
    if a.dtype != b.dtype:                              # fewer kinds of code to compile
        common = np.int16 if max(a.itemsize, b.itemsize) <= 2 else np.int64
        a, b = a.astype(common), b.astype(common)
    drop = 8 * out.itemsize - product_hi.bit_length() - 1 if product_wraps else 0
    few = len(rows) * len(terms) * lanes < FEW
    info = np.iinfo(out.dtype)
    run_parts(_sum_rows_part, 1 if few else ntask, out, seen, a, b, table, rows, terms, lanes, tile,
              lo, hi, product_lo, product_hi, drop, (int(info.min), int(info.max)))


@njit(**SERIAL)
def _sum_rows_part(out, seen, a, b, table, rows, terms, lanes, tile, lo, hi, product_lo,
                   product_hi, drop, limits, task, ntask):
    first, last = share(rows.shape[0], task, ntask)
    values, places = np.empty(CHUNK, out.dtype), np.empty(CHUNK, np.int64)
    each = tile == 1
    each_lo, each_hi = (lo, hi) if each else limits
    for r in range(first, last):
        at = rows[r, 3]
        acc = out[at:at + lanes]
        acc[:] = 0
        overflows = largest = np.int64(0)
        start, closing = 0, tile
        while start < terms.shape[0]:
            stop = min(start + CHUNK, terms.shape[0])
            if not each:
                stop = min(stop, closing)
            count = _gather(values, places, a, table[rows[r, 0]], terms[start:stop],
                            rows[r, 1], rows[r, 2])
            more = size = np.int64(0)
            if product_hi:
                more, size = _add_fitted(acc, values, places, count, b, product_lo, product_hi,
                                         drop, each_lo, each_hi)
            elif each:
                more, size = _add_each(acc, values, places, count, b, lo, hi)
            else:
                _add_all(acc, values, places, count, b)
            start, overflows = stop, overflows + more
            if each:
                largest = max(largest, size)
            elif start == closing or start == terms.shape[0]:
                more, size = _fit(acc, lo, hi)
                overflows, largest = overflows + more, max(largest, size)
                closing += tile
        seen[r, 0], seen[r, 1] = overflows, largest


@njit(**SERIAL)
def _gather(values, places, a, line, terms, a_at, b_at):
    """Left operands that are not 0 and where their right ones start, filled up with zeros to a
    multiple of GROUP; returns how many."""
    count = 0
    for k in range(terms.shape[0]):
        place = line[terms[k, 0]]
        if place >= 0:
            value = a[place + a_at + terms[k, 1]]
            values[count], places[count] = value, b_at + terms[k, 2]
            count += value != 0
    while count % GROUP:
        values[count], places[count] = 0, b_at
        count += 1
    return count


@njit(**SERIAL)
def _add_each(acc, values, places, count, b, lo, hi):
    """Add and clip product by product; returns overflows and the largest |sum|."""
    overflows = np.int64(0)
    low = high = narrowed(0, acc)
    n = acc.size
    for k in range(0, count, GROUP):
        a0, a1, a2, a3 = values[k], values[k + 1], values[k + 2], values[k + 3]
        a4, a5, a6, a7 = values[k + 4], values[k + 5], values[k + 6], values[k + 7]
        b0, b1 = _lanes(b, places[k], n), _lanes(b, places[k + 1], n)
        b2, b3 = _lanes(b, places[k + 2], n), _lanes(b, places[k + 3], n)
        b4, b5 = _lanes(b, places[k + 4], n), _lanes(b, places[k + 5], n)
        b6, b7 = _lanes(b, places[k + 6], n), _lanes(b, places[k + 7], n)
        inside = narrowed(0, acc)
        for i in range(n):
            s0 = add(acc[i], mul(a0, b0[i]))
            c0 = minimum(maximum(s0, lo), hi)
            s1 = add(c0, mul(a1, b1[i]))
            c1 = minimum(maximum(s1, lo), hi)
            s2 = add(c1, mul(a2, b2[i]))
            c2 = minimum(maximum(s2, lo), hi)
            s3 = add(c2, mul(a3, b3[i]))
            c3 = minimum(maximum(s3, lo), hi)
            s4 = add(c3, mul(a4, b4[i]))
            c4 = minimum(maximum(s4, lo), hi)
            s5 = add(c4, mul(a5, b5[i]))
            c5 = minimum(maximum(s5, lo), hi)
            s6 = add(c5, mul(a6, b6[i]))
            c6 = minimum(maximum(s6, lo), hi)
            s7 = add(c6, mul(a7, b7[i]))
            c7 = minimum(maximum(s7, lo), hi)
            acc[i] = c7
            inside = add(inside, add(
                add(add(same(s0, c0), same(s1, c1)), add(same(s2, c2), same(s3, c3))),
                add(add(same(s4, c4), same(s5, c5)), add(same(s6, c6), same(s7, c7)))))
            low = minimum(low, minimum(minimum(minimum(s0, s1), minimum(s2, s3)),
                                       minimum(minimum(s4, s5), minimum(s6, s7))))
            high = maximum(high, maximum(maximum(maximum(s0, s1), maximum(s2, s3)),
                                         maximum(maximum(s4, s5), maximum(s6, s7))))
        overflows += GROUP * n - np.int64(inside)
    return overflows, max(-np.int64(low), np.int64(high))


@njit(**SERIAL)
def _add_all(acc, values, places, count, b):
    """Add products without a look at the sums."""
    n = acc.size
    for k in range(0, count, GROUP):
        a0, a1, a2, a3 = values[k], values[k + 1], values[k + 2], values[k + 3]
        a4, a5, a6, a7 = values[k + 4], values[k + 5], values[k + 6], values[k + 7]
        b0, b1 = _lanes(b, places[k], n), _lanes(b, places[k + 1], n)
        b2, b3 = _lanes(b, places[k + 2], n), _lanes(b, places[k + 3], n)
        b4, b5 = _lanes(b, places[k + 4], n), _lanes(b, places[k + 5], n)
        b6, b7 = _lanes(b, places[k + 6], n), _lanes(b, places[k + 7], n)
        for i in range(n):
            s = add(add(mul(a0, b0[i]), mul(a1, b1[i])), add(mul(a2, b2[i]), mul(a3, b3[i])))
            t = add(add(mul(a4, b4[i]), mul(a5, b5[i])), add(mul(a6, b6[i]), mul(a7, b7[i])))
            acc[i] = add(acc[i], add(s, t))


@njit(**SERIAL)
def _add_fitted(acc, values, places, count, b, product_lo, product_hi, drop, lo, hi):
    """Add products, each first clipped or, where drop is not 0, without its high bits; clip the
    sum each time. Returns overflows of both and the largest |sum|."""
    overflows = np.int64(0)
    low = high = narrowed(0, acc)
    n = acc.size
    for k in range(count):
        value, right = values[k], _lanes(b, places[k], n)
        inside = narrowed(0, acc)
        for i in range(n):
            p = mul(value, right[i])
            clipped = minimum(maximum(p, product_lo), product_hi)
            fitted = picked(drop, sra(shl(p, drop), drop), clipped)
            s = add(acc[i], fitted)
            c = minimum(maximum(s, lo), hi)
            inside = add(inside, add(same(p, fitted), same(s, c)))
            low, high = minimum(low, s), maximum(high, s)
            acc[i] = c
        overflows += 2 * n - np.int64(inside)
    return overflows, max(-np.int64(low), np.int64(high))


@njit(**SERIAL)
def _fit(acc, lo, hi):
    """Clip every sum; returns overflows and the largest |sum| before."""
    low = high = inside = narrowed(0, acc)
    for i in range(acc.size):
        c = minimum(maximum(acc[i], lo), hi)
        inside = add(inside, same(acc[i], c))
        low, high = minimum(low, acc[i]), maximum(high, acc[i])
        acc[i] = c
    return acc.size - np.int64(inside), max(-np.int64(low), np.int64(high))


@njit(**SERIAL)
def _lanes(b, place, n):
    return b[place:place + n]


def fit_sums(x, bits, mode, ntask):
    """See reference/accumulate.py. One loop for all modes: memory bounds it."""
    mode = Overflow(mode)
    lo, hi = code_range(bits, symmetric=mode is Overflow.SATURATE_SYMMETRIC)
    ends = np.zeros((ntask, LINE), np.int64)
    launch(_fit_all_part, x.size, ntask, ends, flat(x, x.size), lo, hi,
           8 * x.itemsize - bits, mode is Overflow.WRAP, mode is Overflow.TRAP)
    largest = max(-int(ends[:, 1].min()), int(ends[:, 2].max()))
    return int(ends[:, 0].sum()), largest


@njit(**SERIAL)
def _fit_all_part(ends, x, lo, hi, drop, wraps, keeps, task, ntask):
    i, j = share(x.size, task, ntask)
    x = x[i:j]
    low = high = inside = narrowed(0, x)
    for i in range(x.size):
        v = x[i]
        clipped = minimum(maximum(v, lo), hi)
        inside = add(inside, same(v, clipped))
        low, high = minimum(low, v), maximum(high, v)
        x[i] = picked(wraps, sra(shl(v, drop), drop), picked(keeps, v, clipped))
    ends[task, 0], ends[task, 1], ends[task, 2] = x.size - np.int64(inside), low, high
