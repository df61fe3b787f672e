"""Signs drawn for weights; those of activations stand in bitwise.py."""

import numpy as np

from ..errors import FormatError
from ..formats import Binary, Tensor
from .bitwise import pack
from .draws import draws


def binarize_weight_drawn(kernels, master, address):
    """+1 with probability clip((w + 1) / 2, 0, 1), else -1; packed.  [QNN stochastic sign]

    +1 where w + 2**F > R, R the first F + 1 bits of a draw.

    Examples
    --------
    F = 2, code 3 (3/4): +1 for R = 0 to 6 of 8.
    """
    drawn, width = draws(kernels, master, address)
    bits = master.format.frac_bits + 1
    if not 0 < bits <= min(width, 31):
        raise FormatError(f"stochastic signs draw {min(width, 31)} bits, {master.format} takes {bits}")
    limits = (drawn >> np.uint32(width - bits)).astype(np.int32) - (1 << (bits - 1))
    codes = np.where(master.codes > limits, np.int8(1), np.int8(-1))
    return pack(kernels, Tensor(codes, Binary(), master.axes))
