"""Sums in an accumulator that is too narrow: products added one by one, in a stated order.

Lingo: a *term* is one product's place in the order, a *row* is a run of sums that share their left
operand, a *lane* is one sum of a row. Sums of one row differ only in the right operand, so that

    out[row, lane] = sum over the terms of a[row, term] * b[row, term, lane]

To *fit* a value into lo..hi is to clip it; a value outside is counted as an overflow first.
"""

import numpy as np

from ...errors import RangeError, ShapeError, UsageError
from ...formats.rounding import Overflow, code_range
from .primitives import check_between, clip, store


def ordered_sums(out, seen, a, b, table, rows, terms, lanes, tile, lo, hi,
                 product_lo=0, product_hi=0, product_wraps=False):
    """Add products in order; after every `tile` of them, and after the last, fit the sum.

    Parameters
    ----------
    out : flat s32 or s64; its width also holds every value before it is fitted. Overwritten at
        rows[:, 3] + lane.
    seen : (rows, 2) s64. Overwritten: overflows of the row, and the largest |sum| before a fit.
    a, b : flat s8, u8 or s16; b also s64, for minifloat weights as integers.
    table : (spots, taps) s64; where in `a` a tap of a spot lies, -1 where it meets padding.
    rows : (rows, 4) s64; spot, and what is added to the places in a, b and out.
    terms : (terms, 3) s64, in order; tap, and what is added to the places in a and b.
    lanes : int; sums of a row, side by side in b and out.
    tile : int >= 1; products between two fits.
    lo, hi : int, lo <= 0 <= hi; what the accumulator holds.
    product_lo, product_hi : int; each product is first fitted to them. Both 0: it is not.
    product_wraps : keep the low bits of a product instead; product_hi is 2**(bits - 1) - 1.

    Raises
    ------
    RangeError : a value that out's width does not hold.

    Exactness
    ---------
    Exact integers; the fits named are the only loss. A term that meets padding is a product of
    0 in its place: it counts for the tiles.

    Examples
    --------
    Products 100, 100, -100 into -128..127: tile 1 gives 27 (127 - 100), one overflow, largest
    200; tile 2 the same; tile 3 gives 100, largest 100.
    """
    if tile < 1 or not lo <= 0 <= hi:
        raise UsageError(
            f"ordered_sums expects tile >= 1 and lo <= 0 <= hi, got {tile}, {lo} and {hi}"
        )
    if seen.shape != (len(rows), 2):
        raise ShapeError(f"ordered_sums expects seen of shape {(len(rows), 2)}, got {seen.shape}")
    lane = np.arange(lanes)
    sums = np.zeros((len(rows), lanes), np.int64)
    seen[...] = 0
    for number, (tap, a_at, b_at) in enumerate(terms.tolist(), 1):
        places = table[rows[:, 0], tap]
        left = np.where(places < 0, 0, a[np.where(places < 0, 0, places + rows[:, 1] + a_at)])
        right = b[rows[:, 2, None] + b_at + lane]
        products = left[:, None].astype(np.int64) * right
        _check(products, out)
        sums += _fitted_products(seen, products, product_lo, product_hi, product_wraps)
        _check(sums, out)
        if number % tile == 0 or number == len(terms):
            seen[:, 1] = np.maximum(seen[:, 1], np.abs(sums).max(axis=1, initial=0))
            sums = _fitted(seen, sums, lo, hi)
    out[rows[:, 3, None] + lane] = sums


def _fitted_products(seen, products, lo, hi, wraps):
    if not hi:
        return products
    if not wraps:
        return _fitted(seen, products, lo, hi)
    wrapped = wrap(products, hi.bit_length() + 1)
    seen[:, 0] += np.count_nonzero(wrapped != products, axis=1)
    return wrapped


def _fitted(seen, values, lo, hi):
    fitted = clip(values, lo, hi)
    seen[:, 0] += np.count_nonzero(fitted != values, axis=1)
    return fitted


def wrap(values, bits):
    """The low bits of s64 values, read as two's complement.

    Examples
    --------
    200 in 8 bits: -56.
    """
    half = 1 << (bits - 1)
    low = values & ((1 << bits) - 1) if bits < 64 else values
    return low - 2 * (low & half) if bits < 64 else low


def _check(values, out):
    info = np.iinfo(out.dtype)
    if values.size and (values.min() < info.min or values.max() > info.max):
        raise RangeError(f"ordered_sums: a sum does not fit {out.dtype}; use s64")


def fit_sums(x, bits, mode):
    """Fit finished sums to an accumulator of `bits` bits, in place.

    Parameters
    ----------
    x : s32 or s64, any shape. Updated in place; left alone under TRAP.
    bits : int in 2..64; sign included, at most the width of x.
    mode : Overflow; see there.

    Returns
    -------
    (overflows, largest) : int; elements outside the range, and the largest |x| before.

    Exactness
    ---------
    The fit named is the only loss.

    Examples
    --------
    200, -200, 5 in 8 bits: wrap -56, 56, 5; saturate 127, -128, 5; 2 overflows, largest 200.
    """
    check_between("fit_sums", "bits", bits, 2, 8 * x.itemsize)
    mode = Overflow(mode)
    lo, hi = code_range(bits, symmetric=mode is Overflow.SATURATE_SYMMETRIC)
    overflows = int(np.count_nonzero((x < lo) | (x > hi)))
    largest = max(int(x.max()), -int(x.min())) if x.size else 0
    if mode is Overflow.WRAP:
        store("fit_sums", x, wrap(x.astype(np.int64), bits))
    elif mode is not Overflow.TRAP:
        store("fit_sums", x, clip(x, lo, hi))
    return overflows, largest
