"""Wide to narrow: the places where precision is given up, each with a name."""

import numpy as np

from ..formats import Fixed, Tensor, shiftexp


def requantize(kernels, x, fmt, rounding):
    """x at the format `fmt`: shift by the difference of the steps, round, saturate."""
    out = np.empty(x.codes.shape, fmt.dtype)
    rshift = x.format.frac_bits - fmt.frac_bits
    kernels.requantize(out, x.codes, rshift, rounding, fmt.minimum, fmt.maximum)
    return Tensor(out, fmt, x.axes)


def requantize_masked(kernels, x, fmt, rounding):
    """`requantize`, and the straight-through mask: 1 where the unrounded x lies within fmt.

    The mask cannot be had from the codes: the largest code also stands for values beyond it.
    """
    out = np.empty(x.codes.shape, fmt.dtype)
    mask = np.empty(x.codes.shape, np.uint8)
    rshift = x.format.frac_bits - fmt.frac_bits
    kernels.requantize_masked(out, mask, x.codes, rshift, rounding, fmt.minimum, fmt.maximum)
    return Tensor(out, fmt, x.axes), mask


def requantize_by_maximum(kernels, x, bits, rounding):
    """x narrowed to `bits`, the step taken from the largest magnitude of the whole tensor.

    With n = shiftexp(max|x|) one output step is 2**(n - (bits - 1)) input steps, so that
    2**n becomes full scale; the largest values, up to sqrt(2) * 2**n, saturate. The value is
    kept: the output's frac_bits say what the shift did. All zeros stay zeros, step unchanged.
    """
    largest = kernels.max_abs(x.codes)
    rshift = shiftexp(largest) - (bits - 1) if largest else 0
    fmt = Fixed(bits, x.format.frac_bits - rshift, symmetric=True)
    return requantize(kernels, x, fmt, rounding)
