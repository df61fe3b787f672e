"""Numbers left out at random."""

from dataclasses import replace

import numpy as np

from ..formats import Fixed, Rounding, Tensor
from ..kernels.buffers import ACTIVATIONS, MASKS, empty, is_planning
from .bitwise import unpack
from .draws import draws
from .requantize import requantize


def dropout_format(fmt, bits):
    """Format of codes of `fmt` at `bits` more fraction bits."""
    fmt = fmt.grid
    if isinstance(fmt, Fixed):
        return replace(fmt, bits=fmt.bits + bits, frac_bits=fmt.frac_bits + bits)
    return Fixed(2 + bits, fmt.frac_bits + bits, symmetric=True)        # binary


def dropout(kernels, x, parts, bits, address):
    """x with zeros in the place of parts / 2**bits of its elements, and the mask of the others.

    An element is left out where the first `bits` bits of its random number are below `parts`.

    Returns
    -------
    (Tensor at `dropout_format`, u8 mask)

    Examples
    --------
    parts 1, bits 2: a random number below 2**30 leaves out; 5 at step 1 stays as 20 at step 1/4.
    """
    x = unpack(kernels, x)
    wide = requantize(kernels, x, dropout_format(x.format, bits), Rounding.FLOOR)   # left shift
    drawn, width = draws(kernels, x, address)
    mask = empty(x.shape, np.uint8, MASKS)
    if not is_planning():
        np.greater_equal(drawn, np.uint32(parts << width - bits), out=mask.view(bool))
    kernels.apply_mask(wide.codes, wide.codes, mask)
    return wide, mask


def dropout_mean(kernels, x, parts, bits):
    """What `dropout` makes of x on average: x * (1 - parts / 2**bits), exact."""
    fmt, codes = dropout_format(x.format, bits), unpack(kernels, x).codes
    out = empty(codes.shape, fmt.dtype, ACTIVATIONS)
    if not is_planning():
        np.multiply(codes, fmt.dtype.type((1 << bits) - parts), out=out, dtype=fmt.dtype)
    return Tensor(out, fmt, x.axes)
