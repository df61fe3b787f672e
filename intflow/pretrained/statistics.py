"""Batch-norm statistics corrected by what quantisation did to a layer's sums.  [FAQ statistics]

    mean'      = mean + (mean of the integer layer's sums - mean of the published layer's)
    variance'  = variance * (variance of the integer layer's sums / that of the published layer's)

both over the same images, channel by channel. The stored statistics stay the base: those of a few
images alone lack the augmentation of the training. What the published layer does is measured on an
integer network of many bits, so that the result is the same on every machine.
"""

import numpy as np

from .. import ops
from ..formats import Fixed, Rounding
from ..quantizers.published import Published
from ..quantizers.ranges import format_for, format_that_holds, top_of

MANY = 14               # bits of the network that stands for the published one
IN_CACHE = 1 << 12      # rows whose temporary arrays stay in the cache
FARTHEST = 16           # a ratio of variances beyond this is a channel of rounding errors


class ManyBits(Published):
    """Weights, activations and multipliers of many bits, all signed, that nothing saturates in."""

    name = "many-bits"
    batch_norm = "affine"
    weights = Fixed(MANY, MANY - 1, symmetric=True)
    activation_bits = MANY

    def encode_weight(self, kernels, name, w, place):
        fmt = self.keep(f"{name}.weight", format_that_holds(kernels, w, MANY))
        return ops.requantize(kernels, w, fmt, Rounding.HALF_EVEN)

    def range_of(self, kernels, x, bits, nonnegative, place):
        return format_for(x, top_of(kernels, x), bits, True)


def corrected(own, here, published):
    """The tensors of a batch norm with its mean and variance corrected.

    Parameters
    ----------
    own : {"gamma", "beta", "mean", "variance": (C,)}
    here, published : (mean, variance), float64 (C,); of the integer and of the published layer.

    Examples
    --------
    mean 1; sums with mean 3 and variance 2 here, 2.5 and 1 published: mean 1.5, variance doubled.
    """
    (mean, variance), (published_mean, published_variance) = here, published
    known = (variance > 0) & (published_variance > 0)
    ratio = np.where(known, variance, 1) / np.where(known, published_variance, 1)
    ratio = np.clip(ratio, 1 / FARTHEST, FARTHEST)
    mean = own["mean"] + (mean - published_mean)
    return {**own, "mean": mean, "variance": own["variance"] * ratio}


def moments(x, factor=1):
    """(mean, variance) of every channel of x / factor, float64, from exact integer sums.

    x : Tensor HWNC or NC; factor : (C,) or 1.

    Examples
    --------
    Codes 1, 3 at step 1/2: mean 1, variance 1/4.
    """
    codes = x.codes.reshape(-1, x.codes.shape[-1])
    total, squares, count = *channel_sums(codes), len(codes)
    step = float(x.format.step) / factor
    mean = np.array([t / count for t in total]) * step
    variance = np.array([(count * s - t * t) / count ** 2 for t, s in zip(total, squares)])
    return mean, variance * step * step


def channel_sums(codes):
    """Exact (sums, sums of squares) of every column, lists of Python ints.

    codes : integers (rows, C), |codes| < 2**60.

    Exactness
    ---------
    c = h 2**k + l with halves of about the same width, so c**2 = h**2 4**k + 2 h l 2**k + l**2, and
    each of the three is summed in 64 bits over as many rows as that allows.
    """
    bits = max(1, int(codes.max(initial=0)), -int(codes.min(initial=0))).bit_length() + 1
    half, rows = bits // 2, min(1 << 61 - bits, IN_CACHE)
    total, squares = [0] * codes.shape[1], [0] * codes.shape[1]
    for first in range(0, len(codes), rows):
        part = codes[first:first + rows].astype(np.int64)
        high, low = part >> half, part & (1 << half) - 1
        sums = [(p.sum(axis=0), lshift) for p, lshift in (
            (high * high, 2 * half), (high * low, half + 1), (low * low, 0))]
        total = [t + int(s) for t, s in zip(total, part.sum(axis=0))]
        for column_sums, lshift in sums:
            squares = [t + (int(s) << lshift) for t, s in zip(squares, column_sums)]
    return total, squares
