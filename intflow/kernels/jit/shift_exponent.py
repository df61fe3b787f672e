"""Powers of two on vectors: round(log2 m) by one count of zeros, shifts by any number of places."""

from math import isqrt

import numpy as np
from llvmlite import ir
from numba import njit
from numba.extending import intrinsic

from .primitives import SERIAL, above, add, as_unsigned, maximum, minimum, shl, sra, sub

BELOW_ROOT = np.uint64(isqrt(2 << 126))     # floor(sqrt(2) * 2**63)
FARTHEST = 62


@intrinsic
def leading_zeros(typingctx, x):
    """Zero bits above the highest one of x > 0, in the type of x."""
    def codegen(context, builder, signature, args):
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))

    return x(x), codegen


@njit(inline="always", **SERIAL)
def exponent(m):
    """round(log2 m) of an s64 from 1; 0 for 0. Scaled to 64 bits, m is compared with sqrt(2)."""
    m = as_unsigned(maximum(m, 1))
    zeros = leading_zeros(m)
    return add(sub(np.int64(63), zeros), above(shl(m, zeros), BELOW_ROOT))


@njit(inline="always", **SERIAL)
def rounded(x, rshift):
    """x * 2**-rshift of an s64 below 2**61, half up; a left shift where rshift < 0."""
    right = minimum(maximum(rshift, 0), FARTHEST)
    half = sra(shl(np.int64(1), right), 1)
    return sra(add(shl(x, maximum(sub(np.int64(0), rshift), 0)), half), right)
