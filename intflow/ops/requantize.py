"""Wide to narrow: the places where precision is given up, each with a name."""

import numpy as np

from ..formats import Fixed, Rounding, Tensor, shiftexp
from ..kernels.buffers import ACTIVATIONS, ERRORS, MASKS, TEMPORARY, empty, is_planning
from .draws import draws

NO_MASK = np.empty(0, np.uint8)


def requantize(kernels, x, fmt, rounding, address=None, kind=TEMPORARY):
    """x at the format `fmt`: shift by the difference of the steps, round, saturate.

    address : random_streams.Address of x; needed by Rounding.STOCHASTIC alone.
    kind : what the memory is for; see kernels/buffers.py.
    """
    out = empty(x.codes.shape, fmt.dtype, kind)
    rshift = x.format.frac_bits - fmt.frac_bits
    limits = fmt.minimum, fmt.maximum
    if rounding is Rounding.STOCHASTIC:
        _drawn(kernels, out, NO_MASK, x, rshift, limits, address)
    else:
        kernels.requantize(out, x.codes, rshift, rounding, *limits)
    return Tensor(out, fmt, x.axes)


def requantize_masked(kernels, x, fmt, rounding, address=None):
    """`requantize`, and the straight-through mask: 1 where the unrounded x lies within fmt.

    The mask cannot be had from the codes: the largest code also stands for values beyond it.
    """
    out = empty(x.codes.shape, fmt.dtype, ACTIVATIONS)
    mask = empty(x.codes.shape, np.uint8, MASKS)
    rshift = x.format.frac_bits - fmt.frac_bits
    limits = fmt.minimum, fmt.maximum
    if rounding is Rounding.STOCHASTIC:
        _drawn(kernels, out, mask, x, rshift, limits, address)
    else:
        kernels.requantize_masked(out, mask, x.codes, rshift, rounding, *limits)
    return Tensor(out, fmt, x.axes), mask


def requantize_by_maximum(kernels, x, bits, rounding, address=None):
    """x narrowed to `bits`, the step taken from the largest magnitude of the whole tensor.

    Where workers share a batch (`address.group`), from the largest in the tensors of all.

    With n = shiftexp(max|x|) one output step is 2**(n - (bits - 1)) input steps, so that
    2**n becomes full scale; the largest values, up to sqrt(2) * 2**n, saturate. The value is
    kept: the output's frac_bits say what the shift did. All zeros stay zeros, step unchanged.
    """
    largest = kernels.max_abs(x.codes)
    if address is not None:
        largest = address.group.maximum(largest)
    fmt = format_by_maximum(x.format, largest, bits)
    return requantize(kernels, x, fmt, rounding, address, ERRORS)


def format_by_maximum(fmt, largest, bits):
    """The format of `bits` for codes of `fmt` up to `largest`; see `requantize_by_maximum`."""
    if is_planning():
        largest = fmt.maximum           # nobody has seen any; bits drop, as they do nearly always
    rshift = shiftexp(largest) - (bits - 1) if largest else 0
    return Fixed(bits, fmt.frac_bits - rshift, symmetric=True)


def _drawn(kernels, out, mask, x, rshift, limits, address):
    """Stochastic; where no bit drops nothing is drawn, and any rounding will do."""
    if rshift > 0:
        drawn = draws(kernels, x, address)
        kernels.requantize_drawn(out, mask, x.codes, rshift, *limits, *drawn)
    elif mask.size:
        kernels.requantize_masked(out, mask, x.codes, rshift, Rounding.FLOOR, *limits)
    else:
        kernels.requantize(out, x.codes, rshift, Rounding.FLOOR, *limits)
