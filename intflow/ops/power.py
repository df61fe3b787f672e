"""Powers of two: codes whose product is a shift."""

from ..formats import Tensor
from ..kernels.buffers import ACTIVATIONS, empty


def requantize_to_power(kernels, x, fmt):
    """AP2(x) at the format `fmt`, 0 below its step, its largest code at most.  [QNN LogQuant]

    fmt : PowerOfTwo. The codes are +-2**j, not words of a sign and an exponent: a product of bytes is
        one instruction, and equals the shifts of shift_products.py.

    Examples
    --------
    PowerOfTwo(3), steps of 1/4: 0.7 -> AP2 = 1/2, code 2; 0.1 -> 1/8, below the step: 0; 1.9 -> 1, code 4.
    """
    out = empty(x.codes.shape, fmt.dtype, ACTIVATIONS)
    rshift = x.format.frac_bits - fmt.frac_bits
    kernels.requantize_to_power(out, x.codes, rshift, fmt.highest - fmt.lowest)
    return Tensor(out, fmt, x.axes)
