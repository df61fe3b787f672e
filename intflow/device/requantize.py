"""Requantisation by a multiplier, as gemmlowp and TFLite compute it: y = x * M * 2**-rshift.

M is a fraction in Q31: the integer `multiplier` in 0..2**31 - 1 stands for multiplier / 2**31. So
one half is 2**30, and a right shift by n is multiplier 2**30 with rshift n - 1. Two ways are in
use, and they differ in the last bit:

    double_rounding    a high multiply that rounds (half up), then a shift that rounds (half away)
    single_rounding    the exact product, rounded once (half up)

Everything is exact in s64: |x * multiplier| < 2**62. Arguments are integer arrays or ints of 32
bits; results are s32 and saturate.
"""

import numpy as np

from ..errors import RangeError

S32_MIN, S32_MAX = -2**31, 2**31 - 1
FARTHEST_LEFT, FARTHEST_RIGHT = -30, 31


def doubling_high_multiply(a, b):
    """The high half of 2 * a * b, rounded half up: floor((a * b + 2**30) / 2**31), saturated.

    Parameters
    ----------
    a, b : s32, shapes that broadcast.

    Exactness
    ---------
    Saturates in one case: -2**31 times itself would be 2**31 and gives 2**31 - 1.

    Notes
    -----
    gemmlowp's SaturatingRoundingDoublingHighMul, also NEON's VQRDMULH. It adds 2**30 to a product
    >= 0 and 1 - 2**30 to a negative one and divides towards zero: ties go up for both signs, so
    that is the floor above.

    Examples
    --------
    a = 3, b = 2**30 (one half): 1.5 -> 2; a = -3: -1.5 -> -1.
    """
    a, b = _s32("a", a), _s32("b", b)
    return _saturated((a * b + (1 << 30)) >> 31)


def rounding_divide_by_pot(x, exponent):
    """x / 2**exponent, rounded half away from zero.

    Parameters
    ----------
    x : s32, any shape. exponent : int or integers in 0..31 of a shape that broadcasts.

    Notes
    -----
    gemmlowp's RoundingDivideByPOT.

    Examples
    --------
    exponent 1: x = 3 -> 2, x = -3 -> -2. exponent 2: x = 5 -> 1, x = 6 -> 2, x = -6 -> -2.
    """
    x = _s32("x", x)
    exponent = _within("exponent", exponent, 0, 31)
    half = (np.int64(1) << exponent) >> 1
    return _saturated(np.where(x < 0, -((-x + half) >> exponent), (x + half) >> exponent))


def double_rounding(x, multiplier, rshift):
    """x * multiplier * 2**(-31 - rshift), rounded twice.

    Parameters
    ----------
    x : s32, any shape.
    multiplier : int or integers in 0..2**31 - 1, one for all or one a channel (it broadcasts).
    rshift : int or integers in -30..31; where negative, x is shifted left first and saturates
        (where the public code would overflow).

    Notes
    -----
    TFLite's MultiplyByQuantizedMultiplier without TFLITE_SINGLE_ROUNDING; its shift is -rshift.

    Examples
    --------
    x = 1, multiplier = 2**30, rshift = 1 (1/4): 1/2 rounds to 1, 1/2 again to 1. Result 1.
    """
    x, multiplier, rshift = _checked(x, multiplier, rshift)
    shifted = _saturated(x << np.maximum(-rshift, 0))
    return rounding_divide_by_pot(
        doubling_high_multiply(shifted, multiplier), np.maximum(rshift, 0)
    )


def single_rounding(x, multiplier, rshift):
    """x * multiplier * 2**(-31 - rshift), rounded once, half up, and saturated.

    Parameters are those of `double_rounding`.

    Notes
    -----
    TFLite's MultiplyByQuantizedMultiplier with TFLITE_SINGLE_ROUNDING.

    Examples
    --------
    x = 1, multiplier = 2**30, rshift = 1: 1/4 rounds to 0.
    """
    x, multiplier, rshift = _checked(x, multiplier, rshift)
    total = 31 + rshift                                     # 1..62
    return _saturated((x * multiplier + (np.int64(1) << (total - 1))) >> total)


def _checked(x, multiplier, rshift):
    return (_s32("x", x), _within("multiplier", multiplier, 0, S32_MAX),
            _within("rshift", rshift, FARTHEST_LEFT, FARTHEST_RIGHT))


def _s32(name, x):
    return _within(name, x, S32_MIN, S32_MAX)


def _within(name, x, lo, hi):
    """x as s64, or RangeError unless it holds integers in lo..hi."""
    x = np.asarray(x)
    if x.dtype.kind not in "iu":
        raise RangeError(f"{name} holds integers in {lo}..{hi}, got {x.dtype}")
    if x.size and not (lo <= int(x.min()) and int(x.max()) <= hi):
        raise RangeError(f"{name} lies in {lo}..{hi}, got {int(x.min())}..{int(x.max())}")
    return x.astype(np.int64)


def _saturated(x):
    return np.minimum(np.maximum(x, S32_MIN), S32_MAX).astype(np.int32)
