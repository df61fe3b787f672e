"""Local response normalisation: every value against the squares of its neighbour channels.

Lingo: s the sum of squares in the window of channels, T a fixed-point number k + alpha/n * s of
`offset`'s step, r the power T**-beta read from a table with linear interpolation.
"""

import numpy as np

from ...errors import ShapeError
from ...formats.rounding import Rounding
from .primitives import bits_of, round_shift, same_shape, store

KNOTS = 256             # entries of the table for one power of two, and one that ends it
FRACTION = 16           # bits of T behind its leading one that count; the others drop


def local_response_norm(out, x, table, size, factor, rshift, offset, first):
    """out = x * r(T), T = offset + half_up(s * factor * 2**-rshift).

    The leading bit of T, of weight 2**t, chooses row t - first of the table; the 8 bits behind it
    choose a = table[row, i] and b = table[row, i + 1]; the next 8, j, stand between them:
    r = a - half_up((a - b) * j / 256).

    Parameters
    ----------
    out : (..., C) s32 or s64. Overwritten.
    x : the shape of out, at most 16 bits.
    table : (rows, 257) s32, falling along its rows.
    size : int >= 1; channels c - size // 2 .. c + (size - 1) // 2 are summed, those that exist.
    factor, rshift : int >= 0; every s * factor is below 2**62.
    offset : int >= 2**16.
    first : int; position of the leading bit that row 0 stands for, that of offset or lower.

    Raises
    ------
    ShapeError : a T beyond the table. RangeError : a result does not fit out.

    Examples
    --------
    A row 0 of 1000, 996, ...: T = 2**16 + 128 is half way between its first two entries, r = 998.
    """
    same_shape("local_response_norm", out, x)
    r = _powers(_sums(x, size), table, factor, rshift, offset, first)
    wide = bits_of(x) + bits_of(r) <= 62
    kind = np.int64 if wide else object
    store("local_response_norm", out, x.astype(kind) * r.astype(kind))


def _sums(x, size):
    """s of every element, int64."""
    squares, channels = x.astype(np.int64) ** 2, x.shape[-1]
    total = np.zeros(x.shape, np.int64)
    for c in range(channels):
        start, stop = max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1)
        total[..., c] = squares[..., start:stop].sum(axis=-1)
    return total


def _powers(s, table, factor, rshift, offset, first):
    """r of every s."""
    values = offset + round_shift(s * factor, rshift, Rounding.HALF_UP)
    r = np.empty(s.shape, np.int64)
    for index, value in np.ndenumerate(values):
        value = int(value)
        lead = value.bit_length() - 1
        if not 0 <= lead - first < len(table):
            raise ShapeError(
                f"local_response_norm: the table has {len(table)} rows from bit {first}, a sum "
                f"needs bit {lead}"
            )
        i, j = divmod((value >> (lead - FRACTION)) & ((1 << FRACTION) - 1), KNOTS)
        a, b = (int(v) for v in table[lead - first, i:i + 2])
        r[index] = a - (((a - b) * j + KNOTS // 2) // KNOTS)
    return r
