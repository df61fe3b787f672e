"""What every loss is."""

import numpy as np


class Loss:
    """loss(kernels, y, labels) -> (error, (total, frac_bits), wrong).

    y : Tensor (N, O); labels : (N,) integers.
    error : Tensor, dE/dy, wide, not yet narrowed.
    total, frac_bits : the batch's summed loss is total * 2**-frac_bits, an integer until reported.
    wrong : images whose largest output is not their label.
    """

    name = None

    def __call__(self, kernels, y, labels):
        raise NotImplementedError


def count_wrong(y, labels):
    """Images whose first largest output is not their label."""
    return int(np.count_nonzero(y.codes.argmax(axis=1) != labels))
