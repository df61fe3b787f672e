"""Ranges from data, in integers: which power of two the step of a format is.

Lingo: the *top* of a tensor is a bit length, |code| < 2**top for all codes but a stated share of
them. Nothing here knows a float: published numbers come as integers of up to 62 bits.
"""

import numpy as np

from .. import ops
from ..formats import Fixed, Rounding, Tensor, round_shift

GUARD_BITS = 8          # of squared errors, below the finest step that is compared


def top_of(kernels, x, share=0):
    """The least bit length that all codes have, but a share of them.  [FAQ range]

    share : Fraction of the codes that may lie outside; 0 for none.

    Examples
    --------
    Codes 1, 2, 3, 100: 7; with a share of 1/4: 2.
    """
    outside = int(x.codes.size * share)
    top = kernels.max_abs(x.codes).bit_length()
    while top and kernels.count_outside(x.codes, 1 - (1 << top - 1), (1 << top - 1) - 1) <= outside:
        top -= 1
    return top


def format_for(x, top, bits, signed):
    """Fixed of `bits` whose range ends where that of codes of x below 2**top does.

    Where all are zero (top 0) nothing says how fine the step is; the range then ends at 1.

    Examples
    --------
    x at step 2**-12, top 14 (values below 4), 8 unsigned bits: step 4 / 256.
    """
    frac_bits = bits - signed - (top - x.format.frac_bits if top else 0)
    return Fixed(bits, frac_bits, bool(signed), bool(signed))


def format_that_holds(kernels, x, bits):
    """Symmetric Fixed of `bits` with the finest power-of-two step at which no code saturates.

    Examples
    --------
    Largest |x| 100 at step 1, 8 bits: step 1; 127.6 would round to 128, so step 2.
    """
    largest = kernels.max_abs(x.codes)
    maximum = (1 << bits - 1) - 1
    rshift = largest.bit_length() - (bits - 1)
    if largest and round_shift(largest, rshift, Rounding.HALF_EVEN) > maximum:
        rshift += 1
    frac_bits = x.format.frac_bits - rshift if largest else bits - 1
    return Fixed(bits, frac_bits, symmetric=True)


def finer(fmt, steps):
    """[fmt, and the same with a step of 1/2, 1/4, ...], `steps` in all."""
    return [Fixed(fmt.bits, fmt.frac_bits + k, fmt.signed, fmt.symmetric) for k in range(steps)]


def least_squares(kernels, x, candidates):
    """The candidate that loses least: smallest sum of squared differences.  [FAQ mse]

    candidates : list of Fixed; the first of equals is taken.

    Exactness
    ---------
    x is first rounded half even to GUARD_BITS below the finest step compared; the sums are exact.
    """
    finest = max(fmt.frac_bits for fmt in candidates) + GUARD_BITS
    if finest < x.format.frac_bits:
        x = ops.requantize(kernels, x, Fixed(62, finest, symmetric=True), Rounding.HALF_EVEN)
    return min(candidates, key=lambda fmt: squared_error(kernels, x, fmt))


def squared_error(kernels, x, fmt):
    """Sum of (x - its nearest number of fmt)**2, in units of x's step squared; a Python int.

    x is at a step no coarser than that of fmt.
    """
    codes = ops.requantize(kernels, x, fmt, Rounding.HALF_EVEN).codes.astype(np.int64)
    return kernels.sum_squares(x.codes - (codes << x.format.frac_bits - fmt.frac_bits))


def multipliers(kernels, a, bits, significant):
    """One factor a channel, of `significant` bits each, at one step for the layer.  [FAQ batch norm]

    a : Tensor C, up to 62 bits.
    significant : bits of a factor with its sign; the factors are then aligned to `bits` bits,
        where those much smaller than the largest lose their last.

    Examples
    --------
    3 significant bits: 1.3 and 0.3 become 1.5 (3 at 1/2) and 0.25 (1 at 1/4).
    """
    short = [_shortened(int(code), significant - 1) for code in a.codes]
    short = Tensor(np.array(short, np.int64), a.format, a.axes)
    return ops.requantize(kernels, short, format_that_holds(kernels, short, bits),
                          Rounding.HALF_EVEN)


def _shortened(code, bits):
    """The nearest integer with `bits` significant bits."""
    rshift = max(0, code.bit_length() - bits)
    return round_shift(code, rshift, Rounding.HALF_EVEN) << rshift
