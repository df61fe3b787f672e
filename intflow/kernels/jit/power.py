"""Codes that are powers of two: a count of zeros and a shift an element."""

import numpy as np
from numba import njit

from .primitives import (
    SERIAL, above, bxor, flat, launch, maximum, minimum, mul, narrowed, share, shl,
    sign_bits, sub,
)
from .shift_exponent import exponent


def requantize_to_power(out, x, rshift, largest, ntask):
    """One parallel pass."""
    n = out.size
    launch(_power_part, n, ntask, flat(out, n), flat(x, n), rshift, largest)


@njit(**SERIAL)
def _power_part(out, x, rshift, largest, task, ntask):
    i, j = share(out.size, task, ntask)
    out, x = out[i:j], x[i:j]
    for i in range(out.size):
        v = np.int64(x[i])
        sign = sign_bits(v)
        size = sub(bxor(v, sign), sign)
        k = sub(exponent(size), rshift)
        some = mul(above(size, 0), above(k, -1))
        code = mul(shl(np.int64(1), minimum(maximum(k, 0), largest)), some)
        out[i] = narrowed(sub(bxor(code, sign), sign), out)
