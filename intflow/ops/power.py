"""Powers of two: codes whose product is a shift."""

from ..formats import Tensor
from ..kernels.buffers import ACTIVATIONS, empty


def requantize_to_power(kernels, x, fmt):
    """AP2(x) at the format `fmt`, 0 below its step, 1 at most.  [QNN LogQuant]

    A code +-2**j stands for a sign and an exponent; its product with another operand is a shift.

    Examples
    --------
    fmt Q0.2, steps of 1/4: 0.7 -> AP2 = 1/2, code 2; 0.1 -> 1/8, below the step: 0; 1.9 -> 1, code 4.
    """
    out = empty(x.codes.shape, fmt.dtype, ACTIVATIONS)
    rshift = x.format.frac_bits - fmt.frac_bits
    kernels.requantize_to_power(out, x.codes, rshift, fmt.frac_bits)
    return Tensor(out, fmt, x.axes)
