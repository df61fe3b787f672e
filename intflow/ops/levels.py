"""Between grids whose steps are no powers of two: one short multiplier for the whole tensor."""

import numpy as np

from ..errors import FormatError
from ..formats import Fixed, Tensor
from ..kernels.buffers import ACTIVATIONS, MASKS, WEIGHTS, empty
from .channels import multiply_by
from .linear_algebra import accumulator
from .requantize import NO_MASK

SHORT_BITS = 16
PLAIN_BITS = 8


def requantize_levels(kernels, x, fmt, rounding, ratio=None, masked=True):
    """(x at the format `fmt`, the straight-through mask): scaled by a ratio, rounded, saturated.

    ratio : Fraction; codes of fmt for one of x. By the steps of both where left out.
    masked : False where no mask is wanted, as of weights; it is None then.

    Exactness
    ---------
    One rounding where the ratio is p / 2**n with p of 16 bits, as from fixed point to a grid; else p is
    the nearest of 16 bits. The mask is exact.

    Examples
    --------
    x = 2048 at step 2**-12 into 4 bits of step 1/15: 2048 * 15 / 4096 = 7.5, half even 8.
    """
    ratio = x.format.step / fmt.step if ratio is None else ratio      # edge: Fractions, exact
    p, rshift = short_fraction(ratio)
    lo = -(-fmt.minimum * ratio.denominator // ratio.numerator)
    hi = fmt.maximum * ratio.denominator // ratio.numerator
    if ((max(abs(lo), abs(hi)) + 1) * p).bit_length() > 62:
        raise FormatError(f"codes of {x.format} are too fine for the grid {fmt}; use fewer bits, or "
                          "a batch norm before it")
    out = empty(x.codes.shape, fmt.dtype, ACTIVATIONS if masked else WEIGHTS)
    mask = empty(x.codes.shape, np.uint8, MASKS) if masked else NO_MASK
    kernels.requantize_levels(out, mask, x.codes, lo, hi, p, rshift, rounding,
                              fmt.minimum, fmt.maximum)
    return Tensor(out, fmt, x.axes), mask if masked else None


def short_fraction(ratio, bits=SHORT_BITS):
    """(p, n) of the nearest p / 2**n with p of at most `bits` bits and n >= 0.

    Examples
    --------
    15/4096: (15, 12). 16/15 in 8 bits: (137, 7) since 16/15 * 128 = 136.5.
    """
    n = ratio.denominator.bit_length() - 1
    if ratio.denominator == 1 << n and ratio.numerator.bit_length() <= bits:
        return ratio.numerator, n
    n = max(0, bits + ratio.denominator.bit_length() - ratio.numerator.bit_length())
    while n and _nearest(ratio, n).bit_length() > bits:
        n -= 1
    return _nearest(ratio, n), n


def _nearest(ratio, n):
    top = ratio.numerator << n
    return (2 * top + ratio.denominator) // (2 * ratio.denominator)


def slope_error(kernels, e, fmt):
    """e before a grid, where the layers behind took its codes for steps of 2**-frac_bits.

    With L levels up to 2**top the grid is worth L / 2**n of that, and so is its slope: exact, one
    multiplication by L. The identity for formats without a factor.

    Examples
    --------
    levels(2): e = 8 at step 1 becomes 24 at step 1/4.
    """
    return e if fmt.factor == 1 else multiply_by(kernels, e, *_inverse(fmt.factor))


def _inverse(factor):
    """(L, n): 1 / factor = L / 2**n, of a factor of `formats.levels`."""
    return factor.denominator, factor.numerator.bit_length() - 1


def plain_format(fmt):
    """The format of `plain` codes."""
    return fmt if fmt.factor == 1 else accumulator(fmt, _multiplier(fmt.factor)[0], 1)


def plain(kernels, x, fmt):
    """x, codes of fmt or errors at them, times its factor in 8 bits: in steps that are powers of two.

    Examples
    --------
    levels(4), of factor 16/15: times 137 / 2**7.
    """
    return x if fmt.factor == 1 else multiply_by(kernels, x, *_multiplier(fmt.factor)[1])


def _multiplier(factor):
    """(its format, (p, n)) of a factor."""
    p, n = short_fraction(factor, PLAIN_BITS)
    return Fixed(p.bit_length() + 1, n, symmetric=True), (p, n)
