"""Exact arithmetic on integer arrays, and the checks that make the reference a definition.

An array is int64 where a bound says that every intermediate fits 62 bits, otherwise it holds
Python integers (dtype object): the same formulas mean the same on both.
"""

import numpy as np

from ...errors import RangeError, ShapeError, UsageError
from ...formats.rounding import Rounding


def bits_of(x):
    """Bits of the largest magnitude in x; 0 for zeros and for an empty array.

    Examples
    --------
    [-128, 127]: 8.
    """
    if x.size == 0:
        return 0
    return max(int(x.max()), -int(x.min()), 0).bit_length()


def exact(x, spare=0):
    """x as int64 where |x| * 2**spare < 2**62, otherwise as Python integers."""
    return x.astype(np.int64 if bits_of(x) + spare <= 62 else object)


def same_shape(kernel, *arrays):
    """Raise ShapeError unless all arrays have one shape."""
    shapes = [a.shape for a in arrays]
    if any(shape != shapes[0] for shape in shapes):
        got = ", ".join(map(str, shapes))
        raise ShapeError(f"{kernel} expects arrays of one shape, got {got}")


def check_fits(kernel, value, dtype):
    """Raise RangeError unless the integer `value` is one of the dtype."""
    info = np.iinfo(dtype)
    if not info.min <= value <= info.max:
        raise RangeError(
            f"{kernel}: {value} does not fit {np.dtype(dtype).name} ({info.min}..{info.max})"
        )


def check_clip(kernel, lo, hi, dtype):
    """Raise RangeError unless lo <= hi, both integers of the dtype."""
    check_fits(kernel, lo, dtype)
    check_fits(kernel, hi, dtype)
    if lo > hi:
        raise RangeError(f"{kernel} expects lo <= hi, got {lo} and {hi}")


def check_between(kernel, name, value, lo, hi):
    """Raise RangeError unless lo <= value <= hi."""
    if not lo <= value <= hi:
        raise RangeError(f"{kernel} expects {name} in {lo}..{hi}, got {value}")


def store(kernel, out, values):
    """out[...] = values; RangeError where one does not fit out's width."""
    values = np.asarray(values)
    if values.size:
        check_fits(kernel, int(values.min()), out.dtype)
        check_fits(kernel, int(values.max()), out.dtype)
    out[...] = values


def clip(x, lo, hi):
    """min(max(x, lo), hi), also on Python integers."""
    return np.minimum(np.maximum(x, lo), hi)


def shift_left(x, lshift):
    """x * 2**lshift, exact, lshift >= 0."""
    return exact(x, lshift) * (1 << lshift) if lshift <= 62 else x.astype(object) * (1 << lshift)


def round_shift(x, rshift, rounding):
    """x * 2**-rshift rounded to integers; exact where rshift <= 0.

    Examples
    --------
    x = 192, rshift = 7 (1.5): floor 1, half_even 2. x = 3, rshift = -2: 12.
    """
    if rshift <= 0:
        return shift_left(x, -rshift)
    return round_divide(x, 1 << rshift, rounding)


def round_divide(x, denominator, rounding):
    """x / denominator rounded to integers, denominator >= 1, by any rounding but STOCHASTIC.

    Examples
    --------
    x = -7, denominator = 2: floor -4, toward_zero -3, half_up -3, half_away -4, half_even -4.
    x = 1, denominator = 4: half_up 0, jam 1, gemmlowp 1.
    """
    wide = bits_of(x) <= 60 and denominator.bit_length() <= 60
    n, d = x.astype(np.int64 if wide else object), denominator
    sign = np.where(n < 0, -1, 1)
    match Rounding(rounding):
        case Rounding.FLOOR:
            return n // d
        case Rounding.TOWARD_ZERO:
            return sign * (abs(n) // d)
        case Rounding.HALF_UP:
            return (2 * n + d) // (2 * d)
        case Rounding.HALF_AWAY:
            return sign * ((2 * abs(n) + d) // (2 * d))
        case Rounding.HALF_EVEN | Rounding.HALF_ODD:
            quotient = n // d
            rest, wanted = 2 * (n - quotient * d), int(rounding == Rounding.HALF_ODD)
            up = (rest > d) | ((rest == d) & (quotient % 2 != wanted))
            return quotient + up
        case Rounding.JAM:
            quotient = n // d
            return quotient + ((quotient * d != n) & (quotient % 2 == 0))
        case Rounding.HALF_DOWN:
            return -((d - 2 * n) // (2 * d))
        case Rounding.HALF_TOWARD_ZERO:
            return -sign * ((d - 2 * abs(n)) // (2 * d))
        case Rounding.GEMMLOWP:
            return n if d == 1 else round_divide((n + 1) // 2, _half(d), Rounding.HALF_AWAY)
    raise UsageError(
        "requantize takes a deterministic rounding, got stochastic; use stochastic_update"
    )


def _half(denominator):
    """Half of a power of two; gemmlowp knows no other denominator."""
    if denominator & (denominator - 1):
        raise UsageError(
            f"gemmlowp rounds shifts, got a division by {denominator}; take another rounding"
        )
    return denominator // 2
