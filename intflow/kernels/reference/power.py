"""Codes that are powers of two."""

import numpy as np

from ...formats.rounding import shiftexp
from .primitives import same_shape, store


def requantize_to_power(out, x, rshift, largest):
    """out = sign(x) * 2**min(k(x) - rshift, largest), k(x) = round(log2 |x|); 0 below 2**0.

    Parameters
    ----------
    out : s8 or s16, the shape of x. Overwritten.
    x : any signed width.
    rshift : int; what brings x to the step of out.
    largest : int >= 0; exponent of the largest code.

    Raises
    ------
    RangeError : 2**largest does not fit out (the jit kernel trusts the caller).

    Examples
    --------
    rshift = 2, largest = 3: x = -23 (k = 5) -> -8; 3 (k = 2) -> 1; 2 (k = 1) -> 0; 900 -> 8.
    """
    same_shape("requantize_to_power", out, x)
    codes = [_power(int(v), rshift, largest) for v in x.ravel()]
    store("requantize_to_power", out, np.array(codes, object).reshape(x.shape))


def _power(value, rshift, largest):
    if value == 0 or shiftexp(abs(value)) < rshift:
        return 0
    size = 1 << min(shiftexp(abs(value)) - rshift, largest)
    return size if value > 0 else -size
