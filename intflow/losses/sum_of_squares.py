"""Half the sum of squared differences to a one-hot target."""

import numpy as np

from ..formats import Fixed, Tensor
from .loss import Loss, count_wrong


class SumOfSquares(Loss):
    """E = 1/2 sum (y - onehot)**2; its error is y - onehot, exact.  [WAGE SSE]

    y : (N, O) wide, step 2**-F; the target 1 is the code 2**F.
    """

    name = "sse"

    def __call__(self, kernels, y, labels):
        codes = y.codes.astype(np.int64)
        codes[np.arange(len(labels)), labels] -= 1 << y.format.frac_bits
        fmt = Fixed(64, y.format.frac_bits, symmetric=True)       # y and 1 are far below 2**62
        total = kernels.sum_squares(codes)
        return Tensor(codes, fmt, y.axes), (total, 2 * fmt.frac_bits + 1), count_wrong(y, labels)
