"""Gates of recurrent cells as tables of 256 integers, made of integers alone.

An entry i stands for z = (i - 128) * step: 1/16 for the sigmoid, 1/32 for tanh. e**-v comes from its
series in Python integers at 2**-SERIES_BITS, so that every machine has the same tables.
"""

from functools import cache

import numpy as np

SERIES_BITS = 64
ENTRIES = 256
EMPTY = np.empty(0, np.int32)
EMPTY.flags.writeable = False       # as tables are: one type, one compilation


@cache
def sigmoid_table(frac_bits):
    """round(2**F / (1 + e**-z)), half up; s32 (256,).

    Examples
    --------
    F = 8: entry 128 (z = 0) is 128, entry 144 (z = 1) is 187: 256 * 0.731059 = 187.15.
    """
    return _table(lambda i: _logistic(i - 128, 16, frac_bits))


@cache
def tanh_table(frac_bits):
    """round(2**F * tanh z) = 2 sigmoid(2 z) - 1; s32 (256,).

    Examples
    --------
    F = 8: entry 160 (z = 1) is 195: 256 * 0.761594 = 194.97.
    """
    # 2 sigmoid - 1 to one place more, then rounded: half up for z and for -z.
    return _table(lambda i: (_logistic(i - 128, 16, frac_bits + 9) - (1 << frac_bits + 8) + 128) >> 8)


def _table(entry):
    table = np.array([entry(i) for i in range(ENTRIES)], np.int32)
    table.flags.writeable = False
    return table


def _logistic(numerator, denominator, frac_bits):
    """round(2**frac_bits / (1 + e**-(numerator / denominator))), half up."""
    one = 1 << SERIES_BITS
    small = _exponential(abs(numerator), denominator)
    top = one if numerator >= 0 else small
    return ((top << frac_bits + 1) + one + small) // (2 * (one + small))


def _exponential(numerator, denominator):
    """e**-(numerator / denominator) at 2**-SERIES_BITS: 1 / e**(1 / denominator) to a power."""
    one = 1 << SERIES_BITS
    total = term = one
    for n in range(1, 24):                              # 1 / (16**23 23!) is far below a unit
        term //= denominator * n
        total += term
    power = one
    for _ in range(numerator):
        power = power * one // total
    return power
