"""The softmax of rows, to base 2 by a table."""

import numpy as np

from ...errors import ShapeError
from .primitives import check_between, exact, shift_left, store

MOST_BITS = 22          # of a probability: its numerator times a reciprocal then fits 62 bits
DEEPEST = 31            # 2**-31 of the largest is nothing in a table of 15 bits


def softmax(out, totals, largest, y, table, factor, drop, rshift, bits):
    """out = round(2**bits * p / sum p) of every row, p = 2**15 * 2**-(max(y) - y) by table and shift.

        u = ((max(y) - y) * factor >> drop) * 2**-rshift, down;   p = table[u mod 256] >> u / 256

    Parameters
    ----------
    out : s32 (N, O). Overwritten.
    totals, largest : s64 (N,), receive sum p and max(y). y : s32 or s64 (N, O).
    table : s64 (256,); 2**15 * 2**-(j / 256).
    factor, drop : log2(e) is factor * 2**-drop.
    rshift : int; from the step of y to 1/256, negative to the left.
    bits : int in 1..22; of the probabilities.

    Raises
    ------
    RangeError : (max - min of all y) * factor, or its shift, does not fit 62 bits.

    Examples
    --------
    y = 0, 0, table[0] = 2**15, bits = 15: out = 16384, 16384; total 65536.
    """
    if out.shape != y.shape or totals.shape != y.shape[:1] or largest.shape != totals.shape:
        raise ShapeError(f"softmax fills {y.shape}, got {out.shape} and {totals.shape}")
    check_between("softmax", "bits", bits, 1, MOST_BITS)
    wide = exact(y, 1)
    most = wide.max(axis=1)
    u = exact(most[:, None] - wide, factor.bit_length()) * factor >> drop
    u = u >> rshift if rshift >= 0 else shift_left(u, -rshift)
    check_between("softmax", "bits of u", int(u.max()).bit_length() if u.size else 0, 0, 62)
    u = u.astype(np.int64)
    p = table[u & 255] >> np.minimum(u >> 8, DEEPEST)
    total = p.sum(axis=1)
    store("softmax", largest, most)
    store("softmax", totals, total)
    store("softmax", out, ((p << bits + 1) + total[:, None]) // (2 * total[:, None]))
