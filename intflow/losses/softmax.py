"""Cross-entropy behind a softmax, in integers and base 2."""

from math import isqrt

import numpy as np

from ..errors import RangeError
from ..formats import Fixed, Tensor
from ..kernels.buffers import ERRORS, empty, is_planning
from .loss import Loss, count_wrong

PROBABILITY_BITS = 15
TABLE_BITS = 8
LOG2_E = 1477           # log2(e) * 2**10, rounded
LOG2_E_BITS = 10
MOST_CLASSES = (1 << 16) - 1    # 2**15 each
LN_2 = 45426            # ln(2) * 2**16, rounded


def exponential_table():
    """round(2**15 * 2**(-j / 256)) for j = 0..255, from integer square roots alone.

    2**(-1/2) .. 2**(-1/256) come from eight square roots at 2**60; the rest are products.

    Examples
    --------
    j = 128: 2**15 / sqrt(2) = 23170.47 -> 23170.
    """
    one = 1 << 60
    root, powers = one >> 1, []
    for _ in range(TABLE_BITS):
        root = isqrt(root * one)
        powers.append(root)
    table = []
    for j in range(1 << TABLE_BITS):
        value = one
        for bit, power in enumerate(reversed(powers)):
            if j >> bit & 1:
                value = value * power >> 60
        table.append((value + (1 << 44)) >> 45)
    return np.array(table, np.int64)


TABLE = exponential_table()


class SoftmaxCrossEntropy(Loss):
    """E = -ln p[label], p = softmax(y); its error is p - onehot at 15 fraction bits.

    For outputs of step 2**-F: d = max(y) - y; u = (d * 1477) >> 10 is d * log2(e);
    p' = TABLE[first 8 fraction bits of u] >> (integer bits of u); p = round(2**15 * p' / sum p').
    """

    name = "softmax"

    def __call__(self, kernels, y, labels):
        frac_bits = y.format.frac_bits
        fmt = Fixed(32, PROBABILITY_BITS, symmetric=True)
        error = empty(y.codes.shape, np.int32, ERRORS)
        if is_planning():
            return Tensor(error, fmt, y.axes), (0, 16), 0
        _check_spread(y.codes, frac_bits)
        totals, largest = np.empty((2, len(y.codes)), np.int64)
        kernels.softmax(error, totals, largest, y.codes, TABLE, LOG2_E, LOG2_E_BITS,
                        frac_bits - TABLE_BITS, PROBABILITY_BITS)
        rows = np.arange(len(labels))
        error[rows, labels] -= 1 << PROBABILITY_BITS
        loss = _nats(totals, largest - y.codes[rows, labels], frac_bits)
        return Tensor(error, fmt, y.axes), (loss, 16), count_wrong(y, labels)


def _check_spread(codes, frac_bits):
    """RangeError where max(y) - y, times log2(e) or summed in units of 2**-16, leaves 64 bits, or the
    sum of a row's exponentials 31."""
    if codes.shape[1] > MOST_CLASSES:
        raise RangeError(f"the softmax loss takes up to {MOST_CLASSES} classes, got {codes.shape[1]}; "
                         "use fewer, such as a smaller --vocabulary")
    spread = (int(codes.max()) - int(codes.min())).bit_length()
    bits = spread + max(LOG2_E.bit_length(), 16 - frac_bits + len(codes).bit_length())
    if bits > 62:
        raise RangeError(
            f"outputs {spread} bits apart need {bits} in the softmax loss and there are 62; put a "
            "Requantize behind the last layer"
        )


def _nats(total, below, frac_bits):
    """Sum over images of ln(total / 2**15) + below, in units of 2**-16."""
    logs = (_log2(total) - (PROBABILITY_BITS << 16)) * LN_2 >> 16
    return int((logs + _shifted(below, frac_bits - 16)).sum())


def _shifted(values, rshift):
    """values * 2**-rshift, rounded down; nothing is shifted left that is shifted right again."""
    return values >> rshift if rshift >= 0 else values << -rshift


def _log2(values):
    """log2 of positive int64 below 2**31 in units of 2**-16, rounded down, by repeated squaring."""
    whole = np.array([int(v).bit_length() - 1 for v in values], np.int64)
    mantissa = values << (30 - whole)                       # [2**30, 2**31)
    fraction = np.zeros_like(values)
    for _ in range(16):
        mantissa = mantissa * mantissa >> 30
        carry = mantissa >> 31
        fraction = fraction << 1 | carry
        mantissa >>= carry
    return (whole << 16) | fraction
