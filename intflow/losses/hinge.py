"""Squared hinge: every output on its side of a margin."""

import numpy as np

from ..errors import RangeError
from ..formats import Fixed, Tensor
from .loss import Loss, count_wrong


class SquaredHinge(Loss):
    """E = 1/2 sum max(0, 1 - t y)**2, t = +1 at the label and -1 elsewhere; its error is
    -t * max(0, 1 - t y), exact.  [QNN hinge]

    y : (N, O) wide, step 2**-F; the margin 1 is the code 2**F.

    Raises
    ------
    RangeError : outputs of 62 bits and more.

    Examples
    --------
    F = 2, y = 3, -6, label 0: t y = 3, 6 against a margin of 4: errors -1, 0; loss 1/2 * (1/4)**2.
    """

    name = "hinge"

    def __call__(self, kernels, y, labels):
        margin = 1 << max(y.format.frac_bits, 0)
        if y.format.frac_bits < 0 or max(y.format.maximum, margin).bit_length() > 61:
            raise RangeError(f"the hinge loss takes outputs of 0 to 61 fraction bits below 62 bits, "
                             f"got {y.format}; put a Requantize or a batch norm behind the last layer")
        target = np.full(y.codes.shape, -1, np.int64)
        target[np.arange(len(labels)), labels] = 1
        error = -target * np.maximum(0, margin - target * y.codes.astype(np.int64))
        fmt = Fixed(64, y.format.frac_bits, symmetric=True)
        total = kernels.sum_squares(error)
        return Tensor(error, fmt, y.axes), (total, 2 * fmt.frac_bits + 1), count_wrong(y, labels)
